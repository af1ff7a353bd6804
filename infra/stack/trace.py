"""One evaluation's life, read from the functions' logs: what happened when, in which function, how long.

# Invariants
- A line is of an evaluation if it, or a span that it stands in, names the evaluation or the trace that the evaluation
  came of. So an upload's part is in it, too, which knew of no evaluation yet.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .build import FUNCTIONS
from .errors import StackError

#: The lines of a function that have this text in them.
Reader = Callable[[str, str], Iterable[str]]
#: What is longer than this before an evaluation began is no upload of it: S3's event and the quiet period.
_BEFORE = timedelta(minutes=30)
#: Fields that say how long something took, in milliseconds.
_TOOK = ("duration_ms", "vlm.duration_ms", "split.duration_ms", "evaluation.duration_ms")
#: Fields that are shown elsewhere, or that each line has.
_SHOWN = {"message", "message.kind", "evaluation.id", "dr.number", "photo.key", "photo.name", *_TOOK}


@dataclass(frozen=True)
class Line:
    """A line of a log."""

    at: datetime
    function: str
    level: str
    what: str
    took_ms: int | None
    photo: str
    #: Of the invocation.
    request_id: str
    trace_id: str
    evaluation_id: str
    more: dict[str, Any]


def read(evaluation_id: str, reader: Reader) -> list[Line]:
    """The lines of an evaluation in their order."""
    of_it = list(_lines(reader, evaluation_id, lambda line: line.evaluation_id == evaluation_id))
    traces = {line.trace_id for line in of_it if line.trace_id}
    of_its_trace = [
        line
        for trace in traces
        for line in _lines(reader, trace, lambda line, trace=trace: line.trace_id == trace)
        if not line.evaluation_id
    ]
    if not of_it:
        raise StackError(
            f"No log has a line of {evaluation_id}.",
            "Is it another stack's? Logs are kept for LogRetentionDays, and LogLevel must not be above info.",
        )
    return sorted([*of_it, *of_its_trace], key=lambda line: line.at)


def summary(evaluation_id: str, stack: str, lines: list[Line]) -> dict[str, Any]:
    """For programs."""
    began = lines[0].at
    shown = [
        {**asdict(line), "at": _iso(line.at), "since_ms": _ms(line.at - began)} for line in lines
    ]
    return {
        "stack": stack,
        "evaluation_id": evaluation_id,
        "trace_ids": sorted({line.trace_id for line in lines if line.trace_id}),
        "lines": shown,
        "functions": list(_functions(lines)),
    }


def of_files(folder: Path) -> Reader:
    """A local stack's logs, which stay when it ends."""

    def lines(function: str, text: str) -> Iterator[str]:
        file = folder / f"{function}.log"
        if file.exists():
            with file.open(errors="replace") as log:
                yield from (line for line in log if text in line)

    return lines


def of_cloudwatch(logs: Any, stack: str, evaluation_id: str) -> Reader:
    """A stack's logs on AWS, from shortly before the evaluation began: its id says when."""
    since = _began(evaluation_id) - _BEFORE

    def lines(function: str, text: str) -> Iterator[str]:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{stack}-{function}",
            startTime=int(since.timestamp() * 1000),
            filterPattern=f'"{text}"',
        )
        for page in pages:
            yield from (event["message"] for event in page["events"])

    return lines


def _began(evaluation_id: str) -> datetime:
    """The first 48 bits of an id (UUIDv7) are the time."""
    try:
        return datetime.fromtimestamp(int(evaluation_id.replace("-", "")[:12], 16) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise StackError(f"{evaluation_id} is no id of an evaluation.") from None


def _lines(reader: Reader, text: str, wanted: Callable[[Line], bool]) -> Iterator[Line]:
    for function in FUNCTIONS:
        for raw in reader(function, text):
            line = _line(function, raw)
            if line and wanted(line):
                yield line


def _line(function: str, raw: str) -> Line | None:
    """A line of the functions' own; metrics and Lambda's own lines are none."""
    try:
        entry = json.loads(raw)
        fields, at = dict(entry["fields"]), datetime.fromisoformat(entry["timestamp"])
    except (ValueError, KeyError, TypeError):
        return None
    spans: dict[str, Any] = {}
    for span in entry.get("spans", []):
        spans |= span
    photo = fields.get("photo.name") or str(fields.get("photo.key", "")).rpartition("/")[2] or spans.get("photo.name")
    kind = fields.get("message.kind")
    return Line(
        at=at,
        function=function,
        level=str(entry.get("level", "")),
        what=f"{fields.get('message', '')}{f' ({kind})' if kind else ''}",
        took_ms=next((int(fields[name]) for name in _TOOK if name in fields), None),
        photo=str(photo or ""),
        request_id=str(spans.get("requestId", "")),
        trace_id=str(spans.get("trace_id", "")),
        evaluation_id=str(fields.get("evaluation.id") or spans.get("evaluation.id") or ""),
        more={name: value for name, value in fields.items() if name not in _SHOWN},
    )


def _functions(lines: list[Line]) -> Iterator[dict[str, Any]]:
    of: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        of[line.function].append(line)
    for function in FUNCTIONS:
        handled = [line for line in of[function] if line.what.startswith(("a message was", "a request was"))]
        if of[function]:
            yield {
                "function": function,
                "invocations": len({line.request_id for line in of[function]}),
                "handled": len(handled),
                "took_ms": sum(line.took_ms or 0 for line in handled),
                "longest_ms": max((line.took_ms or 0 for line in handled), default=0),
            }


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
