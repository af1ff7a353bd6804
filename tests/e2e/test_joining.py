"""The same question again: joined while it runs, known when it is done, asked anew on demand."""

from __future__ import annotations

import time

from harness import Harness


def test_the_same_question_joins_the_running_evaluation(harness: Harness) -> None:
    dr = harness.dr(3)
    with harness.held("UploadsQueueUrl"), harness.held("BatchesQueueUrl"):
        harness.upload(dr)
        first = harness.api.start(dr.number)
        second = harness.api.start(dr.number)
    assert (first.status, second.status) == (202, 200)
    assert second.body["evaluation_id"] == first.body["evaluation_id"]
    assert (second.body["joined"], second.body["cached"]) == (True, False)
    assert second.body["status"] in ("queued", "running")
    assert "retry-after" in second.headers
    assert harness.api.start(dr.number, "quick").body["evaluation_id"] != first.body["evaluation_id"]
    harness.completed(first.body["evaluation_id"])


def test_a_finished_evaluation_is_known_and_nobody_is_asked(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    asked = harness.vlm.stats()["requests"]
    again = harness.api.start(dr.number)
    assert again.status == 200
    assert (again.body["cached"], again.body["joined"], again.body["status"]) == (True, False, "completed")
    assert again.body["evaluation_id"] == evaluation["evaluation_id"]
    assert harness.vlm.stats()["requests"] == asked


def test_force_asks_anew(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    (entry,) = harness.quiet(dr)
    asked = harness.vlm.stats()["requests"]
    forced = harness.evaluate(dr, force=True)
    assert forced["evaluation_id"] != entry["evaluation_id"]
    assert harness.vlm.stats()["requests"] == asked + 3
    assert harness.api.start(dr.number).body["evaluation_id"] == forced["evaluation_id"]


def test_a_changed_photo_is_a_new_question(harness: Harness) -> None:
    dr, other = harness.dr(3), harness.dr(3, seed=2)
    harness.upload(dr)
    before = harness.evaluate(dr)
    harness.put(dr.number, dr.photos[0].name, other.photos[0].read_bytes())
    after = harness.evaluate(dr)
    assert after["evaluation_id"] != before["evaluation_id"]


def test_a_person_who_joins_what_uploads_asked_does_not_wait_behind_them(harness: Harness) -> None:
    others, mine = [harness.dr(4) for _ in range(6)], harness.dr(4)
    harness.vlm.latency("fixed:1500")
    with harness.held("BulkQueueUrl"):
        for dr in [*others, mine]:
            harness.upload(dr)
        for dr in [*others, mine]:
            _begun(harness, dr.number)
        joined = harness.api.start(mine.number)
        assert joined.body["joined"]
    harness.completed(joined.body["evaluation_id"])
    ended = [harness.api.history(dr.number).body["evaluations"][0]["status"] == "completed" for dr in others]
    assert not all(ended), "there was a backlog, and it was passed"
    for dr in others:
        harness.quiet(dr)
    asked = harness.vlm.stats()["requests"]
    assert asked <= 7 * 4 + 4, "each photo once, and those that a person joined once more at most"


def test_a_question_whose_evaluation_is_gone_is_asked_anew(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    first = harness.evaluate(dr)["evaluation_id"]
    harness.stack.aws.client("dynamodb").delete_item(
        TableName=harness.stack.outputs["TableName"], Key={"pk": {"S": f"EVALUATION#{first}"}, "sk": {"S": "META"}}
    )
    second = harness.evaluate(dr)
    assert second["evaluation_id"] != first and second["status"] == "completed"
    harness.stack.aws.client("dynamodb").delete_item(
        TableName=harness.stack.outputs["TableName"],
        Key={"pk": {"S": f"EVALUATION#{second['evaluation_id']}"}, "sk": {"S": "META"}},
    )
    assert harness.evaluate(dr, force=True)["status"] == "completed"


def _begun(harness: Harness, number: str, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not harness.api.history(number).body["evaluations"]:
        assert time.monotonic() < deadline, "uploads started no evaluation"
        time.sleep(0.2)
