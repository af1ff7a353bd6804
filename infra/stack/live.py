"""A subscription to a DR on a stack's WebSocket API, as an app has it.

Who has one hears of each change at once. Without it, or once it is cut, nothing comes, and who follows polls: the
contents are the same.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from websockets.exceptions import WebSocketException

from .aws import Aws
from .environment import REGION
from .websocket import Connection

Message = dict[str, Any]
_CREDENTIALS = Credentials("test", "test")
#: The first client of a new stack waits for the notifier to start.
_WITHIN_S = 30.0


def address(aws: Aws, outputs: dict[str, str]) -> str | None:
    """Where a local stack's WebSocket API is, if it has one."""
    api = outputs.get("EventsApiId")
    base = aws.endpoint.replace("http", "ws", 1)
    return f"{base}/_aws/execute-api/{api}/live" if api else None


class Live:
    """A connection that tells each message about a DR."""

    def __init__(
        self, url: str, trust: str | None, dr_number: str, told: Callable[[Message], None], token: str | None = None
    ) -> None:
        self._told = told
        self._opened = ExitStack()
        self._is_up = False
        with suppress(OSError, WebSocketException, TimeoutError):
            connection = self._opened.enter_context(_connection(url, trust, token))
            connection.send(json.dumps({"action": "subscribe", "dr_number": dr_number}))
            self._is_up = True
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    @property
    def is_up(self) -> bool:
        """Whether changes are told."""
        return self._is_up

    def close(self) -> None:
        """Nothing is told any more."""
        self._is_up = False
        with suppress(OSError, WebSocketException):
            self._opened.close()

    def _read(self, connection: Connection) -> None:
        with suppress(OSError, WebSocketException, ValueError):
            for text in connection:
                self._told(json.loads(text))
        self._is_up = False


def _connection(url: str, trust: str | None, token: str | None) -> Connection:
    request = AWSRequest("GET", url.replace("ws", "http", 1))
    if token:
        request.headers["authorization"] = f"Bearer {token}"
    else:
        SigV4Auth(_CREDENTIALS, "execute-api", REGION).add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    return Connection(url, headers, trust=trust, open_within_s=_WITHIN_S, close_within_s=1.0)
