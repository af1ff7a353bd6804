"""Small servers that answer like a VLM, or badly, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: A status and what is said with it: text, or something to say as JSON. None: there is no answer.
Said = tuple[int, Any] | None

COMPLETION = (
    200,
    {"choices": [{"index": 0, "message": {"content": "yes"}, "finish_reason": "length"}]},
)


@contextmanager
def serving(
    models: list[str] | Said,
    chat: Said,
    *,
    photos: Said | Callable[[bytes], Said] = COMPLETION,
    key: str | None = None,
    key_header: str = "authorization",
    asked: list[str] | None = None,
) -> Iterator[str]:
    """A server's address.

    `models` are those that it lists, or what it says instead; it refuses any other key.
    `chat` is what it says to a request without a photo, `photos` what to one with a photo, maybe by
    what the request is.
    """
    listed = (
        (200, {"object": "list", "data": [{"id": name} for name in models]})
        if isinstance(models, list)
        else models
    )
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self._answer(listed if self._page() == "/v1/models" else (404, "no such page"))

        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["content-length"]))
            of_photos = photos(body) if callable(photos) else photos
            said = of_photos if b"image_url" in body else chat
            asked_here = self._page() == "/v1/chat/completions"
            self._answer(said if asked_here else (404, "no such page"))

        def _page(self) -> str:
            return self.path.partition("?")[0]

        def _answer(self, said: Said) -> None:
            if asked is not None:
                asked.append(self.path)
            if said is None:
                ended.wait()
                return
            wanted = f"Bearer {key}" if key_header == "authorization" else key
            if key is not None and self.headers[key_header] != wanted:
                said = (401, {"error": "Unauthorized"})
            status, words = said
            content = words.encode() if isinstance(words, str) else json.dumps(words).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{words}")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
