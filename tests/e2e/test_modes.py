"""Full and quick mode, on the sample DRs with their photos of full size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import truth
from harness import Harness, copied

#: The function looks every two seconds; by itself the client gives up only after `_GIVES_UP_S`.
_DROPPED_WITHIN_S, _GIVES_UP_S = 40.0, 90
SAMPLES = ("DR1730550", "DR1733758", "DR1734014")


@pytest.mark.parametrize("name", SAMPLES)
def test_the_verdict_of_a_sample_dr_equals_its_truth(harness: Harness, name: str) -> None:
    dr = harness.sample(name)
    harness.upload(dr)
    quick = harness.evaluate(dr, "quick")
    truth.check_quick(quick, dr.truth)
    full = harness.evaluate(dr)
    assert truth.seen(full) == truth.verdict(dr.truth)
    assert full["steps_not_asked"] == []
    assert (quick["mode"], full["mode"], quick["mode_note"], full["mode_note"]) == ("quick", "full", None, None)


@pytest.mark.parametrize("name", SAMPLES)
def test_small_print_is_read(harness: Harness, name: str) -> None:
    dr = harness.sample(name)
    harness.upload(dr)
    assert _readings(harness.evaluate(dr)) == truth.readings(dr.truth)


def test_small_print_of_a_photo_filed_wrongly_is_read_from_closer(harness: Harness, folder: Path) -> None:
    """Its name asks for the usual size, at which the print is lost: one more request, for that photo and step alone."""
    dr = harness.dr(10)
    house, meter = (
        next(name for name, steps in dr.truth.items() if step in steps) for step in ("house_photo", "power_meter")
    )
    swapped = {name: name for name in dr.truth} | {house: meter, meter: house}
    dr = copied(dr, folder / dr.number, swapped)
    harness.upload(dr)
    asked_before = harness.vlm.stats()["requests"]
    evaluation = harness.evaluate(dr)
    assert harness.vlm.stats()["requests"] - asked_before == len(dr.truth) + 1
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert _readings(evaluation) == truth.readings(dr.truth)
    photo = next(photo for photo in evaluation["photos"] if photo["name"] == house)
    assert max(photo["image"]["width"], photo["image"]["height"]) > 800


def _readings(evaluation: dict[str, Any]) -> dict[str, str]:
    return {
        f"{photo['name']}/{finding['step']}": finding["reading"]
        for photo in evaluation["photos"]
        for finding in photo["findings"]
        if "reading" in finding
    }


def test_quick_mode_asks_for_critical_steps_only(harness: Harness) -> None:
    dr = harness.dr(10)
    harness.upload(dr)
    asked_before = harness.vlm.stats()["requests"]
    evaluation = harness.evaluate(dr, "quick")
    truth.check_quick(evaluation, dr.truth)
    assert evaluation["verdict"] == "pass"
    assert len(evaluation["photos_skipped"]) == 4
    _shows_the_way_of_a_photo_that_was_asked(evaluation["timings"])
    assert evaluation["progress"] == {"photos_total": 10, "photos_done": 10, "photos_pending": 0}
    assert harness.vlm.stats()["requests"] - asked_before >= 6


def _shows_the_way_of_a_photo_that_was_asked(timings: dict[str, int]) -> None:
    """Those that nobody asked about end last, and have no way."""
    assert timings["vlm_ms"] > 0
    parts = ("split_ms", "queue_ms", "fetch_ms", "compress_ms", "vlm_ms", "merge_ms")
    assert sum(timings[part] for part in parts) == timings["total_ms"]


def test_quick_mode_goes_on_to_a_photo_filed_wrongly_and_then_stops(harness: Harness, folder: Path) -> None:
    dr = harness.dr(10)
    house = next(name for name, steps in dr.truth.items() if "house_photo" in steps)
    other = next(name for name, steps in dr.truth.items() if not truth.CRITICAL & steps.keys())
    swapped = {name: name for name in dr.truth} | {house: other, other: house}
    dr = copied(dr, folder / dr.number, swapped)
    harness.upload(dr)
    evaluation = harness.evaluate(dr, "quick")
    truth.check_quick(evaluation, dr.truth)
    assert evaluation["verdict"] == "pass"


def test_quick_mode_ends_as_soon_as_the_verdict_stands_and_waits_for_nobody(harness: Harness) -> None:
    dr, second = harness.dr(10), harness.dr(10, seed=2)
    critical = next(path for path in second.photos if truth.CRITICAL & second.truth[path.name].keys())
    harness.upload(dr)
    harness.put(dr.number, f"IMG-{critical.name}", critical.read_bytes())
    evaluation = harness.evaluate(dr, "quick")
    assert evaluation["verdict"] == "pass"
    assert f"IMG-{critical.name}" in evaluation["photos_skipped"], "no step was left for it"


@pytest.fixture
def patient(harness: Harness) -> Iterator[Harness]:
    """A stack that waits long for an answer of the VLM."""
    with harness.waiting_for_the_vlm(_GIVES_UP_S, _GIVES_UP_S, _GIVES_UP_S):
        yield harness


def test_what_is_in_flight_is_dropped_once_the_verdict_stands(patient: Harness, folder: Path) -> None:
    """The first round asks about two of three photos whose names promise nothing; one of the two is never answered."""
    dr, other = patient.dr(10), patient.dr(2, seed=3)
    house = next(name for name, steps in dr.truth.items() if "house_photo" in steps)
    dr = copied(dr, folder / dr.number, {name: name for name in dr.truth} | {house: "IMG-2.jpg"})
    patient.vlm.fault("hang", other, 1)
    patient.upload(dr)
    for name, photo in zip(["IMG-1.jpg", "IMG-3.jpg"], other.photos):
        patient.put(dr.number, name, photo.read_bytes())
    evaluation = patient.evaluate(dr, "quick")
    hung = patient.vlm.stats()["faults"]["hang"]
    assert hung == 1
    assert evaluation["verdict"] == "pass"
    assert {"IMG-1.jpg", "IMG-3.jpg"} <= set(evaluation["photos_skipped"])
    deadline = time.monotonic() + _DROPPED_WITHIN_S
    while patient.vlm.stats()["in_flight"] > 0:
        assert time.monotonic() < deadline, "the server still works on an answer that nobody needs"
        time.sleep(0.1)


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
