"""Starts the local AWS: ministack, from the stack's virtual environment."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import environment
from .errors import StackError
from .process import Process
from .tools import program

_STARTS_WITHIN_S = 30.0
_TRIES = 3


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    process: Process
    endpoint: str


def start(folder: Path, *, auth: bool) -> Emulator:
    """Starts an emulator on a free port. Somebody may take the port before it does, so a few are tried."""
    for _ in range(_TRIES):
        port = free_port()
        scratch = folder / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        process = Process(
            [str(program("stack", "ministack"))],
            folder / "logs" / "emulator.log",
            environment.emulator(port, scratch, auth=auth),
        )
        endpoint = f"http://127.0.0.1:{port}"
        if _wait(process, endpoint):
            return Emulator(process, endpoint)
        process.stop()
    raise StackError(f"The emulator did not start:\n{process.last_lines()}\n", f"All of its log is in {process.log}.")


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: Process, endpoint: str) -> bool:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline and process.running():
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/ready", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return False
