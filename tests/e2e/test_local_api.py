"""The tool's own client of the API, before a gateway whose functions do not answer in time."""

from __future__ import annotations

import argparse
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import EndpointConnectionError, NoRegionError

from stack import cli, target
from stack.api import Api
from stack.commands import redrive
from stack.errors import StackError


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


@pytest.mark.parametrize(
    "query",
    ["from=2026-11-24T00:00:00Z&limit=1", "verdict=pass,fail", "cursor=a/b+c==", "name=K%C3%BCche&step=a%26b", "empty="],
)
def test_what_is_signed_is_the_query_as_aws_encodes_it(query: str) -> None:
    sent: list[str] = []

    class Pool:
        def request(self, _method: str, url: str, **_options: Any) -> Any:
            sent.append(url)
            return SimpleNamespace(status=200, headers={}, data=b"{}")

    api = Api("https://api.example", Credentials("test", "test"), "us-east-1")
    api._pool = Pool()  # type: ignore[assignment]
    assert api.request("GET", f"/evaluations?{query}").status == 200
    # AWS's rule: each name and value decoded, then all but letters, digits and "-_.~" encoded.
    pairs = (pair.partition("=") for pair in urlsplit(sent[0]).query.split("&"))
    encoded = ("=".join(quote(unquote(part), safe="-_.~+=") for part in (name, value)) for name, _, value in pairs)
    signed = SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").canonical_query_string(
        AWSRequest("GET", sent[0])
    )
    assert signed == "&".join(sorted(encoded))


def test_a_stack_without_an_api_is_said_to_be_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]})
    session = SimpleNamespace(client=lambda _: stacks)
    monkeypatch.setattr(boto3.session, "Session", lambda: session)
    with pytest.raises(StackError, match="has no API"):
        target.of(argparse.Namespace(stack_name="evaluation-vlm"))


@pytest.mark.parametrize("error", [NoRegionError(), EndpointConnectionError(endpoint_url="https://sqs.example")])
def test_what_aws_refuses_is_said_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def refuse(_arguments: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(redrive, "run", refuse)
    monkeypatch.setattr(cli, "enter", lambda _: None)
    monkeypatch.setattr(cli.stop, "on_signals", lambda: None)
    assert cli.main(["redrive", "evaluation"]) == cli.ERROR
    said = "".join(capsys.readouterr())
    assert str(error) in said and "start it again" in said and "Traceback" not in said
