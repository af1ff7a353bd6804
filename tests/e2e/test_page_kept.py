"""What a phone may do to a technician's photos and answers: cut them, refuse to read, have a second window open."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from harness import Dr
from pages import PHONE, Pages, Signed
from playwright.sync_api import Page, expect
from reviewing import until

#: A photo's address in the store.
_STORE = "**/photos/*/*X-Amz-Signature*"
_STILL_HERE = ".leave.not-safe >> text=1 photo is still on this phone"
_ALL_STORED = ".photos:not(:has(li[data-state=kept], li[data-state=going]))"
_REMOVE = ".to-do [data-action=remove-photo]"
_SAFE = ".leave.is-safe"
_LOOKED_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"

#: What is kept can't be read, until `back` is called.
_UNREADABLE = """{
  const open = IDBFactory.prototype.open;
  IDBFactory.prototype.open = () => { throw new DOMException("away", "UnknownError"); };
  window.back = () => { IDBFactory.prototype.open = open; };
}"""
#: Who waits for another window that sends a photo does so until `pass` is called.
_ANOTHER_SENDS = """{
  const timeout = AbortSignal.timeout;
  const waiting = [];
  window.waiting = () => waiting.length;
  window.pass = () => waiting.splice(0).forEach((one) => one.abort());
  AbortSignal.timeout = (ms) => {
    if (ms !== 30_000) return timeout.call(AbortSignal, ms);
    waiting.push(new AbortController());
    return waiting.at(-1).signal;
  };
}"""

#: Another window removes all photos, and says so.
_REMOVES = """() => {
  window.removals = 0;
  window.removes = async () => {
    const ended = (request) => new Promise((use) => { request.onsuccess = () => use(request.result); });
    const db = await ended(indexedDB.open("photos"));
    const change = db.transaction(["photos", "files"], "readwrite");
    change.objectStore("photos").clear();
    change.objectStore("files").clear();
    await new Promise((use) => { change.oncomplete = use; });
    db.close();
    new BroadcastChannel("photos").postMessage("");
    window.removals += 1;
  };
}"""
_REMOVED = """() => new Promise((use) => {
  const look = () => (window.removals > 0 ? use() : setTimeout(look, 20));
  look();
})"""
#: It does so once this window has begun to look for one.
_ONCE_LOOKED_FOR = """() => {
  const get = IDBObjectStore.prototype.get;
  IDBObjectStore.prototype.get = function (key) {
    if (this.name === "photos" && window.removals === 0) {
      IDBObjectStore.prototype.get = get;
      const change = this.transaction.db.transaction(["photos", "files"], "readwrite");
      change.objectStore("photos").clear();
      change.objectStore("files").clear();
      change.oncomplete = () => { window.removals += 1; };
    }
    return get.call(this, key);
  };
}"""


def _at(pages: Pages, number: str, script: str = "") -> Signed:
    """Tom with a phone, at a DR; a script runs before the page's own."""
    signed = pages.visit("tom", viewport=PHONE, has_touch=True)
    if script:
        signed.page.add_init_script(script)
    signed.page.goto(f"{pages.base}#/dr/{number}")
    signed.page.click('[data-action="sign-in"]')
    signed.page.click('button[value="tom"]')
    signed.page.wait_for_selector(".adding")
    return signed


def _choose(page: Page, *photos: Path) -> None:
    page.set_input_files('[data-action="gallery"]', photos)


def _cut(signed: Signed) -> None:
    """The store is not to be reached."""
    signed.expected.append("net::ERR_")
    signed.page.route(_STORE, lambda route: route.abort("connectionreset"))


def _stored(pages: Pages, dr: Dr) -> int:
    bucket = pages.harness.stack.outputs["BucketName"]
    listed = pages.harness.stack.aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"photos/{dr.number}/")
    return len(listed.get("Contents", []))


