"""The three ways to start an evaluation: API, upload, direct invocation."""

from __future__ import annotations

import time
from pathlib import Path

import truth
from harness import Harness, copied

#: The quiet period of the timing profile "fast", and what the queues take on top.
_QUIET_FOR_S = 3 + 5


def test_the_api_answers_at_once_and_the_verdict_equals_the_truth(harness: Harness) -> None:
    dr = harness.dr(10)
    harness.upload(dr)
    answer = harness.api.start(f" {dr.number.lower()} ")
    assert answer.status == 202
    assert answer.headers["location"] == answer.body["links"]["self"]
    assert int(answer.headers["retry-after"]) > 0
    evaluation_id = answer.body["evaluation_id"]
    assert answer.body == {
        "evaluation_id": evaluation_id,
        "dr_number": dr.number,
        "mode": "full",
        "mode_note": None,
        "status": "queued",
        "photos_total": 10,
        "cached": False,
        "joined": False,
        "missed_because": ["first"],
        "trace_id": answer.headers["x-trace-id"],
        "links": {"self": f"/evaluations/{evaluation_id}", "history": f"/drs/{dr.number}/evaluations"},
    }
    evaluation = harness.completed(evaluation_id)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert evaluation["verdict"] == "pass"
    assert evaluation["progress"] == {"photos_total": 10, "photos_done": 10, "photos_pending": 0}
    assert [photo["outcome"] for photo in evaluation["photos"]] == ["evaluated"] * 10
    assert [photo["name"] for photo in evaluation["photos"]] == sorted(dr.truth)


def test_a_completed_evaluation_says_where_the_time_went(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    timings = evaluation["timings"]
    assert timings.keys() == {"split_ms", "queue_ms", "fetch_ms", "compress_ms", "vlm_ms", "merge_ms", "total_ms"}
    assert timings["total_ms"] >= max(timings[part] for part in timings.keys() - {"total_ms"})
    for photo in evaluation["photos"]:
        timings = photo["timings"]
        assert timings.keys() == {
            "queue_ms", "fetch_ms", "compress_ms", "vlm_ms", "first_token_ms", "generation_ms",
        }
        assert timings["first_token_ms"] <= timings["vlm_ms"]
        assert 0 < photo["image"]["sent_bytes"] < photo["image"]["original_bytes"]
        assert max(photo["image"]["width"], photo["image"]["height"]) <= 1280
        assert photo["usage"]["completion_tokens"] > 0


def test_what_is_sent_to_the_vlm_is_readable_and_says_nothing_of_place_and_time(harness: Harness) -> None:
    dr = harness.dr(8)
    harness.upload(dr)
    harness.evaluate(dr)
    sent = [request for request in harness.vlm.stats()["recent"] if request["photo"].startswith(dr.number)]
    assert len(sent) == 8, "one request for each photo"
    assert [request for request in sent if request["unreadable"] or request["metadata"]] == []


def test_uploads_start_an_evaluation_once_the_dr_is_quiet(harness: Harness) -> None:
    dr = harness.dr(6)
    harness.upload(dr)
    (entry,) = harness.quiet(dr)
    assert entry["photos_total"] == 6
    assert truth.seen(harness.completed(entry["evaluation_id"])) == truth.verdict(dr.truth)
    time.sleep(_QUIET_FOR_S)
    assert len(harness.quiet(dr)) == 1


def test_photos_that_come_late_are_in_the_same_evaluation(harness: Harness) -> None:
    dr = harness.dr(4)
    first, *others = dr.photos
    # All together they come later than the quiet period of the first one; a busy machine may be late with each.
    with harness.configured("splitter", QUIET_PERIOD_SECONDS="8"):
        harness.put(dr.number, first.name, first.read_bytes())
        for photo in others:
            time.sleep(3)
            harness.put(dr.number, photo.name, photo.read_bytes())
        (entry,) = harness.quiet(dr)
    assert entry["photos_total"] == 4


def test_names_that_arrive_encoded_are_understood(harness: Harness, folder: Path) -> None:
    dr = harness.dr(3)
    odd = dict(zip(sorted(dr.truth), ["WhatsApp Image 2026-01-14 at 10.15.jpg", "a+b & c=100%.jpg", "Küche (1).jpg"]))
    dr = copied(dr, folder / dr.number, odd)
    harness.upload(dr)
    (entry,) = harness.quiet(dr)
    assert truth.seen(harness.completed(entry["evaluation_id"])) == truth.verdict(dr.truth)


def test_an_upload_beside_the_drs_disturbs_nothing(harness: Harness) -> None:
    dr = harness.dr(1)
    harness.put("..", "x.jpg", b"x")
    harness.put("lower-case", "x.jpg", b"x")
    harness.upload(dr)
    assert len(harness.quiet(dr)) == 1


def test_a_direct_invocation_answers_as_the_api_does(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    answer, error = harness.invoke("splitter", {"dr_number": dr.number, "mode": "full", "force": False})
    assert error is None
    assert answer["dr_number"] == dr.number
    assert answer["photos_total"] == 3
    assert truth.seen(harness.completed(answer["evaluation_id"])) == truth.verdict(dr.truth)
    refusal, error = harness.invoke("splitter", {"dr_number": "DR0000000"})
    assert error
    assert "DR0000000 has no photos" in refusal["errorMessage"]
