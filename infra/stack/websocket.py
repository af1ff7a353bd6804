"""WebSocket connections that threads share.

A connection is read and written in one event loop, whichever thread asks for it: while one thread waits in the `read`
of an `SSLSocket`, what another one writes may never be sent, and both wait for ever.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import threading
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, Self, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK

_T = TypeVar("_T")


class Connection:
    """A client's connection; it ends with its `with` block, or once it is closed."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        trust: str | None = None,
        open_within_s: float = 10.0,
        close_within_s: float = 10.0,
    ) -> None:
        """Connects: `trust` is the file of certificates that are trusted, where the URL is `wss`.

        Raises:
            OSError: nobody is there, or did not answer in time (`TimeoutError`).
            websockets.exceptions.WebSocketException: the server refused.
        """
        secure = ssl.create_default_context(cafile=trust) if url.startswith("wss") else None
        # Without pings: who gets no processor for a while, on a busy machine, is not gone.
        how: dict[str, Any] = {"additional_headers": headers, "max_size": None, "proxy": None, "ping_interval": None}

        async def connected() -> ClientConnection:
            return await connect(url, ssl=secure, open_timeout=open_within_s, close_timeout=close_within_s, **how)

        self._connection = _run(connected())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, text: str) -> None:
        """Sends a message; it fails with `ConnectionClosed` once the connection has ended."""
        _run(self._connection.send(text))

    def recv(self) -> str | bytes:
        """The next message; it fails with `ConnectionClosed` once the connection has ended."""
        return _run(self._connection.recv())

    def __iter__(self) -> Iterator[str | bytes]:
        """Each message, until the connection is closed; it fails with `ConnectionClosedError` if it is cut."""
        try:
            while True:
                yield self.recv()
        except ConnectionClosedOK:
            return

    def close(self) -> None:
        """Says that it ends, and ends it."""
        _run(self._connection.close())

    def cut(self) -> None:
        """Ends it and says nothing, as a lost network does."""

        async def abort() -> None:
            self._connection.transport.abort()

        _run(abort())


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="websockets", daemon=True).start()
    return loop
