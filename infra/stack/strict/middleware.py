"""Stands before the whole emulator, as an ASGI application around another: answers the layer's own routes, and counts
each call with its bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from . import call as calls
from . import control
from .call import Call
from .layer import Layer

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

#: The emulator's own routes.
_OWN = "/_ministack/"
_REFUSED = 400


def around(application: Application, layer: Layer) -> Application:
    """The emulator with the layer before it."""

    async def layered(scope: Message, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or path.startswith(_OWN):
            await application(scope, receive, send)
        elif path.startswith(control.PREFIX):
            await _control(layer, scope, receive, send)
        else:
            await _counted(application, layer, scope, receive, send)

    return layered


async def _counted(
    application: Application, layer: Layer, scope: Message, receive: Receive, send: Send
) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    call = calls.of_request(scope["method"], scope["path"], query, scope.get("headers", []))
    calls.current.set(call)
    begun = time.monotonic()
    await application(scope, _received(call, receive), _sent(call, send))
    layer.meter.called(call)
    if call.service == "execute-api":
        layer.watch.answered(call.resource, call.status, (time.monotonic() - begun) * 1000)


def _received(call: Call, receive: Receive) -> Receive:
    async def received() -> Message:
        message = await receive()
        call.request_bytes += len(message.get("body", b""))
        return message

    return received


def _sent(call: Call, send: Send) -> Send:
    async def sent(message: Message) -> None:
        call.status = message.get("status", call.status)
        call.failed |= message.get("status", 0) >= _REFUSED
        call.response_bytes += len(message.get("body", b""))
        await send(message)

    return sent


async def _control(layer: Layer, scope: Message, receive: Receive, send: Send) -> None:
    query = scope.get("query_string", b"").decode("latin-1")
    status, said = control.answer(layer, scope["method"], scope["path"], query, await _body(receive))
    body = b"" if said is None else json.dumps(said).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
