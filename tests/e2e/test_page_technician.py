"""The technician's view in a real browser, as on a phone: photos go up, the checklist fills, one may leave.

Photos are the harness's; what comes between the phone and the store is put there by the browser's own network.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from faults import Faults
from harness import Dr
from pages import PATIENCE_MS, PHONE, Pages, Signed
from playwright.sync_api import Error, Response, Route
from reviewing import until

_SAFE = ".leave.is-safe"
_GALLERY = '[data-action="gallery"]'
_CAMERA = '[data-action="camera"]'
#: What is killed while a technician's photos go up, each so often.
_KILLABLE, _OFTEN = ("api", "batch", "notifier"), 4
#: A photo's address in the store.
_STORE = "**/photos/*/*X-Amz-Signature*"
#: 3G as browsers' tools have it, with a delay of 200 ms.
_SLOW = {"offline": False, "latency": 200, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
#: How many files the phone keeps, once it keeps none or does not let go of them.
_KEPT = """async () => {
  const ended = (request) => new Promise((use) => { request.onsuccess = () => use(request.result); });
  const db = await ended(indexedDB.open("photos"));
  const until = Date.now() + 60_000;
  const look = () => ended(db.transaction("files").objectStore("files").count());
  let count;
  while ((count = await look()) > 0 && Date.now() < until) await new Promise((use) => setTimeout(use, 100));
  db.close();
  return count;
}"""
_SHIFTS = """globalThis.shifts = 0; new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.shifts += one.value;
}).observe({ type: "layout-shift", buffered: true });"""


def _at(pages: Pages, number: str = "", **how: Any) -> Signed:
    """Tom with a phone, at a DR."""
    signed = pages.sign_in("tom", f"#/dr/{number}" if number else "#/dr", viewport=PHONE, has_touch=True, **how)
    signed.page.wait_for_selector(".leave" if number else "#dr-number")
    return signed


def _choose(signed: Signed, dr: Dr, *more: Path) -> None:
    signed.page.set_input_files(_GALLERY, [*dr.photos, *more])


def _stored(pages: Pages, number: str) -> list[str]:
    """The names that lie in the bucket."""
    bucket = pages.harness.stack.outputs["BucketName"]
    listed = pages.harness.stack.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"photos/{number}/")
    return [one["Key"].rsplit("/", 1)[1] for one in listed.get("Contents", [])]


def _states(signed: Signed) -> list[str]:
    return signed.page.eval_on_selector_all(".photos li", "all => all.map((one) => one.dataset.state)")


def _all_seen(signed: Signed, photos: int = 10) -> None:
    signed.page.wait_for_selector(f".photos:has(li:nth-child({photos})):not(:has(li:not([data-state=looked_at])))")
    signed.page.wait_for_selector(".checklist:not(:has(li:not([data-state=seen])))")


def test_from_a_drs_number_to_safe_to_leave_and_what_a_reviewer_says(pages: Pages, tmp_path: Path) -> None:
    dr = pages.harness.dr(10, seed=2960)
    signed = _at(pages)
    page = signed.page
    page.fill("#dr-number", "DR-1")
    page.click('[data-action="open-dr"]')
    page.wait_for_selector("#dr-number-hint[role=alert]")
    assert signed.faults() == []
    page.fill("#dr-number", f" {dr.number.lower()} ")
    page.click('[data-action="open-dr"]')
    page.wait_for_selector(".leave.not-safe >> text=There are no photos yet")
    assert page.url.endswith(f"#/dr/{dr.number}")
    assert page.locator(".to-do [data-remedy=take]").count() == 10
    order = page.eval_on_selector_all(".to-do .fault", "all => all.map((one) => one.classList.contains('lesser'))")
    assert order == sorted(order), "what is critical comes first"

    text = tmp_path / "notes.jpg"
    text.write_text("no photo")
    _choose(signed, dr, text)
    page.wait_for_selector(_SAFE)
    assert "Safe to leave" in page.inner_text(".leave h2")
    # What is critical may be seen before all photos are looked at.
    _all_seen(signed)
    assert page.locator(".step .picture img").count() > 0
    refused = page.locator(".to-do li", has_text="notes.jpg")
    assert "no photo of a kind that is taken" in refused.inner_text()
    assert signed.faults() == []
    refused.locator('[data-action="remove-photo"]').click()
    page.wait_for_selector(".to-do >> text=Nothing.")
    signed.picture("technician")
    names = _stored(pages, dr.number)
    assert len(names) == 10 and all(path.stem in " ".join(names) for path in dr.photos), "names keep their hints"

    # What was stored and looked at is not kept; the same photo again is no second one.
    assert page.evaluate(_KEPT) == 0
    page.set_input_files(_CAMERA, dr.photos[0])
    page.wait_for_selector(".adding >> text=1 photo was here already")

    # Nobody may leave with a photo that is on the phone alone.
    signed.expected.append("net::ERR_")
    another = tmp_path / "another.jpg"
    another.write_bytes(dr.photos[0].read_bytes() + b"\n")
    page.route(_STORE, lambda route: route.abort("connectionreset"))
    page.set_input_files(_CAMERA, another)
    page.wait_for_selector(".leave.not-safe >> text=1 photo is still on this phone")
    page.unroute(_STORE)
    page.wait_for_selector(_SAFE)
    _all_seen(signed, 11)

    with page.expect_response(lambda one: one.request.method == "POST" and one.url.endswith("/evaluations")) as begun:
        page.click('[data-action="evaluate"]')
    pages.harness.completed(begun.value.json()["evaluation_id"])
    page.wait_for_selector('[data-verdict="pass"]')
    page.click('[data-step="power_meter"] [data-note="disagree"]')
    page.click('[data-action="send-note"]')
    page.wait_for_selector("#note-wrong[role=alert]")
    page.fill('[data-step="power_meter"] #note-reason', "The meter shows another unit")
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-step="power_meter"] .note >> text=The meter shows another unit')
    page.click('[data-step="ups_serial"] [data-note="cannot_be_photographed"]')
    page.fill('[data-step="ups_serial"] #note-reason', "It is behind the cabinet")
    page.click('[data-action="send-note"]')
    page.wait_for_selector('[data-step="ups_serial"] .note >> text=behind the cabinet')
    assert len(_stored(pages, dr.number)) == 11

    _overruled(pages, dr)
    page.wait_for_selector('[data-reviewed="fail"]')
    page.wait_for_selector(".leave.not-safe >> text=A reviewer decided otherwise")
    page.wait_for_selector('[data-step="power_meter"] .decided >> text=Another house')
    assert signed.faults() == []


def _overruled(pages: Pages, dr: Dr) -> None:
    (last, *_) = pages.harness.api.request("GET", f"/drs/{dr.number}").body["evaluations"]
    review = json.dumps({"step": "power_meter", "decision": "fail", "reason": "Another house"}).encode()
    answer = pages.harness.api.request("POST", f"/evaluations/{last['evaluation_id']}/reviews", review)
    assert answer.status == 201, answer.body


def test_a_cut_and_a_reload_lose_nothing_and_send_nothing_twice(pages: Pages) -> None:
    dr = pages.harness.dr(10, seed=2961)
    signed = _at(pages, dr.number, service_workers="block")
    signed.expected += ["net::ERR_", "WebSocket"]
    page = signed.page
    sent: set[str] = set()

    def some(route: Route) -> None:
        """The first that are sent arrive without the phone hearing of it, and the others are cut off."""
        sent.add(urlsplit(route.request.url).path)
        if len(sent) <= 2:
            route.fetch()
        route.abort("connectionreset")

    page.route(_STORE, some)
    # Phones call all that they take the same.
    for path in dr.photos[:2]:
        taken = {"name": "image.jpg", "mimeType": "image/jpeg", "buffer": path.read_bytes()}
        page.set_input_files(_CAMERA, [taken])  # type: ignore[list-item]
    page.set_input_files(_GALLERY, dr.photos[2:])
    page.wait_for_selector(".adding .progress >> text=There is no connection")
    # Those that arrived are found at the DR, and nothing else is called stored.
    page.wait_for_selector(".leave >> text=8 photos are still on this phone")
    assert len(_stored(pages, dr.number)) == 2
    signed.context.set_offline(True)
    page.wait_for_selector(".banner")
    until(signed, lambda: _states(signed).count("kept") == 8, "none is called stored, or on its way")
    assert page.locator(_SAFE).count() == 0
    signed.context.set_offline(False)
    page.unroute(_STORE)
    # Some may be on their way when the page is gone: they are there when they are sent again.
    signed.expect_status(412)
    page.reload()
    page.wait_for_selector(_SAFE)
    _all_seen(signed)
    assert len(_stored(pages, dr.number)) == 10


def test_functions_that_are_killed_cost_time_and_nothing_that_was_seen(pages: Pages) -> None:
    faults, dr = Faults(pages.harness), pages.harness.dr(10, seed=2970)
    faults.hurry()
    # Slow, so that nobody is told to leave before each was killed twice.
    pages.harness.vlm.latency("fixed:5000")
    signed = _at(pages, dr.number)
    signed.expect_status(500, 502, 503, 504)
    # The notifier may be killed while it lets the page in: the browser says so, and the page asks again.
    signed.expected.append("WebSocket connection to .* failed")
    _choose(signed, dr)
    killed: Counter[str] = Counter()
    end = time.monotonic() + PATIENCE_MS / 1000
    while any(killed[function] < _OFTEN for function in _KILLABLE) and time.monotonic() < end:
        for function in _KILLABLE:
            killed[function] += killed[function] < _OFTEN and faults.kill(function)
        if all(killed[function] >= 2 for function in _KILLABLE):
            pages.harness.vlm.latency("fixed:300")
            if signed.page.locator(_SAFE).count():
                break
        signed.page.wait_for_timeout(300)
    assert all(killed[function] >= 2 for function in _KILLABLE), killed
    signed.page.wait_for_selector(_SAFE)
    _all_seen(signed)
    assert len(_stored(pages, dr.number)) == 10, "nothing twice"
    signed.page.click('[data-action="evaluate"]')
    faults.kill("aggregator")
    signed.page.wait_for_selector('[data-verdict="pass"]')


def _drop(signed: Signed, *files: Path) -> None:
    """Lets files fall onto where photos are added, as from a folder."""
    signed.page.evaluate("""() => {
      const files = Object.assign(document.createElement("input"), { type: "file", multiple: true, id: "folder" });
      document.body.append(files);
    }""")
    signed.page.set_input_files("#folder", files)
    signed.page.evaluate("""() => {
      const folder = document.querySelector("#folder"), dataTransfer = new DataTransfer();
      for (const file of folder.files) dataTransfer.items.add(file);
      folder.remove();
      const how = { dataTransfer, bubbles: true, cancelable: true };
      const drop = (kind) => document.querySelector(".adding").dispatchEvent(new DragEvent(kind, how));
      if (drop("dragover")) throw new Error("a file that is dropped here would be opened by the browser");
      drop("drop");
    }""")


def _with_one_kept(pages: Pages, dr: Dr) -> Signed:
    """One photo is on the phone, and the store is not to be reached."""
    signed = _at(pages, dr.number)
    signed.expected.append("net::ERR_")
    signed.page.route(_STORE, lambda route: route.abort("connectionreset"))
    _drop(signed, dr.photos[0])
    signed.page.wait_for_selector(".leave.not-safe >> text=1 photo is still on this phone")
    # Before that it may still be read.
    signed.page.wait_for_selector(".photos li")
    return signed


def test_photos_are_dropped_and_go_up_from_a_phone_that_is_full(pages: Pages, tmp_path: Path) -> None:
    dr = pages.harness.dr(3, seed=2971)
    signed = _with_one_kept(pages, dr)
    page = signed.page
    assert page.locator(".adding .wrong").count() == 0
    page.evaluate("""() => {
      IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
    }""")
    text = tmp_path / "notes.pdf"
    text.write_bytes(b"%PDF-1.7")
    _drop(signed, *dr.photos[1:], text)
    page.wait_for_selector(".adding .wrong[role=alert] >> text=Leave this page open")
    page.wait_for_selector(".leave.not-safe >> text=3 photos are still on this phone")
    page.wait_for_selector(".to-do li:has-text('notes.pdf')")
    assert signed.faults() == []
    page.unroute(_STORE)
    page.wait_for_selector(".photos:not(:has(li[data-state=kept], li[data-state=going]))")
    assert len(_stored(pages, dr.number)) == 3
    # What was stored and looked at leaves the phone, though there is no room to note it.
    page.wait_for_selector(".photos:not(:has(li:not([data-state=looked_at])))")
    kept = """() => new Promise((use) => {
      const asked = indexedDB.open("photos");
      asked.onsuccess = () => {
        const files = asked.result.transaction("files").objectStore("files").count();
        files.onsuccess = () => use(files.result);
      };
    })"""
    until(signed, lambda: page.evaluate(kept) == 0, "the phone keeps none")


def test_a_connection_to_what_is_kept_that_the_browser_closed_is_opened_again(pages: Pages) -> None:
    """As phones close it while another app is in front."""
    dr = pages.harness.dr(2, seed=2981)
    signed = _with_one_kept(pages, dr)
    page = signed.page
    page.evaluate("""() => {
      const real = IDBDatabase.prototype.transaction;
      window.refused = 0;
      let closed;
      IDBDatabase.prototype.transaction = function (...how) {
        closed ??= this;
        if (this !== closed) return real.apply(this, how);
        window.refused += 1;
        throw new DOMException("closing", "InvalidStateError");
      };
    }""")
    _drop(signed, dr.photos[1])
    page.wait_for_selector(".leave.not-safe >> text=2 photos are still on this phone")
    page.wait_for_selector(".photos li:nth-child(2)")
    assert page.evaluate("window.refused") > 0
    assert page.locator(".adding .wrong").count() == 0, "it is kept as well"
    page.reload()
    page.wait_for_selector(".leave.not-safe >> text=2 photos are still on this phone")
    page.unroute(_STORE)
    page.wait_for_selector(".photos:not(:has(li[data-state=kept], li[data-state=going]))")
    assert len(_stored(pages, dr.number)) == 2


def _go_on(held: list[Route]) -> None:
    """What was held goes to the API; the page may have given some of it up since."""
    for route in list(held):
        with suppress(Error):
            route.continue_()


def _is_asked_for(answer: Response) -> bool:
    """An evaluation."""
    return answer.request.method == "POST" and answer.url.endswith("/evaluations")


def _evaluated(signed: Signed) -> str:
    """One photo of the DR is evaluated; the evaluation's address."""
    signed.page.wait_for_selector(".photos li[data-state=looked_at]")
    with signed.page.expect_response(_is_asked_for) as said:
        signed.page.click('[data-action="evaluate"]')
    signed.page.wait_for_selector(".evaluation [data-verdict] >> text=1 photo")
    return f"**/evaluations/{said.value.json()['evaluation_id']}"


