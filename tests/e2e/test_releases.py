"""Functions of two releases on one table: what one doesn't know is left for the other, or planned anew."""

from __future__ import annotations

import json
import time
from pathlib import Path

import truth
from faults import Faults
from harness import Harness

#: A model that the functions of another release ask.
_OTHER = "another-model"
_SWEEP = json.loads((Path(__file__).parent.parent / "events" / "sweeper.json").read_text())


def test_what_a_release_does_not_know_is_left_for_the_one_that_does(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(3)
    with hurried.configured("batch", VLM_MODEL=_OTHER):
        hurried.upload(dr)
        evaluation_id = hurried.api.start(dr.number).body["evaluation_id"]
        waiting = hurried.when(evaluation_id, lambda seen: seen["status"] == "waiting")
        assert waiting["waiting"]["reason"] == "Another release is being deployed"
        assert waiting["progress"]["photos_done"] == 0
    evaluation = hurried.completed(evaluation_id)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert evaluation["superseded_by"] is None
    assert faults.held("BatchesDeadLetterQueueUrl") == 0


def test_a_question_that_no_release_knows_any_more_is_planned_anew(hurried: Harness, faults: Faults) -> None:
    dr, unreadable = hurried.dr(3), faults.held("UploadsDeadLetterQueueUrl")
    with hurried.configured("splitter", VLM_MODEL=_OTHER):
        hurried.upload(dr)
        (entry,) = _begun(hurried, dr.number)
        old = entry["evaluation_id"]
        hurried.when(old, lambda seen: seen["status"] == "waiting")
    # As after a roll-back: nobody asks that model any more.
    with hurried.configured("sweeper", LOST_AFTER_SECONDS="2"):
        ended = _swept_until_superseded(hurried, old)
    new = hurried.completed(ended["superseded_by"])
    assert truth.seen(new) == truth.verdict(dr.truth)
    assert (new["model"] == _OTHER, ended["model"] == _OTHER) == (False, True)
    old_one = hurried.completed(old)
    assert (old_one["verdict"], old_one["superseded_by"]) == ("incomplete", new["evaluation_id"])
    assert faults.held("UploadsDeadLetterQueueUrl") == unreadable
    assert faults.held("BatchesDeadLetterQueueUrl") == 0


def test_a_catalogue_that_is_not_known_keeps_no_evaluation_open(hurried: Harness) -> None:
    dr = hurried.dr(3)
    # Its catalogue is changed while it runs, whatever else the machine does.
    hurried.vlm.latency("fixed:8000")
    hurried.upload(dr)
    old = hurried.api.start(dr.number).body["evaluation_id"]
    _set_catalogue(hurried, old, "v999")
    hurried.vlm.latency("none")
    with hurried.configured("sweeper", LOST_AFTER_SECONDS="2"):
        ended = _swept_until_superseded(hurried, old)
    new = hurried.completed(ended["superseded_by"])
    assert truth.seen(new) == truth.verdict(dr.truth)
    assert hurried.completed(old)["verdict"] == "incomplete"


def _begun(harness: Harness, number: str, within_s: float = 60) -> list[dict[str, str]]:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if history := harness.api.history(number).body["evaluations"]:
            return list(history)
        time.sleep(0.3)
    raise AssertionError("uploads started no evaluation")


def _swept_until_superseded(harness: Harness, evaluation_id: str, within_s: float = 120) -> dict[str, str]:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        harness.invoke("sweeper", _SWEEP)
        seen = dict(harness.api.evaluation(evaluation_id).body)
        if seen["superseded_by"]:
            return seen
        time.sleep(1)
    raise AssertionError(f"not planned anew: {json.dumps(seen)[:2000]}")


def _set_catalogue(harness: Harness, evaluation_id: str, version: str) -> None:
    """As if another release had begun the evaluation, with a catalogue that no function here knows."""
    table, name = harness.stack.aws.client("dynamodb"), harness.stack.outputs["TableName"]
    changed = table.update_item(
        TableName=name,
        Key={"pk": {"S": f"EVALUATION#{evaluation_id}"}, "sk": {"S": "META"}},
        UpdateExpression="SET versions.catalogue = :version",
        ExpressionAttributeValues={":version": {"S": version}},
        ReturnValues="ALL_NEW",
    )
    # Its question would have another fingerprint, too.
    fingerprint = changed["Attributes"]["fingerprint"]["S"]
    table.delete_item(TableName=name, Key={"pk": {"S": f"FINGERPRINT#{fingerprint}"}, "sk": {"S": "CURRENT"}})