def _with_one_kept(pages: Pages, photos: int, seed: int) -> tuple[Dr, Page]:
    """The first of a DR's photos is on the phone, and the store is not to be reached."""
    dr = pages.harness.dr(photos, seed=seed)
    signed = _at(pages, dr.number)
    _cut(signed)
    _choose(signed.page, dr.photos[0])
    signed.page.wait_for_selector(_STILL_HERE)
    # Before that it may still be read.
    signed.page.wait_for_selector(".photos li")
    return dr, signed.page


def test_an_answer_that_was_cut_is_none_and_the_next_one_is_whole(pages: Pages) -> None:
    """A cut comes after the headers, with an ETag: what is kept under it must not be half an answer."""
    signed = _at(pages, "DR2990101", """
      const text = Response.prototype.text;
      window.cuts = 0;
      Response.prototype.text = function () {
        if (!/\\/drs\\/DR2990101$/.test(this.url) || window.cuts >= 4) return text.call(this);
        window.cuts += 1;
        return Promise.reject(new TypeError("network error"));
      };
    """)
    signed.page.wait_for_selector(".leave")
    assert signed.page.evaluate("window.cuts") == 4, "as often as it is tried at once, and once more"
    assert "null" not in signed.page.inner_text("main")


def test_what_cant_be_read_now_is_neither_lost_nor_called_so(pages: Pages) -> None:
    """A phone takes its storage away from a page behind others, and gives it back."""
    dr, page = _with_one_kept(pages, 2, seed=2992)
    page.evaluate("""() => {
      const transaction = IDBDatabase.prototype.transaction, open = indexedDB.open;
      window.refused = 0;
      const away = () => { window.refused += 1; throw new DOMException("away", "UnknownError"); };
      IDBDatabase.prototype.transaction = IDBFactory.prototype.open = away;
      window.back = () => {
        IDBDatabase.prototype.transaction = transaction;
        IDBFactory.prototype.open = open;
      };
    }""")
    page.wait_for_selector(".photos .waits >> text=can't read the file at the moment")
    assert page.evaluate("window.refused") > 1
    # What comes in meanwhile is taken: it is held by the page, which says so.
    _choose(page, dr.photos[1])
    page.wait_for_selector(".adding .wrong[role=alert] >> text=Leave this page open")
    page.unroute(_STORE)
    page.evaluate("window.back()")
    page.wait_for_selector(_ALL_STORED)
    expect(page.locator(".photos li")).to_have_count(2)
    assert _stored(pages, dr) == 2
    assert "Take the photo again" not in page.inner_text("main")


@pytest.mark.parametrize("again", ["asked for", "by itself"])
def test_a_file_that_stays_unreadable_is_said_and_can_be_tried_again_or_removed(pages: Pages, again: str) -> None:
    dr, page = _with_one_kept(pages, 1, seed=2994 if again == "asked for" else 3053)
    page.evaluate("""() => {
      const read = Blob.prototype.arrayBuffer;
      window.reads = 0;
      Blob.prototype.arrayBuffer = () => {
        window.reads += 1;
        return Promise.reject(new DOMException("gone", "NotReadableError"));
      };
      window.back = () => { Blob.prototype.arrayBuffer = read; };
    }""")
    page.unroute(_STORE)
    # It is tried again later and later: who looks again need not wait.
    for _ in range(120):
        if page.evaluate("window.reads") >= 5:
            break
        page.evaluate(_LOOKED_AGAIN)
        page.wait_for_timeout(500)
    page.wait_for_selector(".to-do [role=alert] >> text=can't read the file")
    assert page.locator(_REMOVE).count() == 1
    page.wait_for_selector(".leave.not-safe >> text=1 photo is on this phone alone and not accepted")
    page.evaluate("window.back()")
    if again == "asked for":
        page.click(".to-do li:has([data-action=remove-photo]) button >> nth=0")
        assert page.evaluate("document.activeElement.id") == "to-do-title", "what had the focus is there no more"
    else:
        page.evaluate(_LOOKED_AGAIN)
    page.wait_for_selector(".photos li[data-state=looked_at]")
    assert _stored(pages, dr) == 1


