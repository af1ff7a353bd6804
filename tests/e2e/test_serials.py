"""Serials that bar codes prove, and the same one in two DRs."""

from __future__ import annotations

from typing import Any

from harness import Harness

_ONT = "ont_back_and_barcode"
_UPS = "ups_serial"


def _row(evaluation: dict[str, Any], step: str) -> dict[str, Any]:
    (row,) = [row for row in evaluation["steps"] if row["step"] == step]
    return dict(row)


def _flags(evaluation: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [flag for flag in evaluation["flags"] if flag["code"] == code]


def _is_on(harness: Harness, evaluation: dict[str, Any], serial: str, other: str) -> None:
    """Reviewers see that this serial is on a photo of another DR, and which."""
    evidence = harness.evidence(evaluation)
    (flag,) = _flags(evidence, "serial_in_another_dr")
    assert serial in flag["message"] and other in flag["message"]
    (found,) = evidence["serials"]
    assert (found["serial"], found["step"], found["proven_by"]) == (serial, _ONT, "both")
    assert [seen["dr_number"] for seen in found["also_on"]] == [other]
    codes = [code for photo in evidence["photos"] if photo["name"] == found["photo"] for code in photo["codes"]]
    assert codes == [{"step": _ONT, "code": serial, "reading": serial}]


def test_what_a_bar_code_says_proves_what_was_read(harness: Harness) -> None:
    dr = harness.dr(10, seed=812920)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    readings = {step: of["reading"] for photo in dr.truth.values() for step, of in photo.items()}
    for step in (_ONT, _UPS):
        row = _row(evaluation, step)
        assert (row["extracted"], row["proven_by"]) == ({"serial": readings[step]}, "both"), step
    assert _row(evaluation, "power_meter").get("proven_by") is None
    assert evaluation["flags"] == []


def test_a_bar_code_is_right_where_the_model_read_something_else(harness: Harness) -> None:
    dr = harness.dr(10, seed=2921, code="ALCL0BADC0DE")
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    row = _row(evaluation, _ONT)
    assert (row["extracted"], row["proven_by"]) == ({"serial": "ALCL0BADC0DE"}, "code")
    (flag,) = _flags(evaluation, "serial_contradicts")
    assert (flag["photo"], flag["step"], flag["fails"]) == (row["photo"], _ONT, False)
    assert "ALCL0BADC0DE" in flag["message"] and row["reading"] in flag["message"]
    assert evaluation["verdict"] == "pass", "a flag changes no verdict"


def test_the_same_serial_in_two_drs_is_flagged_on_both(harness: Harness) -> None:
    serial = "ALCL00C0DE01"
    first, second = (harness.dr(10, seed=seed, serial=serial) for seed in (922, 923))
    harness.upload(first)
    before = harness.evaluate(first)
    assert _flags(before, "serial_in_another_dr") == []
    harness.upload(second)
    later = harness.evaluate(second)
    (flag,) = _flags(later, "serial_in_another_dr")
    assert (flag["step"], flag["fails"]) == (_ONT, False)
    assert first.number not in flag["message"], "which one is for reviewers"
    _is_on(harness, later, serial, first.number)

    shown = harness.api.evaluation(before["evaluation_id"]).body
    assert _flags(shown, "serial_in_another_dr") != []
    _is_on(harness, shown, serial, second.number)
    assert (shown["verdict"], shown["revision"]) == (before["verdict"], before["revision"])
    assert _flags(harness.evaluate(second, force=True), "serial_in_another_dr") != [], "for ever"
