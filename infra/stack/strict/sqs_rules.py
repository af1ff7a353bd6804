"""What SQS refuses (its API reference, and "Amazon SQS message quotas" of its developer guide).

Some faults refuse a whole request. Of a batch, an entry that is refused leaves the others as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from .refusal import Refusal

#: 1 MiB, of a message and of all messages of a batch together; attributes count.
LARGEST_BYTES = 1_048_576
MOST_ENTRIES = 10
LONGEST_DELAY_S = 900
_MOST_ATTRIBUTES = 10
_LONGEST_WAIT_S = 20
_LONGEST_VISIBILITY_S = 43_200
_ID = re.compile(r"^[A-Za-z0-9_-]{1,80}$")
_GROUP = re.compile(r"^[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}$")
#: All but #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

Request = dict[str, Any]


def judge(operation: str, request: Request) -> Refusal | None:
    """Why SQS refuses this request, if it does."""
    return next(_refusals(operation, request), None)


def judge_entries(operation: str, request: Request) -> dict[str, Refusal]:
    """Why SQS refuses single entries of a batch that it takes otherwise, by their ids."""
    if operation != "SendMessageBatch":
        return {}
    refused = {entry["Id"]: next(_of_message(entry), None) for entry in request.get("Entries", [])}
    return {entry_id: refusal for entry_id, refusal in refused.items() if refusal}


def message_bytes(message: Request) -> int:
    """What counts of a message: its body, and the names, types and values of its attributes."""
    size = len(message.get("MessageBody", "").encode("utf-8", "surrogatepass"))
    for name, attribute in (message.get("MessageAttributes") or {}).items():
        size += len((name + "".join(str(part) for part in attribute.values())).encode())
    return size


def _refusals(operation: str, request: Request) -> Iterator[Refusal]:
    match operation:
        case "SendMessage":
            yield from _of_message(request)
        case "SendMessageBatch":
            yield from _of_batch(request)
            size = sum(map(message_bytes, request.get("Entries", [])))
            if size > LARGEST_BYTES:
                what = f"Batch requests cannot be longer than {LARGEST_BYTES} bytes"
                yield Refusal("BatchRequestTooLong", f"{what}. You have sent {size} bytes.")
        case "DeleteMessageBatch" | "ChangeMessageVisibilityBatch":
            yield from _of_batch(request)
        case "ReceiveMessage":
            yield from _within(request, "WaitTimeSeconds", 0, _LONGEST_WAIT_S)
            yield from _within(request, "MaxNumberOfMessages", 1, MOST_ENTRIES)
            yield from _within(request, "VisibilityTimeout", 0, _LONGEST_VISIBILITY_S)
        case "ChangeMessageVisibility":
            yield from _within(request, "VisibilityTimeout", 0, _LONGEST_VISIBILITY_S)


def _of_batch(request: Request) -> Iterator[Refusal]:
    entries = request.get("Entries") or []
    ids = [str(entry.get("Id", "")) for entry in entries]
    if not entries:
        yield Refusal("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MOST_ENTRIES:
        what = f"Maximum number of entries per request are {MOST_ENTRIES}"
        yield Refusal("TooManyEntriesInBatchRequest", f"{what}. You have sent {len(entries)}.")
    if any(not _ID.match(entry_id) for entry_id in ids):
        what = "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
        yield Refusal("InvalidBatchEntryId", f"{what} It can be at most 80 letters long.")
    for entry_id, count in Counter(ids).items():
        if count > 1:
            yield Refusal("BatchEntryIdsNotDistinct", f"Id {entry_id} repeated.")


def _of_message(message: Request) -> Iterator[Refusal]:
    body = message.get("MessageBody") or ""
    if not body:
        what = "The request must contain the parameter MessageBody."
        yield Refusal("MissingParameter", what)
    if _FORBIDDEN.search(body):
        what = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF"
        yield Refusal("InvalidMessageContents", f"{what} | #xE000 to #xFFFD | #x10000 to #x10FFFF")
    if message_bytes(message) > LARGEST_BYTES:
        yield _invalid(f"Message must be shorter than {LARGEST_BYTES} bytes.")
    if len(message.get("MessageAttributes") or {}) > _MOST_ATTRIBUTES:
        yield _invalid(f"Number of message attributes exceeds the allowed maximum {_MOST_ATTRIBUTES}.")
    group = message.get("MessageGroupId")
    if group is not None and not _GROUP.match(group):
        yield _invalid("MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
    yield from _within(message, "DelaySeconds", 0, LONGEST_DELAY_S)


def _invalid(reason: str) -> Refusal:
    return Refusal("InvalidParameterValue", f"One or more parameters are invalid. Reason: {reason}")


def _within(request: Request, name: str, least: int, most: int) -> Iterator[Refusal]:
    value = request.get(name)
    if value is not None and not least <= int(value) <= most:
        reason = f"Must be >= {least} and <= {most}, if provided."
        what = f"Value {value} for parameter {name} is invalid. Reason: {reason}"
        yield Refusal("InvalidParameterValue", what)
