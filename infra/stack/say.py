"""What is said to the person: on stderr, so that stdout holds only the result."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def say(text: str) -> None:
    """One line; nobody hears it any more once the terminal is closed, which is no failure."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text: str, quiet_below_s: float = 0.3) -> Iterator[None]:
    """Says that a step has been done and how long it took, if that is worth a line."""
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    if took >= quiet_below_s:
        say(f"  {text} ({took:.1f} s)")
