"""When and where photos were taken: flags for people, which change no verdict and say no position."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import truth
from exif import Taken, retake
from harness import Dr, Harness, problem

_HERE = (-26.2041, 28.0473)
_THERE = (-26.2141, 28.0473)  # 1,112 m from here
_FAR = (-27.2041, 28.0473)  # 111 km from here
_DAY = 24 * 3600
#: What is worked out of when and where photos were taken.
_CODES = {
    "taken_long_before",
    "taken_in_the_future",
    "clock_never_set",
    "taken_hours_apart",
    "taken_far_away",
    "camera_in_two_places",
    "photo_of_a_photo",
}


def _ago(seconds: float) -> str:
    return time.strftime("%Y:%m:%d %H:%M:%S", time.gmtime(time.time() - seconds))


def _flags(evaluation: dict[str, Any]) -> list[tuple[str, str]]:
    flags = [flag for flag in evaluation["flags"] if flag["code"] in _CODES]
    assert not any(flag["fails"] for flag in flags)
    return [(flag["photo"], flag["code"]) for flag in flags]


def _taken(dr: Dr, position: tuple[float, float], **odd: Taken) -> None:
    """All photos were taken an hour ago at this place, but for the odd ones, by number (`_3`)."""
    usual = Taken(_ago(3600), position)
    for number, photo in enumerate(dr.photos):
        retake(photo, odd.get(f"_{number}", usual))


def _place(harness: Harness, number: str, body: Any) -> Any:
    return harness.api.request("PUT", f"/drs/{number}", json.dumps(body).encode())


def test_what_cameras_say_is_flagged_for_people_and_changes_no_verdict(harness: Harness) -> None:
    dr = harness.dr(10, seed=2940)
    _taken(
        dr,
        _HERE,
        _0=Taken(_ago(20 * _DAY), _HERE),
        _1=Taken(_ago(-3 * _DAY), _HERE),
        _2=Taken("1980:01:01 00:00:00", _HERE),
        _3=Taken(_ago(3600), _THERE),
        _4=Taken(_ago(3600)),
    )
    names = [photo.name for photo in dr.photos]
    expected = [
        (names[0], "taken_hours_apart"),
        (names[0], "taken_long_before"),
        (names[1], "taken_hours_apart"),
        (names[1], "taken_in_the_future"),
        (names[2], "clock_never_set"),
        (names[3], "taken_far_away"),
    ]
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    assert sorted(_flags(evaluation)) == expected
    assert truth.seen(evaluation) == truth.verdict(dr.truth), "a flag changes no verdict"
    # One photo is put in again; the answers about the others are used again, and so is what their cameras said.
    retake(dr.photos[9], Taken(_ago(3500), _HERE))
    harness.upload(Dr(dr.number, [dr.photos[9]], dr.truth))
    again = harness.evaluate(dr)
    assert again["evaluation_id"] != evaluation["evaluation_id"]
    assert sum(bool(photo["reused_from"]) for photo in again["photos"]) == 9
    assert sorted(_flags(again)) == expected


def test_a_dr_is_put_in_its_place_and_no_position_is_shown(harness: Harness) -> None:
    dr = harness.dr(10, seed=2941)
    _taken(dr, _HERE, _4=Taken(_ago(3600)))
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    assert _flags(evaluation) == []
    known = harness.api.request("GET", f"/drs/{dr.number}")
    assert (known.status, known.body["has_expected_position"]) == (200, False)

    position = {"latitude": _THERE[0], "longitude": _THERE[1]}
    answer = _place(harness, dr.number.lower(), {"expected_position": position})
    assert (answer.status, answer.body["expected_position"]) == (200, position)
    known = harness.api.request("GET", f"/drs/{dr.number}")
    assert known.body["has_expected_position"] is True
    assert known.body["expected_position_set_at"] == answer.body["expected_position_set_at"]
    shown = harness.api.evaluation(evaluation["evaluation_id"]).body
    silent = dr.photos[4].name
    assert _flags(shown) == [(photo.name, "taken_far_away") for photo in dr.photos if photo.name != silent]
    metres = {photo["name"]: photo["metres_from_expected"] for photo in shown["photos"]}
    assert metres.pop(silent) is None
    assert set(metres.values()) == {1112}
    assert "1112 m" in shown["flags"][0]["message"]
    assert (shown["verdict"], shown["revision"]) == (evaluation["verdict"], evaluation["revision"])
    said = json.dumps([shown, known.body])
    assert "26.2" not in said and "28.04" not in said and "latitude" not in said

    assert _place(harness, dr.number, {"expected_position": None}).body["expected_position"] is None
    assert _flags(harness.api.evaluation(evaluation["evaluation_id"]).body) == []


@pytest.mark.parametrize(
    "body", [{}, {"expected_position": {"latitude": 91, "longitude": 0}}, {"expected_position": "here"}, [1]]
)
def test_what_is_no_position_is_refused_and_nothing_is_stored(harness: Harness, body: Any) -> None:
    assert "expected_position" in problem(_place(harness, "E2EPLACE1", body), 400)["detail"]
    assert harness.api.request("GET", "/drs/E2EPLACE1").body["has_expected_position"] is False
    problem(_place(harness, "D-1", {"expected_position": None}), 400)


def test_a_camera_in_two_far_places_at_once_is_flagged_in_both(harness: Harness) -> None:
    first, second, near = (harness.dr(2, seed=seed) for seed in (942, 943, 944))
    for dr, position, ago in ((first, _HERE, 3600), (second, _FAR, 3000), (near, _THERE, 3000)):
        for photo in dr.photos:
            retake(photo, Taken(_ago(ago), position, camera_serial="E2E-0001"))
        harness.upload(dr)
    before, later, beside = (harness.evaluate(dr) for dr in (first, second, near))
    assert _flags(before) == []
    assert {code for _, code in _flags(later)} == {"camera_in_two_places"}
    shown = harness.api.evaluation(before["evaluation_id"]).body
    assert {code for _, code in _flags(shown)} == {"camera_in_two_places"}
    assert second.number not in str(shown), "which one is for reviewers"
    evidence, of_beside = harness.evidence(shown), harness.evidence(beside)
    (flag,) = [flag for flag in evidence["flags"] if flag["code"] == "camera_in_two_places"]
    assert second.number in flag["message"] and "111 km away" in flag["message"]
    others = [flag["message"] for flag in of_beside["flags"] if flag["code"] == "camera_in_two_places"]
    assert all(first.number not in message for message in others), "near places are no wonder"
    assert "E2E-0001" not in json.dumps([before, later, beside])
    assert {photo["camera_serial"] for photo in evidence["photos"]} == {"E2E-0001"}


def test_a_photo_of_a_screen_or_a_print_is_flagged(harness: Harness) -> None:
    dr = harness.dr(10, seed=2945, fail="screen_or_print")
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    row = evaluation["steps"][0]
    assert (row["step"], row["outcome"]) == ("house_photo", "fail")
    assert "screen or a print" in row["reason"]
    assert _flags(evaluation) == [(row["photo"], "photo_of_a_photo")]
