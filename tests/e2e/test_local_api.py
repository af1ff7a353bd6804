"""The tool's own client of the API, before a gateway whose functions do not answer in time."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.credentials import Credentials

from stack.api import Api


def test_what_only_reads_is_asked_once_more_where_a_function_had_no_answer_in_time() -> None:
    asked: list[str] = []

    class Gateway(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(self.command)
            body = b"{}"
            self.send_response(200 if len(asked) % 2 == 0 else 504)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        api = Api(f"http://127.0.0.1:{server.server_port}", Credentials("test", "test"), "us-east-1")
        assert api.health().status == 200
        assert api.start("DR1").status == 504, "what was asked for may be under way"
    finally:
        server.shutdown()
        server.server_close()
    assert asked == ["GET", "GET", "POST"]
