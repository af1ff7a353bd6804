"""The operator's view of the page: what it says is what the API says, and each number opens its cases."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from harness import Harness
from pages import PHONE, Pages
from playwright.sync_api import Route

#: Counts come by the stream, metrics by the logs.
_PATIENCE_S = 180.0


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


def test_an_export_has_every_page_and_what_is_not_known_now_is_not_shown(pages: Pages) -> None:
    harness = pages.harness
    since = quote(datetime.now(UTC).isoformat())
    for seed in (2602, 2603, 2604):
        dr = harness.dr(1, seed=seed)
        harness.upload(dr)
        harness.evaluate(dr)
    signed = pages.sign_in("olaf", "#/operate?days=1")
    page = signed.page
    page.wait_for_selector(".operator .chart")
    counted = _until_counted(harness, since, 3)
    pages_asked: list[str] = []

    def two_at_a_time(route: Route) -> None:
        pages_asked.append(route.request.url)
        first = re.sub(r"from=[^&]*", f"from={since}", route.request.url) + "&limit=2"
        route.continue_(url=route.request.url if "cursor=" in route.request.url else first)

    page.route("**/export?*", two_at_a_time)
    with page.expect_download() as download:
        page.click('[data-action="export"]')
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    ids = {row["evaluation_id"] for row in rows}
    assert len(pages_asked) >= 2 and ids == counted, "every page of it"
    page.wait_for_selector(".acts [role=status] >> text=in your downloads")

    signed.expect_status(500)
    page.wait_for_selector(".tiles >> text=Answers")
    page.route("**/health", lambda route: route.fulfill(status=500, body='{"detail": "Nobody knows."}'))
    signed.go("#/operate?days=7")
    page.wait_for_selector(".tiles [role=alert] >> text=Nobody knows.")
    assert page.locator(".tiles >> text=Answers").count() == 0


def _until_counted(harness: Harness, since: str, count: int) -> set[str]:
    """The evaluations since then, once the list across DRs has so many."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        listed = harness.api.request("GET", f"/evaluations?from={since}").body["evaluations"]
        if len(listed) >= count and all(one["verdict"] for one in listed):
            return {one["evaluation_id"] for one in listed}
        assert time.monotonic() < deadline, listed
        time.sleep(0.5)


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
