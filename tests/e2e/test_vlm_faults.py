"""A VLM that fails, lies, or is away: work waits for it, and ends as it would have without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import truth
from harness import Harness

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture(scope="module")
def hasty(shared: Harness) -> Iterator[None]:
    """A server that says nothing is given up soon, as `fast` has it."""
    with shared.waiting_for_the_vlm(answer_s=8, first_token_s=6, stall_s=2):
        yield


@pytest.mark.parametrize(
    "kind", ["status_429", "status_500", "status_503", "drop", "hang", "stall", "cut_stream", "error_event", "empty_answer"]
)
def test_a_passing_failure_delays_a_photo_and_changes_no_verdict(harness: Harness, kind: str) -> None:
    dr = harness.dr(2)
    harness.vlm.fault(kind, dr, count=2)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert harness.vlm.stats()["faults"] == {kind: 2}
    # A connection that breaks is tried once more at once; everything else comes back through the queue.
    assert kind == "drop" or any(photo["attempts"] > 1 for photo in evaluation["photos"])


@pytest.mark.parametrize(
    "kind", ["fenced", "prefixed", "cut_at_max_tokens", "wrong_types", "unmendable", "unknown_step", "obeys"]
)
def test_one_odd_answer_is_read_or_repaired(harness: Harness, kind: str) -> None:
    dr = harness.dr(1)
    harness.vlm.fault(kind, dr, count=1)
    harness.upload(dr)
    assert truth.seen(harness.evaluate(dr)) == truth.verdict(dr.truth)


def test_a_stall_is_noticed_long_before_a_whole_answer_is_given_up(harness: Harness) -> None:
    dr = harness.dr(1)
    harness.vlm.fault("stall", dr, count=1)
    harness.upload(dr)
    answer = harness.api.start(dr.number)
    waiting = harness.when(answer.body["evaluation_id"], lambda seen: seen["status"] in ("waiting", "completed"))
    # Two seconds of silence, not the eight of a whole answer; then the photo is put off, and answered.
    assert waiting["status"] == "completed" or "in time" in waiting["waiting"]["reason"]
    evaluation = harness.completed(answer.body["evaluation_id"])
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert harness.vlm.stats()["in_flight"] == 0


def test_a_photo_that_the_server_fails_at_is_given_up_while_others_are_answered(harness: Harness) -> None:
    poison, healthy = harness.dr(1), [harness.dr(2, seed=seed) for seed in range(2, 6)]
    harness.vlm.fault("status_500", poison)
    for dr in [poison, *healthy]:
        harness.upload(dr)
    evaluation_id = harness.api.start(poison.number).body["evaluation_id"]
    for _ in range(10):
        for dr in healthy:
            harness.evaluate(dr, force=True)
        if harness.api.evaluation(evaluation_id).body["status"] == "completed":
            break
    evaluation = harness.completed(evaluation_id)
    assert evaluation["verdict"] == "incomplete"
    (photo,) = evaluation["photos"]
    assert photo["reason"]["code"] == "refused"
    assert "answered others" in photo["reason"]["message"]


def test_nonsense_without_end_is_a_reason_and_never_a_score(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.vlm.fault("unmendable", dr)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    assert evaluation["verdict"] == "incomplete"
    assert all(photo["outcome"] == "not_evaluated" and photo["reason"]["message"] for photo in evaluation["photos"])
    assert all(step["score"] is None for step in evaluation["steps"])


def test_work_waits_while_the_vlm_is_away_and_ends_when_it_is_back(harness: Harness) -> None:
    dr = harness.dr(8)
    harness.vlm.fault("status_503", dr)
    harness.upload(dr)
    evaluation_id = harness.api.start(dr.number).body["evaluation_id"]
    waiting = harness.when(evaluation_id, lambda seen: seen["status"] == "waiting")
    assert waiting["waiting"]["since"]
    assert waiting["waiting"]["reason"]
    assert waiting["verdict"] is None
    assert waiting["steps"] == []
    assert any(photo["deferred_until"] for photo in waiting["photos"])
    harness.vlm.recover()
    evaluation = harness.completed(evaluation_id, within_s=180)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert evaluation["waiting"] is None
