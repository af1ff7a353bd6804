"""A program that runs under a supervisor: it ends when this process ends, however that happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


def kill_group(group: int) -> None:
    """Kills what is left of a process group, if anything is."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class Process:
    """A running program, its output in a log file, or on stderr if there is none."""

    def __init__(self, command: list[str], log: Path | None, environment: dict[str, str]) -> None:
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
        self.log = log
        self._supervisor = subprocess.Popen(
            [sys.executable, "-S", str(_SUPERVISOR), str(log or "-"), *command],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if log else sys.stderr,
            start_new_session=True,
        )

    @property
    def group(self) -> int:
        """The process group of the program and all that it starts."""
        return self._supervisor.pid

    def running(self) -> bool:
        """Whether it still runs."""
        return self._supervisor.poll() is None

    def stop(self) -> None:
        """Ends it and all that it started."""
        if self._supervisor.stdin and not self._supervisor.stdin.closed:
            self._supervisor.stdin.close()
        try:
            self._supervisor.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        kill_group(self.group)

    def last_lines(self, count: int = 5) -> str:
        """The end of its log, for error messages."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log else []
        return "\n".join(f"    {line}" for line in lines[-count:])