def test_an_answer_about_an_older_evaluation_that_comes_late_changes_nothing(pages: Pages) -> None:
    """Where nothing is told in between, which would say which of both is the later one."""
    dr = pages.harness.dr(2, seed=3055)
    signed = pages.visit("tom", viewport=PHONE, has_touch=True)
    page = signed.page
    page.route_web_socket("**", lambda socket: socket.close())
    page.goto(f"{pages.base}#/dr/{dr.number}")
    page.click('[data-action="sign-in"]')
    page.click('button[value="tom"]')
    page.wait_for_selector(".leave")
    page.set_input_files(_GALLERY, dr.photos[0])
    older = _evaluated(signed)
    held: list[Route] = []
    page.route(older, lambda route: held.append(route))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(signed, lambda: bool(held), "it is asked how it stands")
    page.set_input_files(_GALLERY, dr.photos[1])
    page.wait_for_selector(".photos li:nth-child(2)")
    page.wait_for_selector(".photos:not(:has(li:not([data-state=looked_at])))")
    page.click('[data-action="evaluate"]')
    page.wait_for_selector(".evaluation [data-verdict] >> text=2 photos")
    page.evaluate("""() => {
      const status = document.querySelector(".evaluation [role=status]");
      window.said = [];
      const all = { childList: true, subtree: true, characterData: true };
      new MutationObserver(() => window.said.push(status.innerText)).observe(status, all);
    }""")
    _go_on(held)
    page.wait_for_timeout(1000)
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(1000)
    assert [one for one in page.evaluate("window.said") if "1 photo" in one] == []


