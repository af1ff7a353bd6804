"""Ends a command within seconds of Ctrl-C, SIGTERM or SIGHUP, whatever it waits for.

# Invariants
- Every wait of the stack is one of `wait`, of a program in `process`, or of a future of `workers`:
  all end at once.
- The first signal is the last that counts: tidying up is not interrupted.
- Who has not tidied up after `_TIDY_WITHIN_S` is ended the hard way, with all its programs, even
  if its main thread is inside a call that no signal interrupts.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
#: Below the five seconds that are promised.
_TIDY_WITHIN_S = 2.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_stopped = threading.Event()
_undisturbed = False
_at_last: list[Callable[[], None]] = []


def on_signals() -> None:
    """Has the signals end this process.

    A shell that starts a program in the background may have it ignore Ctrl-C; not here.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, writer), daemon=True).start()
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def hold_signals() -> None:
    """Keeps signals until `on_signals`: before that, after an exec, they would end it unsaid."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def at_last(end: Callable[[], None]) -> None:
    """Has this done before the process is ended the hard way."""
    _at_last.append(end)


def wait(seconds: float) -> None:
    """Sleeps; raises KeyboardInterrupt as soon as the command is to end."""
    if _stopped.wait(seconds):
        raise KeyboardInterrupt


def requested() -> bool:
    """Whether the command is to end."""
    return _stopped.is_set()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Has a signal wait for the end of a short block: a program is started and known, or not."""
    global _undisturbed
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _undisturbed = True
    asked_before = _stopped.is_set()
    try:
        yield
    finally:
        _undisturbed = False
    if _stopped.is_set() and not asked_before:
        raise KeyboardInterrupt


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leaves whatever the main thread does, once."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _stopped.set()
    if not _undisturbed:
        raise KeyboardInterrupt


def _watch(reader: socket.socket, _writer: socket.socket) -> None:
    """Sees signals even while the main thread can't."""
    while (number := reader.recv(1)) and number[0] not in _SIGNALS:
        continue
    _stopped.set()
    time.sleep(_TIDY_WITHIN_S)
    for end in _at_last:
        end()
    os._exit(INTERRUPTED)
