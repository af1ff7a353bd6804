"""A progress bar on stderr; plain lines where stderr is not a terminal."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress

from .say import say

_WIDTH = 28


class Progress:
    """Progress of several DRs, each in two parts: uploading, then evaluating."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._lock = threading.Lock()
        self._parts: dict[str, tuple[str, int, int, str]] = {}

    def show(self, dr: str, what: str, done: int, total: int, note: str = "") -> None:
        """Says how far a DR has come."""
        with self._lock:
            last = self._parts.get(dr)
            self._parts[dr] = (what, done, total, note)
            if self._terminal:
                self._draw()
            elif last != self._parts[dr] and (
                last is None or last[0] != what or last[3] != note or done == total
            ):
                say(f"  {dr} {what} {done}/{total} {note}".rstrip())

    def close(self) -> None:
        """Leaves the line."""
        if self._terminal and self._parts:
            say("")

    def _draw(self) -> None:
        done = sum(part[1] for part in self._parts.values())
        total = max(1, sum(part[2] for part in self._parts.values()))
        filled = round(_WIDTH * done / total)
        what = next((part for part in self._parts.values() if part[1] < part[2]), None)
        label = f"{what[0]} {what[3]}".strip() if what else "done"
        bar = "█" * filled + "░" * (_WIDTH - filled)
        with suppress(OSError):
            sys.stderr.write(f"\r\x1b[2K  {bar} {done}/{total} {label}")
            sys.stderr.flush()
