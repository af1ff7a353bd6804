"""`infra/local redrive`: each message goes to the queue of its kind.

No functions run here: they would take the messages away.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from stack import redrive, target
from stack.commands import redrive as command
from stack.paths import REPO

_OUTPUTS = {
    name: name
    for name in (
        "BatchesQueueUrl",
        "BulkQueueUrl",
        "ResultsQueueUrl",
        "UploadsQueueUrl",
        "ParkedQueueUrl",
        "UploadsDeadLetterQueueUrl",
    )
}
_WAITED_FOR = json.dumps({"kind": "batch", "version": 1, "bulk": False})
_OF_AN_OLDER_RELEASE = json.dumps({"kind": "batch", "version": 1})
_BULK = json.dumps({"kind": "batch", "version": 1, "bulk": True})
_LOOK = json.dumps({"kind": "look", "version": 1})
_RESULTS = [json.dumps({"kind": kind}) for kind in ("started", "outcome", "deferral", "looked")]
_UPLOADS = [
    json.dumps({"Records": []}),
    json.dumps({"Type": "Notification", "TopicArn": "arn", "Message": json.dumps({"Records": []})}),
    json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": {}}),
    *(json.dumps({"kind": kind}) for kind in ("quiet_check", "plan_anew")),
]
_UNREADABLE = [
    "no JSON",
    "[]",
    '{"kind": "unheard of"}',
    '{"kind": ["batch"]}',
    '{"kind": "untold"}',
    '{"DDBStreamBatchInfo": {}}',
    '{"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe"}',
]


class _Queues:
    """SQS, as far as a redrive uses it."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[str]] = defaultdict(list)
        self.hidden: set[str] = set()

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:
        self.bodies[QueueUrl].append(MessageBody)

    def receive_message(self, *, QueueUrl: str, **_options: Any) -> dict[str, Any]:
        seen = [body for body in self.bodies[QueueUrl] if body not in self.hidden][:10]
        self.hidden.update(seen)
        return {"Messages": [{"MessageId": b, "Body": b, "ReceiptHandle": b} for b in seen]}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        self.bodies[QueueUrl].remove(ReceiptHandle)

    def change_message_visibility(self, *, ReceiptHandle: str, **_options: Any) -> None:
        self.hidden.discard(ReceiptHandle)


@pytest.fixture
def queues() -> _Queues:
    """The queue of parked messages with one of each kind on it."""
    filled = _Queues()
    filled.bodies["ParkedQueueUrl"] = [
        _WAITED_FOR,
        _OF_AN_OLDER_RELEASE,
        _BULK,
        _LOOK,
        *_RESULTS,
        *_UPLOADS,
        *_UNREADABLE,
    ]
    return filled


def test_a_redrive_puts_each_message_on_the_queue_of_its_kind(queues: _Queues) -> None:
    moved = redrive.redrive(queues, _OUTPUTS)
    assert moved == {"batches": 2, "bulk": 2, "results": 4, "uploads": 5, "left": 7}
    assert queues.bodies["BatchesQueueUrl"] == [_WAITED_FOR, _OF_AN_OLDER_RELEASE]
    assert queues.bodies["BulkQueueUrl"] == [_BULK, _LOOK]
    assert queues.bodies["ResultsQueueUrl"] == _RESULTS
    assert queues.bodies["UploadsQueueUrl"] == _UPLOADS
    assert queues.bodies["ParkedQueueUrl"] == _UNREADABLE
    assert not queues.hidden & set(_UNREADABLE), "what stays can be received at once"


def test_the_table_of_a_redrive_names_every_queue(
    queues: _Queues, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = SimpleNamespace(client=lambda _service: queues, outputs=_OUTPUTS)
    monkeypatch.setattr(target, "of", lambda _arguments: stack)
    assert command.run(argparse.Namespace(json=False)) == 0
    said = [line.split()[:3] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert said == [
        ["2", "to", "batches"],
        ["2", "to", "bulk"],
        ["4", "to", "results"],
        ["5", "to", "uploads"],
    ]


def test_a_redrive_knows_every_kind_of_message() -> None:
    source = (REPO / "shared" / "evaluation" / "src" / "decide" / "message.rs").read_text()
    variants = re.search(r"pub enum Message \{(.*?)\n\}", source, re.DOTALL)
    assert variants
    names = re.findall(r"^    ([A-Z]\w+)\(", variants[1], re.MULTILINE)
    kinds = [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in names]
    assert len(kinds) >= 8
    filled = _Queues()
    filled.bodies["ParkedQueueUrl"] = [json.dumps({"kind": kind}) for kind in kinds]
    assert redrive.redrive(filled, _OUTPUTS)["left"] == 0
