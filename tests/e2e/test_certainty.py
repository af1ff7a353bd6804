"""How sure the model was: from the server's log-probabilities to the answer, and what follows from it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from harness import Dr, Harness

PASS_SCORE = 7
SCORES = range(11)


def _sure(score: int, sharpness: float) -> float:
    """The share on the score's side of the mark, of a model whose other scores are exp(-sharpness * distance)."""
    weights = {other: math.exp(-sharpness * abs(other - score)) for other in SCORES}
    side = sum(weight for other, weight in weights.items() if (other >= PASS_SCORE) == (score >= PASS_SCORE))
    return side / sum(weights.values())


def _rows(evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["step"]: row for row in evaluation["steps"] if row["score"] is not None}


def _requests(harness: Harness, dr: Dr) -> list[dict[str, Any]]:
    return [one for one in harness.vlm.stats()["recent"] if one["photo"].startswith(f"{dr.number}/")]


def test_the_model_s_certainty_stands_beside_each_score(harness: Harness) -> None:
    harness.vlm.sharpness(0.7)
    dr = harness.dr(7, seed=1601)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    rows = _rows(evaluation)
    assert len(rows) > 3
    for row in rows.values():
        if row["comment"] == "the print is not readable":
            continue
        # A ten's two tokens are told apart where it was written; elsewhere what begins with a one is shared out.
        assert row["certainty"] == pytest.approx(_sure(row["score"], 0.7), abs=0.03), row
    assert evaluation["certainty"] == min(row["certainty"] for row in rows.values())
    findings = [finding for photo in evaluation["photos"] for finding in photo["findings"]]
    assert all("certainty" in finding for finding in findings)


def test_a_server_that_refuses_to_say_is_asked_without_and_nothing_is_made_up(harness: Harness) -> None:
    harness.vlm.takes_on("gemini")
    dr = harness.dr(7, seed=1602)
    harness.upload(dr)
    with harness.configured("batch", VLM_BASE_URL=f"{harness.stack.description.vlm_url}/v1beta/openai"):
        evaluation = harness.evaluate(dr)
    assert harness.vlm.stats()["refused"].get("logprobs", 0) > 0
    assert evaluation["certainty"] is None
    assert all("certainty" not in row for row in evaluation["steps"])


def test_what_it_is_not_sure_of_is_looked_at_again_where_the_operator_wants_it(harness: Harness) -> None:
    """The size policy s5 asks once more, from closer, about critical steps of which the model is not sure."""
    usual, wary = harness.dr(7, seed=1603, megapixels=3.0), harness.dr(7, seed=1604, megapixels=3.0)
    harness.vlm.sharpness(0.05)
    harness.upload(usual)
    harness.evaluate(usual)
    # Now: the uploads' own evaluation may come while the other policy is in use; so is the other DR uploaded later.
    usually = [one for one in _requests(harness, usual) if one["asked"] == ["house_photo"]]
    with harness.configured("splitter", SIZE_POLICY_VERSION="s5"):
        harness.upload(wary)
        evaluation = harness.evaluate(wary)
    assert evaluation["size_policy_version"] == "s5"
    assert not usually
    (closer,) = [one for one in _requests(harness, wary) if one["asked"] == ["house_photo"]]
    sizes = [max(one["width"], one["height"]) for one in _requests(harness, wary) if one["photo"] == closer["photo"]]
    assert sizes == [800, 1280]
    asked = {step for one in _requests(harness, wary) if len(one["asked"]) < len(_rows(evaluation)) for step in one["asked"]}
    critical = {row["step"] for row in evaluation["steps"] if row["critical"]}
    assert asked <= critical, "only these are worth a second request"
