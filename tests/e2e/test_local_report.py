"""What infra/local prints says what the figures are."""

from __future__ import annotations

from pathlib import Path

from stack import report
from stack.evaluate import Evaluated
from stack.photos import Dr

_PARTS = {
    "split_ms": 1,
    "queue_ms": 20,
    "fetch_ms": 300,
    "compress_ms": 4000,
    "vlm_ms": 50000,
    "merge_ms": 600000,
}


def _shown(sequential: dict[str, int] | None = None) -> list[str]:
    timings = {**_PARTS, "total_ms": sum(_PARTS.values())}
    evaluation = {"timings": timings, "photos": []}
    dr = Dr("DR1730550", [Path("a.jpg")])
    evaluated = Evaluated(
        dr, evaluation, joined=False, cached=False, upload_ms=1, api_ms=2, seen_ms=3
    )
    return report.timings(evaluated, sequential).splitlines()


def test_the_timings_are_said_to_be_one_photos_way_and_add_up() -> None:
    head, *rows = _shown()
    assert "the photo that was asked and ended last" in head
    assert "longest" not in "".join(rows)
    names = ["split", "queue", "fetch", "compress", "VLM", "merge"]
    seconds = {
        row.split()[0]: float(row.split()[1]) for row in rows if row.split()[0] in [*names, "total"]
    }
    assert round(sum(seconds[name] for name in names), 3) == seconds["total"] == 654.321


def test_the_sequential_comparison_is_a_row() -> None:
    (row,) = [row for row in _shown({"total_ms": 7000}) if row.startswith("sequential")]
    assert row.split()[1] == "7.000"