def test_nobody_may_leave_with_a_photo_on_the_phone_alone(pages: Pages, tmp_path: Path) -> None:
    dr = pages.harness.dr(10, seed=3050)
    signed = _at(pages, dr.number)
    page = signed.page
    _choose(page, *dr.photos)
    page.wait_for_selector(_SAFE)
    # One that is not accepted is nowhere but here, though nothing goes up.
    signed.expect_status(422)
    refused = {"title": "No", "detail": "Not this one."}
    page.route("**/drs/*/uploads", lambda route: route.fulfill(status=422, json=refused))
    another = tmp_path / "another.jpg"
    another.write_bytes(dr.photos[0].read_bytes() + b"\n")
    _choose(page, another)
    page.wait_for_selector(".to-do [role=alert] >> text=Not this one")
    page.wait_for_selector(".leave.not-safe >> text=1 photo is on this phone alone and not accepted")
    # At another DR it is named.
    signed.go("#/dr/DR2990110")
    page.wait_for_selector(f".leave:has(a[href='#/dr/{dr.number}']) >> text=1 photo is still on this phone")
    assert signed.faults() == []
    signed.go(f"#/dr/{dr.number}")
    page.unroute("**/drs/*/uploads")
    page.click(".to-do li:has([data-action=remove-photo]) button >> nth=0")
    page.wait_for_selector(_SAFE)
    # After a reload nobody knows what is kept before it was read.
    page.add_init_script(_UNREADABLE)
    page.reload()
    page.wait_for_selector(".leave.not-safe >> text=can't read which photos it keeps")
    page.evaluate("window.back()")
    page.wait_for_selector(_SAFE)


def test_a_photo_that_another_window_does_not_let_go_of_goes_up_all_the_same(pages: Pages) -> None:
    """A phone puts windows to sleep in the midst of sending."""
    dr = pages.harness.dr(1, seed=3051)
    signed = _at(pages, dr.number, _ANOTHER_SENDS)
    page = signed.page
    page.wait_for_selector(".leave")
    sha256 = hashlib.sha256(dr.photos[0].read_bytes()).hexdigest()
    held = "id => new Promise((use) => { navigator.locks.request(id, () => new Promise(() => use(true))); })"
    assert page.evaluate(held, f"photo {dr.number}/{sha256}")
    _choose(page, dr.photos[0])
    until(signed, lambda: page.evaluate("window.waiting()") > 0, "it waits for the other window")
    page.wait_for_selector(".photos li[data-state=kept]")
    page.evaluate("window.pass()")
    page.wait_for_selector(".photos li[data-state=looked_at]")
    assert _stored(pages, dr) == 1


def test_a_file_that_is_chosen_again_is_no_longer_to_be_chosen_again(pages: Pages) -> None:
    dr = pages.harness.dr(1, seed=3052)
    page = _at(pages, dr.number).page
    page.wait_for_selector(".leave")
    page.evaluate("""() => {
      const read = Blob.prototype.arrayBuffer;
      Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotReadableError"));
      window.back = () => { Blob.prototype.arrayBuffer = read; };
    }""")
    _choose(page, dr.photos[0])
    page.wait_for_selector(".to-do [role=alert] >> text=Choose it again")
    page.evaluate("window.back()")
    _choose(page, dr.photos[0])
    page.wait_for_selector(".photos li[data-state=looked_at]")
    expect(page.locator(_REMOVE)).to_have_count(0)


def test_what_is_said_without_a_connection_is_said_not_to_be_sent(pages: Pages) -> None:
    signed = _at(pages, "DR2990111")
    page = signed.page
    signed.expected += ["net::ERR_", "WebSocket"]
    page.wait_for_selector(".leave")
    signed.context.set_offline(True)
    page.wait_for_selector(".banner")
    page.click('[data-step="power_meter"] [data-note="disagree"]')
    page.fill("#note-reason", "The meter shows another unit")
    page.click('[data-action="send-note"]')
    page.wait_for_selector("#note-wrong >> text=It was not sent")
    signed.context.set_offline(False)


