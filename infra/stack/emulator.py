"""Starts the local AWS: ministack behind the strict layer, from the stack's virtual environment."""

from __future__ import annotations

import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import environment, stop, tls
from .errors import StackError
from .paths import INFRA
from .process import Process
from .tools import python

_PROGRAM = INFRA / "emulator.py"
_STARTS_WITHIN_S = 120.0
_TRIES = 3


@dataclass(frozen=True)
class Emulator:
    """A running emulator. `trust` is a bundle with its certificate, if it speaks TLS."""

    process: Process
    endpoint: str
    trust: str | None


def start(folder: Path, *, auth: bool) -> Emulator:
    """Starts an emulator on a free port. Somebody may take the port before it does, so a few are tried."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    certificate = tls.make(scratch) if auth else None
    for _ in range(_TRIES):
        endpoint = f"{'https' if certificate else 'http'}://127.0.0.1:{free_port()}"
        variables = environment.emulator(endpoint, scratch)
        if certificate:
            variables |= environment.enforcing(certificate)
        process = Process([str(python()), str(_PROGRAM)], folder / "logs" / "emulator.log", variables)
        if _wait(process, endpoint):
            return Emulator(process, endpoint, str(certificate.bundle) if certificate else None)
        process.stop()
    raise StackError(f"The emulator did not start:\n{process.last_lines()}\n", f"All of its log is in {process.log}.")


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: Process, endpoint: str) -> bool:
    whoever = ssl._create_unverified_context()  # it only waits for somebody to answer
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline and process.running():
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/ready", timeout=2, context=whoever):
                return True
        except (urllib.error.URLError, OSError):
            stop.wait(0.05)
    return False
