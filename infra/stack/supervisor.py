"""Runs one program and makes sure that it, and all that it starts, ends.

`supervisor.py LOG PROGRAM ARGUMENT…` (LOG may be "-": the standard output) leads a process group of its own. It ends
the whole group when its standard input closes, which happens whenever whoever holds the other end is gone, killed or
not; and when the program ends by itself. Where the system can (Linux), the program is also killed with its supervisor.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

#: Time to end in order before the whole group is killed.
GRACE_S = 1.0
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Runs until either end of the pair is gone."""
    log, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: _end(None))
    output = None if log == "-" else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent
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
    """Ends everything in the group, this process with it."""
    if child is not None and child.poll() is None:
        child.terminate()
        deadline = time.monotonic() + GRACE_S
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _die_with_parent() -> None:
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (AttributeError, OSError):
        pass  # not Linux


if __name__ == "__main__":
    sys.exit(main())
