"""What is known of a stack on disk: infra/.stacks/<name>/.

# Invariants
- Who runs a stack holds the lock on its folder, its process id inside; the lock goes with the process, however that
  ends.
- `stack.json` describes the running stack; without the lock it is a leftover, good only for cleaning up.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from typing import IO

from .errors import StackError
from .paths import STACKS
from .process import kill_group, run

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,30}$")


@dataclass
class Description:
    """A running stack, as other processes need it."""

    owner_pid: int
    endpoint: str
    outputs: dict[str, str]
    vlm_url: str
    vlm_model: str
    vlm_simulated: bool
    code: str
    trust: str | None
    timing: str
    #: Whether it stays up for others to use; a stack that only serves one evaluation ends under its guests' feet.
    kept: bool = False
    #: Who gives tokens, where callers bring them; without one they sign.
    issuer: str | None = None
    groups: list[int] = field(default_factory=list)


class Folder:
    """A stack's folder."""

    def __init__(self, name: str) -> None:
        if not _NAME.match(name):
            raise StackError(f"{name!r} is no name for a stack.", "Take lower-case letters, digits and dashes.")
        self.name = name
        self.path = STACKS / name
        self._lock: IO[str] | None = None

    def acquire(self) -> bool:
        """Takes the lock and clears what a killed predecessor left; false if somebody else runs this stack."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        self._clear()
        return True

    def release(self) -> None:
        """Gives the stack's name free. Its logs stay."""
        self._clear()
        if self._lock:
            self._lock.close()
            self._lock = None

    def write(self, description: Description) -> None:
        """Tells other processes about the stack."""
        (self.path / "stack.json").write_text(json.dumps(asdict(description), indent=2))

    def running(self) -> Description | None:
        """The running stack of this name, if there is one and it is ready."""
        described = self.described()
        if described is None or not (self.path / "lock").exists():
            return None
        with (self.path / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                # What a killed predecessor wrote is not about the one who holds the lock now.
                return described if lock.read() == str(described.owner_pid) else None
        return None

    def described(self) -> Description | None:
        """What stack.json says, true or left over."""
        try:
            return Description(**json.loads((self.path / "stack.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _clear(self) -> None:
        described = self.described()
        for group in described.groups if described else []:
            if _is_ours(group):
                kill_group(group)
        (self.path / "stack.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / "scratch", ignore_errors=True)


def names() -> list[str]:
    """The stacks that have ever run here."""
    return sorted(path.name for path in STACKS.iterdir() if path.is_dir()) if STACKS.is_dir() else []


def _is_ours(group: int) -> bool:
    """Whether a process group is still one of a stack: its number may belong to somebody else by now."""
    listing = run(["ps", "-A", "-o", "pgid=,args="], capture=True).stdout
    members = (line.strip().split(None, 1) for line in listing.splitlines())
    marks = (str(STACKS), "ministack", "simulated-vlm")
    return group != os.getpgrp() and any(
        int(number) == group and any(mark in command[0] for mark in marks) for number, *command in members if command
    )
