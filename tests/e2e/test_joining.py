"""The same question again: joined while it runs, known when it is done, asked anew on demand."""

from __future__ import annotations

from harness import Harness


def test_the_same_question_joins_the_running_evaluation(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    harness.vlm.latency("fixed:3000")
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
