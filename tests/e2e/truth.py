"""What the sample photos show, and the verdict that follows: worked out here a second time, from the domain's rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
_CATALOGUES = REPO / "shared" / "evaluation" / "src" / "catalogues"
#: The steps are data; what follows from them is worked out here.
CATALOGUE = json.loads(max(_CATALOGUES.glob("v*.json"), key=lambda path: int(path.stem[1:])).read_text())
STEPS = tuple(step["key"] for step in CATALOGUE["steps"])
CRITICAL = frozenset(step["key"] for step in CATALOGUE["steps"] if step["critical"])
PASS_SCORE = CATALOGUE["pass_score"]

Truth = dict[str, dict[str, Any]]


def read(path: Path) -> Truth:
    """A truth file: photo name to steps, each with score and reading."""
    return {name: photo["steps"] for name, photo in json.loads(path.read_text())["photos"].items()}


def verdict(truth: Truth, unseen: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The verdict of full mode that the truth demands; `unseen` photos could not be evaluated."""
    seen = {name: steps for name, steps in truth.items() if name not in unseen}
    steps = {step: _best(step, seen, gaps=bool(unseen)) for step in STEPS}
    passing = [step for step, (outcome, *_) in steps.items() if outcome == "pass"]
    enough = len(passing) * 100 >= len(STEPS) * CATALOGUE["pass_percent"] and all(step in passing for step in CRITICAL)
    verdict = "pass" if enough else "incomplete" if unseen else "fail"
    return {"verdict": verdict, "steps": steps, "skipped": []}


def check_quick(evaluation: dict[str, Any], truth: Truth) -> None:
    """Quick mode's verdict is that of all photos' critical steps, though it did not look at all of them."""
    best = {step: _best(step, truth, gaps=False) for step in CRITICAL}
    outcomes = {step["step"]: step["outcome"] for step in evaluation["steps"]}
    assert outcomes == {step: outcome for step, (outcome, *_) in best.items()}
    assert evaluation["verdict"] == ("pass" if set(outcomes.values()) == {"pass"} else "fail")
    assert set(evaluation["steps_not_asked"]) == set(STEPS) - CRITICAL
    for step in evaluation["steps"]:
        assert step["photo"] is None or truth[step["photo"]][step["step"]]["score"] == step["score"]
    skipped = {photo["name"] for photo in evaluation["photos"] if photo["outcome"] == "skipped"}
    assert skipped == set(evaluation["photos_skipped"])


def seen(evaluation: dict[str, Any]) -> dict[str, Any]:
    """An evaluation of the API, in the same shape."""
    steps = {step["step"]: (step["outcome"], step["score"], step["photo"]) for step in evaluation["steps"]}
    return {"verdict": evaluation["verdict"], "steps": steps, "skipped": sorted(evaluation["photos_skipped"])}


def readings(truth: Truth) -> dict[str, str]:
    """The small print that must have been read, whatever the photo's name promises."""
    return {
        f"{name}/{step}": shown["reading"]
        for name, steps in truth.items()
        for step, shown in steps.items()
        if shown["reading"]
    }


def _best(step: str, photos: Truth, *, gaps: bool) -> tuple[str, int | None, str | None]:
    scores = sorted((-shown[step]["score"], name) for name, shown in photos.items() if step in shown)
    if not scores:
        return ("not_evaluated" if gaps else "missing", None, None)
    score, name = -scores[0][0], scores[0][1]
    return ("pass" if score >= PASS_SCORE else "fail", score, name)
