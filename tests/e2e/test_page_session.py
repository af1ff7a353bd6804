"""Who is signed in, for how long: tokens end, connections too, and people leave while something is being asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from pages import Pages, Signed
from playwright.sync_api import expect
from reviewing import until

from stack.issuer import Issuer

if TYPE_CHECKING:
    from playwright.sync_api import Request, Route

#: A page has its token renewed a minute before it ends: this one, after some seconds.
_SOON_S = 64
_LONG_S = 3600
#: A photo's address in the store.
_STORE = "**/photos/*/*X-Amz-Signature*"


@pytest.fixture
def issuer(pages: Pages) -> Iterator[Issuer]:
    """The issuer, as it was when the test is over."""
    yield pages.issuer
    pages.issuer.good_for_s = _LONG_S
    pages.issuer.gives_refresh_tokens = True


def test_without_a_refresh_token_a_token_is_renewed_in_a_frame(pages: Pages, issuer: Issuer) -> None:
    issuer.gives_refresh_tokens = False
    issuer.good_for_s = _SOON_S
    signed = pages.sign_in("rita", "#/queue")
    _mark(signed)
    first = _token(signed)
    issuer.good_for_s = _LONG_S
    until(signed, lambda: _token(signed) != first, "the token is renewed")
    assert _is_same_page(signed), "the page itself goes nowhere for it"
    expect(signed.page.locator("iframe")).to_have_count(0)
    signed.page.click("header nav a[href='#/dr']")
    signed.page.wait_for_selector("main h1")


def test_in_a_frame_who_has_no_session_is_signed_out_and_told(pages: Pages, issuer: Issuer) -> None:
    issuer.gives_refresh_tokens = False
    signed = pages.sign_in("rita", "#/queue")
    signed.page.wait_for_selector("main h1")
    signed.context.clear_cookies()
    signed.expect_status(401)
    _refuse(signed, _token(signed))
    signed.go("#/queue?verdict=pass")
    signed.page.wait_for_selector('[data-action="sign-in"]')
    assert signed.page.url.endswith("#/queue?verdict=pass"), "one comes back to where one was"


def test_a_token_that_is_refused_is_renewed_once_for_all_that_is_asked(pages: Pages) -> None:
    """A refresh token is good once: a second renewal beside the first would sign out who has done nothing."""
    signed = pages.sign_in("rita", "#/queue")
    signed.page.wait_for_selector("main h1")
    signed.expect_status(401)
    swaps: list[str] = []
    signed.page.on("request", lambda asked: swaps.append(asked.post_data or "") if _is_swap(asked) else None)
    refused = _refuse(signed, _token(signed))
    _mark(signed)
    all_at_once = "async path => (await Promise.all([1, 2, 3].map(() => path.get('evaluations')))).length"
    assert signed.page.evaluate(f"async () => ({all_at_once})(await {_module(signed, 'api.js')})") == 3
    assert len(refused) >= 3, "all of them were refused"
    assert [parse_qs(one)["grant_type"] for one in swaps] == [["refresh_token"]]
    assert _is_same_page(signed) and signed.page.is_visible("header .user")


def test_a_file_too_is_had_with_a_renewed_token(pages: Pages) -> None:
    signed = pages.sign_in("rita", "#/queue")
    signed.page.wait_for_selector("main h1")
    signed.expect_status(401)
    refused = _refuse(signed, _token(signed))
    size = "api => api.file('openapi.json', 'application/json').then((file) => file.size)"
    assert signed.page.evaluate(f"async () => ({size})(await {_module(signed, 'api.js')})") > 1000
    assert sum(url.endswith("/openapi.json") for url in refused) == 1


def test_without_a_connection_nobody_is_signed_out(pages: Pages, issuer: Issuer) -> None:
    issuer.good_for_s = 2
    signed = pages.sign_in("tom", "#/dr/DR2990001")
    signed.expected += ["ERR_INTERNET_DISCONNECTED", "WebSocket connection", "status of 401"]
    signed.page.wait_for_selector("main h1")
    signed.context.set_offline(True)
    _mark(signed)
    until(signed, lambda: _token(signed) is None, "its token ends, and there is no other")
    signed.page.wait_for_selector(".banner")
    assert signed.page.is_visible("header .user") and signed.page.is_visible("main h1")
    signed.context.set_offline(False)
    signed.page.wait_for_selector("header .live.up", state="attached")
    issuer.good_for_s = _LONG_S
    until(signed, lambda: _token(signed) is not None, "it has a token again")
    assert _is_same_page(signed)


def test_an_issuer_that_cant_answer_now_signs_nobody_out(pages: Pages) -> None:
    signed = pages.sign_in("rita", "#/queue")
    signed.page.wait_for_selector("main h1")
    signed.expect_status(401, 503)
    asked: list[Route] = []

    def busy(route: Route) -> None:
        asked.append(route)
        headers = {"access-control-allow-origin": "*"}
        route.fulfill(status=503, json={"error": "temporarily_unavailable"}, headers=headers)

    signed.page.route(f"{pages.issuer.url}/token", busy)
    refused = _token(signed)
    _refuse(signed, refused)
    signed.go("#/queue?verdict=pass")
    until(signed, lambda: bool(asked), "it is asked for another token")
    signed.page.wait_for_selector("main [role=alert]")
    assert signed.page.is_visible("header .user")
    signed.page.unroute(f"{pages.issuer.url}/token")
    signed.go("#/queue?verdict=fail")
    until(signed, lambda: _token(signed) not in (None, refused), "it has another token")
    assert signed.page.is_visible("header .user")


def test_who_is_signed_out_signs_in_beside_photos_that_are_in_the_page_alone(pages: Pages, issuer: Issuer) -> None:
    """A full phone keeps nothing: who left the page for the issuer would lose them."""
    issuer.gives_refresh_tokens = False
    dr = pages.harness.dr(1, seed=3060)
    signed = pages.sign_in("tom", f"#/dr/{dr.number}")
    page = signed.page
    page.wait_for_selector(".leave")
    signed.expect_status(401)
    signed.expected.append("net::ERR_")
    page.route(_STORE, lambda route: route.abort("connectionreset"))
    page.evaluate("""() => {
      IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
    }""")
    page.set_input_files('[data-action="gallery"]', dr.photos)
    page.wait_for_selector(".adding .wrong[role=alert] >> text=Leave this page open")
    _mark(signed)
    signed.context.clear_cookies()
    _refuse(signed, _token(signed))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector(".welcome [role=alert] >> text=1 photo is in this page alone")
    page.wait_for_selector('[data-action="sign-in-here"] >> text=without 1 photo')
    assert signed.faults() == []
    with signed.context.expect_page() as beside:
        page.click('[data-action="sign-in"]')
    beside.value.click('button[value="tom"]')
    page.wait_for_selector("header .user")
    until(signed, beside.value.is_closed, "the other window is closed")
    assert _is_same_page(signed)
    page.unroute(_STORE)
    page.wait_for_selector(".photos li[data-state=looked_at]")
    page.wait_for_selector(".adding:not(:has(.wrong))")


def test_a_connection_that_leads_nowhere_is_given_up(pages: Pages) -> None:
    """A phone comes out of a tunnel: its connection is up, and nothing comes over it any more."""
    signed = pages.visit("tom")
    page = signed.page
    page.add_init_script("""
      window.sockets = [];
      window.WebSocket = class extends WebSocket {
        constructor(...how) {
          super(...how);
          window.sockets.push(this);
        }
      };
    """)
    page.goto(f"{pages.base}#/dr/DR2990112")
    page.click('[data-action="sign-in"]')
    page.click('button[value="tom"]')
    page.wait_for_selector("header .live.up >> text=Live", state="attached")
    page.evaluate("""() => {
      window.first = window.sockets.length;
      window.sockets.at(-1).onmessage = () => {};
    }""")
    page.evaluate("dispatchEvent(new Event('online'))")
    until(signed, lambda: page.evaluate("window.sockets.length > window.first"), "there is another connection")
    page.wait_for_selector("header .live.up", state="attached")


def test_who_has_left_asks_for_nothing_any_more(pages: Pages) -> None:
    """While the issuer takes its time, what was being asked fails and is tried again: by nobody."""
    signed = pages.sign_in("rita", "#/queue")
    signed.page.wait_for_selector("main h1")
    signed.expect_status(401, 503)
    waiting: list[Route] = []
    asked: list[str] = []
    leaving: list[Route] = []
    signed.page.route("**/evaluations?*", lambda route: waiting.append(route))
    signed.page.route(f"{pages.issuer.url}/logout*", lambda route: leaving.append(route))
    signed.go("#/queue?verdict=pass")
    until(signed, lambda: bool(waiting), "something is asked")
    signed.page.evaluate("document.querySelector('header .who button').click()")
    until(signed, lambda: bool(leaving), "she leaves")
    signed.page.on("request", lambda one: asked.append(one.url))
    for route in list(waiting):
        route.fulfill(status=503, body="{}")
    signed.page.wait_for_timeout(3000)
    at_the_api = [url for url in asked if url.startswith(pages.base)]
    assert at_the_api == [] and len(leaving) == 1
    leaving[0].continue_()
    signed.page.wait_for_selector('[data-action="sign-in"]')


def _module(signed: Signed, name: str) -> str:
    """A module of the page, as the page itself has it."""
    main = signed.page.get_attribute('script[src$="main.js"]', "src") or ""
    return f"import(new URL('{main.replace('main.js', name)}', document.baseURI).href)"


def _token(signed: Signed) -> str | None:
    """The one it would ask with now; none if it has none that is good, and gets none."""
    token = signed.page.evaluate(f"async () => (await {_module(signed, 'session.js')}).token()")
    return str(token) if token else None


def _refuse(signed: Signed, token: str | None) -> list[str]:
    """From now on the API takes this token no more; what was refused is returned as it happens."""
    refused: list[str] = []

    def answer(route: Route) -> None:
        if route.request.headers.get("authorization") == f"Bearer {token}":
            refused.append(route.request.url)
            route.fulfill(status=401, body='{"message": "Unauthorized"}')
        else:
            route.continue_()

    signed.page.route(lambda url: url.startswith(signed.base), answer)
    return refused


def _is_swap(asked: Request) -> bool:
    return urlsplit(asked.url).path == "/token"


def _mark(signed: Signed) -> None:
    signed.page.evaluate("window.isSame = true")


def _is_same_page(signed: Signed) -> bool:
    return bool(signed.page.evaluate("window.isSame === true"))

