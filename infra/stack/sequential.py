"""The same photos, asked one after another, for comparison."""

from __future__ import annotations

import json
from typing import Any

from . import environment
from .build import binary
from .errors import StackError
from .photos import Dr
from .process import run as run_program
from .state import Description
from .vlm import secrets


def run(dr: Dr, stack: Description, catalogue: str) -> dict[str, Any]:
    """Runs `bench sequential` on a DR's photos."""
    command = [str(binary("bench")), "sequential", "--vlm-url", stack.vlm_url, "--model", stack.vlm_model]
    command += ["--catalogue", catalogue, *(str(photo) for photo in dr.photos)]
    more = {} if stack.vlm_simulated else secrets()
    done = run_program(command, capture=True, env={**environment.base(), **more})
    if done.returncode != 0:
        raise StackError(f"The sequential comparison failed: {done.stderr.strip()}")
    return dict(json.loads(done.stdout))
