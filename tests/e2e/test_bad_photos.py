"""Bad photos among good ones: each costs only itself, and an error is never a verdict."""

from __future__ import annotations

import pytest
import truth
from harness import Harness

#: Files whose name is wrong but whose content is a photo.
_READABLE = {"png-named.jpg", "webp-named.jpg"}


def test_bad_photos_get_a_reason_and_disturb_no_other(harness: Harness) -> None:
    dr = harness.dr(10)
    hostile = harness.hostile()
    harness.upload(dr, *hostile.values())
    evaluation = harness.evaluate(dr)
    outcomes = {photo["name"]: photo for photo in evaluation["photos"]}
    for name in hostile.keys() - _READABLE:
        expected = "not_a_photo" if name == "text.jpg" else "not_evaluated"
        assert outcomes[name]["outcome"] == expected, outcomes[name]
        assert outcomes[name]["reason"]["message"]
        assert outcomes[name]["findings"] == []
    for name in _READABLE | dr.truth.keys():
        assert outcomes[name]["outcome"] == "evaluated", outcomes[name]
    assert evaluation["verdict"] == "pass", "a pass stands despite gaps"
    scores = {step["step"]: step["score"] for step in evaluation["steps"]}
    for step, (_, score, _) in truth.verdict(dr.truth)["steps"].items():
        assert scores[step] >= score


def test_a_photo_whose_name_is_too_long_gets_a_reason_and_disturbs_no_other(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    name = "a folder/" * 40 + "a.jpg"
    harness.put(dr.number, name, dr.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    (misnamed,) = (photo for photo in evaluation["photos"] if photo["name"] not in dr.truth)
    assert misnamed["reason"]["code"] == "name_too_long"
    assert len(misnamed["name"].encode()) <= 255
    assert f"{len(name)} bytes" in misnamed["name"]
    assert {photo["outcome"] for photo in evaluation["photos"] if photo != misnamed} == {"evaluated"}


@pytest.mark.parametrize("bad", ["zero-bytes.jpg", "truncated-half.jpg", "claims-65500x65500.jpg", "random.jpg"])
def test_what_could_not_be_seen_makes_it_incomplete_not_failed(harness: Harness, bad: str) -> None:
    dr = harness.dr(5)
    harness.upload(dr, harness.hostile()[bad])
    evaluation = harness.evaluate(dr)
    expected = truth.verdict(dr.truth, unseen=frozenset([bad]))
    assert expected["verdict"] == "incomplete"
    assert truth.seen(evaluation) == expected
    assert evaluation["average_score"] is None


def test_without_gaps_it_fails(harness: Harness) -> None:
    dr = harness.dr(5)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert evaluation["verdict"] == "fail"


def test_an_incomplete_evaluation_is_not_kept_as_an_answer(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr, harness.hostile()["random.jpg"])
    first = harness.evaluate(dr)
    again = harness.api.start(dr.number)
    assert first["verdict"] == "incomplete"
    assert not again.body["cached"]
