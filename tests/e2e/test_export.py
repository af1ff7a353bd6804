"""The export: a line for each evaluation and step, page by page, with the model's verdict and people's."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from harness import Harness, problem

from stack.api import Answer

_STEP = "house_photo"


def _page(harness: Harness, path: str) -> tuple[Answer, list[list[str]]]:
    answer = harness.api.request("GET", path)
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8; header=")
    text = answer.data.decode()
    assert text.count("\n") == text.count("\r\n"), "as RFC 4180 ends lines"
    return answer, list(csv.reader(io.StringIO(text, newline="")))


def _all(harness: Harness, path: str) -> tuple[int, list[dict[str, str]]]:
    """All pages, one behind the other: how many there were, and their lines."""
    pages, lines = 0, []
    while path:
        answer, page = _page(harness, path)
        pages, lines = pages + 1, lines + page
        link = re.fullmatch(r'<(?P<path>/export\?[^>]+)>; rel="next"', answer.headers.get("link", ""))
        path = link["path"] if link else ""
    names, *rows = lines
    assert names not in rows, "the names of the columns are said once"
    return pages, [dict(zip(names, row, strict=True)) for row in rows]


def _span(evaluations: list[dict[str, Any]]) -> str:
    first, last = (datetime.fromisoformat(one["created_at"]) for one in (evaluations[0], evaluations[-1]))
    return f"from={quote(first.isoformat())}&to={quote((last + timedelta(milliseconds=1)).isoformat())}"


def test_what_was_evaluated_is_exported_with_what_people_decided(harness: Harness) -> None:
    drs = [harness.dr(photos, seed=2520 + photos) for photos in (10, 3, 2)]
    evaluations = []
    for dr in drs:
        harness.upload(dr)
        evaluations.append(harness.evaluate(dr))
    reviewed = evaluations[0]
    said = json.dumps({"step": _STEP, "decision": "fail", "reason": '=HYPERLINK("http://x")'}).encode()
    path = f"/evaluations/{reviewed['evaluation_id']}/reviews"
    assert harness.api.request("POST", path, said).status == 201
    ours = {one["evaluation_id"]: one for one in evaluations}
    wanted = f"/export?{_span(evaluations)}&limit=1"
    deadline = time.monotonic() + 60
    while True:
        pages, lines = _all(harness, wanted)
        mine = [line for line in lines if line["evaluation_id"] in ours]
        # Cards follow within moments.
        done = {line["evaluation_id"] for line in mine} == set(ours) and any(line["reviewed_verdict"] for line in mine)
        if done or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert done, lines
    assert pages >= len(ours)
    order = list(dict.fromkeys(line["evaluation_id"] for line in mine))
    assert order == [one["evaluation_id"] for one in reversed(evaluations)], "the newest first"
    for key, evaluation in ours.items():
        of = [line for line in mine if line["evaluation_id"] == key]
        assert [line["step"] for line in of] == [row["step"] for row in evaluation["steps"]]
        for line, row in zip(of, evaluation["steps"]):
            assert line["verdict"] == evaluation["verdict"] and line["step_outcome"] == row["outcome"]
            assert line["step_score"] == ("" if row["score"] is None else str(row["score"]))
            assert line["step_photo"] == (row["photo"] or "") and line["created_at"] == evaluation["created_at"]
            assert line["step_critical"] == str(row["critical"]).lower()
    (decided,) = [line for line in mine if line["step_reviewed_outcome"]]
    assert (decided["step"], decided["step_outcome"], decided["step_reviewed_outcome"]) == (_STEP, "pass", "fail")
    assert (decided["verdict"], decided["reviewed_verdict"]) == ("pass", "fail")
    assert decided["step_decided_reason"] == "'=HYPERLINK(\"http://x\")" and decided["step_decided_by"].startswith("arn:")
    _, none = _page(harness, "/export?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")
    assert len(none) == 1, "the names of the columns alone"
    for wrong in ("", "?from=x&to=y", "?from=2020-01-01T00:00:00Z", "?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&limit=51"):
        problem(harness.api.request("GET", f"/export{wrong}"), 400)
