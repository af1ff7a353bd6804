"""Each kind of bad input gets a problem document that says what to do."""

from __future__ import annotations

import json

import pytest
from harness import Harness, problem


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"dr_number": 7}',
        b'{"dr_number": null}',
        b'{"dr_number": "DR1730550", "mode": "fast"}',
        b'{"dr_number": "DR1730550", "mode": null}',
        b'{"dr_number": "DR1730550", "force": "yes"}',
        b'{"dr_number": "DR1730550", "froce": true}',
        b"\xff\xfe",
    ],
)
def test_a_bad_body_is_refused_with_an_example(harness: Harness, body: bytes) -> None:
    said = problem(harness.api.request("POST", "/evaluations", body), 400)
    assert "DR1730550" in said["detail"]


@pytest.mark.parametrize("number", ["", "D1", "DR-1", "DR/1", "../DR1", "D" * 21, "DR１", "DR 1"])
def test_a_bad_dr_number_is_refused_with_an_example(harness: Harness, number: str) -> None:
    body = json.dumps({"dr_number": number}).encode()
    said = problem(harness.api.request("POST", "/evaluations", body), 400)
    assert "DR1730550" in said["detail"]


def test_a_dr_without_photos_is_not_found(harness: Harness) -> None:
    said = problem(harness.api.start("DR0000000"), 404)
    assert "photos/DR0000000/" in said["detail"]


@pytest.mark.parametrize("wrong", ["abc", "01890a5d-ac96-774b-bcce-b302099a8057", "%00", "a" * 500])
def test_an_unknown_evaluation_is_not_found(harness: Harness, wrong: str) -> None:
    said = problem(harness.api.evaluation(wrong), 404)
    assert "POST /evaluations" in said["detail"]


def test_a_bad_dr_number_has_no_history(harness: Harness) -> None:
    problem(harness.api.history("D-1"), 400)


def test_too_many_photos_are_refused(harness: Harness) -> None:
    number = "E2EMANY"
    for photo in range(201):
        harness.put(number, f"{photo}.jpg", b"x")
    said = problem(harness.api.start(number), 422)
    assert "200" in said["detail"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/evaluations"), ("GET", "/evaluations/abc"), ("GET", "/drs/DR1/evaluations")]
)
def test_nobody_gets_in_without_a_signature(harness: Harness, method: str, path: str) -> None:
    assert harness.api.request(method, path, b"{}" if method == "POST" else None, signed=False).status == 403
