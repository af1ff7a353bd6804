"""Full and quick mode, on the sample DRs with their photos of full size."""

from __future__ import annotations

from pathlib import Path

import pytest
import truth
from harness import Harness, copied

SAMPLES = ("DR1730550", "DR1733758", "DR1734014")


@pytest.mark.parametrize("mode", ["full", "quick"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_verdict_of_a_sample_dr_equals_its_truth(harness: Harness, name: str, mode: str) -> None:
    dr = harness.sample(name)
    harness.upload(dr)
    evaluation = harness.evaluate(dr, mode)
    assert truth.seen(evaluation) == truth.verdict(dr.truth, mode)
    assert evaluation["mode"] == mode
    assert evaluation["mode_note"] is None


@pytest.mark.parametrize("name", SAMPLES)
def test_small_print_is_read_where_the_name_promises_it_or_promises_nothing(harness: Harness, name: str) -> None:
    dr = harness.sample(name)
    harness.upload(dr)
    found = {
        f"{photo['name']}/{finding['step']}": finding.get("reading")
        for photo in harness.evaluate(dr)["photos"]
        for finding in photo["findings"]
    }
    wanted = truth.readings(dr.truth)
    assert {key: found.get(key) for key in wanted} == wanted


def test_quick_mode_asks_for_critical_steps_only(harness: Harness) -> None:
    dr = harness.dr(10)
    harness.upload(dr)
    asked_before = harness.vlm.stats()["requests"]
    evaluation = harness.evaluate(dr, "quick")
    assert {step["step"] for step in evaluation["steps"]} == truth.CRITICAL
    assert len(evaluation["photos_skipped"]) == 4
    assert evaluation["progress"]["photos_total"] == 6
    assert harness.vlm.stats()["requests"] - asked_before >= 6


def test_a_dr_without_a_hint_runs_in_full_and_says_so(harness: Harness, folder: Path) -> None:
    dr = harness.dr(10)
    dr = copied(dr, folder / dr.number, {name: f"IMG-{number}.jpg" for number, name in enumerate(sorted(dr.truth))})
    harness.upload(dr)
    evaluation = harness.evaluate(dr, "quick")
    assert truth.seen(evaluation) == truth.verdict(dr.truth, "full")
    assert evaluation["mode"] == "quick"
    assert evaluation["mode_note"]


def test_three_drs_at_once_come_out_as_one_after_another(harness: Harness) -> None:
    drs = [harness.sample(name) for name in SAMPLES]
    for dr in drs:
        harness.upload(dr)
    one_by_one = [truth.seen(harness.evaluate(dr, force=True)) for dr in drs]
    harness.vlm.reset()
    started = [harness.api.start(dr.number, force=True).body["evaluation_id"] for dr in drs]
    at_once = [truth.seen(harness.completed(evaluation_id)) for evaluation_id in started]
    assert at_once == one_by_one == [truth.verdict(dr.truth) for dr in drs]
    assert harness.vlm.stats()["max_in_flight"] <= 16
