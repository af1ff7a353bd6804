"""Follows a DR's checklist while its photos go up and are looked at, as the app does.

The checklist is asked for with the ETag of the one that is known, so that what has not changed is not sent again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import urllib3

from .api import Api

Checklist = dict[str, Any]
_EVERY_S = 1.0
#: How long the last look may take.
_LAST_WITHIN_S = 40.0


class Follower:
    """Asks for one DR's checklist every second, and tells each change."""

    def __init__(self, api: Api, dr_number: str, tell: Callable[[Checklist], None]) -> None:
        self._api = api
        self._path = f"/drs/{dr_number}"
        self._tell = tell
        self._tag = ""
        self._last: Checklist | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Follower:
        """It follows from its making on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is told any more."""
        self._ended.set()

    def end(self) -> Checklist | None:
        """The checklist as it is now; it is the last one."""
        self._ended.set()
        self._thread.join(_LAST_WITHIN_S)
        self._look()
        return self._last

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
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
