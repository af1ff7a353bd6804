"""Threads that hold nobody up.

A `ThreadPoolExecutor` waits for its threads when it is left and once more when the process ends; a
thread that polls, or that waits for a server that never answers, keeps a command from ending. These
are daemons.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")
_Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Workers:
    """So many threads that work off what is submitted, in its order."""

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._count = count
        for _ in range(count):
            threading.Thread(target=self._run, daemon=True).start()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Has a thread do this."""
        future: Future[Result] = Future()
        self._tasks.put((future, work, arguments))
        return future

    def close(self) -> None:
        """Drops what has not begun, and lets the threads go."""
        while not self._tasks.empty():
            if task := self._tasks.get():
                task[0].cancel()
        for _ in range(self._count):
            self._tasks.put(None)

    def _run(self) -> None:
        while task := self._tasks.get():
            future, work, arguments = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work(*arguments))
            except BaseException as error:
                future.set_exception(error)


def all_of(futures: list[Future[Result]]) -> list[Result]:
    """The results in their order, or the first failure as soon as it is there."""
    for done in wait(futures, return_when=FIRST_EXCEPTION).done:
        done.result()
    return [future.result() for future in futures]


def at_once(work: Callable[..., Result], arguments: list[Any]) -> list[Result]:
    """Does it for each argument, all at once."""
    workers = Workers(len(arguments))
    try:
        return all_of([workers.submit(work, argument) for argument in arguments])
    finally:
        workers.close()
