"""How right verdicts are: what people decided, counted and estimated as by hand; who is drawn for review by chance."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest
from harness import Dr, Harness, problem

from stack import build, labels, week
from stack.api import Answer, Api
from stack.errors import StackError

#: The list may lag behind by moments.
_PATIENCE_S = 60.0
#: A catalogue that no other test reviews by, with readings: so its group is this file's alone.
_CATALOGUE = "v3"
_Z = 1.959964
Counts = TypeVar("Counts")


def _get(harness: Harness, path: str, **query: str | int) -> dict[str, Any]:
    answer = harness.api.request("GET", f"{path}?{urlencode(query)}".rstrip("?"))
    assert answer.status == 200, answer
    return dict(answer.body)


def _say(harness: Harness, evaluation: str, **said: Any) -> None:
    body = json.dumps({"reason": "I looked at it.", **said}).encode()
    assert harness.api.request("POST", f"/evaluations/{evaluation}/reviews", body).status == 201


def _evaluated(harness: Harness, dr: Dr) -> dict[str, Any]:
    harness.upload(dr)
    answer = harness.api.start(dr.number, catalogue=_CATALOGUE)
    return harness.completed(answer.body["evaluation_id"])


def _listed(harness: Harness, evaluation: str, arrived: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """An evaluation as it is listed, once it has come so far."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        page = _get(harness, "/evaluations", limit=100)["evaluations"]
        for one in page:
            if one["evaluation_id"] == evaluation and arrived(one):
                return dict(one)
        time.sleep(0.2)
    raise AssertionError(page)


def _wilson(share: float, of: int) -> tuple[float, float]:
    scale = 1 + _Z**2 / of
    centre = (share + _Z**2 / (2 * of)) / scale
    half = _Z * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2)) / scale
    return centre - half, centre + half


def _by_hand(strata: list[tuple[int, float, int]]) -> tuple[float, float, float]:
    """Of strata (how many, the share that agrees, of how many that is known): the estimate and its interval."""
    known = [(all_, share, of) for all_, share, of in strata if of]
    covered, everything = sum(all_ for all_, _, _ in known), sum(all_ for all_, _, _ in strata)
    estimate = sum(all_ * share for all_, share, _ in known) / covered
    below = above = 0.0
    for all_, share, of in strata:
        low, high = _wilson(share, of) if of else (0.0, 1.0)
        middle = share if of else estimate
        below += (all_ / everything * (middle - low)) ** 2
        above += (all_ / everything * (high - middle)) ** 2
    return estimate, max(0.0, estimate - math.sqrt(below)), min(1.0, estimate + math.sqrt(above))


