"""Puts dead letters back on the queues that they came from.

# Invariants
- A message is deleted only after it stands in its queue again: said twice at worst, never lost.
- What can't be read stays where it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

_FROM = ("ParkedQueueUrl", "UploadsDeadLetterQueueUrl")
#: Of batches see `_target`: nobody waits for those in bulk, and they have a queue of their own.
_QUEUE_OF_KIND = {
    "started": "ResultsQueueUrl",
    "outcome": "ResultsQueueUrl",
    "deferral": "ResultsQueueUrl",
    "looked": "ResultsQueueUrl",
    "look": "BulkQueueUrl",
    "quiet_check": "UploadsQueueUrl",
    "plan_anew": "UploadsQueueUrl",
}
#: The queues, by their output of template.yaml, and their names.
_SAID = {
    "BatchesQueueUrl": "batches",
    "BulkQueueUrl": "bulk",
    "ResultsQueueUrl": "results",
    "UploadsQueueUrl": "uploads",
}
#: In the order in which they are shown.
QUEUES = tuple(_SAID.values())
#: Long enough to look at every message once; then those that stay can be received again.
_HIDDEN_S = 60


def redrive(sqs: Any, outputs: Mapping[str, str]) -> dict[str, int]:
    """Puts back what there is; says how many messages went to each queue and how many were left."""
    moved: Counter[str] = Counter(dict.fromkeys((*QUEUES, "left"), 0))
    for source in _FROM:
        left = []
        for message in _all(sqs, outputs[source]):
            target = _target(message["Body"])
            if target:
                sqs.send_message(QueueUrl=outputs[target], MessageBody=message["Body"])
                sqs.delete_message(QueueUrl=outputs[source], ReceiptHandle=message["ReceiptHandle"])
            else:
                left.append(message["ReceiptHandle"])
            moved[_SAID[target] if target else "left"] += 1
        for handle in left:
            sqs.change_message_visibility(
                QueueUrl=outputs[source], ReceiptHandle=handle, VisibilityTimeout=0
            )
    return dict(moved)


def _all(sqs: Any, queue: str) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    while messages := _receive(sqs, queue):
        new = [message for message in messages if message["MessageId"] not in seen]
        if not new:
            return
        seen.update(message["MessageId"] for message in new)
        yield from new


def _receive(sqs: Any, queue: str) -> list[dict[str, Any]]:
    reply = sqs.receive_message(
        QueueUrl=queue,
        MaxNumberOfMessages=10,
        VisibilityTimeout=_HIDDEN_S,
        WaitTimeSeconds=1,
    )
    return list(reply.get("Messages", []))


def _target(body: str) -> str | None:
    """The queue that a message belongs to; S3's own notifications, however they came, belong to the uploads queue."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    by_topic = message.get("Type") == "Notification" and isinstance(message.get("Message"), str)
    by_bus = message.get("source") == "aws.s3" and "detail-type" in message
    if isinstance(message.get("Records"), list) or by_topic or by_bus:
        return "UploadsQueueUrl"
    kind = message.get("kind")
    if kind == "batch":
        return "BulkQueueUrl" if message.get("bulk") is True else "BatchesQueueUrl"
    return _QUEUE_OF_KIND.get(kind) if isinstance(kind, str) else None
