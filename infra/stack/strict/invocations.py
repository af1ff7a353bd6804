"""Stands before ministack's invocations of functions: hands the chain of calls on, cuts loops, and takes the time.

As on AWS, a function is handed a trace with how often each function was invoked in its chain. When the limit is
exceeded, the invocation does not happen and the event source is told RecursiveInvocationException: a message then comes
back until it has been received often enough, and goes to the dead-letter queue.

ministack invokes all functions by `_execute_function_dispatch`, in a thread for each invocation, and those of
`provided` runtimes by a `ProvidedWorker`, which starts the process and waits for the answer. It then takes what the
process says within milliseconds for all that it said; on a busy machine the rest would be logged, and measured, with
the next invocation, or never. AWS logs what is said when it is said: here an invocation's log ends with the figures
that each function says last.
"""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from .layer import Layer
from .lineage import Lineage, is_cut
from .meter import Invocation
from .refusal import Refusal

_trace: ContextVar[str | None] = ContextVar("strict_trace", default=None)
_invocation: ContextVar[Invocation | None] = ContextVar("strict_invocation", default=None)
_CODE = "RecursiveInvocationException"
_CUT = (
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and "
    "stopped your function's invocation."
)
#: Where a worker keeps when its process answered.
_ANSWERED = "strict_answered"

#: In the line that a function says last (`aws::usage::measured`), and how often it is waited for, for so long: a pause
#: of the whole machine is one wait. What a process that has ended said is there, or nearly.
_LAST_WORD = '"ColdStart"'
_WAITS, _WAITS_IF_ENDED, _WAIT_S = 100, 10, 0.1
#: What comes right behind it, such as the runtime's word about a failure.
_AFTERWORD_WITHIN_S = 0.005

Event = dict[str, Any]
Result = dict[str, Any]


def install(layer: Layer) -> None:
    """Puts the layer before the invocations."""
    from ministack.core.lambda_runtime import ProvidedWorker
    from ministack.services import lambda_svc

    lambda_svc._execute_function_dispatch = _guarded(lambda_svc._execute_function_dispatch, layer)
    lambda_svc._xray_trace_id_for_invocation = lambda config, inbound=None: _trace.get()
    ProvidedWorker._spawn = _started(ProvidedWorker._spawn)
    ProvidedWorker._record_result = _answered(ProvidedWorker._record_result)
    ProvidedWorker.invoke = _timed(ProvidedWorker.invoke)
    ProvidedWorker._drain_stderr_bounded = _to_the_last_word(ProvidedWorker._drain_stderr_bounded)


def lineage_of(event: Event) -> tuple[Lineage, str]:
    """The chain that an event belongs to, and the id of its trace; a new one if it does not come from a function."""
    headers = [
        record.get("attributes", {}).get("AWSTraceHeader") for record in _records(event)
    ]
    lineage = Lineage.together(Lineage.of(header) for header in headers)
    roots = [part[5:] for header in headers for part in (header or "").split(";") if part[:5] == "Root="]
    return lineage, roots[0] if roots else f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"


def source_of(event: Event) -> str:
    """Where an event comes from: the name of a queue, or the kind of source."""
    if _is_of_a_stream(event):
        return "stream"
    for record in _records(event):
        return str(record.get("eventSourceARN", "")).rpartition(":")[2]
    if "requestContext" in event:
        return "execute-api"
    return "schedule" if event.get("source") in ("aws.events", "aws.scheduler") else "invoke"


def _is_of_a_stream(event: Event) -> bool:
    records = event.get("Records") if isinstance(event, dict) else None
    return bool(records) and all(record.get("eventSource") == "aws:dynamodb" for record in records)


def _records(event: Event) -> list[dict[str, Any]]:
    """The messages of an event of SQS."""
    records = event.get("Records") if isinstance(event, dict) else None
    return [record for record in records or [] if record.get("eventSource") == "aws:sqs"]


def _guarded(dispatch: Callable[..., Result], layer: Layer) -> Callable[..., Result]:
    def guarded(function: dict[str, Any], config: dict[str, Any], event: Event, *more: Any) -> Result:
        name = config.get("FunctionName", "")
        lineage, root = lineage_of(event)
        if is_cut(lineage, name, layer.chain_limit, _recursive_loop(name)):
            return _cut(layer, name, event)
        chain = lineage.then(name)
        invocation = Invocation(
            function=name,
            source=source_of(event),
            records=len(_records(event)),
            memory_mb=config.get("MemorySize", 128),
            in_chain=chain.count(name),
        )
        _trace.set(chain.header(root))
        _invocation.set(invocation)
        result = dispatch(function, config, event, *more)
        invocation.failed = bool(result.get("error"))
        invocation.log_bytes = len(str(result.get("log", "")).encode())
        layer.meter.invoked(invocation)
        layer.watch.invoked(invocation, str(result.get("log", "")))
        return result

    return guarded


def _recursive_loop(name: str) -> str:
    """As it is set for the function: the emulator's versions know nothing of it."""
    from ministack.services import lambda_svc

    return str((lambda_svc._functions.get(name) or {}).get("recursive_loop", "Terminate"))


def _cut(layer: Layer, function: str, event: Event) -> Result:
    layer.refusals.note("lambda", "Invoke", function, source_of(event), Refusal(_CODE, _CUT))
    return {"error": True, "body": {"errorType": _CODE, "errorMessage": _CUT}, "log": ""}


def _started(spawn: Callable[..., None]) -> Callable[..., None]:
    def started(worker: Any, *arguments: Any, **named: Any) -> None:
        begun = time.monotonic()
        try:
            spawn(worker, *arguments, **named)
        finally:
            invocation = _invocation.get()
            if invocation:
                invocation.init_ms = (invocation.init_ms or 0.0) + _ms_since(begun)

    return started


def _answered(record: Callable[..., bool]) -> Callable[..., bool]:
    def answered(worker: Any, *arguments: Any) -> bool:
        setattr(worker, _ANSWERED, time.monotonic())
        return record(worker, *arguments)

    return answered


def _timed(invoke: Callable[..., Result]) -> Callable[..., Result]:
    def timed(worker: Any, *arguments: Any, **named: Any) -> Result:
        begun = time.monotonic()
        setattr(worker, _ANSWERED, None)
        result = invoke(worker, *arguments, **named)
        invocation = _invocation.get()
        if invocation:
            end = getattr(worker, _ANSWERED) or time.monotonic()
            invocation.duration_ms = max(0.0, (end - begun) * 1000 - (invocation.init_ms or 0.0))
        return result

    return timed


def _to_the_last_word(drain: Callable[..., str]) -> Callable[..., str]:
    def drained(worker: Any, **named: Any) -> str:
        if named:  # nothing was invoked: the process does not even begin
            return drain(worker, **named)
        lines: list[str] = []
        waits = 0
        while not (lines and _LAST_WORD in lines[-1]) and waits < (_WAITS_IF_ENDED if _has_ended(worker) else _WAITS):
            try:
                lines.append(worker._stderr_queue.get(timeout=_WAIT_S))
            except queue.Empty:
                waits += 1
        return "\n".join([*lines, drain(worker, first_line_wait=_AFTERWORD_WITHIN_S)]).strip("\n")

    return drained


def _has_ended(worker: Any) -> bool:
    return worker._proc is None or worker._proc.poll() is not None


def _ms_since(begun: float) -> float:
    return (time.monotonic() - begun) * 1000