def test_what_is_told_of_an_evaluation_that_is_not_known_yet_breaks_nothing(pages: Pages) -> None:
    dr = pages.harness.dr(1, seed=3056)
    signed = pages.visit("tom", viewport=PHONE, has_touch=True)
    page = signed.page
    page.add_init_script("""window.WebSocket = class extends WebSocket {
      constructor(...how) {
        super(...how);
        window.tell = (message) => this.onmessage({ data: JSON.stringify(message) });
      }
    };""")
    page.goto(f"{pages.base}#/dr/{dr.number}")
    page.click('[data-action="sign-in"]')
    page.click('button[value="tom"]')
    page.wait_for_selector("header .live.up", state="attached")
    _choose(signed, dr)
    page.wait_for_selector(".photos li[data-state=looked_at]")
    held: list[Route] = []
    page.route("**/evaluations/*", lambda route: held.append(route))
    with page.expect_response(_is_asked_for) as said:
        page.click('[data-action="evaluate"]')
    until(signed, lambda: bool(held), "it is asked how it stands")
    waits = {"since": "2026-01-01T00:00:00Z"}
    about = {"evaluation_id": said.value.json()["evaluation_id"], "dr_number": dr.number}
    page.evaluate("message => window.tell(message)", {"type": "waiting", **about, "waiting": waits})
    until(signed, lambda: len(held) > 1, "it is asked anew")
    _go_on(held)
    page.unroute("**/evaluations/*")
    page.wait_for_selector(".evaluation [data-verdict] >> text=1 photo")


