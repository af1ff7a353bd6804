"""Event sources that are streams of tables, as Lambda reads them.

ministack reads all streams in the thread that reads the queues, so that a function that takes its time holds up every
queue; it takes a batch of which the function reports failures for done; and it never halves a batch that fails. Here
each stream is read in a thread of its own, what is reported comes again, and a batch that fails is halved until it does
not. The age of what was handed over is measured (`IteratorAge`), again at each try, as on AWS.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

Mapping = dict[str, Any]
Result = dict[str, Any]
Found = tuple[str, str, Mapping]

#: Lambda asks a stream four times a second; what waits on it here need not wait so long.
_EVERY_S = 0.1
_reading: ContextVar[Mapping | None] = ContextVar("strict_reading", default=None)


class Streams:
    """The streams that are read, by the ids of their event sources."""

    def __init__(self, record: Callable[[str, float], None]) -> None:
        self._record = record
        self._read: set[str] = set()
        self._sizes: dict[str, int] = {}

    def install(self) -> None:
        """Has ministack read streams so."""
        from ministack.services import lambda_svc

        self._all = lambda_svc._iter_all_esms
        self._poll = lambda_svc._poll_dynamodb_streams
        lambda_svc._iter_all_esms = self._those_in_hand
        lambda_svc._poll_dynamodb_streams = self._begin
        lambda_svc._execute_function = self._invoking(lambda_svc._execute_function)

    def _those_in_hand(self) -> Iterator[Found]:
        mine = _reading.get()
        return (found for found in self._all() if mine is None or found[2] is mine)

    def _begin(self) -> bool:
        """Begins to read streams that are new; the thread of the queues asks now and then."""
        for _, _, mapping in self._all():
            name = mapping["UUID"]
            if "/stream/" in mapping["EventSourceArn"] and name not in self._read:
                self._read.add(name)
                threading.Thread(target=self._go_on, args=(mapping,), daemon=True, name="strict-stream").start()
        return False

    def _go_on(self, mapping: Mapping) -> None:
        _reading.set(mapping)
        while any(found is mapping for _, _, found in self._all()):
            if not self._poll():
                time.sleep(_EVERY_S)
        self._read.discard(mapping["UUID"])

    def _invoking(self, invoke: Callable[[Any, Any], Result]) -> Callable[[Any, Any], Result]:
        def invoked(function: Any, event: Any) -> Result:
            mapping = _reading.get()
            if not mapping:
                return invoke(function, event)
            oldest = age_ms(event["Records"], time.time())
            self._record(mapping["FunctionName"], oldest)
            result = judged(invoke(function, event))
            self._halve(mapping, failed=bool(result.get("error")))
            return result

        return invoked

    def _halve(self, mapping: Mapping, *, failed: bool) -> None:
        size = self._sizes.setdefault(mapping["UUID"], mapping["BatchSize"])
        if not mapping.get("BisectBatchOnFunctionError"):
            return
        mapping["BatchSize"] = max(1, mapping["BatchSize"] // 2) if failed else size


def judged(result: Result) -> Result:
    """A batch of which failures are reported is not done: it is handed over again, as from the first of them on."""
    body = result.get("body")
    try:
        said = json.loads(body) if isinstance(body, str | bytes) else body
    except ValueError:
        return result
    failures = said.get("batchItemFailures") if isinstance(said, dict) else None
    if not failures or result.get("error"):
        return result
    reported = {"errorType": "batchItemFailures", "errorMessage": json.dumps(failures)}
    return {**result, "error": True, "body": reported}


def age_ms(records: list[dict[str, Any]], now: float) -> float:
    """How long ago the last of these records was written."""
    written = [float(record["dynamodb"].get("ApproximateCreationDateTime", now)) for record in records]
    return max(0.0, now - max(written, default=now)) * 1000
