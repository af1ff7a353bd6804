"""A DR's evaluations."""

from __future__ import annotations

from harness import Harness, problem


def test_history_is_newest_first_and_paged(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    (entry,) = harness.quiet(dr)
    second = harness.evaluate(dr, force=True)
    third = harness.evaluate(dr, "quick")
    newest_first = [third["evaluation_id"], second["evaluation_id"], entry["evaluation_id"]]
    whole = harness.api.history(dr.number)
    assert [each["evaluation_id"] for each in whole.body["evaluations"]] == newest_first
    assert whole.body["next"] is None
    assert whole.body["evaluations"][0] == {
        "evaluation_id": third["evaluation_id"],
        "mode": "quick",
        "status": "completed",
        "verdict": third["verdict"],
        "reviewed": False,
        "reviewed_verdict": None,
        "average_score": third["average_score"],
        "superseded_by": None,
        "photos_total": third["progress"]["photos_total"],
        "created_at": third["created_at"],
        "completed_at": third["completed_at"],
        "links": {"self": f"/evaluations/{third['evaluation_id']}"},
    }
    paged, cursor = [], None
    for _ in newest_first:
        page = harness.api.history(dr.number, limit=1, **({"cursor": cursor} if cursor else {})).body
        paged += [each["evaluation_id"] for each in page["evaluations"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == newest_first


def test_a_dr_without_evaluations_has_an_empty_history(harness: Harness) -> None:
    assert harness.api.history("DR0000000").body == {"dr_number": "DR0000000", "evaluations": [], "next": None}


def test_wrong_pages_are_refused(harness: Harness) -> None:
    problem(harness.api.history("DR0000000", cursor="x"), 400)
    problem(harness.api.history("DR0000000", limit=0), 400)
    problem(harness.api.history("DR0000000", limit="many"), 400)
