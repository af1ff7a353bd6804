"""Which photos to evaluate: sample DRs by number, or folders and files of one's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from . import samples
from .errors import StackError

_DR = re.compile(r"^[A-Z0-9]{3,20}$")
#: What a phone or a messenger saves photos as. Whatever else lies in a folder is not uploaded.
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif"}


@dataclass(frozen=True)
class Dr:
    """A DR and its photos."""

    number: str
    photos: list[Path]


def find(wanted: list[str], dr_number: str | None) -> list[Dr]:
    """The DRs that the arguments mean, in their order."""
    by_dr: dict[str, list[Path]] = {}
    for argument in wanted or ["DR1730550"]:
        path = Path(argument)
        number = argument.strip().upper()
        if path.exists():
            number = _number_of(path, dr_number)
        elif number in samples.NAMED:
            path = samples.named([number])[number]
        else:
            raise StackError(
                f"There is neither a file or folder nor a sample DR {argument}.",
                f"The samples are {', '.join(samples.NAMED)}.",
            )
        by_dr.setdefault(number, []).extend(_photos(path))
    return [Dr(number, list(dict.fromkeys(photos))) for number, photos in by_dr.items()]


def _number_of(path: Path, dr_number: str | None) -> str:
    folder = path if path.is_dir() else path.parent
    number = (dr_number or folder.resolve().name).strip().upper()
    if not _DR.match(number):
        raise StackError(f"{number} is no DR number.", "Name the folder after the DR, or say --dr DR1730550.")
    return number


def _photos(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())
    if not found:
        raise StackError(f"There are no photos in {path}.", f"It looks for {', '.join(sorted(_SUFFIXES))}.")
    return found
