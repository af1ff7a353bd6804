"""Clients of the WebSocket API, as an app or a page has them."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from harness import Harness
from websockets.exceptions import ConnectionClosed

from stack.environment import REGION
from stack.websocket import Connection

_PATIENCE_S = 120.0
_CREDENTIALS = Credentials("test", "test")

Message = dict[str, Any]


def address(harness: Harness) -> str:
    """Where the WebSocket API is."""
    endpoint = harness.stack.description.endpoint.replace("http", "ws", 1)
    return f"{endpoint}/_aws/execute-api/{harness.stack.outputs['EventsApiId']}/live"


def dial(
    harness: Harness,
    *,
    signed: bool = True,
    token: str | None = None,
    by_query: bool = False,
    credentials: Credentials = _CREDENTIALS,
) -> Connection:
    """A connection, signed or with a token; whoever has it closes it."""
    url = address(harness)
    if token and by_query:
        url += f"?access_token={token}"
    request = AWSRequest("GET", url.replace("ws", "http", 1))
    if token and not by_query:
        request.headers["authorization"] = f"Bearer {token}"
    elif signed and not token:
        SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    return Connection(url, headers, trust=harness.stack.aws.trust, open_within_s=_PATIENCE_S)


class Watcher:
    """A client that reads all that it is sent."""

    def __init__(self, harness: Harness, token: str | None = None, *, by_query: bool = False) -> None:
        self._socket = dial(harness, token=token, by_query=by_query)
        self._received: list[tuple[float, Message]] = []
        self.closed = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, said: Message | str) -> None:
        """Sends a message."""
        self._socket.send(said if isinstance(said, str) else json.dumps(said))

    def subscribe(self, **what: str) -> None:
        """Watches a DR or an evaluation."""
        self.say({"action": "subscribe", **what})

    def end(self) -> None:
        """Goes."""
        self._socket.close()

    def messages(self) -> list[Message]:
        """All so far, in the order in which they came."""
        return [message for _, message in self._received]

    def times(self) -> list[tuple[float, Message]]:
        """The same, with when each came."""
        return list(self._received)

    def until(self, kind: str, count: int = 1, within_s: float = _PATIENCE_S) -> list[Message]:
        """The messages of a kind, once there are so many."""
        deadline = time.monotonic() + within_s
        while True:
            found = [message for message in self.messages() if message.get("type") == kind]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"no {kind}: {json.dumps(self.messages())[:2000]}"
            time.sleep(0.02)

    def _read(self) -> None:
        try:
            for text in self._socket:
                self._received.append((time.time(), json.loads(text)))
        except ConnectionClosed:
            pass
        finally:
            self.closed.set()


def latest(messages: list[Message]) -> Message:
    """What a client knows of an evaluation that takes a message only if its number is higher than those before."""
    known: Message = {}
    highest = 0
    for message in messages:
        if message.get("sequence", 0) <= highest:
            continue
        highest = message["sequence"]
        match message["type"]:
            case "state":
                known = dict(message["evaluations"][0])
            case "verdict":
                known |= message["evaluation"]
            case "progress":
                known |= {"progress": message["progress"], "status": message["status"]}
            case "photo":
                photo = message["photo"]
                known["photos"] = [photo if one["photo_id"] == photo["photo_id"] else one for one in known["photos"]]
    return known