@pytest.fixture(scope="module")
def reviewed(shared: Harness) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pass that chance drew and of which a person fails a step, and a fail that a person confirms as a whole."""
    with shared.configured("notifier", REVIEW_SAMPLE="100"):
        passed = _evaluated(shared, shared.dr(10, seed=2400))
        failed = _evaluated(shared, shared.dr(3, seed=2401, fail="screen_or_print"))
        assert (passed["verdict"], passed["flags"], failed["verdict"]) == ("pass", [], "fail")
        _listed(shared, passed["evaluation_id"], lambda one: one["sampled"])
        _listed(shared, failed["evaluation_id"], lambda one: one["verdict"] is not None)
    # The share that is drawn is another one again: who was drawn before stays so.
    _say(shared, passed["evaluation_id"], step="house_photo", decision="fail")
    _say(shared, passed["evaluation_id"], step="power_meter", decision="pass", reading="-11.1 dBm")
    _say(shared, failed["evaluation_id"], decision="fail")
    for one in (passed, failed):
        _listed(shared, one["evaluation_id"], lambda listed: listed["reviewed"])
    return passed, failed


def _strata(harness: Harness, first_day: str) -> dict[tuple[str, str], int]:
    days = {"from": f"{first_day}T00:00:00Z", "limit": 1}
    return {
        (verdict, flagged): _get(harness, "/evaluations", verdict=verdict, flagged=flagged, **days)["counts"]["evaluations"]
        for verdict in ("pass", "fail")
        for flagged in ("false", "true")
    }


def _drawn(harness: Harness, first_day: str) -> int:
    days = {"from": f"{first_day}T00:00:00Z", "limit": 1}
    return int(_get(harness, "/evaluations", sampled="true", **days)["counts"]["evaluations"])


def _beside(harness: Harness, counts: Callable[[Harness, str], Counts]) -> tuple[dict[str, Any], Counts]:
    """What is said by catalogue and what is counted, at a time at which nothing else became listed: uploads have evaluations
    of their own."""
    deadline = time.monotonic() + _PATIENCE_S
    first_day = _get(harness, "/accuracy", by="catalogue")["first_day"]
    while True:
        before = counts(harness, first_day)
        found = _get(harness, "/accuracy", by="catalogue")
        if found["first_day"] == first_day and before == counts(harness, first_day):
            return found, before
        assert time.monotonic() < deadline, "it never stands still"
        first_day = found["first_day"]


Both = tuple[dict[str, Any], dict[str, Any]]


def test_who_chance_drew_is_listed_as_such_and_stays_so(harness: Harness, reviewed: Both) -> None:
    passed, failed = reviewed
    drawn = _get(harness, "/evaluations", sampled="true", reviewed="true", limit=100)
    ids = [one["evaluation_id"] for one in drawn["evaluations"]]
    assert passed["evaluation_id"] in ids and failed["evaluation_id"] not in ids
    assert all(one["sampled"] and one["verdict"] == "pass" and one["flags"] == 0 for one in drawn["evaluations"])
    assert drawn["counts"]["sampled"] == drawn["counts"]["evaluations"] >= 1
    waiting = _get(harness, "/evaluations", sampled="true", reviewed="false", limit=100)["evaluations"]
    assert passed["evaluation_id"] not in [one["evaluation_id"] for one in waiting]
    listed = _listed(harness, failed["evaluation_id"], lambda _: True)
    assert not listed["sampled"]


def test_the_numbers_are_those_that_one_counts_by_hand(harness: Harness, reviewed: Both) -> None:
    passed, failed = (one["evaluation_id"] for one in reviewed)
    found, strata = _beside(harness, _strata)
    whole, steps = (
        next(group for group in found["groups"] if (group["key"], group["about"]) == (_CATALOGUE, about))
        for about in ("verdict", "steps")
    )
    numbers = ("cases", "agreed", "false_passes", "false_fails", "readings", "readings_corrected")
    assert [whole[name] for name in numbers] == [2, 1, 1, 0, 0, 0]
    assert [steps[name] for name in numbers] == [2, 1, 1, 0, 1, 1]
    assert whole["evaluations"] == {
        "cases": [failed, passed], "false_passes": [passed], "false_fails": [], "readings_corrected": [],
    }
    assert steps["evaluations"]["readings_corrected"] == [passed]
    of_failed = ("fail", "true" if reviewed[1]["flags"] else "false")
    known = {("pass", "false"): (0.0, 1), of_failed: (1.0, 1)}
    estimate, low, high = _by_hand([(count, *known.get(stratum, (0.0, 0))) for stratum, count in strata.items()])
    said = whole["agreement"]
    assert [said["share"], said["low"], said["high"]] == pytest.approx([estimate, low, high], abs=1e-6)
    assert whole["falsely_passed"]["share"] == 1.0, "the only pass that stands for others was wrong"
    assert found["reviewed"] >= 2 and found["sampling"]["sampled"] >= 1
    opened = harness.api.request("GET", found["links"]["reviewed"])
    assert {passed, failed} <= {one["evaluation_id"] for one in opened.body["evaluations"]}


def test_it_is_said_by_step_model_and_prompt_too_and_what_can_t_be_asked_is_refused(
    harness: Harness, reviewed: Both
) -> None:
    evaluation = reviewed[0]
    by_step = {group["key"]: group for group in _get(harness, "/accuracy")["groups"]}
    assert evaluation["evaluation_id"] in by_step["house_photo"]["evaluations"]["false_passes"]
    assert "verdict" in by_step
    models = {group["key"] for group in _get(harness, "/accuracy", by="model")["groups"]}
    assert evaluation["model"] in models
    for group in _get(harness, "/accuracy", by="prompt")["groups"]:
        assert group["agreed"] + group["false_passes"] + group["false_fails"] == group["cases"]
    long_ago = _get(harness, "/accuracy", **{"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"})
    assert (long_ago["groups"], long_ago["evaluations"]) == ([], 0)
    assert (long_ago["first_day"], long_ago["last_day"]) == ("2020-01-01", "2020-01-31")
    for query, words in (
        ({"by": "photo"}, "step, catalogue"),
        ({"from": "yesterday"}, "2026-11-24T00:00:00Z"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "before"),
    ):
        refused = problem(harness.api.request("GET", f"/accuracy?{urlencode(query)}"), 400)
        assert words in refused["detail"]


def _pages_as_begun(harness: Harness, begun: dict[str, Any]) -> list[dict[str, Any]]:
    """A page by flags and chance; its first evaluation and those behind that, for which certainty may order by then; at a
    time at which nothing else became listed."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        harness.certainty_orders(auroc=0.45, errors=30)
        page = _get(harness, "/evaluations", sort="least_certain", **begun)
        first = _get(harness, "/evaluations", sort="least_certain", **{**begun, "limit": 1})
        harness.certainty_orders(auroc=0.9, errors=30)
        more = _get(harness, "/evaluations", sort="least_certain", cursor=first["next"], **begun)
        harness.certainty_orders(auroc=0.45, errors=30)
        if _get(harness, "/evaluations", sort="least_certain", **begun) == page:
            harness.certainty_orders(auroc=0.9, errors=30)
            return [page, first, more]
        assert time.monotonic() < deadline, "it never stands still"


