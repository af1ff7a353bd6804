"""A catalogue of one's own, from a file to a verdict: no build, no release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import Harness, problem

from stack import catalogue
from stack.errors import StackError
from stack.paths import REPO

_SHIPPED = REPO / "shared" / "evaluation" / "src" / "catalogues"
#: Steps that lists of 14 have beside our ten.
_MORE = {
    "splitter_tray": "Splitter tray",
    "cable_label": "Cable label",
    "customer_handover": "Customer handover",
    "site_left_clean": "Site left clean",
}


def _own(version: str) -> dict[str, Any]:
    """A list of 14 steps."""
    own: dict[str, Any] = json.loads((_SHIPPED / "v3.json").read_text())
    own["version"] = version
    for number, (key, label) in enumerate(_MORE.items(), start=11):
        step = {
            "number": number,
            "key": key,
            "label": label,
            "critical": key == "splitter_tray",
            "passes_when": f"the {label.lower()} as it was left",
            "fail_reason": f"The {label.lower()} is not in view",
            "fail_reasons": {"not_in_view": f"The {label.lower()} is not in view"},
        }
        own["steps"].append(step)
        own["name_hints"][f"own_{key}"] = key
    return own


def _file(folder: Path, document: Any) -> Path:
    path = folder / "own.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def _publish(harness: Harness, path: Path) -> bool:
    table = harness.stack.outputs["TableName"]
    return catalogue.publish(path, table, harness.stack.aws.client("dynamodb"))


def test_fourteen_steps_of_one_s_own_go_from_a_file_to_a_verdict(harness: Harness, tmp_path: Path) -> None:
    path = _file(tmp_path, _own("fourteen-1"))
    said = catalogue.check(path)
    assert (said["steps"], said["critical"], said["remarks"]) == (14, 7, [])
    assert said["prompt_tokens"]["quick"] < said["prompt_tokens"]["full"] < 3000
    assert _publish(harness, path) and not _publish(harness, path)

    dr = harness.dr(14, seed=1651, catalogue=path)
    harness.upload(dr)
    started = harness.api.start(dr.number, catalogue="fourteen-1")
    assert started.status == 202, started.body
    named = harness.completed(started.body["evaluation_id"])
    assert (named["verdict"], named["catalogue_version"]) == ("pass", "fourteen-1")
    rows = {row["step"]: row for row in named["steps"]}
    assert len(rows) == 14 and all(rows[key]["outcome"] == "pass" for key in _MORE)
    assert rows["splitter_tray"]["photo"].startswith(f"{dr.number}_ph_own_splitter_tray_")
    shown = harness.api.evaluation(named["evaluation_id"]).body
    assert shown["stale_because"] == [], "the question is the same: it names its catalogue"
    again = harness.api.start(dr.number, catalogue="fourteen-1")
    assert (again.status, again.body["cached"]) == (200, True)

    usual = harness.evaluate(dr)
    assert usual["catalogue_version"] != "fourteen-1" and len(usual["steps"]) == 10

    with harness.configured("splitter", CATALOGUE_RULES=f"{dr.number}=fourteen-1, E2E=v2"):
        ruled = harness.evaluate(dr, "quick")
    assert ruled["catalogue_version"] == "fourteen-1"
    assert sorted(ruled["steps_not_asked"]) == sorted(
        row["step"] for row in named["steps"] if not row["critical"]
    )


def test_whoever_knows_a_catalogue_s_version_reads_its_steps_and_reasons(harness: Harness, tmp_path: Path) -> None:
    own = _own("readable-1") | {"bad_work": ["not_in_view"]}
    told = problem(harness.api.request("GET", "/catalogues/readable-1"), 404)
    assert "readable-1" in told["detail"]
    assert _publish(harness, _file(tmp_path, own))
    shown = harness.api.request("GET", "/catalogues/readable-1").body
    assert (shown["catalogue_version"], shown["pass_score"], shown["pass_percent"]) == ("readable-1", 7, 70)
    assert [code["fail_code"] for code in shown["fail_codes"]] == sorted(own["fail_reasons"])
    of_steps = [(step["step"], step["label"], step["critical"], step["passes_when"]) for step in shown["steps"]]
    assert of_steps == [(one["key"], one["label"], one["critical"], one["passes_when"]) for one in own["steps"]]
    reason = {"fail_code": "not_in_view", "reason": "The cable label is not in view", "remedy": "mend"}
    assert shown["steps"][11]["fail_codes"] == [reason]
    for version in ("v99", "no-such-1", "%2e%2e", "x" * 300):
        problem(harness.api.request("GET", f"/catalogues/{version}"), 404)


def test_a_catalogue_that_is_not_there_is_refused_by_its_name(harness: Harness) -> None:
    dr = harness.dr(2, seed=1652)
    harness.upload(dr)
    told = problem(harness.api.start(dr.number, catalogue="no-such-1"), 400)
    assert "no-such-1" in told["detail"] and "catalogue" in told["detail"]
    told = problem(harness.api.start(dr.number, catalogue="v99"), 400)
    assert "v99" in told["detail"]


def test_what_is_published_never_changes(harness: Harness, tmp_path: Path) -> None:
    assert _publish(harness, _file(tmp_path, _own("constant-1")))
    changed = _own("constant-1")
    changed["pass_score"] = 1
    with pytest.raises(StackError, match="verdicts rest on it"):
        _publish(harness, _file(tmp_path, changed))
    spaced = _file(tmp_path, json.dumps(_own("constant-1"), indent=8))
    assert not _publish(harness, spaced), "the same, written otherwise"


@pytest.mark.parametrize("path", sorted(_SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_the_schema_takes_what_ships_but_for_its_version(path: Path, tmp_path: Path) -> None:
    document = json.loads(path.read_text())
    document["version"] = "own-1"
    assert catalogue.check(_file(tmp_path, document))["version"] == "own-1"


def _without(*way: Any) -> dict[str, Any]:
    return _with(None, *way, delete=True)


def _with(value: Any, *way: Any, delete: bool = False) -> dict[str, Any]:
    document = _own("broken-1")
    inner: Any = document
    for part in way[:-1]:
        inner = inner[part]
    if delete:
        del inner[way[-1]]
    else:
        inner[way[-1]] = value
    return document


_BROKEN: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "no JSON"),
    "a list": ([], "is not of type 'object'"),
    "no steps": (_without("steps"), "'steps' is a required property"),
    "an unknown field": (_with(1, "stebs"), "'stebs' was unexpected"),
    "a release's version": (_with("v7", "version"), "version"),
    "none critical": (
        _with([{**step, "critical": False} for step in _own("x-1")["steps"]], "steps"),
        "quick mode would ask nothing",
    ),
    "a score beyond ten": (_with(11, "pass_score"), "pass_score"),
    "two steps of one key": (_with("house_photo", "steps", 1, "key"), "share a key or a number"),
    "two steps of one number": (_with(1, "steps", 1, "number"), "share a key or a number"),
    "a hint at no step": (_with("nowhere", "name_hints", "prop"), "unknown step nowhere"),
    "a hint in capitals": (_with("house_photo", "name_hints", "Prop"), "name_hints"),
    "a fail code of two words": (_with("words", "steps", 0, "fail_reasons", "not good"), "not good"),
    "an empty label": (_with(" ", "steps", 0, "label"), "steps[0].label"),
    "an endless text": (_with("x" * 601, "steps", 0, "passes_when"), "steps[0].passes_when"),
    "a reading of no kind": (_with({"what": "colour"}, "steps", 0, "reads"), "power_dbm"),
    "a prompt without end": (
        _with(
            [{**step, "passes_when": "x " * 299, "small_print": "y " * 299} for step in _own("x-1")["steps"]],
            "steps",
        ),
        "is the most",
    ),
}


@pytest.mark.parametrize("name", sorted(_BROKEN))
def test_a_broken_one_is_refused_where_it_is_published(name: str, harness: Harness, tmp_path: Path) -> None:
    document, words = _BROKEN[name]
    path = _file(tmp_path, document)
    with pytest.raises(StackError) as refused:
        _publish(harness, path)
    assert words in str(refused.value)
    key = {"pk": {"S": "CATALOGUE#broken-1"}, "sk": {"S": "PUBLISHED"}}
    table = harness.stack.outputs["TableName"]
    assert "Item" not in harness.stack.aws.client("dynamodb").get_item(TableName=table, Key=key)
