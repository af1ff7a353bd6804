"""`infra/local peer`: installs what the benchmarks of photos compare with, pinned, and says where it stands: npm's sharp
on a pinned Node for `bench photos`; with `pillow` what its colours are compared with, with `ocr` a reader for
`bench small-print`.

# Invariants
- Only the standard library is imported, so that the benchmark needs nothing else of the stack.
- What was installed completely from the same lock file is not installed again.
"""

from __future__ import annotations

import argparse
import json

from .. import node, tools
from ..paths import REPO

_SOURCE = REPO / "tests" / "bench" / "sharp"
#: Peers that are Python: a set of tools, and what runs in it.
_WORKERS = {
    "ocr": REPO / "tests" / "bench" / "ocr" / "read.py",
    "pillow": REPO / "tests" / "bench" / "pillow" / "means.py",
}
_FILES = ("package.json", "package-lock.json", "worker.js")


def run(arguments: argparse.Namespace) -> int:
    """Prints `{"program", "worker"}`: the two paths that start the peer's side."""
    if worker := _WORKERS.get(arguments.peer):
        print(json.dumps({"program": str(tools.ensure(arguments.peer)), "worker": str(worker)}))
        return 0
    home = node.packages("sharp", _SOURCE, _FILES)
    print(json.dumps({"program": str(node.program()), "worker": str(home / "worker.js")}))
    return 0
