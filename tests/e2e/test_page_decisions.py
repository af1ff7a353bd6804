"""What a reviewer decides is what they saw: answers that come late, decisions that were not recorded, claims, the way."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from harness import Harness
from pages import Pages, Signed
from playwright.sync_api import Request, Route, expect
from reviewing import Evaluation, evaluated, evaluated_with_another, failed, opened, records, row, until

from stack.issuer import Issuer

_REVIEWS = "**/evaluations/*/reviews"


@pytest.fixture(scope="module")
def one(stack_of_pages: tuple[Harness, Issuer]) -> Evaluation:
    return failed(stack_of_pages[0], 2650)


def _alone(evaluation: Evaluation, *others: Evaluation) -> str:
    """The filters of a queue that has nothing but these."""
    times = sorted(datetime.fromisoformat(each["created_at"]) for each in (evaluation, *others))
    last = times[-1] + timedelta(milliseconds=1)
    return f"from={quote(times[0].isoformat())}&to={quote(last.isoformat())}"


def _held(signed: Signed, url: str | re.Pattern[str], method: str) -> list[Route]:
    """Requests that are not answered until the test does."""
    held: list[Route] = []
    signed.page.route(url, lambda route: held.append(route) if route.request.method == method else route.continue_())
    return held


def test_nothing_is_confirmed_while_a_decision_of_it_is_on_its_way(pages: Pages, one: Evaluation) -> None:
    rita = pages.sign_in("rita", f"#/review/{one['evaluation_id']}?{_alone(one)}")
    opened(rita, one)
    held = _held(rita, _REVIEWS, "POST")
    confirm = rita.page.locator('[data-action="confirm"]')
    expect(confirm).to_contain_text("Fail")
    rita.page.keyboard.press("p")
    expect(rita.page.get_by_role("dialog")).to_be_visible()
    rita.page.keyboard.press("1")
    until(rita, lambda: len(held) == 1, "the decision is on its way")
    expect(confirm).to_be_disabled()
    rita.page.keyboard.press("c")
    rita.page.wait_for_timeout(300)
    assert len(held) == 1, "nothing was confirmed that may be otherwise by now"
    held[0].continue_()
    rita.page.locator('.last[data-said="stands"]').wait_for()
    expect(confirm).to_be_enabled()
    verdict = pages.harness.completed(one["evaluation_id"])["reviewed_verdict"]
    expect(confirm).to_contain_text(verdict.capitalize())
    rita.page.unroute(_REVIEWS)
    rita.page.keyboard.press("c")
    until(rita, lambda: len(records(pages.harness, one)) == 2, "now it is confirmed")
    _, second = records(pages.harness, one)
    assert (second["decision"], second["reason"]) == (verdict, "Confirmed as people decided its steps.")


def test_what_was_not_recorded_is_named_and_a_later_decision_takes_its_place(pages: Pages) -> None:
    evaluation = failed(pages.harness, 2652)
    rita = pages.sign_in("rita", f"#/review/{evaluation['evaluation_id']}?{_alone(evaluation)}")
    opened(rita, evaluation)
    rita.expected.append("net::ERR_|status of 503")
    wrong = rita.page.locator(".decide .wrong")
    rita.page.route(_REVIEWS, lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    rita.page.keyboard.press("c")
    expect(wrong).to_contain_text(f"{evaluation['dr_number']}: Fail. It is not known whether this was recorded.")
    rita.page.click(".decide .wrong [data-let-go]")
    expect(wrong).to_have_count(0)
    expect(rita.page.locator('[data-action="confirm"]')).to_be_enabled()
    rita.page.keyboard.press("c")
    expect(wrong).to_have_count(1)
    rita.page.unroute(_REVIEWS)
    expect(rita.page.locator('[data-action="confirm"]')).to_be_enabled()
    rita.page.keyboard.press("c")
    rita.page.locator('.last[data-said="stands"]').wait_for()
    expect(wrong).to_have_count(0)
    assert [record["decision"] for record in records(pages.harness, evaluation)] == ["fail"]


def test_what_may_have_been_recorded_is_sent_again_as_the_same_and_let_go_of_only_if_it_was_not(pages: Pages) -> None:
    evaluation = failed(pages.harness, 3010)
    rita = pages.sign_in("rita", f"#/review/{evaluation['evaluation_id']}?{_alone(evaluation)}")
    opened(rita, evaluation)
    rita.expected.append("net::ERR_")
    keys: list[str] = []
    rita.page.on("request", lambda asked: keys.append(asked.headers["idempotency-key"]) if _decides(asked) else None)

    def lost(route: Route) -> None:
        """It arrives, and its answer does not."""
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    wrong = rita.page.locator(".decide .wrong")
    rita.page.route(_REVIEWS, lost)
    rita.page.keyboard.press("c")
    expect(wrong).to_contain_text("Fail. It is not known whether this was recorded.")
    assert len(keys) > 1 and len(set(keys)) == 1, "it was tried again, as the same"
    rita.page.click(".decide .wrong [data-let-go]")
    rita.page.locator('.last[data-said="stands"]').wait_for()
    expect(wrong).to_have_count(0)
    assert [record["decision"] for record in records(pages.harness, evaluation)] == ["fail"]

    keys.clear()
    expect(rita.page.locator('[data-action="pass"]')).to_be_enabled()
    rita.page.keyboard.press("p")
    rita.page.keyboard.press("1")
    expect(wrong).to_contain_text("It is not known whether this was recorded.")
    rita.page.unroute(_REVIEWS)
    rita.page.click(".decide .wrong [data-send-again]")
    rita.page.locator('.last[data-said="stands"]').wait_for()
    expect(wrong).to_have_count(0)
    assert len(set(keys)) == 1
    assert [record["decision"] for record in records(pages.harness, evaluation)] == ["fail", "pass"]


def _decides(asked: Request) -> bool:
    return asked.method == "POST" and asked.url.endswith("/reviews")


def test_what_is_asked_by_force_again_after_an_error_is_the_same_until_it_is_asked_otherwise(
    pages: Pages, one: Evaluation
) -> None:
    olaf = pages.sign_in("olaf", f"#/review/{one['evaluation_id']}?{_alone(one)}")
    olaf.expected += ["net::ERR_", "status of 409"]
    opened(olaf, one)
    keys: list[str] = []

    def lost(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort()

    olaf.page.route("**/evaluations/forced", lost)
    olaf.page.keyboard.press("a")
    dialog = olaf.page.get_by_role("dialog")
    dialog.locator("[data-force]").check()
    start = dialog.locator('[data-action="start-again"]')
    for _ in range(2):
        before = len(keys)
        start.click()
        until(olaf, lambda before=before: len(keys) > before, "it is asked for")  # type: ignore[misc]
        expect(dialog.get_by_role("alert")).to_be_visible()
        expect(start).to_have_attribute("aria-disabled", "false")
        expect(start).to_be_focused()
    assert len(set(keys)) == 1, keys
    dialog.get_by_label("Quick").check()
    start.click()
    until(olaf, lambda: len(set(keys)) == 2, "another wish has another key")
    expect(dialog.get_by_role("alert")).to_be_visible()


def test_an_evaluation_that_ends_while_it_is_open_gets_its_step_and_keeps_its_photo(pages: Pages) -> None:
    evaluation = failed(pages.harness, 3012)
    still = [True]

    def unfinished(route: Route) -> None:
        if still:
            body = route.fetch().json() | {"status": "running", "verdict": None, "steps": []}
            route.fulfill(status=200, json=body)
        else:
            route.continue_()

    rita = pages.sign_in("rita", "#/queue")
    rita.page.route(f"**/evaluations/{evaluation['evaluation_id']}", unfinished)
    rita.go(f"#/review/{evaluation['evaluation_id']}?{_alone(evaluation)}")
    opened(rita, evaluation)
    expect(rita.page.locator(".head")).to_contain_text("In progress")
    expect(rita.page.locator("#step-title")).to_have_count(0)
    expect(rita.page.locator('[data-action="fail"]')).to_be_disabled()
    expect(rita.page.locator(".live.up")).to_be_visible()
    still.clear()
    body = json.dumps({"decision": "fail", "reason": "I was there."}).encode()
    said = pages.harness.api.request("POST", f"/evaluations/{evaluation['evaluation_id']}/reviews", body)
    assert said.status == 201, said
    expect(rita.page.locator("#step-title")).to_contain_text("House photo")
    photo = rita.page.locator('.strip [aria-pressed="true"]')
    expect(photo).to_have_count(1)
    expect(photo).to_have_attribute("title", row(evaluation, "house_photo")["photo"])
    rita.page.keyboard.press("p")
    expect(rita.page.get_by_role("dialog")).to_contain_text("What this is about")
    rita.page.keyboard.press("1")
    rita.page.locator('.last[data-said="stands"]').wait_for()
    expect(rita.page.locator(".records li")).to_have_count(2)
    expect(photo).to_have_count(1)
    assert records(pages.harness, evaluation)[1]["step"] == "house_photo"


def test_what_the_small_print_says_is_corrected(pages: Pages) -> None:
    (evaluation,) = evaluated(pages.harness, 1, 3020)
    read = next(step for step in evaluation["steps"] if step.get("reading"))
    rita = pages.sign_in("rita", f"#/review/{evaluation['evaluation_id']}?{_alone(evaluation)}")
    opened(rita, evaluation)
    rita.page.click(f'[data-action="step-{read["number"]}"]')
    expect(rita.page.locator("#step-title")).to_contain_text(read["label"])
    rita.page.keyboard.press("p")
    dialog = rita.page.get_by_role("dialog")
    dialog.get_by_label("It says").fill("AB12")
    assert rita.faults() == []
    dialog.locator('[data-action="reason-2"]').click()
    expect(rita.page.locator(".records")).to_contain_text("It says: AB12")
    (record,) = records(pages.harness, evaluation)
    assert (record["step"], record["reading"], record["before"]["reading"]) == (read["step"], "AB12", read["reading"])


def _claimed(harness: Harness, evaluation: Evaluation) -> str | None:
    query = _alone(evaluation)
    rows = harness.api.request("GET", f"/evaluations?{query}").body["evaluations"]
    return next((row.get("claim") or {}).get("by") for row in rows if row["evaluation_id"] == evaluation["evaluation_id"])


def test_a_claim_outlives_the_step_to_the_drs_next_evaluation_and_no_view_that_was_closed(pages: Pages) -> None:
    (first,) = evaluated(pages.harness, 1, 2654)
    second = evaluated_with_another(pages.harness, first, 2655)
    rita = pages.sign_in("rita", f"#/queue?{_alone(first, second)}")
    said: list[str] = []
    rita.page.on("request", lambda asked: said.append(asked.method) if asked.url.endswith("/claim") else None)
    rita.page.wait_for_selector(".queue .line:nth-child(2)")
    rita.page.keyboard.press("o")
    opened(rita, second)
    until(rita, lambda: said == ["PUT"] and _claimed(pages.harness, second) == "rita", "it is claimed")
    rita.page.wait_for_timeout(1000)
    rita.page.keyboard.press("j")
    rita.page.wait_for_url(re.compile(first["evaluation_id"]))
    until(rita, lambda: len(said) == 3, "it is claimed for the other one")
    rita.page.wait_for_timeout(1000)
    until(rita, lambda: _claimed(pages.harness, first) == "rita", "it is claimed")
    assert said == ["PUT", "DELETE", "PUT"]

    # Back in the queue before the next one has come.
    rita.page.keyboard.press("q")
    until(rita, lambda: _claimed(pages.harness, first) is None, "it was given back")
    rita.page.reload()
    rita.page.wait_for_selector(".queue .line")
    said.clear()
    held = _held(rita, f"**/evaluations/{second['evaluation_id']}", "GET")
    rita.go(f"#/review/{second['evaluation_id']}?{_alone(first, second)}")
    until(rita, lambda: len(held) > 0, "it is asked for")
    rita.go(f"#/queue?{_alone(first, second)}")
    rita.page.wait_for_selector(".queue .line")
    for route in held:
        route.continue_()
    rita.page.wait_for_timeout(1500)
    assert said == [] and _claimed(pages.harness, second) is None
    assert "Queue" in rita.page.title()


def test_the_way_through_all_evaluations_is_kept_and_its_end_is_said_only_if_it_is_one(
    pages: Pages, one: Evaluation
) -> None:
    rita = pages.sign_in("rita", "#/queue?all")
    rita.page.wait_for_selector(".queue .line")
    rita.page.keyboard.press("o")
    rita.page.wait_for_url(re.compile(r"#/review/[\w-]+\?all$"))
    expect(rita.page.locator('.head [data-action="queue"]')).to_have_attribute("href", "#/queue?all")
    expect(rita.page.locator(".head .around")).to_contain_text("1 of")
    rita.expect_status(500)
    lists = re.compile(r"/evaluations\?.*from=")
    rita.page.route(lists, lambda route: route.fulfill(status=500, body='{"detail": "The list is away."}'))
    rita.go(f"#/review/{one['evaluation_id']}?{_alone(one)}")
    opened(rita, one)
    rita.page.keyboard.press("j")
    expect(rita.page.locator(".decide [role=alert]")).to_contain_text("The list is away.")
    assert "the last one of this queue" not in rita.page.inner_text(".decide")
    # The page reads its list by itself, too: nothing is answered before the press.
    held = _held(rita, lists, "GET")
    rita.page.click(".decide [role=alert] button")
    until(rita, lambda: len(held) > 0, "it is asked for")
    for route in held:
        route.continue_()
    rita.page.unroute(lists)
    expect(rita.page.locator(".decide")).to_contain_text("the last one of this queue")


def test_an_evaluation_that_is_begun_late_takes_nobody_from_what_they_do(pages: Pages, one: Evaluation) -> None:
    rita = pages.sign_in("rita", f"#/review/{one['evaluation_id']}?{_alone(one)}")
    opened(rita, one)
    held = _held(rita, "**/evaluations", "POST")
    rita.page.keyboard.press("a")
    rita.page.click('[data-action="start-again"]')
    until(rita, lambda: len(held) == 1, "it is asked for")
    rita.page.keyboard.press("Escape")
    rita.page.keyboard.press("f")
    own = rita.page.get_by_label("Or in your own words")
    own.fill("My own words")
    answer: dict[str, Any] = {"evaluation_id": "019a0000-0000-7000-8000-000000000000", "status": "queued"}
    held[0].fulfill(status=202, json=answer)
    rita.page.wait_for_timeout(500)
    expect(own).to_have_value("My own words")
    rita.page.keyboard.press("Escape")
    expect(rita.page.get_by_role("dialog")).to_have_count(0)
    opened(rita, one)
    rita.page.keyboard.press("p")
    expect(rita.page.get_by_role("dialog")).to_have_count(1)


def test_one_comes_back_to_the_queue_where_the_next_row_is(pages: Pages) -> None:
    evaluations = evaluated(pages.harness, 3, 2656)
    ids = [each["evaluation_id"] for each in evaluations]
    rita = pages.sign_in("rita", f"#/queue?reviewed=false&{_alone(*evaluations)}")
    rita.page.wait_for_selector(".queue .line:nth-child(3)")
    rita.page.keyboard.press("j")
    rita.page.keyboard.press("j")
    rita.page.keyboard.press("o")
    opened(rita, evaluations[1])
    rita.page.keyboard.press("c")
    opened(rita, evaluations[2])
    rita.page.keyboard.press("q")
    rita.page.wait_for_selector(".queue .line:nth-child(2)")
    expect(rita.page.locator(".line.current")).to_have_attribute("data-evaluation", ids[2])
    rita.page.keyboard.press("o")
    opened(rita, evaluations[2])


def test_a_key_does_one_thing_whatever_is_changed(pages: Pages, one: Evaluation) -> None:
    rita = pages.sign_in("rita", f"#/review/{one['evaluation_id']}?{_alone(one)}")
    opened(rita, one)

    def change(action: str, key: str) -> None:
        rita.page.locator(".keys dl > div", has_text=action).get_by_role("button").click()
        rita.page.keyboard.press(key)

    rita.page.keyboard.press("?")
    change("Next evaluation", "c")
    keys = rita.page.locator(".keys dl > div")
    expect(keys.filter(has_text="Next evaluation").locator("kbd")).to_have_text("C")
    expect(keys.filter(has_text="Confirm, and show").locator("kbd").first).to_have_text("J")
    change("Next evaluation", "?")
    expect(rita.page.locator(".keys [role=alert]")).to_contain_text("opens the list of keys")
    for _ in range(40):
        rita.page.keyboard.press("Tab")
        assert rita.page.evaluate("document.activeElement.closest('.keys.dialog') !== null"), "the focus stays in it"
    rita.page.keyboard.press("Escape")
    before = len(records(pages.harness, one))
    rita.page.keyboard.press("c")
    expect(rita.page.locator(".decide")).to_contain_text("the last one of this queue")
    assert len(records(pages.harness, one)) == before, "it was the next one, and nothing was decided"


def test_yesterday_is_the_day_before_today(pages: Pages) -> None:
    """In the reader's zone, two hours before UTC."""
    rita = pages.sign_in("rita", "#/queue")
    main = rita.page.get_attribute('script[src$="main.js"]', "src") or ""
    said = f"""async ([at, now]) => {{
      const format = await import(new URL("{main.replace("main.js", "format.js")}", document.baseURI).href);
      return format.relative(at, Date.parse(now));
    }}"""
    for at, now, expected in [
        ("2026-11-25T08:00:00Z", "2026-11-25T21:00:00Z", "today, 10:00 AM"),
        ("2026-11-24T21:30:00Z", "2026-11-25T21:00:00Z", "yesterday, 11:30 PM"),
        ("2026-11-23T21:00:00Z", "2026-11-25T07:00:00Z", "2 days ago, 11:00 PM"),
        ("2026-11-25T22:30:00Z", "2026-11-25T21:30:00Z", "in 1 hour"),
    ]:
        assert rita.page.evaluate(said, [at, now]) == expected