def test_windows_of_one_phone_know_of_each_others_photos(pages: Pages) -> None:
    dr = pages.harness.dr(1, seed=2996)
    first = _at(pages, dr.number)
    first.page.wait_for_selector(".leave")
    second = Signed(first.context.new_page(), first.context, "tom", pages.base)
    _cut(first)
    _cut(second)
    second.page.goto(f"{pages.base}#/dr/{dr.number}")
    second.page.click('[data-action="sign-in"]')
    second.page.wait_for_selector(".leave")
    _choose(second.page, dr.photos[0])
    second.page.wait_for_selector(_STILL_HERE)
    first.page.wait_for_selector(_STILL_HERE)
    second.page.close()
    first.page.unroute(_STORE)
    first.page.wait_for_selector(_ALL_STORED)
    first.page.wait_for_selector(".photos li[data-state=looked_at]")
    assert _stored(pages, dr) == 1


@pytest.mark.parametrize("when", ["at any time", "while the photo is looked for"])
def test_what_one_window_removes_goes_from_the_other(pages: Pages, when: str) -> None:
    _, page = _with_one_kept(pages, 1, seed=2998)
    page.evaluate(_REMOVES)
    page.evaluate("removes()" if when == "at any time" else _ONCE_LOOKED_FOR)
    page.evaluate(_REMOVED)
    expect(page.locator(".photos li")).to_have_count(0)
    assert "Take the photo again" not in page.inner_text("main")


def test_a_file_that_is_no_photo_is_removed_in_all_windows(pages: Pages, tmp_path: Path) -> None:
    first = _at(pages, "DR2990105")
    first.page.wait_for_selector(".leave")
    second = Signed(first.context.new_page(), first.context, "tom", pages.base)
    second.page.goto(f"{pages.base}#/dr/DR2990105")
    second.page.click('[data-action="sign-in"]')
    second.page.wait_for_selector(".leave")
    text = tmp_path / "notes.jpg"
    text.write_text("no photo")
    _choose(second.page, text)
    first.page.wait_for_selector(_REMOVE)
    second.page.click(_REMOVE)
    expect(first.page.locator(_REMOVE)).to_have_count(0)


def test_who_cant_sign_in_or_open_a_view_is_told_and_goes_on_once_there_is_a_connection(pages: Pages) -> None:
    signed = pages.visit("rita")
    page = signed.page
    page.goto(f"{pages.base}#/dr/DR2990102")
    signed.expected.append("net::ERR_|WebSocket|Failed to fetch dynamically")
    page.route(f"{pages.issuer.url}/**", lambda route: route.abort("connectionreset"))
    page.click('[data-action="sign-in"]')
    page.wait_for_selector("main [role=alert] >> text=Signing in did not work")
    page.unroute(f"{pages.issuer.url}/**")
    page.click('[data-action="sign-in"]')
    page.click('button[value="rita"]')
    page.wait_for_selector(".leave")
    signed.context.set_offline(True)
    signed.go("#/queue")
    page.wait_for_selector("main [role=alert]")
    assert re.search("no connection", page.inner_text("main [role=alert]"), re.IGNORECASE)
    signed.context.set_offline(False)
    page.wait_for_selector(".queue h1")


def test_an_address_in_small_letters_opens_the_dr_once(pages: Pages) -> None:
    signed = _at(pages, "dr2990103")
    page = signed.page
    page.wait_for_selector(".leave")
    assert page.url.endswith("#/dr/DR2990103")
    signed.go("#/dr/DR2990104")
    page.wait_for_selector("h1 >> text=DR2990104")
    page.wait_for_selector(".leave")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(signed, lambda: any("DR2990104" in url for url in asked), "it is asked for")
    page.wait_for_timeout(1500)
    assert not any("DR2990103" in url for url in asked)