def test_where_certainty_does_not_tell_errors_from_the_rest_flags_and_chance_order_the_list(
    harness: Harness, reviewed: Both
) -> None:
    passed, failed = (one["evaluation_id"] for one in reviewed)
    begun = {"from": reviewed[0]["created_at"], "limit": 100}
    client, table = harness.stack.aws.client("dynamodb"), harness.stack.outputs["TableName"]
    key = {"pk": {"S": "ACCURACY"}, "sk": {"S": "LAST"}}
    client.delete_item(TableName=table, Key=key)
    unknown = _get(harness, "/evaluations", sort="least_certain", **begun)
    assert unknown["ordered_by"] == "flags_and_chance" and "not known yet" in unknown["ordered_because"]
    assert harness.invoke("sweeper", {})[1] is None
    kept = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    assert int(kept["days"]["N"]) == 30 and int(kept["certainty"]["M"]["errors"]["N"]) >= 0
    worked_out = kept["worked_out_at"]
    assert harness.invoke("sweeper", {})[1] is None
    again = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    assert again["worked_out_at"] == worked_out, "once a day"

    page, first, more = _pages_as_begun(harness, begun)
    assert page["ordered_by"] == "flags_and_chance" and "AUROC 0.45" in page["ordered_because"]
    ranks = [0 if one["flags"] else 1 if one["sampled"] else 2 for one in page["evaluations"]]
    assert ranks == sorted(ranks) and len(ranks) >= 2
    assert (more["ordered_by"], more["ordered_because"]) == ("flags_and_chance", None), "it goes on as it began"
    assert [*first["evaluations"], *more["evaluations"]][:100] == page["evaluations"]
    by_certainty = _get(harness, "/evaluations", sort="least_certain", **begun)
    assert by_certainty["ordered_by"] == "least_certain" and "AUROC 0.90" in by_certainty["ordered_because"]
    assert {passed, failed} <= {one["evaluation_id"] for one in by_certainty["evaluations"]}


def test_what_people_decided_is_labelled_and_the_benchmark_reads_it(
    harness: Harness, reviewed: Both, folder: Path
) -> None:
    passed, failed = reviewed
    ours = {passed["dr_number"], failed["dr_number"]}
    span, into, trust = {"from": passed["created_at"]}, folder / "labelled", harness.stack.aws.trust
    done = labels.write(harness.api, into, span, trust, lambda _: None)
    assert ours <= set(done.written) and not done.kept
    label = json.loads((into / passed["dr_number"] / "labels.json").read_text())
    assert label["decided"] == {"verdict": "fail", "steps": ["house_photo", "power_meter"]}
    shown = [steps["steps"] for steps in label["photos"].values()]
    assert all(steps["house_photo"]["score"] <= 3 for steps in shown if "house_photo" in steps)
    (row,) = [row for row in passed["steps"] if row["step"] == "power_meter"]
    assert label["photos"][row["photo"]]["steps"]["power_meter"] == {"score": row["score"], "reading": "-11.1 dBm"}
    for photo in passed["photos"]:
        assert (into / passed["dr_number"] / photo["name"]).stat().st_size > 1000
    other = json.loads((into / failed["dr_number"] / "labels.json").read_text())
    assert other["decided"] == {"verdict": "fail", "steps": []}
    # One that was interrupted is written; the others stay.
    shutil.move(into / failed["dr_number"], into / f".{failed['dr_number']}.part")
    again = labels.write(harness.api, into, span, trust, lambda _: None)
    assert again.written == [failed["dr_number"]] and set(again.kept) == set(done.written) - {failed["dr_number"]}
    command = [str(build.binary(build.BENCH)), "accuracy", str(into), "--json"]
    alone = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert f"Of {len(done.written)} of them only what people decided" in alone["set"]
    decided = [json.loads(path.read_text())["decided"] for path in into.glob("*/labels.json")]
    verdicts = sum(one["verdict"] is not None for one in decided)
    assert (alone["result"]["drs"], alone["result"]["full"]["accuracy"]["of"]) == (len(decided), verdicts)
    compared = subprocess.run([*command, "--compare", "catalogue=v3,v4"], check=True, capture_output=True)
    assert "verdict, full" in [one["what"] for one in json.loads(compared.stdout)["differences"]]


