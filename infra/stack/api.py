"""Calls the HTTP API as an app does: signed with SigV4."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .aws import Aws
from .environment import REGION

_CREDENTIALS = Credentials("test", "test")
#: The gateway had no answer of a function in time. What only reads may be asked again, and is: once.
_UNANSWERED = (502, 504)


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    headers: dict[str, str]
    body: Any
    took_ms: int
    #: The body as it came, of what is no text.
    data: bytes = field(default=b"", repr=False)


class Api:
    """A stack's HTTP API."""

    def __init__(
        self, base: str, credentials: Any, region: str, *, token: str | None = None, trust: str | None = None
    ) -> None:
        self._base = base.rstrip("/")
        self._sign = SigV4Auth(credentials, "execute-api", region).add_auth
        self._token = token
        self._pool = urllib3.PoolManager(maxsize=32, retries=False, timeout=urllib3.Timeout(35), ca_certs=trust)

    @classmethod
    def local(
        cls, aws: Aws, api_id: str, *, token: str | None = None, credentials: Credentials = _CREDENTIALS
    ) -> Api:
        """That of a local stack: with a token, or signed by somebody."""
        base = f"{aws.endpoint}/_aws/execute-api/{api_id}/{quote('$default')}"
        return cls(base, credentials, REGION, token=token, trust=aws.trust)

    def start(
        self, dr_number: str, mode: str = "full", *, force: bool = False, catalogue: str | None = None
    ) -> Answer:
        """POST /evaluations, by force POST /evaluations/forced."""
        body = {"dr_number": dr_number, "mode": mode}
        if catalogue:
            body["catalogue"] = catalogue
        path = "/evaluations/forced" if force else "/evaluations"
        return self.request("POST", path, json.dumps(body).encode())

    def evaluation(self, evaluation_id: str) -> Answer:
        """GET /evaluations/{evaluation_id}."""
        return self.request("GET", f"/evaluations/{evaluation_id}")

    def history(self, dr_number: str, **query: str | int) -> Answer:
        """GET /drs/{dr_number}/evaluations."""
        return self.request("GET", f"/drs/{dr_number}/evaluations?{urlencode(query)}".rstrip("?"))

    def empty_cache(self, dr_number: str | None = None) -> Answer:
        """DELETE /drs/{dr_number}/cache, or DELETE /cache."""
        return self.request("DELETE", f"/drs/{dr_number}/cache" if dr_number else "/cache")

    def health(self) -> Answer:
        """GET /health."""
        return self.request("GET", "/health")

    def request(
        self, method: str, path: str, body: bytes | None = None, *, signed: bool = True, **headers: str
    ) -> Answer:
        """Any request; of a header's name underscores are dashes."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        url = self._base + _encoded(path)
        request = AWSRequest(method, url, data=body, headers={"content-type": "application/json", **more})
        if self._token:
            request.headers["authorization"] = f"Bearer {self._token}"
        elif signed:
            self._sign(request)
        begun = time.monotonic()
        reply = self._pool.request(method, url, body=body, headers=dict(request.headers))
        if method == "GET" and reply.status in _UNANSWERED:
            reply = self._pool.request(method, url, headers=dict(request.headers))
        took_ms = round((time.monotonic() - begun) * 1000)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Answer(reply.status, headers, _decoded(reply.data), took_ms, reply.data)


def _encoded(path: str) -> str:
    """The same with a query whose values are encoded: botocore signs it as it stands, AWS as it would be encoded."""
    path, mark, query = path.partition("?")
    return path + mark + quote(query, safe="%=&+")


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
