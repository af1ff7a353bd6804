"""Asks and tells the layer of a running stack (`control.py` lists its routes)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from ..aws import Aws


class Strict:
    """The layer of one stack."""

    def __init__(self, aws: Aws) -> None:
        self._base = f"{aws.endpoint}/_strict"
        self._pool = urllib3.PoolManager(retries=False, ca_certs=aws.trust)

    def meter(self) -> dict[str, Any]:
        """What was counted since the last reset."""
        return dict(self._request("GET", "/meter"))

    def reset_meter(self) -> None:
        """Counts from zero."""
        self._request("POST", "/meter/reset")

    def refusals(self) -> list[dict[str, Any]]:
        """What was refused so far."""
        return list(self._request("GET", "/refusals"))

    @contextmanager
    def provoked(self) -> Iterator[list[dict[str, Any]]]:
        """What is refused inside of the block is meant to be: it is listed here when the block ends, and forgotten."""
        refused: list[dict[str, Any]] = []
        first = len(self.refusals())
        try:
            yield refused
        finally:
            refused += self.refusals()[first:]
            self._request("DELETE", f"/refusals?first={first}")

    def refuse(self, operation: str, code: str, count: int = 1, match: str = "") -> None:
        """Has the next so many calls of an operation answered with an error, though nothing is wrong."""
        self._request("POST", "/faults", operation=operation, code=code, count=count, match=match)

    def hang(self, operation: str, seconds: float, count: int = 1, match: str = "") -> None:
        """Has the next so many calls of an operation wait before they are done."""
        self._request("POST", "/faults", operation=operation, hang_s=seconds, count=count, match=match)

    def met(self) -> dict[str, int]:
        """How often each operation has met a fault since they were cleared."""
        return dict(self._request("GET", "/faults")["met"])

    def clear_faults(self) -> None:
        """No more faults."""
        self._request("DELETE", "/faults")

    def minute(self, seconds: float) -> None:
        """How long a minute of the alarms takes."""
        self._request("POST", "/minute", seconds=seconds)

    def limit_chains(self, limit: int) -> None:
        """How often a function may be invoked in one chain of calls."""
        self._request("POST", "/chain", limit=limit)

    def _request(self, method: str, route: str, **told: Any) -> Any:
        body = json.dumps(told).encode() if told else None
        reply = self._pool.request(method, self._base + route, body=body)
        if reply.status >= 300:
            raise RuntimeError(f"{method} {route}: {reply.status} {reply.data!r}")
        return json.loads(reply.data) if reply.data else None
