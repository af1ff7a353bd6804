"""Queues that subscribe to the topic of completions, and what they were told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from harness import Harness

_PATIENCE_S = 120.0
#: Whatever is told twice is told twice within this time.
_SETTLES_S = 2.0

Event = dict[str, Any]


def _let_in(queue: str, topic: str) -> dict[str, Any]:
    """The statement that functions/notifier/README.md gives operators."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }


class Subscriber:
    """A queue of a test's own that subscribes, as an operator's would."""

    def __init__(self, harness: Harness, name: str, policy: dict[str, Any] | None = None) -> None:
        self._sqs = harness.stack.aws.client("sqs")
        self._sns = harness.stack.aws.client("sns")
        self._url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        described = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn, topic = described["Attributes"]["QueueArn"], harness.stack.outputs["CompletionsTopicArn"]
        allowed = {"Version": "2012-10-17", "Statement": [_let_in(arn, topic)]}
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(allowed)})
        attributes = {"RawMessageDelivery": "true"}
        if policy:
            attributes["FilterPolicy"] = json.dumps(policy)
        self._subscription = self._sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes=attributes,
        )["SubscriptionArn"]
        self._bodies: list[str] = []

    def end(self) -> None:
        """Takes it away."""
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._url)

    def bodies(self, *evaluations: str) -> list[str]:
        """What it was told of these evaluations so far, in its order."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                self._bodies.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [body for body in self._bodies if any(one in body for one in evaluations)]

    def told(self, *evaluations: str) -> list[Event]:
        """The same, as events."""
        return [json.loads(body) for body in self.bodies(*evaluations)]

    def until(self, arrived: Callable[[list[Event]], bool], *evaluations: str) -> list[Event]:
        """What it was told of these evaluations, once that is so; and whatever came right behind it."""
        deadline = time.monotonic() + _PATIENCE_S
        while not arrived(self.told(*evaluations)):
            assert time.monotonic() < deadline, f"told: {self.told(*evaluations)}"
            time.sleep(0.1)
        time.sleep(_SETTLES_S)
        return self.told(*evaluations)
