"""Reviewers at the page: the queue, deciding by keys, and what others decide."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from harness import Harness
from pages import PATIENCE_MS, PHONE, Pages, Signed
from playwright.sync_api import Route, expect
from reviewing import Evaluation, evaluated, failed, opened, records, until

from stack.issuer import Issuer

#: As the page is to be: this many keys for a DR that is confirmed.
_MOST_KEYS = 2
_TEN = 10
#: Twice as long as an upload waits for the next one (Timing: fast).
_QUIET_S = 6.0


def _settled(harness: Harness) -> None:
    """What other files uploaded has been evaluated: an emptied cache has that done once more."""
    counts, since, begun = None, time.monotonic(), time.monotonic()
    while time.monotonic() - since < _QUIET_S:
        assert time.monotonic() - begun < PATIENCE_MS / 1000, counts
        now = harness.api.request("GET", "/evaluations?limit=1").body["counts"]
        if now != counts or now["unfinished"]:
            counts, since = now, time.monotonic()
        time.sleep(0.5)


@pytest.fixture(scope="module")
def ten(stack_of_pages: tuple[Harness, Issuer]) -> tuple[str, list[Evaluation]]:
    """Ten evaluations that nobody else's are among, and the queue's filters for them."""
    harness, _ = stack_of_pages
    _settled(harness)
    ten = evaluated(harness, _TEN, 2700)
    since = ten[-1]["created_at"]
    ended = datetime.now(UTC).isoformat(timespec="milliseconds")
    return f"verdict=pass,fail&reviewed=false&from={quote(since)}&to={quote(ended)}", ten


@pytest.fixture(scope="module")
def one(stack_of_pages: tuple[Harness, Issuer]) -> Evaluation:
    return failed(stack_of_pages[0], 2750)


def _fits(signed: Signed) -> bool:
    return bool(signed.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_ten_drs_are_confirmed_with_two_keys_each_at_most_and_the_last_is_taken_back(
    pages: Pages, ten: tuple[str, list[Evaluation]]
) -> None:
    filters, evaluations = ten
    rita = pages.sign_in("rita", f"#/queue?{filters}")
    asked: list[str] = []
    rita.page.on("request", lambda request: asked.append(request.url))
    lines = rita.page.locator(".line .dr")
    expect(lines).to_have_text([one["dr_number"] for one in evaluations])
    keys = 0

    def press(key: str) -> None:
        nonlocal keys
        keys += 1
        rita.page.keyboard.press(key)

    press("o")
    for at, evaluation in enumerate(evaluations):
        opened(rita, evaluation)
        if at + 1 < _TEN:
            after = evaluations[at + 1]["evaluation_id"]
            photo = re.compile(rf"/evaluations/{after}/photos/")
            until(rita, lambda photo=photo: any(photo.search(url) for url in asked), "the next one is loaded beforehand")  # type: ignore[misc]
        press("c")
    expect(rita.page.locator(".decide")).to_contain_text("the last one of this queue")
    assert keys <= _MOST_KEYS * _TEN, keys
    for evaluation in evaluations:
        until(rita, lambda of=evaluation: len(records(pages.harness, of)) == 1, "a record stands for each")  # type: ignore[misc]
        (record,) = records(pages.harness, evaluation)
        said = (record["by"], record["decision"], record.get("step"), record["state"])
        assert said == ("rita", evaluation["verdict"], None, {"state": "stands"}), record
    rita.page.locator('.last[data-said="stands"]').wait_for()
    rita.page.keyboard.press("u")
    rita.page.locator('.last[data-said="taken"]').wait_for()
    first, second = records(pages.harness, evaluations[-1])
    assert (first["state"], second["kind"], second["withdraws"]) == ({"state": "withdrawn", "by": 2}, "withdrawal", 1)


def test_keys_write_in_text_fields_and_reach_nothing_behind_a_dialog(pages: Pages, one: Evaluation) -> None:
    rita = pages.sign_in("rita", f"#/review/{one['evaluation_id']}")
    opened(rita, one)
    changes: list[str] = []
    rita.page.on("request", lambda asked: changes.append(asked.url) if asked.method in ("POST", "DELETE") else None)
    rita.page.keyboard.press("f")
    dialog = rita.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_be_focused()
    for key in "cuj":
        rita.page.keyboard.press(key)
    own = dialog.get_by_label("Or in your own words")
    own.focus()
    rita.page.keyboard.type("cuj1")
    expect(own).to_have_value("cuj1")
    for _ in range(30):
        rita.page.keyboard.press("Tab")
        assert rita.page.evaluate("document.activeElement.closest('[role=dialog]') !== null"), "the focus stays in it"
    assert rita.faults() == []
    rita.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    opened(rita, one)
    assert [url for url in changes if "/reviews" in url] == []
    assert records(pages.harness, one) == []


def test_two_reviewers_see_each_other_and_why_one_decides_otherwise(pages: Pages) -> None:
    (evaluation,) = evaluated(pages.harness, 1, 2760, fail="front_not_whole")
    # A queue without anything else, so that nobody is led on to the next one.
    address = f"#/review/{evaluation['evaluation_id']}?verdict=fail&from={quote(evaluation['created_at'])}"
    rita = pages.sign_in("rita", address)
    opened(rita, evaluation)
    expect(rita.page.locator("#step-title")).to_contain_text("House photo")
    expect(rita.page.locator(".step-shown")).to_contain_text("the whole front of the house, identifiable")
    claimed = f"/evaluations?claimed=true&from={quote(evaluation['created_at'])}"
    until(rita, lambda: bool(pages.harness.api.request("GET", claimed).body["evaluations"]), "it is claimed")
    olaf = pages.sign_in("olaf", address)
    olaf.expect_status(409)
    opened(olaf, evaluation)
    expect(olaf.page.locator(".head ~ .notice")).to_contain_text("rita")
    expect(olaf.page.locator(".live.up")).to_be_visible()
    rita.page.keyboard.press("p")
    expect(rita.page.get_by_role("dialog")).to_be_visible()
    rita.page.keyboard.press("2")
    expect(olaf.page.locator(".head ~ .notice", has_text="rita has just decided")).to_be_visible()
    expect(olaf.page.locator(".head .judged")).to_contain_text("Decided by people:")
    expect(olaf.page.locator(".records")).to_contain_text("The model misread the photo.")
    (record,) = records(pages.harness, evaluation)
    assert (record["by"], record["step"], record["decision"]) == ("rita", "house_photo", "pass"), record
    olaf.page.keyboard.press("f")
    listed = pages.harness.api.request("GET", f"/catalogues/{evaluation['catalogue_version']}").body
    own = next(step["fail_codes"] for step in listed["steps"] if step["step"] == "house_photo")
    reasons = [code["reason"] for code in own + listed["fail_codes"]]
    offered = olaf.page.locator(".reasons li")
    assert len(reasons) > 4
    expect(offered).to_contain_text([*reasons, "No photo shows it"])
    olaf.page.keyboard.press("1")
    expect(rita.page.locator(".records")).to_contain_text("The whole front of the house is not in view")
    assert records(pages.harness, evaluation)[1]["reason"] == "front_not_whole"


def test_several_are_confirmed_at_once_and_the_address_keeps_the_filters(pages: Pages) -> None:
    evaluations = evaluated(pages.harness, 3, 2770)
    since = evaluations[-1]["created_at"]
    rita = pages.sign_in("rita", f"#/queue?reviewed=false&from={quote(since)}")
    lines = rita.page.locator(".line .dr")
    numbers = [one["dr_number"] for one in evaluations]
    expect(lines).to_have_text(numbers)
    rita.page.get_by_label("Pass", exact=True).check()
    rita.page.wait_for_url(re.compile("verdict=pass"))
    rita.page.reload()
    expect(lines).to_have_text(numbers)
    expect(rita.page.get_by_label("Pass", exact=True)).to_be_checked()
    rita.page.keyboard.press("x")
    rita.page.keyboard.press("j")
    rita.page.keyboard.press("j")
    rita.page.keyboard.press("x")
    expect(rita.page.locator(".bulk")).to_contain_text("2 selected")
    rita.page.keyboard.press("c")
    expect(rita.page.locator(".bulk")).to_contain_text("2 decisions recorded")
    expect(lines).to_have_text(numbers[2:])
    decided = [[record["decision"] for record in records(pages.harness, one)] for one in evaluations]
    assert decided == [["pass"], ["pass"], []]
    rita.page.keyboard.press("u")
    expect(lines).to_have_text(numbers)
    assert [len(records(pages.harness, one)) for one in evaluations] == [2, 2, 0]


def _overruled(harness: Harness, evaluation: Evaluation) -> None:
    """A colleague lets it fail."""
    body = json.dumps({"decision": "fail", "reason": "I was there."}).encode()
    said = harness.api.request("POST", f"/evaluations/{evaluation['evaluation_id']}/reviews", body)
    assert said.status == 201, said


def test_what_a_colleague_decides_meanwhile_is_not_confirmed_and_just_before_it_is_said(pages: Pages) -> None:
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    evaluations = evaluated(pages.harness, 3, 3000)
    first, second, _ = evaluations
    rita = pages.sign_in("rita", f"#/queue?reviewed=false&from={quote(since)}")
    lines = rita.page.locator(".line .dr")
    numbers = [one["dr_number"] for one in evaluations]
    expect(lines).to_have_text(numbers)
    for number in numbers:
        rita.page.get_by_label(f"Select {number}", exact=True).check()
    bulk = rita.page.locator(".bulk")
    expect(bulk).to_contain_text("3 selected")
    _overruled(pages.harness, first)
    expect(lines).to_have_text(numbers[1:])
    gone = bulk.locator(f"[data-gone='{first['evaluation_id']}']")
    expect(gone).to_contain_text(f"{numbers[0]} is not in the list any more: ✓ Pass")
    assert rita.faults() == []

    def just_before(route: Route) -> None:
        if route.request.method == "POST":
            _overruled(pages.harness, second)
        route.continue_()

    rita.page.route(f"**/evaluations/{second['evaluation_id']}/reviews", just_before)
    rita.page.keyboard.press("c")
    expect(bulk).to_contain_text("2 decisions recorded")
    expect(gone).to_contain_text("Not recorded: it has become another one. It is now: ✕ Fail")
    expect(bulk).to_contain_text("1 selected")
    expect(rita.page.locator(".queue .notice")).to_contain_text(re.compile(f"{numbers[1]}: .* has just decided: Fail"))
    decided = [[record["decision"] for record in records(pages.harness, one)] for one in evaluations]
    assert decided == [["fail"], ["fail", "pass"], ["pass"]]


def test_the_next_one_is_at_nobody_elses_hands_and_what_was_passed_over_comes_last(pages: Pages) -> None:
    since = datetime.now(UTC).isoformat(timespec="milliseconds")
    evaluations = evaluated(pages.harness, 3, 3005)
    ended = datetime.now(UTC).isoformat(timespec="milliseconds")
    first, second, third = evaluations
    claimed = pages.harness.api.request("PUT", f"/drs/{second['dr_number']}/claim")
    assert claimed.status == 200, claimed
    rita = pages.sign_in("rita", f"#/queue?reviewed=false&from={quote(since)}&to={quote(ended)}")
    rita.expect_status(409)
    expect(rita.page.locator(".line .dr")).to_have_text([one["dr_number"] for one in evaluations])
    expect(rita.page.locator(".line .claim")).to_have_count(1)
    rita.page.keyboard.press("o")
    opened(rita, first)
    rita.page.keyboard.press("j")
    opened(rita, third)
    rita.page.keyboard.press("j")
    opened(rita, second)
    expect(rita.page.locator(".head ~ .notice")).to_contain_text("You may look on")


def test_what_technicians_contest_is_counted_and_comes_into_the_queue_by_itself(pages: Pages) -> None:
    (ours,) = evaluated(pages.harness, 1, 2980, fail="front_not_whole")
    rita = pages.sign_in("rita", "#/queue?verdict=pass,fail,incomplete&reviewed=false&contested=true")
    row = rita.page.locator(".line", has_text=ours["dr_number"])
    preset = rita.page.locator('[data-preset="contested"]')
    expect(preset).to_have_attribute("aria-current", "page")
    expect(preset.locator(".count")).to_have_text(re.compile(r"^\d+$"))
    before = int(preset.locator(".count").inner_text())
    expect(row).to_have_count(0)
    for reason in ("It is the whole house.", "The tree hides the rest."):
        note = json.dumps({"step": "house_photo", "kind": "disagree", "reason": reason}).encode()
        said = pages.harness.api.request("POST", f"/drs/{ours['dr_number']}/notes", note)
        assert said.status == 201, said
    expect(row.locator(".contested")).to_have_text("2 technicians' notes")
    expect(preset.locator(".count")).to_have_text(str(before + 1))


def test_who_only_reads_decides_nothing(pages: Pages, one: Evaluation) -> None:
    vera = pages.sign_in("vera", "#/queue?all")
    line = vera.page.locator(".line", has_text=one["dr_number"])
    expect(line).to_be_visible()
    expect(vera.page.locator('.line input, .queue [data-action="select"]')).to_have_count(0)
    line.locator(".dr").click()
    expect(vera.page.locator(".review h1")).to_have_text(one["dr_number"])
    expect(vera.page.locator(".review")).to_contain_text("Photos are for reviewers")
    for action in ("confirm", "pass", "fail", "take-back", "again"):
        expect(vera.page.locator(f'[data-action="{action}"]')).to_have_count(0)
    vera.page.keyboard.press("c")
    assert records(pages.harness, one) == []


def test_a_dr_is_evaluated_again_by_who_may_and_costs_what_is_said(pages: Pages) -> None:
    (evaluation,) = evaluated(pages.harness, 1, 2790)
    rita = pages.sign_in("rita", f"#/review/{evaluation['evaluation_id']}")
    opened(rita, evaluation)
    rita.page.locator('[data-action="again"]').click()
    dialog = rita.page.get_by_role("dialog")
    expect(dialog).to_contain_text("One question to the model for each of 10 photos")
    expect(dialog).to_contain_text("cost nothing")
    expect(dialog.locator("[data-force]")).to_have_count(0)
    dialog.locator('[data-action="start-again"]').click()
    expect(dialog).to_have_count(0)
    expect(rita.page.get_by_text("Nothing has changed: the same evaluation answers it.").first).to_be_attached()
    assert f"#/review/{evaluation['evaluation_id']}" in rita.page.url

    olaf = pages.sign_in("olaf", f"#/review/{evaluation['evaluation_id']}")
    olaf.expect_status(409)  # Rita has claimed it
    opened(olaf, evaluation)
    olaf.page.locator('[data-action="again"]').click()
    dialog = olaf.page.get_by_role("dialog")
    dialog.get_by_label("Quick").check()
    expect(dialog).to_contain_text("At most one question")
    dialog.locator("[data-force]").check()
    expect(dialog).to_contain_text("paid for again")
    dialog.locator('[data-action="start-again"]').click()
    expect(dialog).to_have_count(0)
    olaf.page.wait_for_url(lambda url: "#/review/" in url and evaluation["evaluation_id"] not in url)
    newest = olaf.page.url.partition("#/review/")[2].partition("?")[0]
    second = pages.harness.completed(newest)
    assert (second["mode"], second["dr_number"]) == ("quick", evaluation["dr_number"])
    assert second["cache"]["photos_reused"] == 0, second["cache"]
    expect(olaf.page.locator(".head")).to_contain_text(evaluation["dr_number"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reviewers_views_are_for_everybody_and_for_phones(pages: Pages, one: Evaluation, scheme: str) -> None:
    rita = pages.sign_in("rita", "#/queue?all", viewport=PHONE, color_scheme=scheme, has_touch=True, is_mobile=True)
    rita.page.locator(".line").first.wait_for()
    assert rita.faults() == [] and _fits(rita)
    rita.go(f"#/review/{one['evaluation_id']}")
    opened(rita, one)
    assert rita.faults() == [] and _fits(rita)
    rita.page.locator('[data-action="fail"]').click()
    rita.page.get_by_role("dialog").wait_for()
    assert rita.faults() == [] and _fits(rita)
    rita.page.locator('[data-action="close-dialog"]').click()
    rita.page.locator('[data-action="again"]').click()
    expect(rita.page.get_by_role("dialog")).to_contain_text("questions")
    assert rita.faults() == [] and _fits(rita)
    rita.go(f"#/history/{one['dr_number']}")
    rita.page.locator(".timeline > li").first.wait_for()
    assert rita.faults() == [] and _fits(rita)
