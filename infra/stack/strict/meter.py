"""Counts calls and invocations, as `GET /_strict/meter` gives them:

    {"seconds": 12.3,                        since the last `POST /_strict/meter/reset`
     "calls": [                              a row for each service, operation, resource and caller
       {"service": "dynamodb", "operation": "UpdateItem",
        "resource": "TABLE",                 or queue, bucket, API; "TABLE/index/active" for a query of an index
        "caller": "dr-photos-aggregator",    the function that called; "" is somebody else
        "count": 12, "failed": 0,            failed: answered with 400 or more, and charged all the same
        "request_bytes": 9000, "response_bytes": 1200,
        "read_units": 0.0, "write_units": 14.0, "index_write_units": {"by_dr": 3.0}},     DynamoDB only
       {"service": "sqs", …, "messages": 16, "billed_requests": 2},                       SQS only: 64 KB each
       {"service": "s3", …, "tier": "get"}],                                  "put", "get" or "free"
     "functions": [                          a row for each function and source of its events
       {"function": "dr-photos-batch",
        "source": "QUEUE",                   or "stream", "execute-api", "schedule", "invoke"
        "invocations": 8, "records": 8,      records: messages
        "errors": 0, "cold_starts": 2, "init_ms": 130.0, "duration_ms": 3456.0,
        "memory_mb": 1769, "log_bytes": 5120,
        "longest_chain": 1}]}                how often it was invoked in one chain of calls, at most

Durations are rounded up to a millisecond each, without the start, which is in `init_ms`.

Not seen, for it happens within the emulator: what event sources receive and delete (on AWS at least one request each
for an invocation with records, and empty receives), S3's messages to the uploads queue, and what is moved to
dead-letter queues.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from .call import Call

Row = dict[str, Any]


@dataclass
class Invocation:
    """One invocation of a function."""

    function: str
    source: str
    records: int
    memory_mb: int
    #: Which invocation of the function it is in its chain of calls.
    in_chain: int = 1
    failed: bool = False
    init_ms: float | None = None
    duration_ms: float = 0.0
    log_bytes: int = 0


@dataclass
class Meter:
    """The sums since the last reset. Invocations are counted from other threads than calls."""

    _begun: float = field(default_factory=time.monotonic)
    _calls: dict[Hashable, Row] = field(default_factory=dict)
    _functions: dict[Hashable, Row] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Counts from zero."""
        with self._lock:
            self._begun = time.monotonic()
            self._calls, self._functions = {}, {}

    def called(self, call: Call) -> None:
        """Counts a call."""
        named = {
            "service": call.service,
            "operation": call.operation,
            "resource": call.resource,
            "caller": call.caller,
        }
        with self._lock:
            row = _row(self._calls, named)
            _add(row, "count", 1)
            _add(row, "failed", int(call.failed))
            _add(row, "request_bytes", call.request_bytes)
            _add(row, "response_bytes", call.response_bytes)
            for name, amount in call.charged.items():
                _add(row, name, amount)
            if call.service == "dynamodb":
                indexes = row.setdefault("index_write_units", {})
                for name, amount in call.index_write_units.items():
                    _add(indexes, name, amount)
            if call.tier:
                row["tier"] = call.tier

    def invoked(self, invocation: Invocation) -> None:
        """Counts an invocation."""
        named = {"function": invocation.function, "source": invocation.source}
        with self._lock:
            row = _row(self._functions, named)
            _add(row, "invocations", 1)
            _add(row, "records", invocation.records)
            _add(row, "errors", int(invocation.failed))
            _add(row, "cold_starts", int(invocation.init_ms is not None))
            _add(row, "init_ms", ceil(invocation.init_ms or 0))
            _add(row, "duration_ms", ceil(invocation.duration_ms))
            _add(row, "log_bytes", invocation.log_bytes)
            row["memory_mb"] = invocation.memory_mb
            row["longest_chain"] = max(invocation.in_chain, row.get("longest_chain", 0))

    def read(self) -> dict[str, Any]:
        """What was counted."""
        with self._lock:
            return {
                "seconds": round(time.monotonic() - self._begun, 3),
                "calls": _sorted(self._calls),
                "functions": _sorted(self._functions),
            }


def _row(rows: dict[Hashable, Row], named: dict[str, str]) -> Row:
    return rows.setdefault(tuple(named.values()), dict(named))


def _add(row: Row, name: str, amount: float) -> None:
    row[name] = row.get(name, 0) + amount


def _sorted(rows: dict[Hashable, Row]) -> list[Row]:
    return [rows[key] for key in sorted(rows, key=str)]
