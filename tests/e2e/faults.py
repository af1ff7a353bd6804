"""What goes wrong with functions and messages, done to a stack of the tests' own, and how often it was done."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from harness import Harness

#: Seconds for which a queue hides a message that is being worked on: short, so that what was lost comes back soon. Above
#: the time that a function takes for a message here, below the minute for which the VLM is taken away.
VISIBILITY_S = {
    "UploadsQueueUrl": 6,
    "BatchesQueueUrl": 15,
    "BulkQueueUrl": 15,
    "ResultsQueueUrl": 6,
    "BatchesDeadLetterQueueUrl": 2,
    "ResultsDeadLetterQueueUrl": 2,
}
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]


class Faults:
    """A stack's queues, processes and items, to be tampered with."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._outputs = harness.stack.outputs
        self._sqs = harness.stack.aws.client("sqs")
        self._table = harness.stack.aws.client("dynamodb")

    def hurry(self) -> None:
        """Has what was lost come back soon."""
        for queue, seconds in VISIBILITY_S.items():
            self._sqs.set_queue_attributes(
                QueueUrl=self._outputs[queue], Attributes={"VisibilityTimeout": str(seconds)}
            )

    def send(self, queue: str, *bodies: str) -> None:
        """Puts messages on a queue."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self._outputs[queue], MessageBody=body)

    def take(self, queue: str) -> list[str]:
        """Takes all messages off a queue."""
        taken = []
        while messages := self._receive(queue):
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._outputs[queue], ReceiptHandle=message["ReceiptHandle"])
                taken.append(message["Body"])
        return taken

    def held(self, queue: str) -> int:
        """How many messages a queue holds, whatever their state."""
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._outputs[queue], AttributeNames=_COUNTS)
        return sum(int(count) for count in attributes["Attributes"].values())

    def wait_until_held(self, queue: str, count: int, within_s: float = 120) -> None:
        """Waits until a queue holds so many messages."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.held(queue) == count:
                return
            time.sleep(0.3)
        raise AssertionError(f"{queue} holds {self.held(queue)} messages, not {count}")

    def batches(self, evaluation_id: str) -> list[str]:
        """A message for each photo of an evaluation, as the splitter sends them."""
        known = ("photo_id", "key", "name", "etag", "step_hint")
        items = self._photos(evaluation_id)
        photos = [{name: item[name] for name in known if name in item} for item in items]
        return [self._batch(evaluation_id, photo) for photo in photos]

    def outcomes(self, evaluation_id: str) -> list[str]:
        """A message for each outcome of an evaluation, as the batch function sends them."""
        return [
            json.dumps(
                {
                    "kind": "outcome",
                    "version": 1,
                    "evaluation_id": evaluation_id,
                    "photo_id": item["photo_id"],
                    "report": item["report"],
                }
            )
            for item in self._photos(evaluation_id)
            if "report" in item
        ]

    def kill(self, function: str) -> bool:
        """Kills a process of a function as the kernel would, if one runs."""
        pids = self.processes(function)
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(random.choice(sorted(pids)), signal.SIGKILL)
        return True

    def kill_while_busy(self, functions: tuple[str, ...], times: int, every_s: float) -> Counter[str]:
        """Kills each function so many times while the VLM is being asked; gives how often."""
        killed: Counter[str] = Counter()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and any(killed[function] < times for function in functions):
            if self._harness.vlm.stats()["in_flight"] > 0:
                for function in functions:
                    killed[function] += killed[function] < times and self.kill(function)
            time.sleep(every_s)
        return killed

    def processes(self, function: str) -> set[int]:
        """Processes of the emulator that run this function."""
        name = self._outputs[f"{function.capitalize()}FunctionName"]
        wanted = {f"AWS_LAMBDA_FUNCTION_NAME={name}", f"AWS_ENDPOINT_URL={self._harness.stack.description.endpoint}"}
        found = set()
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdigit() and wanted <= set((folder / "environ").read_text().split("\0")):
                    found.add(int(folder.name))
        return found

    def _receive(self, queue: str) -> list[dict[str, Any]]:
        reply = self._sqs.receive_message(QueueUrl=self._outputs[queue], MaxNumberOfMessages=10, VisibilityTimeout=30)
        return list(reply.get("Messages", []))

    def _batch(self, evaluation_id: str, photo: dict[str, Any]) -> str:
        number = photo["key"].split("/")[1]
        due_at = int(time.time() * 1000)
        return json.dumps(
            {
                "kind": "batch",
                "version": 1,
                "evaluation_id": evaluation_id,
                "dr_number": number,
                "photos": [photo],
                "attempt": 0,
                "due_at": due_at,
            }
        )

    def _photos(self, evaluation_id: str) -> list[dict[str, Any]]:
        reply = self._table.query(
            TableName=self._outputs["TableName"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"EVALUATION#{evaluation_id}"}, ":sk": {"S": "PHOTO#"}},
            ConsistentRead=True,
        )
        return [_plain(item) for item in reply["Items"]]


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    read = TypeDeserializer()
    return {name: _number(read.deserialize(value)) for name, value in item.items()}


def _number(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {name: _number(inner) for name, inner in value.items()}
        case list():
            return [_number(inner) for inner in value]
        case _:
            return value
