"""Functions that are killed, messages that come twice, photos that go away: nothing is lost, and no verdict lies."""

from __future__ import annotations

import json
from typing import Any

import pytest
import truth
from faults import Faults
from harness import Dr, Harness

#: What a photo may be without an answer for, when its functions were killed again and again.
_TRUE_REASONS = {"dead_lettered"}


def _gaps(evaluation: dict[str, Any]) -> dict[str, str]:
    return {
        photo["name"]: photo["reason"]["code"]
        for photo in evaluation["photos"]
        if photo["outcome"] == "not_evaluated"
    }


def _is_right(evaluation: dict[str, Any], dr: Dr) -> None:
    gaps = _gaps(evaluation)
    assert set(gaps.values()) <= _TRUE_REASONS
    assert truth.seen(evaluation) == truth.verdict(dr.truth, unseen=frozenset(gaps))


def test_functions_killed_in_the_middle_of_their_work_lose_nothing(hurried: Harness, faults: Faults) -> None:
    drs = [hurried.dr(6, seed=seed) for seed in range(4)]
    hurried.vlm.latency("fixed:700")
    for dr in drs:
        hurried.upload(dr)
    ids = [hurried.api.start(dr.number).body["evaluation_id"] for dr in drs]
    killed = faults.kill_while_busy(("batch", "aggregator"), times=8, every_s=0.25)
    assert killed["batch"] >= 3, f"the work was done before it could be disturbed: {killed}"
    assert killed["aggregator"] >= 3, f"the work was done before it could be disturbed: {killed}"
    for dr, evaluation_id in zip(drs, ids, strict=True):
        _is_right(hurried.completed(evaluation_id, within_s=300), dr)


def test_a_killed_splitter_costs_an_answer_and_no_evaluation(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(3)
    hurried.upload(dr)
    first = hurried.api.start(dr.number)
    assert faults.kill("splitter")
    # The answer that it costs may be the next one: the emulator may not have seen yet that the process is gone.
    answers = (hurried.api.start(dr.number) for _ in range(5))
    again = next(answer for answer in answers if answer.status < 500)
    assert again.body["evaluation_id"] == first.body["evaluation_id"]
    _is_right(hurried.completed(first.body["evaluation_id"]), dr)


def test_every_message_twice_leaves_what_one_leaves(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(8)
    hurried.upload(dr)
    hurried.vlm.latency("fixed:500")
    evaluation_id = hurried.api.start(dr.number, force=True).body["evaluation_id"]
    doubled = faults.batches(evaluation_id)
    faults.send("BatchesQueueUrl", *doubled)
    _is_right(hurried.completed(evaluation_id), dr)
    assert len(doubled) == 8
    assert hurried.vlm.stats()["requests"] <= 2 * len(doubled), "k deliveries cost k - 1 more calls at most"
    before = hurried.api.evaluation(evaluation_id).body
    faults.send("ResultsQueueUrl", *faults.outcomes(evaluation_id), *faults.outcomes(evaluation_id))
    faults.send("BatchesQueueUrl", *doubled)
    faults.wait_until_held("ResultsQueueUrl", 0)
    faults.wait_until_held("BatchesQueueUrl", 0)
    assert hurried.api.evaluation(evaluation_id).body == before


def test_a_photo_that_goes_and_one_that_changes_say_so(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(5)
    gone, changed = dr.photos[0].name, dr.photos[1].name
    hurried.vlm.fault("status_503", dr)
    hurried.upload(dr)
    evaluation_id = hurried.api.start(dr.number).body["evaluation_id"]
    hurried.when(evaluation_id, lambda seen: all(photo["deferred_until"] for photo in seen["photos"]))
    hurried.delete(dr.number, gone)
    hurried.put(dr.number, changed, dr.photos[2].read_bytes())
    hurried.vlm.recover()
    evaluation = hurried.completed(evaluation_id, within_s=180)
    assert _gaps(evaluation) == {gone: "photo_gone", changed: "photo_changed"}
    assert truth.seen(evaluation) == truth.verdict(dr.truth, unseen=frozenset([gone, changed]))


_HALF_VALID = {
    "kind": "batch",
    "version": 1,
    "evaluation_id": "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d",
    "dr_number": "DR1",
    "photos": [{"key": "photos/DR1/a.jpg"}],
    "attempt": 0,
}
_GARBAGE = ("", "no JSON", "{}", '{"kind": "batch", "version": 2}', json.dumps(_HALF_VALID))


@pytest.mark.parametrize("queue", ["BatchesDeadLetterQueueUrl", "ResultsDeadLetterQueueUrl"])
def test_garbage_in_a_dead_letter_queue_is_parked_for_people(hurried: Harness, faults: Faults, queue: str) -> None:
    faults.take("ParkedQueueUrl")
    garbage = [body for body in _GARBAGE if body]  # SQS takes no empty body
    dr = hurried.dr(2)
    hurried.upload(dr)
    faults.send(queue, *garbage)
    _is_right(hurried.evaluate(dr), dr)
    faults.wait_until_held("ParkedQueueUrl", len(garbage))
    assert sorted(faults.take("ParkedQueueUrl")) == sorted(garbage), "nothing is lost, garbage neither"


def test_dead_letters_become_reasons_and_a_redrive_harms_no_evaluation(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(5)
    hurried.vlm.fault("status_503", dr)
    hurried.upload(dr)
    evaluation_id = hurried.api.start(dr.number).body["evaluation_id"]
    hurried.when(evaluation_id, lambda seen: seen["status"] == "waiting")
    dead = faults.batches(evaluation_id)
    faults.send("BatchesDeadLetterQueueUrl", *dead)
    evaluation = hurried.completed(evaluation_id)
    assert set(_gaps(evaluation).values()) == {"dead_lettered"}
    assert evaluation["verdict"] == "incomplete"
    assert evaluation["average_score"] is None
    hurried.vlm.recover()
    waited_for, bulk = dead[1:], json.dumps({**json.loads(dead[0]), "bulk": True})
    faults.send("ParkedQueueUrl", *waited_for, bulk)
    redriven = hurried.redrive()
    assert redriven == {"batches": len(waited_for), "bulk": 1, "results": 0, "uploads": 0, "left": 0}
    faults.wait_until_held("BatchesQueueUrl", 0)
    faults.wait_until_held("BulkQueueUrl", 0)
    _is_right(hurried.api.evaluation(evaluation_id).body, dr)
    _is_right(hurried.evaluate(dr), dr)


def test_what_a_redrive_cannot_read_stays_where_it_is(hurried: Harness, faults: Faults) -> None:
    faults.take("ParkedQueueUrl")
    faults.send("ParkedQueueUrl", "no JSON", '{"kind": "unheard of"}')
    assert hurried.redrive() == {"batches": 0, "bulk": 0, "results": 0, "uploads": 0, "left": 2}
    faults.wait_until_held("ParkedQueueUrl", 2)
    faults.take("ParkedQueueUrl")


@pytest.mark.parametrize("queue", ["UploadsQueueUrl", "BatchesQueueUrl", "ResultsQueueUrl"])
def test_garbage_on_a_queue_disturbs_nobody(hurried: Harness, faults: Faults, queue: str) -> None:
    garbage = [body for body in _GARBAGE if body]
    dr = hurried.dr(3)
    hurried.upload(dr)
    faults.send(queue, *garbage)
    _is_right(hurried.evaluate(dr), dr)
