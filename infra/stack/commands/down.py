"""`infra/local down`: ends a stack that another process keeps."""

from __future__ import annotations

import argparse
import os
import signal
import time
from contextlib import suppress

from .. import stop
from ..errors import StackError
from ..say import say
from ..state import Folder

_ENDS_WITHIN_S = 15.0


def run(arguments: argparse.Namespace) -> int:
    """Tells its process to end, and waits until it has."""
    folder = Folder(arguments.name)
    description = folder.running()
    if description is None:
        say(f"No stack {arguments.name} is up.")
        return 0
    with suppress(ProcessLookupError):
        os.kill(description.owner_pid, signal.SIGTERM)
    deadline = time.monotonic() + _ENDS_WITHIN_S
    while time.monotonic() < deadline:
        if folder.running() is None:
            say(f"The stack {arguments.name} is down.")
            return 0
        stop.wait(0.1)
    raise StackError(
        f"The stack {arguments.name} did not end within {_ENDS_WITHIN_S:.0f} s.",
        f"kill -9 {description.owner_pid} ends it.",
    )