@pytest.mark.parametrize("status", [503, 403])
def test_what_the_store_refuses_is_never_called_stored(pages: Pages, status: int) -> None:
    dr = pages.harness.dr(1, seed=2962 + status % 2)
    signed = _at(pages, dr.number)
    signed.expect_status(status)
    page = signed.page
    sent: list[Route] = []

    def refuse_twice(route: Route) -> None:
        """Later ones wait: what is refused again and again the page gives up."""
        sent.append(route)
        if len(sent) <= 2:
            route.fulfill(status=status)

    page.route(_STORE, refuse_twice)
    _choose(signed, dr)
    page.wait_for_selector(".photos .waits")
    page.wait_for_selector(".photos li[data-state=kept]")
    assert "on this phone" in page.inner_text(".leave")
    until(signed, lambda: len(sent) > 2, "it is sent again")
    assert {route.request.method for route in sent} == {"PUT"}
    assert _stored(pages, dr.number) == []
    for route in sent[2:]:
        route.continue_()
    page.unroute(_STORE)
    page.wait_for_selector(".photos li[data-state=looked_at]")
    assert len(_stored(pages, dr.number)) == 1


def test_a_transfer_that_stands_still_is_said_and_begun_again(pages: Pages) -> None:
    dr = pages.harness.dr(1, seed=2964)
    signed = _at(pages, dr.number)
    signed.expected += ["net::ERR_"]
    page = signed.page
    page.clock.install()
    page.route(_STORE, lambda route: None)
    with page.expect_request(_STORE):
        _choose(signed, dr)
    page.wait_for_selector(".photos li[data-state=going]")
    page.clock.fast_forward(21_000)
    page.wait_for_selector(".photos .waits >> text=did not get on")
    assert _stored(pages, dr.number) == []
    page.unroute(_STORE)
    page.clock.fast_forward(5_000)
    page.wait_for_selector(".photos li[data-state=looked_at]")


