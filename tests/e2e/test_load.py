"""Sixteen photos against a VLM that takes three seconds for each answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Harness

from stack import photos, report, sequential
from stack.evaluate import Evaluated


def test_sixteen_photos_are_asked_about_at_once_and_never_more(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    dr = harness.sample("DR1730550")
    harness.upload(dr)
    harness.vlm.latency("fixed:3000")
    answer = harness.api.start(dr.number, force=True)
    evaluation = harness.completed(answer.body["evaluation_id"])
    stats = harness.vlm.stats()
    on_disk = photos.Dr(dr.number, dr.photos)
    compared = sequential.run(on_disk, harness.stack.description, "v3")
    with capsys.disabled():
        print("\n" + report.timings(Evaluated(on_disk, evaluation, False, False, 0, answer.took_ms, 0), compared))
    assert stats["max_in_flight"] <= 16
    assert stats["max_in_flight"] > 4, "photos were asked about one batch after another"
    assert evaluation["timings"]["vlm_ms"] >= 3000
    assert compared["total_ms"] >= 16 * 3000
    assert evaluation["timings"]["total_ms"] < compared["total_ms"] / 2


def test_the_samples_are_of_phone_size(harness: Harness) -> None:
    sizes = [Path(photo).stat().st_size for photo in harness.sample("DR1730550").photos]
    assert len(sizes) == 16
    assert all(1_500_000 < size < 6_000_000 for size in sizes)
