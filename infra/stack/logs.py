"""Collects the functions' logs out of the emulator's CloudWatch, a file per function.

# Invariants
- Collecting never fails a stack: a round that can't be read is read with the next one.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from . import stop
from .aws import Aws
from .build import FUNCTIONS
from .deploy import STACK_NAME

_EVERY_S = 1.0
#: The same where nobody watches. The emulator looks through all invocations there ever were.
_EVERY_S_UNWATCHED = 2.0
#: Given to the last round: the emulator may be gone already. After Ctrl-C nobody waits for logs.
_LAST_ROUND_S = 3.0
_LAST_ROUND_IN_A_HURRY_S = 0.5
#: Looked at again in each round: events of invocations that end at the same time may come late.
_OVERLAP_MS = 10_000
#: How far a log may be behind what the API says already.
_BEHIND_S = 5.0
#: Lambda's own lines; the functions' say more.
_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId")

Listener = Callable[[str], None]


class LogCollector:
    """Reads logs in the background until it is stopped."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self._aws = aws
        self._folder = folder
        #: Per function: the lines of the overlap that were read already, by event, with their time.
        self._seen: dict[str, dict[str, int]] = {function: {} for function in FUNCTIONS}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: Listener | None = None

    def start(self) -> None:
        """Begins; the files of an earlier stack of this name are written anew."""
        for function in FUNCTIONS:
            (self._folder / f"{function}.log").write_text("")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def listen(self, listener: Listener) -> None:
        """Has each new line told, rendered."""
        self._listener = listener

    def stop(self) -> None:
        """Reads what is left, and ends."""
        self._stopped.set()
        if self._thread:
            self._thread.join(_LAST_ROUND_IN_A_HURRY_S if stop.requested() else _LAST_ROUND_S)

    def last_detail(self, function: str, message: str) -> str | None:
        """The detail of a function's last line whose message begins so."""
        deadline = time.monotonic() + _BEHIND_S
        while (found := self._detail(function, message)) is None and time.monotonic() < deadline:
            stop.wait(_EVERY_S / 4)
        return found

    def _detail(self, function: str, message: str) -> str | None:
        for line in reversed(_lines(self._folder / f"{function}.log")):
            fields = _fields(line)
            if str(fields.get("message", "")).startswith(message) and "detail" in fields:
                return str(fields["detail"])
        return None

    def _run(self) -> None:
        client = self._aws.client("logs")
        stopping = False
        while not stopping:
            every_s = _EVERY_S if self._listener else _EVERY_S_UNWATCHED
            stopping = self._stopped.wait(every_s)
            for function in FUNCTIONS:
                try:
                    self._collect(client, function)
                except Exception:  # the emulator may be gone already
                    continue

    def _collect(self, client: Any, function: str) -> None:
        group, seen = f"/aws/lambda/{STACK_NAME}-{function}", self._seen[function]
        since = max(seen.values(), default=_OVERLAP_MS) - _OVERLAP_MS
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=since
        )
        read = _numbered([event for page in pages for event in page["events"]])
        new = [event for number, event in read.items() if number not in seen]
        self._seen[function] = {number: event["timestamp"] for number, event in read.items()}
        lines = [
            event
            for event in new
            if event["message"].strip() and not event["message"].startswith(_PLATFORM)
        ]
        if not lines:
            return
        with (self._folder / f"{function}.log").open("a") as file:
            file.writelines(event["message"].rstrip() + "\n" for event in lines)
        for event in lines:
            if self._listener:
                self._listener(render(function, event["timestamp"], event["message"].rstrip()))


def _numbered(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Events by stream and place in it.

    The emulator gives them no ids, and each invocation a stream of its own.
    """
    numbered: dict[str, dict[str, Any]] = {}
    in_stream: Counter[str] = Counter()
    for event in events:
        stream = event["logStreamName"]
        numbered[f"{stream}/{in_stream[stream]}"] = event
        in_stream[stream] += 1
    return numbered


def render(function: str, at_ms: int, line: str) -> str:
    """A log line for people: when its invocation ended, function, level, message, the fields."""
    clock = datetime.fromtimestamp(at_ms / 1000).strftime("%H:%M:%S")
    fields = _fields(line)
    if not fields:
        return f"{clock} {function:<10} {line}"
    level, message = fields.pop("level", ""), fields.pop("message", "")
    rest = " ".join(f"{name}={value}" for name, value in fields.items())
    return f"{clock} {function:<10} {level:<5} {message} {rest}".rstrip()


def _fields(line: str) -> dict[str, Any]:
    """A line's level, message and fields; none if it is no entry of the functions' own."""
    try:
        entry = json.loads(line)
        return {"level": entry.get("level", ""), **entry.get("fields", {})}
    except (ValueError, AttributeError, TypeError):
        return {}


def _lines(file: Path) -> list[str]:
    return file.read_text(errors="replace").splitlines() if file.exists() else []
