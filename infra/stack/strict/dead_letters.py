"""SQS counts receives for each queue: a message that is moved to a dead-letter queue begins there at none.

ministack lets it keep its count, and a dead-letter queue that has one of its own moves it on before anybody sees it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Queue = dict[str, Any]


def install() -> None:
    """Has ministack's queues count anew."""
    from ministack.services import sqs

    sqs._dlq_sweep = counting_anew(sqs._dlq_sweep, sqs._queue_by_arn)


def counting_anew(
    sweep: Callable[[Queue], None], queue_of: Callable[[str], Queue | None]
) -> Callable[[Queue], None]:
    """The move of what was received often enough, with a new count for what it moves."""

    def swept(queue: Queue) -> None:
        held = _ids(queue)
        sweep(queue)
        moved = held - _ids(queue)
        if moved:
            policy = json.loads(queue["attributes"]["RedrivePolicy"])
            _count_anew(queue_of(policy["deadLetterTargetArn"]), moved)

    return swept


def _count_anew(queue: Queue | None, ids: set[str]) -> None:
    for message in (queue or {}).get("messages", []):
        if message["id"] in ids:
            message["receive_count"] = 0
            message["first_receive_at"] = None


def _ids(queue: Queue) -> set[str]:
    return {message["id"] for message in queue["messages"]}
