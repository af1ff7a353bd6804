"""The sample DRs: photos that the project draws itself, kept in infra/.tools/samples until their drawing changes."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from .build import binary
from .errors import StackError
from .paths import REPO, SAMPLES, exclusive
from .process import run
from .say import say

#: DR numbers of the samples and how many photos each has.
NAMED = {"DR1730550": 16, "DR1733758": 7, "DR1734014": 13}


def named(dr_numbers: list[str]) -> dict[str, Path]:
    """The folders of these sample DRs; what is missing is drawn."""
    with exclusive("samples"):
        _forget_outdated()
        missing = [dr for dr in dr_numbers if not (SAMPLES / f"{dr}.truth.json").exists()]
        if missing:
            photos = sum(NAMED.get(dr, 0) for dr in missing)
            say(f"Drawing {photos} sample photos of 12 megapixels (once) …")
            make(SAMPLES, *missing)
    return {dr: SAMPLES / dr for dr in dr_numbers}


def make(out: Path, *arguments: str) -> None:
    """Runs sample-photos."""
    out.mkdir(parents=True, exist_ok=True)
    command = [str(binary("sample-photos")), "--out", str(out), *arguments]
    done = run(command, capture=True)
    if done.returncode != 0:
        raise StackError(f"sample-photos failed: {done.stderr.strip() or done.stdout.strip()}")


def _forget_outdated() -> None:
    stamp, digest = SAMPLES / ".drawn-by", _digest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(SAMPLES, ignore_errors=True)
        SAMPLES.mkdir(parents=True)
        stamp.write_text(digest)


def _digest() -> str:
    """Of the drawing's source, not of its binary, which changes with every build."""
    digest = hashlib.sha256()
    for source in sorted((REPO / "tests" / "samples").rglob("*")):
        if source.is_file():
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()
