"""One call of an AWS service, as it is counted: who calls what, and how much of it is charged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

from .lineage import Lineage

Headers = Iterable[tuple[bytes, bytes]]

_API = re.compile(r"^/_aws/execute-api/([^/]+)/[^/]+(/[^?]*)")
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
#: What S3 charges as a write or a listing; it charges nothing for a deletion, and the rest as a read.
_DEAR_METHODS = ("PUT", "POST")


@dataclass
class Call:
    """What is known of a call. The handlers of DynamoDB and SQS add what only the body tells."""

    service: str
    operation: str
    resource: str = ""
    caller: str = ""
    trace: str | None = None
    failed: bool = False
    status: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    #: What else is summed up, by name: units, messages.
    charged: dict[str, float] = field(default_factory=dict)
    index_write_units: dict[str, float] = field(default_factory=dict)
    tier: str | None = None

    def charge(self, name: str, amount: float) -> None:
        """Adds to what is charged."""
        self.charged[name] = self.charged.get(name, 0) + amount


#: The call that is being answered.
current: ContextVar[Call | None] = ContextVar("strict_call", default=None)


def of_request(method: str, path: str, query: str, headers: Headers) -> Call:
    """What a request says of itself, before its body is read."""
    named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    trace = named.get("x-amzn-trace-id")
    call = _addressed(method, path, query, named)
    call.trace, call.caller = trace, Lineage.of(trace).caller
    return call


def _addressed(method: str, path: str, query: str, headers: dict[str, str]) -> Call:
    api = _API.match(path)
    if api:
        return Call("execute-api", f"{method} {_route(api[2])}", api[1])
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    service = signed[1] if signed else "unsigned"
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    if target:
        return Call(service, target)
    if service == "s3":
        return _of_s3(method, path, query)
    return Call(service, f"{method} {_route(path)}")


def _route(path: str) -> str:
    """A path with a star for each part that names one thing."""
    return "/".join("*" if re.search(r"\d", part) else part for part in path.split("/"))


def _of_s3(method: str, path: str, query: str) -> Call:
    bucket, _, key = path.lstrip("/").partition("/")
    what = "Object" if key else "Bucket"
    listing = method == "GET" and not key
    operation = "ListObjects" if "list-type" in query else f"{method.capitalize()}{what}"
    call = Call("s3", operation, bucket)
    call.tier = "put" if listing or method in _DEAR_METHODS else "free" if method == "DELETE" else "get"
    return call
