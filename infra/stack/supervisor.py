"""Runs one program and makes sure that it, and all that it starts, ends.

`supervisor.py LOG PROGRAM ARGUMENT…` (LOG may be "-": the standard output) leads a process group of
its own. It ends all of it when its standard input closes, which happens whenever whoever holds the
other end is gone, killed or not; and when the program ends by itself. Where the system can (Linux),
what the program started in other process groups ends too, and the program is also killed with its
supervisor.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

#: Time to end in order before the whole group is killed.
GRACE_S = 1.0
_PR_SET_PDEATHSIG = 1
_PROCESSES = "/proc"
_PR_SET_CHILD_SUBREAPER = 36
#: Rounds of looking for descendants: those of one round may start others before they are killed.
_ROUNDS = 5


def main() -> int:
    """Runs until either end of the pair is gone."""
    log, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: _end(None))
    _prctl(
        _PR_SET_CHILD_SUBREAPER, 1
    )  # what loses its parent becomes a child of this process, and is found
    output = None if log == "-" else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        preexec_fn=_die_with_parent,
    )
    threading.Thread(target=_wait_for_orphanage, args=(child,), daemon=True).start()
    child.wait()
    _end(child)
    return 1


def _wait_for_orphanage(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    _end(child)


def _end(child: subprocess.Popen[bytes] | None) -> None:
    """Ends everything that descends from this process, and this process with it."""
    if child is not None and child.poll() is None:
        child.terminate()
        deadline = time.monotonic() + GRACE_S
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    for _ in range(_ROUNDS if os.path.isdir(_PROCESSES) else 0):
        left = _descendants()
        for process in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if not left:
            break
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _descendants() -> list[int]:
    """The living processes below this one."""
    children: dict[int, list[int]] = {}
    for process in (name for name in os.listdir(_PROCESSES) if name.isdecimal()):
        with suppress(OSError):
            with open(f"{_PROCESSES}/{process}/stat") as stat:
                status, parent = stat.read().rpartition(")")[2].split()[:2]
            if status not in "ZX":
                children.setdefault(int(parent), []).append(int(process))
    found, next_ones = [], [os.getpid()]
    while next_ones:
        next_ones = [child for parent in next_ones for child in children.get(parent, [])]
        found += next_ones
    return found


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    try:
        ctypes.CDLL(None).prctl(option, value)
    except (AttributeError, OSError):
        pass  # not Linux


if __name__ == "__main__":
    sys.exit(main())