def test_at_3g_it_weighs_little_and_nothing_moves(pages: Pages, tell: Callable[[str], None]) -> None:
    dr = pages.harness.dr(10, seed=2965)
    signed = pages.visit("tom", viewport=PHONE, has_touch=True)
    page = signed.page
    session = signed.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", _SLOW)
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.add_init_script(_SHIFTS)
    page.goto(pages.base + f"#/dr/{dr.number}")
    page.click('[data-action="sign-in"]')
    page.click('button[value="tom"]')
    page.wait_for_selector(_GALLERY, state="attached")
    usable = page.evaluate("performance.now()")
    page.wait_for_selector(".leave")
    known = page.evaluate("performance.now()")
    weight, moved = sum(received) / 1000, page.evaluate("globalThis.shifts")
    session.send("Network.emulateNetworkConditions", {**_SLOW, "uploadThroughput": -1})
    _choose(signed, dr)
    page.wait_for_selector(_SAFE)
    _all_seen(signed)
    moved_later = page.evaluate("globalThis.shifts") - moved
    tell(
        f"A technician's first DR at 3G: {weight:.0f} kB with the checklist; photos can be taken {usable / 1000:.1f} s"
        f" after signing in, the checklist is there after {known / 1000:.1f} s; layout shift {moved:.3f}, while the"
        f" checklist fills {moved_later:.3f}."
    )
    assert weight <= 150
    assert moved_later < 0.1, "what is done stays in its place"
    assert moved < 0.02
