"""The operator's view of the page: what it says is what the API says, and each number opens its cases."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from pages import PHONE, Pages

#: Counts come by the stream, metrics by the logs.
_PATIENCE_S = 60.0


def _measured(figures: dict[str, Any]) -> bool:
    took = next(one for one in figures["figures"] if one["metric"] == "EvaluationTime")
    return bool(took["course"] and figures["days"])


def test_an_operator_sees_how_the_system_does_and_opens_the_cases(pages: Pages) -> None:
    harness = pages.harness
    dr = harness.dr(3, seed=2600)
    harness.upload(dr)
    harness.evaluate(dr)
    signed = pages.sign_in("olaf", "#/operate?days=7")
    page = signed.page
    page.wait_for_selector(".operator .chart")
    deadline = time.monotonic() + _PATIENCE_S
    while page.inner_text(".tiles .big a") == "0":
        assert time.monotonic() < deadline, "not counted"
        page.reload()
        page.wait_for_selector(".operator .chart")
    assert page.inner_text(".tiles >> text=Answers") == "Answers"
    assert signed.faults() == []
    signed.picture("operator")
    page.click("text=As a table >> nth=0")
    page.click(".chart table tbody tr:last-child a")
    page.wait_for_selector("h1 >> text=Queue")
    assert re.search(r"#/queue\?from=.*to=", page.url), "the day's evaluations"


def test_the_figures_are_days_and_metrics_that_were_measured(pages: Pages) -> None:
    harness = pages.harness
    dr = harness.dr(2, seed=2601)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    deadline = time.monotonic() + _PATIENCE_S
    while not _measured(answer := harness.api.request("GET", "/figures").body):
        assert time.monotonic() < deadline, answer
        time.sleep(0.5)
    day = next(one for one in answer["days"] if evaluation["created_at"].startswith(one["day"]))
    assert day["evaluations"] >= 1
    assert day["evaluations"] == day["pass"] + day["fail"] + day["incomplete"] + day["unfinished"]
    took = next(one for one in answer["figures"] if one["metric"] == "EvaluationTime")
    assert took["kind"] == "span" and took["unit"] == "ms"
    last = took["course"][-1]
    assert 0 < last["p50"] <= last["p95"] <= last["p99"]
    refused = harness.api.request("GET", "/figures?from=2020-01-01T00:00:00Z")
    assert refused.status == 400 and "92 days" in refused.body["detail"]


def test_the_cache_is_emptied_after_a_question(pages: Pages) -> None:
    signed = pages.sign_in("olaf", "#/operate", viewport=PHONE)
    page = signed.page
    page.wait_for_selector(".operator .chart")
    page.wait_for_selector(".operator >> text=How right")
    page.click('[data-action="empty-cache"]')
    with page.expect_response(lambda answer: answer.url.endswith("/cache")) as told:
        page.click('[data-action="empty-cache-yes"]')
    assert told.value.status == 200 and json.loads(told.value.body())["dr_number"] is None
    page.wait_for_selector("text=No answer from before is used any more.")
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], "nothing to be scrolled to the side"
