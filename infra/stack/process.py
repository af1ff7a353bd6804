"""Programs that end when this process ends.

`Process` is for what runs on beside us: a supervisor ends it, however this process ends. `run` is
for what we wait for.

# Invariants
- Each leads a process group of its own, so that what it starts ends with it: cargo's compilers, the
  emulator's functions.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from . import stop
from .errors import StackError

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
#: Time to end in order before the whole group is killed.
_GRACE_S = 1.0
#: The supervisor gives a program as much, and then looks for what it started: killed before, it would leave that
#: behind. On a busy machine all this takes long; whoever is to end within seconds does not wait here (`stop`).
_SUPERVISOR_ENDS_WITHIN_S = 30.0
#: For `stdout`.
NOWHERE = subprocess.DEVNULL
#: The process groups of what is waited for. Supervisors see themselves when this process is gone.
_groups: set[int] = set()


def kill_group(group: int) -> None:
    """Kills what is left of a process group, if anything is."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def kill_all() -> None:
    """Kills what is waited for."""
    for group in list(_groups):
        kill_group(group)


def run(
    command: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    capture: bool = False,
    stdout: int | None = None,
    timeout: float | None = None,
    check: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Runs a program and waits for its end; raises with `check` if it failed.

    If the wait is cut short, it ends, and all that it started.
    """
    output = subprocess.PIPE if capture else stdout
    errors = subprocess.PIPE if capture else None
    started: subprocess.Popen[str] | None = None
    try:
        with stop.undisturbed():
            started = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
            _groups.add(started.pid)
        said, complained = started.communicate(timeout=timeout)
    except BaseException:
        if started:
            _end(started)
        raise
    finally:
        if started:
            _groups.discard(started.pid)
    if check and started.returncode != 0:
        raise StackError(f"{Path(command[0]).name} failed.", (complained or "").strip())
    return subprocess.CompletedProcess(command, started.returncode, said, complained)


def _end(started: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(started.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        started.wait(_GRACE_S)
    kill_group(started.pid)
    started.wait()


class Process:
    """A running program, its output in a log file, or on stderr if there is none."""

    def __init__(self, command: list[str], log: Path | None, environment: dict[str, str]) -> None:
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_bytes(b"")
        self.log = log
        with stop.undisturbed():
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

    def let_go(self) -> None:
        """Tells it to end, and does not wait for that."""
        if self._supervisor.stdin and not self._supervisor.stdin.closed:
            self._supervisor.stdin.close()

    def stop(self) -> None:
        """Ends it and all that it started."""
        self.let_go()
        with suppress(subprocess.TimeoutExpired):
            self._supervisor.wait(_SUPERVISOR_ENDS_WITHIN_S)
        kill_group(self.group)
        self._supervisor.wait()

    def last_lines(self, count: int = 5) -> str:
        """The end of its log, for error messages."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log else []
        return "\n".join(f"    {line}" for line in lines[-count:])


def stop_all(processes: Iterable[Process]) -> None:
    """Ends several at once, for together they may take no longer than one."""
    told = list(processes)
    for process in told:
        process.let_go()
    for process in told:
        process.stop()


stop.at_last(kill_all)
