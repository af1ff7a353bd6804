"""The same photo twice, in one DR and in two."""

from __future__ import annotations

from typing import Any

from harness import Dr, Harness


def _photo(evaluation: dict[str, Any], name: str) -> dict[str, Any]:
    (photo,) = [photo for photo in evaluation["photos"] if photo["name"] == name]
    return photo


def _asked(harness: Harness, dr: Dr) -> int:
    return sum(one["photo"].startswith(f"{dr.number}/") for one in harness.vlm.stats()["recent"])


def test_the_same_file_twice_in_a_dr_is_asked_about_once(harness: Harness) -> None:
    dr = harness.dr(4, seed=900)
    harness.upload(dr)
    harness.put(dr.number, "IMG-20260114-WA0001.jpg", dr.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    assert _asked(harness, dr) == 4
    copy = _photo(evaluation, "IMG-20260114-WA0001.jpg")
    assert copy["outcome"] == "same_photo"
    assert copy["reason"]["code"] == "same_photo"
    assert dr.photos[0].name in copy["reason"]["message"]
    assert dr.photos[0].name in copy["looks_like"]
    assert evaluation["verdict"] == "fail", "not incomplete: nothing is left open"
    assert _photo(evaluation, dr.photos[0].name)["outcome"] == "evaluated"
    assert [flag for flag in evaluation["flags"] if flag["photo"] == copy["name"]] == []


def test_a_photo_of_another_dr_is_flagged_with_which(harness: Harness) -> None:
    first, second, third = harness.dr(3, seed=901), harness.dr(2, seed=902), harness.dr(2, seed=903)
    harness.upload(first)
    used = first.photos[1]
    assert [flag for flag in harness.evaluate(first)["flags"] if flag["photo"] == used.name] == []
    harness.upload(second)
    harness.put(second.number, "IMG-1.jpg", used.read_bytes())
    evaluation = harness.evaluate(second)
    expected = {"dr_number": first.number, "photo": used.name, "how": "same_file"}
    evidence = harness.evidence(evaluation)
    assert _photo(evidence, "IMG-1.jpg")["also_in"] == expected
    (flag,) = [flag for flag in evaluation["flags"] if flag["photo"] == "IMG-1.jpg"]
    assert (flag["code"], flag["fails"]) == ("used_in_another_dr", False)
    assert first.number not in str(evaluation), "which one is for reviewers"
    (flag,) = [flag for flag in evidence["flags"] if flag["photo"] == "IMG-1.jpg"]
    assert f"{used.name} in {first.number}" in flag["message"]

    commented = used.read_bytes().replace(b"\xff\xd8", b"\xff\xd8\xff\xfe\x00\x06note", 1)
    harness.upload(third)
    name = used.name.replace(first.number, third.number)  # under the same step, so sent in the same size
    harness.put(third.number, name, commented)
    photo = _photo(harness.evidence(harness.evaluate(third)), name)
    assert photo["also_in"] == {**expected, "how": "looks_the_same"}

    repeated = harness.evaluate(first, force=True)
    assert _photo(harness.evidence(repeated), used.name)["also_in"] is None, "who was first is not flagged"


def test_a_photo_whose_answer_is_used_again_is_flagged_too(harness: Harness) -> None:
    """Nobody is asked about it, so nobody looks at its pixels."""
    first, second = harness.dr(2, seed=904), harness.dr(1, seed=905)
    used = first.photos[0]
    harness.upload(first)
    harness.evaluate(first)
    harness.upload(second)
    name = used.name.replace(first.number, second.number)
    harness.put(second.number, name, used.read_bytes())
    evaluation = harness.evaluate(second)
    assert evaluation["cache"]["photos_reused"] == 1
    (flag,) = [flag for flag in evaluation["flags"] if flag["photo"] == name]
    assert flag["code"] == "used_in_another_dr" and first.number not in flag["message"]
    (flag,) = [flag for flag in harness.evidence(evaluation)["flags"] if flag["photo"] == name]
    assert first.number in flag["message"]


def test_the_same_bytes_under_another_etag_are_asked_about_once_and_found_in_other_drs(harness: Harness) -> None:
    """As when a photo is put in parts, or with a key of KMS: its ETag then is no hash of its bytes."""
    first, second, third = harness.dr(2, seed=906), harness.dr(1, seed=907), harness.dr(1, seed=908)
    used = first.photos[0]
    harness.upload(first)
    before = _photo(harness.evaluate(first), used.name)
    for dr in (second, third):
        harness.put_in_parts(dr.number, used.name.replace(first.number, dr.number), used.read_bytes())
        evaluation = harness.evaluate(dr)
        assert _asked(harness, first) == 2, "nobody is asked about it again"
        photo = _photo(evaluation, used.name.replace(first.number, dr.number))
        assert (photo["outcome"], photo["findings"]) == ("evaluated", before["findings"])
        seen = _photo(harness.evidence(evaluation), photo["name"])
        assert seen["reused_from"] and not photo["reused_from"], "it leads to the other DR"
        assert seen["also_in"] == {"dr_number": first.number, "photo": used.name, "how": "same_file"}
        assert [flag["code"] for flag in evaluation["flags"] if flag["photo"] == photo["name"]] == [
            "used_in_another_dr"
        ]
    quick = _photo(harness.evidence(harness.evaluate(second, "quick")), photo["name"].replace(third.number, second.number))
    assert quick["also_in"]["dr_number"] == first.number, "found by its ETag now, and flagged all the same"
    harness.evaluate(third, force=True)
    assert _asked(harness, first) == 3, "by force nothing from before is used"


def test_the_same_bytes_put_in_two_ways_in_one_dr_are_asked_about_once(harness: Harness) -> None:
    dr = harness.dr(3, seed=909)
    harness.upload(dr)
    harness.put_in_parts(dr.number, "IMG-1.jpg", dr.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    assert _asked(harness, dr) == 3
    copies = [photo for photo in evaluation["photos"] if photo["outcome"] == "same_photo"]
    assert [photo["name"] in ("IMG-1.jpg", dr.photos[0].name) for photo in copies] == [True]
    assert evaluation["verdict"] == "fail", "not incomplete: nothing is left open"


def test_an_answer_found_by_its_bytes_makes_no_result_younger(harness: Harness) -> None:
    first, second = harness.dr(1, seed=910), harness.dr(1, seed=911)
    harness.upload(first)
    answered = harness.evaluate(first)
    name = first.photos[0].name.replace(first.number, second.number)
    harness.put_in_parts(second.number, name, first.photos[0].read_bytes())
    evaluation = harness.evaluate(second)
    assert evaluation["expires_at"] == answered["expires_at"]
    harness.api.empty_cache(second.number)
    harness.evaluate(second)
    assert _asked(harness, first) == 2, "what was thrown away is not used, by whatever it is found"
