"""Packages the functions: target/lambda/<name>/bootstrap, as the template's CodeUri wants it, and a zip beside it.

# Invariants
- A package is made again only when its binary has changed.
- The same binary gives the same zip, byte for byte, so its digest tells whether the code has changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .build import FUNCTIONS, binary
from .errors import StackError
from .paths import PACKAGES, exclusive
from .process import run


@dataclass(frozen=True)
class Package:
    """A function's zipped code."""

    function: str
    zip_file: Path
    digest: str


def package_all() -> list[Package]:
    """Packages every function."""
    with exclusive("package"):
        return [_package(function) for function in FUNCTIONS]


def _package(function: str) -> Package:
    source, zip_file, stamp = binary(function), PACKAGES / f"{function}.zip", PACKAGES / f"{function}.json"
    status = source.stat()
    made_of = {"source": str(source), "bytes": status.st_size, "modified_ns": status.st_mtime_ns}
    known = json.loads(stamp.read_text()) if stamp.exists() and zip_file.exists() else {}
    if known.get("made_of") != made_of:
        bootstrap = PACKAGES / function / "bootstrap"
        _copy_stripped(source, bootstrap)
        _zip(bootstrap, zip_file)
        known = {"made_of": made_of, "digest": hashlib.sha256(zip_file.read_bytes()).hexdigest()}
        stamp.write_text(json.dumps(known))
    return Package(function, zip_file, known["digest"])


def _copy_stripped(source: Path, bootstrap: Path) -> None:
    """Debug symbols are most of a debug binary, and nobody reads them here."""
    bootstrap.parent.mkdir(parents=True, exist_ok=True)
    if shutil.which("strip"):
        if run(["strip", "-s", "-o", str(bootstrap), str(source)]).returncode != 0:
            raise StackError(f"strip could not read {source}.", "Its message is above.")
    else:
        shutil.copyfile(source, bootstrap)
    bootstrap.chmod(0o755)


def _zip(bootstrap: Path, zip_file: Path) -> None:
    """Stored, not compressed: it travels over loopback only. A fixed time stamp keeps the bytes the same."""
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(zip_file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(entry, bootstrap.read_bytes())
