"""Stands before ministack's DynamoDB and SQS: judges each request, has the faults happen, counts what is charged.

It replaces the handlers of the two services. There a request has passed the emulator's check of signature and rights,
as on AWS, and region and account are set.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any

from . import call as calls
from . import dynamodb_rules, leading_keys, restored, sqs_rules, tables
from .call import Call
from .charges import Charges
from .layer import Layer
from .refusal import CANCELLED, Answer, Refusal

Request = dict[str, Any]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]

_REFUSED = 400
#: SQS charges a request for every so many bytes of it.
_BILLED_BYTES = 65_536
#: What may be answered to a right request; all else of a 400 says that the request was wrong.
_NO_REFUSALS = {
    "ConditionalCheckFailedException",
    "ProvisionedThroughputExceededException",
    "QueueDoesNotExist",
    "ReceiptHandleIsInvalid",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "ThrottlingException",
}
#: Of a transaction that was cancelled: the reason of an action that was wrong.
_WRONG = "ValidationError"


def install(layer: Layer) -> None:
    """Puts the layer before the two services."""
    from ministack.services import dynamodb, sqs

    dynamodb.handle_request = before_dynamodb(dynamodb.handle_request, layer)
    sqs.handle_request = before_sqs(sqs.handle_request, layer)
    sqs._build_send_sys_attrs = _with_trace(sqs._build_send_sys_attrs)
    leading_keys.install()
    restored.install()


def before_dynamodb(handle: Handler, layer: Layer) -> Handler:
    """DynamoDB's handler with the layer before it."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        async def ask(operation: str, request: Request) -> Answer:
            target = {**headers, "x-amz-target": f"DynamoDB_20120810.{operation}"}
            return await handle(method, path, target, json.dumps(request).encode(), query)

        call, request = _call(headers), _read(body)
        call.service, call.resource = "dynamodb", _tables(request)
        refused = await _faulty(layer, call, body, len(request.get("TransactItems", [])))
        if refused:
            return refused.answer("dynamodb")
        refusal = dynamodb_rules.judge(call.operation, request, tables.keys)
        if refusal:
            layer.refusals.of(call, refusal)
            return refusal.answer("dynamodb")
        charges = Charges(call, call.operation, request)
        answer = await handle(method, path, headers, body, query)
        await charges.add(answer, ask)
        _note(layer, call, answer)
        return answer

    return handle_request


def before_sqs(handle: Handler, layer: Layer) -> Handler:
    """SQS's handler with the layer before it. The older protocol, which no SDK speaks any more, passes."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        if not headers.get("x-amz-target"):
            return await handle(method, path, headers, body, query)
        call, request = _call(headers), _read(body)
        call.service, call.resource = "sqs", str(request.get("QueueUrl", "")).rpartition("/")[2]
        refused = await _faulty(layer, call, body, 0)
        if refused:
            return refused.answer("sqs")
        refusal = sqs_rules.judge(call.operation, request)
        if refusal:
            layer.refusals.of(call, refusal)
            return refusal.answer("sqs")
        entries = sqs_rules.judge_entries(call.operation, request)
        for refusal in entries.values():
            layer.refusals.of(call, refusal)
        if entries:
            body = json.dumps(_without(request, entries)).encode()
        answer = await handle(method, path, headers, body, query) if _left(request, entries) else _nothing()
        _note(layer, call, answer)
        _charge_messages(call, request, body, answer)
        return _with_failures(answer, entries) if entries else answer

    return handle_request


async def _faulty(layer: Layer, call: Call, body: bytes, actions: int) -> Refusal | None:
    fault = layer.faults.take(call.operation, body)
    if fault:
        await asyncio.sleep(fault.hang_s)
        return fault.refusal(max(1, actions))
    return None


def _note(layer: Layer, call: Call, answer: Answer) -> None:
    """Lists what the emulator itself refuses."""
    status, _, body = answer
    if status != _REFUSED:
        return
    said = json.loads(body)
    code = str(said.get("__type", "")).rpartition("#")[2]
    if code == CANCELLED:
        wrong = [reason for reason in said["CancellationReasons"] if reason["Code"] == _WRONG]
        if wrong:
            layer.refusals.of(call, Refusal(code, str(wrong[0].get("Message", ""))))
    elif code not in _NO_REFUSALS:
        layer.refusals.of(call, Refusal(code, str(said.get("message") or said.get("Message") or "")))


def _charge_messages(call: Call, request: Request, body: bytes, answer: Answer) -> None:
    size = max(len(body), len(answer[2]))
    call.charge("billed_requests", max(1, ceil(size / _BILLED_BYTES)))
    if call.operation.startswith("SendMessage"):
        call.charge("messages", len(request["Entries"]) if "Entries" in request else 1)


def _left(request: Request, refused: dict[str, Refusal]) -> bool:
    return len(refused) < len(request.get("Entries", [])) or not refused


def _without(request: Request, refused: dict[str, Refusal]) -> Request:
    entries = [entry for entry in request["Entries"] if entry["Id"] not in refused]
    return {**request, "Entries": entries}


def _nothing() -> Answer:
    """SQS's answer if nothing of a batch is left."""
    body = json.dumps({"Successful": [], "Failed": []}).encode()
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, body


def _with_failures(answer: Answer, refused: dict[str, Refusal]) -> Answer:
    status, headers, body = answer
    said = json.loads(body)
    said["Failed"] = said.get("Failed", []) + [
        {"Id": entry_id, "Code": refusal.code, "Message": refusal.message, "SenderFault": True}
        for entry_id, refusal in refused.items()
    ]
    return status, headers, json.dumps(said).encode()


def _with_trace(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """SQS keeps the trace of the call that sends a message, unless the message has one of its own."""

    def built(now: float, attributes: dict[str, Any]) -> dict[str, Any]:
        kept = build(now, attributes)
        call = calls.current.get()
        if call and call.trace:
            kept.setdefault("AWSTraceHeader", call.trace)
        return kept

    return built


def _call(headers: dict[str, str]) -> Call:
    """The call that is being answered; the emulator's own calls of its services have none."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    return calls.current.get() or Call("", operation)


def _read(body: bytes) -> Request:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _tables(request: Request) -> str:
    """The table of a request, the first of several."""
    if "TableName" in request:
        return str(request["TableName"])
    actions: list[dict[str, Request]] = request.get("TransactItems") or []
    named = [*(request.get("RequestItems") or {})]
    named += [str(part.get("TableName", "")) for action in actions[:1] for part in action.values()]
    return named[0] if named else ""
