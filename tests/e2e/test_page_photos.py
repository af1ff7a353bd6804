"""Reviewers look at photos: closely, with fingers, and two side by side with what is known of both."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import time
from typing import Any

import pytest
from exif import Taken, retake
from pages import PHONE, Pages, Signed
from playwright.sync_api import expect
from reviewing import Evaluation, evaluated, evaluated_with_another, failed, opened, row, saved, until

_HERE = (-26.2041, 28.0473)
_FAR = (-27.2041, 28.0473)  # 111 km from here


@pytest.fixture(scope="module")
def one(stack_of_pages: tuple[Any, Any]) -> Evaluation:
    return failed(stack_of_pages[0], 2753)


class _Fingers:
    """Fingers on a screen, as a browser hears of them."""

    def __init__(self, signed: Signed) -> None:
        self._session = signed.context.new_cdp_session(signed.page)

    def _say(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def move(self, *ways: tuple[tuple[float, float], tuple[float, float]], steps: int = 8) -> None:
        """As many fingers go down, each from here to there, and are lifted."""
        self._say("touchStart", *(start for start, _ in ways))
        for step in range(1, steps + 1):
            share = step / steps
            self._say(
                "touchMove",
                *((x + (to_x - x) * share, y + (to_y - y) * share) for (x, y), (to_x, to_y) in ways),
            )
        self._say("touchEnd")


def test_a_photo_is_looked_at_closely_and_stays_near_from_one_to_the_next(pages: Pages, one: Evaluation) -> None:
    rita = pages.sign_in("rita", f"#/review/{one['evaluation_id']}")
    opened(rita, one)
    image = rita.page.locator(".stage img")

    def width() -> float:
        return float(image.evaluate("image => image.getBoundingClientRect().width"))

    all_of_it = width()
    rita.picture("reviewer")
    rita.page.keyboard.press("+")
    near = width()
    assert near > all_of_it * 1.3
    before = image.get_attribute("alt")
    rita.page.keyboard.press("ArrowRight")
    expect(image).not_to_have_attribute("alt", str(before))
    expect(rita.page.locator(".stage")).to_have_class(re.compile("near"))
    rita.page.keyboard.press("ArrowLeft")
    expect(image).to_have_attribute("alt", str(before))
    assert width() == pytest.approx(near, abs=1)
    rita.page.mouse.move(400, 400)
    rita.page.mouse.wheel(0, -300)
    until(rita, lambda: width() > near, "the wheel brings it nearer")
    rita.page.keyboard.press("z")
    until(rita, lambda: width() <= all_of_it * 1.4, "all of it again")
    rita.page.keyboard.press("r")
    assert image.evaluate("image => image.style.getPropertyValue('--turn')") == "90deg"


def test_a_replaced_photo_is_seen_beside_its_successor_and_the_history_says_what_is_different(pages: Pages) -> None:
    (first,) = evaluated(pages.harness, 1, 2780, fail="front_not_whole")
    dr, name = first["dr_number"], row(first, "house_photo")["photo"]
    better = pages.harness.dr(10, seed=2785)
    house = next(photo for photo in better.photos if "prop" in photo.name)
    pages.harness.put(dr, name, house.read_bytes())
    second = pages.harness.completed(pages.harness.api.start(dr).body["evaluation_id"])
    assert first["evaluation_id"] != second["evaluation_id"]
    body = json.dumps({"decision": "pass", "reason": "I saw it there."}).encode()
    pages.harness.api.request("POST", f"/evaluations/{second['evaluation_id']}/reviews", body)
    rita = pages.sign_in("rita", f"#/review/{first['evaluation_id']}")
    opened(rita, first)
    expect(rita.page.locator(".look")).to_contain_text("replaced or deleted after the evaluation")
    rita.page.keyboard.press("b")
    expect(rita.page.get_by_role("dialog").locator(".stage img")).to_have_count(2)
    assert rita.faults() == []
    rita.page.keyboard.press("Escape")
    expect(rita.page.locator(".look .stage img")).to_be_visible()
    rita.page.keyboard.press("h")
    expect(rita.page.locator(".timeline > li")).to_have_count(3)
    expect(rita.page.locator(".timeline")).to_contain_text("I saw it there.")
    expect(rita.page.locator(".history table")).to_contain_text("House photo")
    assert rita.faults() == []
    assert saved(rita, "pdf").startswith(b"%PDF-")
    report = json.loads(saved(rita, "json"))
    assert (report["evaluation_id"], report["reviewed_verdict"]) == (second["evaluation_id"], "pass")
    table = list(csv.DictReader(io.StringIO(saved(rita, "csv").decode())))
    hashes = {row["name"]: row["content"] for row in table}
    assert hashes == {photo["name"]: photo["content"] for photo in report["photos"]}
    assert hashes[name] == hashlib.md5(house.read_bytes()).hexdigest()


def test_no_older_photo_is_taken_for_the_successor(pages: Pages) -> None:
    (first,) = evaluated(pages.harness, 1, 3014)
    dr, name = first["dr_number"], row(first, "house_photo")["photo"]
    worse = pages.harness.dr(10, seed=3015, fail="front_not_whole")
    house = next(photo for photo in worse.photos if "prop" in photo.name)
    pages.harness.put(dr, name, house.read_bytes())
    second = pages.harness.completed(pages.harness.api.start(dr).body["evaluation_id"])
    assert first["evaluation_id"] != second["evaluation_id"]
    pages.harness.delete(dr, name)
    rita = pages.sign_in("rita", f"#/review/{second['evaluation_id']}")
    opened(rita, second)
    expect(rita.page.locator(".look")).to_contain_text("replaced or deleted after the evaluation")
    rita.page.keyboard.press("b")
    dialog = rita.page.get_by_role("dialog")
    expect(dialog).to_contain_text("No later evaluation has another photo of this name")
    expect(dialog.locator("figcaption").nth(1)).to_have_text(f"{dr} · {name}")


def test_each_evaluation_with_a_verdict_has_its_report(pages: Pages) -> None:
    (first,) = evaluated(pages.harness, 1, 3018)
    second = evaluated_with_another(pages.harness, first, 3019)
    rita = pages.sign_in("rita", f"#/history/{first['dr_number']}")
    chosen = rita.page.locator("[data-report]")
    expect(chosen).to_have_value(second["evaluation_id"])
    rita.expect_status(404)
    gone = re.compile(rf"/evaluations/{second['evaluation_id']}/.*report$")
    rita.page.route(gone, lambda route: route.fulfill(status=404, json={"message": "Not Found"}))
    rita.page.click('[data-file="json"]')
    wrong = rita.page.locator(".history .wrong")
    expect(wrong).to_have_text("No report of this evaluation can be had.")
    assert rita.faults() == []
    chosen.select_option(first["evaluation_id"])
    expect(wrong).to_have_count(0)
    assert json.loads(saved(rita, "json"))["evaluation_id"] == first["evaluation_id"]


def test_two_fingers_bring_a_photo_nearer_and_one_moves_it_and_the_page_stays(pages: Pages, one: Evaluation) -> None:
    rita = pages.sign_in("rita", f"#/review/{one['evaluation_id']}", viewport=PHONE, has_touch=True, is_mobile=True)
    opened(rita, one)
    stage, image = rita.page.locator(".stage"), rita.page.locator(".stage img")
    stage.scroll_into_view_if_needed()

    def seen() -> dict[str, float]:
        return dict(image.evaluate("image => image.getBoundingClientRect().toJSON()"))

    def scale() -> float:
        return float(rita.page.evaluate("visualViewport.scale"))

    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers, all_of_it = _Fingers(rita), seen()
    fingers.move(((x - 20, y), (x - 80, y)), ((x + 20, y), (x + 80, y)))
    until(rita, lambda: seen()["width"] > all_of_it["width"] * 2, "two fingers bring it nearer")
    expect(stage).to_have_class(re.compile("near"))
    near, scrolled = seen(), rita.page.evaluate("scrollY")
    fingers.move(((x, y), (x + 60, y + 40)))
    until(rita, lambda: seen()["x"] > near["x"] + 30 and seen()["y"] > near["y"] + 20, "one finger moves it")
    assert seen()["width"] == pytest.approx(near["width"], abs=1)
    fingers.move(((x - 90, y), (x - 10, y)), ((x + 90, y), (x + 10, y)))
    until(rita, lambda: seen()["width"] <= all_of_it["width"] * 1.05, "and two bring it back")
    assert (scale(), rita.page.evaluate("scrollY")) == (1, scrolled), "the page itself was neither zoomed nor moved"


def test_a_camera_in_two_places_is_seen_on_both_photos_with_distance_and_times(pages: Pages) -> None:
    first, second = (pages.harness.dr(2, seed=seed) for seed in (2755, 2756))
    now = time.time()
    for dr, position, ago in ((first, _HERE, 3600), (second, _FAR, 3000)):
        taken = time.strftime("%Y:%m:%d %H:%M:%S", time.gmtime(now - ago))
        for photo in dr.photos:
            retake(photo, Taken(taken, position, camera_serial="PAGE-0001"))
        pages.harness.upload(dr)
    before, later = (pages.harness.evaluate(dr) for dr in (first, second))
    flagged = [flag["photo"] for flag in later["flags"] if flag["code"] == "camera_in_two_places"]
    assert flagged, later["flags"]
    rita = pages.sign_in("rita", f"#/review/{later['evaluation_id']}")
    # Most steps are missing: no photo is open.
    expect(rita.page.locator(".review h1")).to_have_text(second.number)
    flag = rita.page.locator(".flag-list li", has_text=first.number)
    flag.first.get_by_role("button", name="Side by side").click()
    dialog = rita.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_have_text(f"The same camera in {first.number}")
    sides = dialog.locator("figure")
    expect(sides.locator(".stage img")).to_have_count(2)
    expect(sides.nth(0).locator("figcaption")).to_contain_text(second.number)
    expect(sides.nth(1).locator("figcaption")).to_contain_text(first.number)
    expect(dialog).to_contain_text("Between the two: 111.2 km, 10 minutes")
    expect(sides.nth(0)).to_contain_text(f"in {first.number}, 111 km away, 10 minutes apart")
    expect(sides.nth(1)).to_contain_text("-26.20410, 28.04730")
    assert rita.faults() == []
    # Nearer in one is nearer in both.
    rita.page.keyboard.press("+")
    expect(dialog.locator(".stage.near")).to_have_count(2)
    # From the other side it is seen as well.
    rita.page.keyboard.press("Escape")
    rita.go(f"#/review/{before['evaluation_id']}")
    expect(rita.page.locator(".review h1")).to_have_text(first.number)
    expect(rita.page.locator(".flag-list li", has_text=second.number).first).to_be_visible()
