"""What infra/local prints says what the figures are."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stack import labels, report, week
from stack.api import Answer
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


def test_what_an_evaluation_costs_is_of_the_days_in_which_it_was_counted() -> None:
    sums = {"PromptTokens": 4e6, "CompletionTokens": 0.0}
    rows = {row.what: row.number for row in week._what_it_cost(sums, 8, 2 * 86_400.0, (0.5, 2.0))}
    assert rows["the VLM's tokens cost"] == "$2.00, $0.2500 an evaluation"
    assert rows["AWS costs, by estimate"] == f"${8 * 0.0011 + 2 / 30 * 2.50:.2f}"


class _Api:
    """Answers with what is kept under a path; of all else there is no picture."""

    def __init__(self, kept: dict[str, Any]) -> None:
        self.kept, self.asked = kept, []  # type: ignore[var-annotated]

    def request(self, _method: str, path: str) -> Answer:
        self.asked.append(path)
        if path in self.kept:
            return Answer(200, {}, self.kept[path], 0)
        return Answer(422, {}, {"detail": "of this photo there is no picture"}, 0)


def _photo(photo_id: str, name: str, code: str | None = None) -> dict[str, Any]:
    outcome = "not_evaluated" if code else "evaluated"
    findings = [] if code else [{"step": "conn", "score": 9, "comment": ""}]
    reason = {"code": code} if code else None
    return {"photo_id": photo_id, "name": name, "outcome": outcome, "reason": reason, "findings": findings}


def _labelled(monkeypatch: pytest.MonkeyPatch, folder: Path, photos: list[dict[str, Any]], *links: str) -> bool:
    decided = {"dr_number": "DR1", "evaluation_id": "e", "decided": {"steps": ["conn"], "verdict": None}}
    monkeypatch.setattr(labels, "labels_of", lambda _: decided)
    kept = {"/evaluations/e": {"photos": photos}}
    kept |= {f"/evaluations/e/photos/{photo_id}": {"url": "https://photo"} for photo_id in links}
    pool = SimpleNamespace(request=lambda *_: SimpleNamespace(status=200, data=b"jpeg"))
    return labels._write_dr(_Api(kept), pool, folder, "e")  # type: ignore[arg-type]


def test_a_photo_whose_name_is_refused_costs_a_dr_no_label(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    photos = [_photo("1", "a.jpg"), _photo("2", "/b.jpg", "name_refused")]
    assert _labelled(monkeypatch, tmp_path / "DR1", photos, "1")
    assert sorted(path.name for path in (tmp_path / "DR1").iterdir()) == ["a.jpg", "labels.json"]
    assert json.loads((tmp_path / "DR1" / "labels.json").read_text())["dr_number"] == "DR1"


def test_a_dr_with_a_photo_of_which_there_is_no_picture_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(labels.Left, match="no picture"):
        _labelled(monkeypatch, tmp_path / "DR1", [_photo("1", "a.jpg"), _photo("3", "c.jpg")], "1")
