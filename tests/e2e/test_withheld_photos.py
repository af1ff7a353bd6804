"""Photos that S3 does not give: an outcome in words, at once."""

from __future__ import annotations

from typing import Any

import pytest
import truth
from faults import Faults
from harness import Harness, problem

_KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0123456789abcdef" * 2}


def _photo(evaluation: dict[str, Any], name: str) -> dict[str, Any]:
    (photo,) = [photo for photo in evaluation["photos"] if photo["name"] == name]
    return photo


def _reported(harness: Harness, evaluation: dict[str, Any], photo: dict[str, Any]) -> dict[str, Any]:
    """What a report says that is kept of a photo."""
    report = harness.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/report")
    (found,) = [one for one in report.body["photos"] if one["photo_id"] == photo["photo_id"]]
    return dict(found["kept"])


def test_a_photo_in_an_archive_says_so_and_is_asked_about_once_restored(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(3, seed=930)
    hurried.upload(dr)
    archived = dr.photos[0]
    hurried.put(dr.number, archived.name, archived.read_bytes(), StorageClass="GLACIER")
    evaluation = hurried.evaluate(dr)
    photo = _photo(evaluation, archived.name)
    assert (photo["outcome"], photo["reason"]["code"]) == ("not_evaluated", "archived")
    assert "restored" in photo["reason"]["message"]
    assert truth.seen(evaluation) == truth.verdict(dr.truth, unseen=frozenset([archived.name]))
    assert faults.held("BatchesDeadLetterQueueUrl") == 0
    link = f"/evaluations/{evaluation['evaluation_id']}/photos/{photo['photo_id']}"
    assert problem(hurried.api.request("GET", link), 409)["type"].endswith("photo-archived")
    assert _reported(hurried, evaluation, photo)["is_archived"] is True
    hurried.restore(dr.number, archived.name)
    assert hurried.api.request("GET", link).status == 200, "lists go on saying that it lies in an archive"
    assert _reported(hurried, evaluation, photo)["is_archived"] is False
    again = hurried.evaluate(dr)
    assert again["evaluation_id"] != evaluation["evaluation_id"]
    assert truth.seen(again) == truth.verdict(dr.truth)
    assert again["cache"]["photos_reused"] == 2, "the others are not asked about again"


@pytest.mark.parametrize("how", [_KEY, {"StorageClass": "DEEP_ARCHIVE"}])
def test_what_is_no_photo_by_its_name_is_no_gap_though_nobody_can_look(harness: Harness, how: dict[str, str]) -> None:
    dr = harness.dr(2, seed=931)
    harness.upload(dr)
    harness.put(dr.number, "IMG_0042.MOV", b"a video", **how)
    evaluation = harness.evaluate(dr)
    assert _photo(evaluation, "IMG_0042.MOV")["outcome"] == "not_a_photo"
    assert evaluation["verdict"] == "fail"


def test_a_photo_with_a_key_of_the_apps_own_says_so(harness: Harness) -> None:
    dr = harness.dr(2, seed=932)
    harness.upload(dr)
    other = dr.photos[0].read_bytes() + b"other bytes"
    harness.put(dr.number, "IMG-1.jpg", other, **_KEY)
    evaluation = harness.evaluate(dr)
    reason = _photo(evaluation, "IMG-1.jpg")["reason"]
    assert reason["code"] == "no_access"
    assert "SSE-C" in reason["message"]
    assert evaluation["verdict"] == "incomplete"
