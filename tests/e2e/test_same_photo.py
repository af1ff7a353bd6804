"""The same photo twice, in one DR and in two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Dr, Harness

from stack import samples


def _photo(evaluation: dict[str, Any], name: str) -> dict[str, Any]:
    (photo,) = [photo for photo in evaluation["photos"] if photo["name"] == name]
    return photo


def _asked(harness: Harness, dr: Dr) -> int:
    return sum(one["photo"].startswith(f"{dr.number}/") for one in harness.vlm.stats()["recent"])


def test_the_same_file_twice_in_a_dr_is_asked_about_once(harness: Harness) -> None:
    dr = harness.dr(4)
    harness.upload(dr)
    harness.put(dr.number, "IMG-20260114-WA0001.jpg", dr.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    assert _asked(harness, dr) == 4
    copy = _photo(evaluation, "IMG-20260114-WA0001.jpg")
    assert copy["outcome"] == "same_photo"
    assert copy["reason"]["code"] == "same_photo"
    assert dr.photos[0].name in copy["reason"]["message"]
    assert copy["looks_like"] == [dr.photos[0].name]
    assert evaluation["verdict"] == "fail", "not incomplete: nothing is left open"
    assert _photo(evaluation, dr.photos[0].name)["outcome"] == "evaluated"
    assert evaluation["flags"] == []


def test_a_photo_of_another_dr_is_flagged_with_which(harness: Harness, folder: Path) -> None:
    first, second, third = harness.dr(3), harness.dr(2, seed=7), harness.dr(2, seed=8)
    harness.upload(first)
    assert harness.evaluate(first)["flags"] == []
    used = first.photos[1]
    harness.upload(second)
    harness.put(second.number, "IMG-1.jpg", used.read_bytes())
    evaluation = harness.evaluate(second)
    expected = {"dr_number": first.number, "photo": used.name, "how": "same_file"}
    assert _photo(evaluation, "IMG-1.jpg")["also_in"] == expected
    (flag,) = [flag for flag in evaluation["flags"] if flag["code"] == "used_in_another_dr"]
    assert (flag["photo"], flag["fails"]) == ("IMG-1.jpg", False)
    assert f"{used.name} in {first.number}" in flag["message"]

    samples.make(folder, "--dr", first.number, "--photos", "3", "--seed", "1", "--megapixels", "0.7")
    smaller = folder / first.number / used.name
    assert smaller.read_bytes() != used.read_bytes()
    harness.upload(third)
    harness.put(third.number, "IMG-2.jpg", smaller.read_bytes())
    photo = _photo(harness.evaluate(third), "IMG-2.jpg")
    assert photo["also_in"] == {**expected, "how": "looks_the_same"}

    repeated = harness.evaluate(first, force=True)
    assert [photo["also_in"] for photo in repeated["photos"]] == [None] * 3, "who was first is not flagged"


def test_a_photo_whose_answer_is_used_again_is_flagged_too(harness: Harness) -> None:
    """Nobody is asked about it, so nobody looks at its pixels."""
    first, second = harness.dr(2), harness.dr(1, seed=7)
    used = first.photos[0]
    harness.upload(first)
    harness.evaluate(first)
    harness.upload(second)
    harness.put(second.number, f"{second.number}_{used.name.split('_', 1)[1]}", used.read_bytes())
    evaluation = harness.evaluate(second)
    assert evaluation["cache"]["photos_reused"] == 1
    (flag,) = [flag for flag in evaluation["flags"] if flag["code"] == "used_in_another_dr"]
    assert first.number in flag["message"]
