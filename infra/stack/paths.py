"""Where things lie."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INFRA = Path(__file__).resolve().parent.parent
REPO = INFRA.parent
TEMPLATE = REPO / "template.yaml"
#: Of a VLM server of one's own.
VLM_TEMPLATE = INFRA / "vlm" / "template.yaml"
#: vLLM's settings for it.
VLM_SETTINGS = INFRA / "vlm" / "server.yaml"
#: Installed tools and made photos; ignored by git, made again when missing.
TOOLS = INFRA / ".tools"
#: State and logs of the stacks; ignored by git.
STACKS = INFRA / ".stacks"
SAMPLES = TOOLS / "samples"
#: Where the template's CodeUri points.
PACKAGES = REPO / "target" / "lambda"


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Keeps two runs of `infra/local` from installing or packaging the same thing at once."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
