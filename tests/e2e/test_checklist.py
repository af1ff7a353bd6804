"""A DR's checklist: what its photos show so far, what is left to do, and what technicians say of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from harness import Dr, Harness, problem

from stack.api import Answer

_PATIENCE_S = 60.0
_STATES = {"pass": "seen", "fail": "weak", "missing": "not_seen", "not_evaluated": "not_seen"}


def _ask(harness: Harness, number: str, **headers: str) -> Answer:
    return harness.api.request("GET", f"/drs/{number}", **headers)


def _checklist(harness: Harness, number: str) -> dict[str, Any]:
    answer = _ask(harness, number)
    assert answer.status == 200, answer
    return dict(answer.body)


def _by_name(checklist: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {photo["name"]: photo for photo in checklist["photos"]}


def _agrees(checklist: dict[str, Any], evaluation: dict[str, Any]) -> None:
    """It says what a full evaluation of the same photos says."""
    assert checklist["photos_open"] == 0
    assert checklist["verdict_so_far"] == evaluation["verdict"]
    assert checklist["safe_to_leave"] == (evaluation["verdict"] == "pass")
    for step, row in zip(checklist["steps"], evaluation["steps"], strict=True):
        assert step["state"] == _STATES[row["outcome"]]
        for field in ("step", "number", "label", "critical", "score", "photo", "reading", "comment"):
            assert step[field] == row[field], field
        if row["outcome"] in ("fail", "missing"):
            assert step["remedy"] == row["remedy"]


def _note(harness: Harness, number: str, body: Any) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return harness.api.request("POST", f"/drs/{number}/notes", content)


def _said(step: str = "power_meter", kind: str = "disagree", reason: str = "The meter shows -18 dBm.") -> dict[str, str]:
    return {"step": step, "kind": kind, "reason": reason}


def test_before_the_first_photo_it_is_the_list_of_what_to_take(harness: Harness) -> None:
    checklist = _checklist(harness, "e2ecl1")
    assert (checklist["dr_number"], checklist["photos"], checklist["evaluations"]) == ("E2ECL1", [], [])
    assert not checklist["safe_to_leave"]
    assert {step["state"] for step in checklist["steps"]} == {"not_seen"}
    to_do = checklist["to_do"]
    assert [one["critical"] for one in to_do] == [True] * 6 + [False] * 4
    assert {one["remedy"] for one in to_do} == {"take"}
    assert to_do[0]["message"].startswith("House photo: take a photo that shows the whole front of the house")
    assert checklist["has_expected_position"] is False
    problem(_ask(harness, "D-1"), 400)


def test_it_says_what_a_full_evaluation_says_and_when_it_is_safe_to_leave(harness: Harness) -> None:
    dr = harness.dr(10, seed=1950)
    some = Dr(dr.number, dr.photos[:6], dr.truth)
    harness.upload(some)
    first = harness.evaluate(some)
    checklist = _checklist(harness, dr.number)
    _agrees(checklist, first)
    assert not checklist["safe_to_leave"]
    missing = [step["step"] for step in checklist["steps"] if step["state"] == "not_seen"]
    assert missing and sorted(one["step"] for one in checklist["to_do"]) == sorted(missing)
    photos = _by_name(checklist)
    seen = [step for step in checklist["steps"] if step["state"] == "seen"]
    assert seen and {photo["state"] for photo in photos.values()} == {"looked_at"}
    for step in seen:
        (shown,) = [one for one in photos[step["photo"]]["shows"] if one["step"] == step["step"]]
        assert (shown["passes"], shown["score"]) == (True, step["score"])
    (entry,) = checklist["evaluations"]
    assert (entry["evaluation_id"], entry["verdict"]) == (first["evaluation_id"], "fail")
    assert entry["links"]["self"] == f"/evaluations/{first['evaluation_id']}"

    harness.upload(Dr(dr.number, dr.photos[6:], dr.truth))
    checklist = _checklist(harness, dr.number)
    assert (checklist["photos_total"], checklist["photos_open"]) in {(10, open_) for open_ in range(5)}
    second = harness.evaluate(dr)
    checklist = _checklist(harness, dr.number)
    _agrees(checklist, second)
    assert checklist["safe_to_leave"] and checklist["to_do"] == []
    ids = [entry["evaluation_id"] for entry in checklist["evaluations"]]
    assert ids[:2] == [second["evaluation_id"], first["evaluation_id"]]


def test_after_the_cache_was_emptied_nobody_has_looked(harness: Harness) -> None:
    dr = harness.dr(2, seed=1951)
    harness.upload(dr)
    harness.evaluate(dr)
    assert _checklist(harness, dr.number)["photos_open"] == 0
    assert harness.api.empty_cache(dr.number).status == 200
    checklist = _checklist(harness, dr.number)
    assert {photo["state"] for photo in checklist["photos"]} == {"not_looked_at"}
    assert {step["state"] for step in checklist["steps"]} == {"not_seen"}


def test_what_can_t_be_read_says_why_and_what_to_do(harness: Harness) -> None:
    dr = harness.dr(10, seed=1952)
    hostile = harness.hostile()
    harness.upload(dr, hostile["truncated-half.jpg"], hostile["text.jpg"])
    evaluation = harness.evaluate(dr)
    checklist = _checklist(harness, dr.number)
    photos = _by_name(checklist)
    for name, code in (("truncated-half.jpg", "not_an_image"), ("text.jpg", "not_a_photo")):
        assert (photos[name]["state"], photos[name]["reason"]["code"]) == ("unreadable", code)
    _agrees(checklist, evaluation)
    (again,) = checklist["to_do"]
    assert (again["photo"], again["step"], again["remedy"]) == ("truncated-half.jpg", None, "retake")
    assert "Upload the photo again" in again["message"]


def test_a_weak_step_says_why_and_what_to_do(harness: Harness) -> None:
    dr = harness.dr(10, seed=1953, fail="unclear")
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    checklist = _checklist(harness, dr.number)
    _agrees(checklist, evaluation)
    (to_do,) = checklist["to_do"]
    assert (to_do["step"], to_do["remedy"], to_do["photo"]) == ("house_photo", "retake", checklist["steps"][0]["photo"])
    house = checklist["steps"][0]
    assert (house["state"], house["fail_code"]) == ("weak", "unclear")
    assert house["reason"] in to_do["message"] and house["passes_when"] in to_do["message"]


def test_photos_are_being_looked_at_while_the_vlm_answers(harness: Harness) -> None:
    dr = harness.dr(2, seed=1954)
    # Neither the person's evaluation nor the uploads' own comes to an answer meanwhile.
    with harness.held("UploadsQueueUrl"), harness.held("BatchesQueueUrl"):
        harness.upload(dr)
        answer = harness.api.start(dr.number)
        deadline = time.monotonic() + _PATIENCE_S
        states: set[str] = set()
        while "being_looked_at" not in states:
            assert time.monotonic() < deadline, states
            checklist = _checklist(harness, dr.number)
            states = {photo["state"] for photo in checklist["photos"]}
        assert not checklist["safe_to_leave"]
        open_step = next(step for step in checklist["steps"] if step["state"] == "not_seen" and step["may_be_on"])
        assert set(open_step["may_be_on"]) <= {path.name for path in dr.photos}
    harness.completed(answer.body["evaluation_id"])
    assert {photo["state"] for photo in _checklist(harness, dr.number)["photos"]} == {"looked_at"}


def test_each_photo_is_told_as_it_is_looked_at_and_before_anybody_asks(harness: Harness) -> None:
    dr = harness.dr(2, seed=1961)
    with harness.configured("splitter", LOOKS="true"):
        harness.upload(dr, harness.hostile()["truncated-half.jpg"])
        deadline = time.monotonic() + _PATIENCE_S
        seen: list[int] = []
        while not seen or seen[-1] > 0:
            assert time.monotonic() < deadline, seen
            checklist = _checklist(harness, dr.number)
            seen.append(checklist["photos_open"] if checklist["photos_total"] == 3 else 3)
    assert seen == sorted(seen, reverse=True)
    states = {name: photo["state"] for name, photo in _by_name(checklist).items()}
    looked_at = dict.fromkeys((path.name for path in dr.photos), "looked_at")
    assert states == {**looked_at, "truncated-half.jpg": "unreadable"}
    _agrees(checklist, harness.evaluate(dr))


def test_copies_and_photos_of_other_drs_are_warned_of(harness: Harness) -> None:
    first, second = harness.dr(2, seed=1955), harness.dr(2, seed=1956)
    harness.upload(first)
    harness.evaluate(first)
    harness.upload(second)
    harness.put(second.number, "IMG-1.jpg", first.photos[0].read_bytes())
    harness.put(second.number, "IMG-2.jpg", second.photos[0].read_bytes())
    harness.evaluate(second)
    photos = _by_name(_checklist(harness, second.number))
    assert photos["IMG-2.jpg"]["same_photo_as"] == second.photos[0].name
    assert photos["IMG-2.jpg"]["shows"] == photos[second.photos[0].name]["shows"]
    codes = [warning["code"] for warning in photos["IMG-1.jpg"]["warnings"]]
    assert codes == ["used_in_another_dr"]
    assert first.number not in photos["IMG-1.jpg"]["warnings"][0]["message"], "which one is for reviewers"


def test_photos_in_a_folder_that_is_written_otherwise_are_there_too(harness: Harness) -> None:
    dr = harness.dr(2, seed=1962)
    one, other = dr.photos
    harness.put(dr.number, one.name, one.read_bytes())
    harness.put_key(f"photos/{dr.number.lower()}/{other.name}", other.read_bytes())
    deadline = time.monotonic() + _PATIENCE_S
    # Looking into the other folders costs: it is done once an upload there has been told.
    while set(_by_name(_checklist(harness, dr.number))) != {one.name, other.name}:
        assert time.monotonic() < deadline


def test_a_dr_with_too_many_photos_is_refused_with_what_to_do(harness: Harness) -> None:
    number = f"E2ECM{time.time_ns() % 10**9:09}"
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda at: harness.put(number, f"{at}.txt", b"x"), range(201)))
    told = problem(_ask(harness, number), 422)
    assert told["type"].endswith("too-many-photos") and "Delete those" in told["detail"]


def test_who_knows_the_checklist_is_told_that_it_is_the_same(harness: Harness) -> None:
    dr = harness.dr(2, seed=1957)
    harness.upload(dr)
    harness.evaluate(dr)
    first = _ask(harness, dr.number)
    tag = first.headers["etag"]
    same = _ask(harness, dr.number, if_none_match=tag)
    assert (same.status, same.body, same.headers["etag"]) == (304, "", tag)
    assert _note(harness, dr.number, _said()).status == 201
    changed = _ask(harness, dr.number, if_none_match=tag)
    assert changed.status == 200 and changed.headers["etag"] != tag


def _polled(harness: Harness, number: str) -> tuple[float, list[tuple[str, str, int]]]:
    """The read units of one poll, and its calls."""
    harness.strict.reset_meter()
    _checklist(harness, number)
    calls = [row for row in harness.strict.meter()["calls"] if row["caller"].endswith("-api")]
    units = sum(row.get("read_units", 0.0) for row in calls)
    return units, sorted((row["service"], row["operation"], row["count"]) for row in calls)


def test_a_poll_costs_little(harness: Harness, tell: Callable[[str], None]) -> None:
    dr = harness.dr(16, seed=1960)
    harness.upload(dr)
    harness.evaluate(dr)
    units, calls = _polled(harness, dr.number)
    queries = [("dynamodb", "Query", 1)] * 2
    assert calls == [("dynamodb", "BatchGetItem", 3), *queries, ("s3", "ListObjects", 1)]
    # One item for each photo's answer, one for where it was seen, five for the DR, the history, and the reviews.
    assert units <= 16 + 16 + 5 + 1 + 1
    assert harness.api.empty_cache(dr.number).status == 200
    open_units, calls = _polled(harness, dr.number)
    assert sum(count for service, _, count in calls if service == "dynamodb") <= 8
    tell(f"A poll of a checklist of 16 photos reads {units} units, {open_units} while nobody has looked at them.")


def test_another_catalogue_is_asked_by_its_name(harness: Harness) -> None:
    checklist = harness.api.request("GET", "/drs/E2ECL2?catalogue=v1").body
    assert checklist["catalogue_version"] == "v1"
    for name in ("v99", "no-such", "x" * 3000):
        told = problem(harness.api.request("GET", f"/drs/E2ECL2?catalogue={name}"), 400)
        assert "There is no catalogue" in told["detail"] and len(told["detail"]) < 500


def test_what_a_technician_says_stands_there_once_and_changes_no_verdict(harness: Harness) -> None:
    dr = harness.dr(3, seed=1958)
    harness.upload(dr)
    before = harness.evaluate(dr)
    first = _note(harness, dr.number.lower(), _said(reason=" The meter shows -18 dBm. "))
    assert first.status == 201, first
    note = first.body["note"]
    assert (note["step"], note["kind"], note["reason"]) == ("power_meter", "disagree", "The meter shows -18 dBm.")
    again = _note(harness, dr.number, _said())
    assert (again.status, again.body["note"]) == (200, note)
    other = _note(harness, dr.number, _said("ups_serial", "cannot_be_photographed", "Behind the wall"))
    assert other.status == 201
    checklist = _checklist(harness, dr.number)
    assert checklist["notes"] == [note, other.body["note"]]
    _agrees(checklist, before)
    shown = harness.api.evaluation(before["evaluation_id"]).body
    assert (shown["verdict"], shown["revision"], shown["stale"]) == (before["verdict"], before["revision"], False)
    assert shown["steps"] == before["steps"]
    assert (before["notes"], shown["notes"]) == ([], checklist["notes"])
    assert harness.api.start(dr.number).body["cached"] is True


def test_notes_are_kept_as_long_as_the_verdicts(harness: Harness) -> None:
    dr = harness.dr(2, seed=1959)
    harness.upload(dr)
    assert _note(harness, dr.number, _said()).status == 201
    said = harness.kept_until(f"NOTES#{dr.number}", "NOTED")
    assert said > time.time() + 80 * 24 * 3600
    harness.keep_until(f"NOTES#{dr.number}", "NOTED", said - 1000)
    harness.evaluate(dr)
    assert harness.kept_until(f"NOTES#{dr.number}", "NOTED") >= said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"[1]", "Send"),
        ({"step": "power_meter", "kind": "disagree"}, "reason"),
        ({**_said(), "by": "somebody"}, "by"),
        (_said(step="no_such_step"), "power_meter"),
        (_said(kind="agree"), "cannot_be_photographed"),
        (_said(reason="  "), "empty"),
        (_said(reason="a\u0000b"), "control characters"),
        (_said(reason="a\nb"), "one line"),
        (_said(reason="x" * 501), "501 bytes"),
        (_said(reason="x" * 1_000_000), "bytes"),
    ],
)
def test_what_is_no_note_is_refused_with_what_to_send(harness: Harness, body: Any, words: str) -> None:
    told = problem(_note(harness, "E2ECL3", body), 400)
    assert words in told["detail"] and len(told["detail"]) < 1000
    assert _checklist(harness, "E2ECL3")["notes"] == []
    problem(_note(harness, "D-1", _said()), 400)


def test_a_dr_has_a_bounded_number_of_notes(harness: Harness) -> None:
    said = [_said(reason=f"for the {number}th time") for number in range(24)]
    assert [_note(harness, "E2ECL4", one).status for one in said] == [201] * 24
    told = problem(_note(harness, "E2ECL4", _said(reason="once more")), 422)
    assert told["type"].endswith("too-many-notes") and "24" in told["detail"]
    assert _note(harness, "E2ECL4", said[7]).status == 200, "what stands stands"
    reasons = [note["reason"] for note in _checklist(harness, "E2ECL4")["notes"]]
    assert reasons == [one["reason"] for one in said]