def test_a_week_s_numbers_open_their_cases(harness: Harness, reviewed: Both) -> None:
    spans = [{"metric": "EvaluationTime", "cases": 2, "values": {"p50": 4.0, "p95": 9.0}}]
    in_days = {"since_s": 86_400.0, "sums": {"PromptTokens": 2e6, "CompletionTokens": 1e5}}
    figures = {"spans": spans, "of_worst_day": False, "in_days": in_days}
    rows = week.read(harness.api, 3600.0, figures, prices=(0.5, 2.0))
    found = {row.what: row for row in rows}
    counts = harness.api.request("GET", found["evaluations"].opens.removeprefix("GET ")).body["counts"]
    assert found["evaluations"].number == f"{counts['evaluations']:,}"
    assert int(found["… that people reviewed"].number.replace(",", "")) >= 2
    assert "%" in found["verdicts on which people agree"].number
    assert int(found["… false passes among those decided"].number) >= 1
    assert found["half of the evaluations take up to"].number == "4.0 s"
    assert found["the VLM's tokens cost"].number.startswith("$1.20"), "2 million read and 0.1 million written"
    for row in rows:
        if row.opens.startswith("GET "):
            assert harness.api.request("GET", row.opens.removeprefix("GET ")).status == 200, row
    with pytest.raises(StackError, match="operator"):
        week.read(_Refused(), 3600.0, figures, prices=None)


class _Refused(Api):
    """An API that takes a viewer for what that is."""

    def __init__(self) -> None:
        pass

    def request(self, method: str, path: str, body: bytes | None = None, *, signed: bool = True, **headers: str) -> Answer:
        return Answer(403, {}, {"message": "Forbidden"}, 0)


def test_a_known_case_is_offered_and_counted_apart_and_reviewers_are_not_told(harness: Harness) -> None:
    dr = harness.dr(10, seed=2402)
    with harness.configured("notifier", REVIEW_SAMPLE="0"):
        evaluation = _evaluated(harness, dr)
        its_id = evaluation["evaluation_id"]
        assert not _listed(harness, its_id, lambda one: one["verdict"] == "pass")["sampled"]
    before = _get(harness, "/accuracy", by="catalogue")
    path = f"/evaluations/{its_id}/known"
    assert harness.api.request("PUT", path, b'{"decision": "fail"}').body == {"evaluation_id": its_id, "decision": "fail"}
    listed = _listed(harness, its_id, lambda one: one["sampled"])
    assert "known" not in json.dumps([listed, harness.api.evaluation(its_id).body])
    undecided = _get(harness, "/accuracy", by="catalogue")["known"]
    assert its_id in undecided["undecided"] and undecided["cases"] == before["known"]["cases"] + 1
    _say(harness, its_id, decision="pass")
    _listed(harness, its_id, lambda one: one["reviewed"])
    after = _get(harness, "/accuracy", by="catalogue")
    assert its_id in after["known"]["decided_wrongly"] and its_id not in after["known"]["undecided"]
    assert after["known"]["decided_rightly"] == before["known"]["decided_rightly"]
    _say(harness, its_id, decision="fail")
    now = _get(harness, "/accuracy", by="catalogue")
    assert now["known"]["decided_rightly"] == before["known"]["decided_rightly"] + 1
    cases = [[group["cases"] for group in one["groups"]] for one in (before, now)]
    assert cases[0] == cases[1], "it says nothing of the model"
    said, drawn = _beside(harness, _drawn)
    assert said["sampling"]["sampled"] == drawn - 1, "chance did not draw it"
    forgotten = harness.api.request("PUT", path, b'{"decision": null}')
    assert (forgotten.status, forgotten.body) == (200, {"evaluation_id": its_id, "decision": None})
    without = _get(harness, "/accuracy", by="catalogue")
    assert without["known"] == before["known"]
    assert _listed(harness, its_id, lambda one: one["reviewed"])["sampled"], "nobody sees that it was one"
    for body, status in ((b'{"decision": "missing"}', 400), (b"{}", 400)):
        problem(harness.api.request("PUT", path, body), status)
    nowhere = "/evaluations/01900000-0000-7000-8000-000000000000/known"
    problem(harness.api.request("PUT", nowhere, b'{"decision": "fail"}'), 404)
