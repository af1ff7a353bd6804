"""Installs the pinned tools into infra/.tools, one virtual environment for each set that can live together.

# Invariants
- A set is installed when its requirements file has changed since the last complete install, and not otherwise.
- Nothing outside infra/.tools is touched.
"""

from __future__ import annotations

import hashlib
import os
import sys
import venv
from pathlib import Path

from . import stop
from .errors import StackError
from .paths import INFRA, TOOLS, exclusive
from .process import run
from .say import say

#: Set of tools: its virtual environment. aws-sam-cli and the emulator want different versions of botocore.
_HOMES = {
    "stack": "venv",
    "checks": "venv-checks",
    "contract": "venv-contract",
    "watch": "venv-watch",
    "node": "venv-node",
    # Beside the stack, whose tests drive the browser.
    "browser": "venv",
    "ocr": "venv-ocr",
    "pillow": "venv-pillow",
}


def python(tools: str = "stack") -> Path:
    """The interpreter of a set of tools, installed or not."""
    return TOOLS / _HOMES[tools] / "bin" / "python"


def program(tools: str, name: str) -> Path:
    """A program of a set of tools."""
    return python(tools).parent / name


def ensure(tools: str) -> Path:
    """Installs a set of tools unless it stands already; gives its interpreter."""
    requirements = INFRA / f"requirements-{tools}.txt"
    with exclusive(f"install-{tools}"):
        if not _stands(tools, requirements):
            _install(tools, requirements)
    return python(tools)


def enter(arguments: list[str]) -> None:
    """Goes on inside the stack's virtual environment; comes back only if it is there already."""
    inside = ensure("stack")
    if Path(sys.prefix).resolve() != inside.parent.parent.resolve():
        stop.hold_signals()
        os.execv(inside, [str(inside), str(INFRA / "local"), *arguments])


def _stands(tools: str, requirements: Path) -> bool:
    stamp = _stamp(tools)
    return python(tools).exists() and stamp.exists() and stamp.read_text() == _digest(requirements)


def _install(tools: str, requirements: Path) -> None:
    home = TOOLS / _HOMES[tools]
    say(f"Installing the pinned tools of {requirements.name} into {home} (once) …")
    if not python(tools).exists():
        venv.create(home, with_pip=True, symlinks=True)
    command = [str(python(tools)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = run([*command, "--requirement", str(requirements)])
    if done.returncode != 0:
        raise StackError(
            f"pip could not install {requirements.name}.",
            "Its message is above; it needs a package index to be reachable.",
        )
    _stamp(tools).write_text(_digest(requirements))


def _stamp(tools: str) -> Path:
    return TOOLS / _HOMES[tools] / f".installed-{tools}"


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
