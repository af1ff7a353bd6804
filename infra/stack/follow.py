"""Follows a DR's checklist while its photos go up and are looked at, as the app does.

The stack's WebSocket tells it as it changes. Without that it is asked for every second, with the ETag of the one that
is known, so that what has not changed is not sent again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import urllib3

from . import stop
from .api import Api
from .live import Live, Message

Checklist = dict[str, Any]
_EVERY_S = 1.0
#: So often while changes are told: one that is lost is seen, too.
_EVERY_WHILE_TOLD_S = 5.0
#: Changes that come together are looked at once.
_TOGETHER_S = 0.1
#: How long the last look may take.
_LAST_WITHIN_S = 40.0


class Follower:
    """Tells each change of one DR's checklist. `connect` has its messages told, if the stack has a WebSocket API."""

    def __init__(
        self,
        api: Api,
        dr_number: str,
        tell: Callable[[Checklist], None],
        connect: Callable[[str, Callable[[Message], None]], Live | None] = lambda *_: None,
    ) -> None:
        self._api = api
        self._path = f"/drs/{dr_number}"
        self._tell = tell
        self._tag = ""
        self._last: Checklist | None = None
        self._ended = threading.Event()
        self._news = threading.Event()
        self._verdict = threading.Event()
        self._live = connect(dr_number, self._told)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Follower:
        """It follows from its making on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is told any more."""
        self._ended.set()
        self._news.set()
        if self._live:
            self._live.close()

    @property
    def is_told(self) -> bool:
        """Whether the WebSocket tells of changes."""
        return self._live is not None and self._live.is_up

    def wait_for_a_verdict(self, seconds: float) -> None:
        """Waits so long, or until one is told; raises KeyboardInterrupt as soon as the command is to end."""
        if not self.is_told:
            stop.wait(seconds)
            return
        waited = 0.0
        while waited < seconds and not self._verdict.wait(_TOGETHER_S):
            stop.wait(0)
            waited += _TOGETHER_S
        self._verdict.clear()

    def end(self) -> Checklist | None:
        """The checklist as it is now; it is the last one."""
        self._ended.set()
        self._news.set()
        self._thread.join(_LAST_WITHIN_S)
        self._look()
        return self._last

    def _told(self, message: Message) -> None:
        if message.get("type") == "verdict":
            self._verdict.set()
        if isinstance(told := message.get("checklist"), dict):
            # It lacks what only the API says of a DR, which the last look brings.
            self._tag, self._last = "", told
            self._tell(told)
        elif message.get("type") == "checklist":
            # It is larger than a message may be.
            self._news.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._news.wait(_EVERY_WHILE_TOLD_S if self.is_told else _EVERY_S)
            if self._ended.wait(_TOGETHER_S):
                return
            self._news.clear()
            self._look()

    def _look(self) -> None:
        """What can't be had now is had the next time: it is shown, and nothing rests on it."""
        known = {"if_none_match": self._tag} if self._tag else {}
        with suppress(urllib3.exceptions.HTTPError):
            answer = self._api.request("GET", self._path, **known)
            if answer.status == 200:
                self._tag = answer.headers.get("etag", "")
                self._last = dict(answer.body)
                self._tell(self._last)
