"""The page's frame: what it is made of, who gets in, what a browser lets it do, and what it weighs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
import urllib3
from pages import PHONE, Pages

from stack import page as built

#: A first use at 3G: this many bytes over the wire at most.
_HEAVIEST_KB = 150
#: 3G as browsers' tools have it, with the delay that was asked for.
_SLOW = {"offline": False, "latency": 200, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}


def test_the_libraries_of_others_are_those_of_the_lock_file() -> None:
    for name, text in built.vendored().items():
        assert (built.FILES / "vendor" / name).read_text() == text, f"{name}: infra/local page copies it anew"


def test_its_modules_fit_the_types_of_the_api_and_each_other() -> None:
    assert built.faults() == ""


def test_a_wrong_field_of_an_answer_is_noticed(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """By the test above."""
    (tmp_path / "wrong.js").write_text(
        '// @ts-check\n/** @param {import("./openapi.d.ts").components["schemas"]["Claim"]} claim */\n'
        "export const who = (claim) => claim.whom;\n"
    )
    monkeypatch.setattr(built, "FILES", tmp_path)
    assert "Property 'whom' does not exist" in built.faults()


def test_every_module_that_is_loaded_first_is_loaded_at_once() -> None:
    """Or a phone waits for one after another."""
    index = (built.FILES / "index.html").read_text()
    named = set(re.findall(r"@version@/([\w.-]+\.js)", index))
    wanted, todo = set(), ["main.js"]
    while todo:
        name = todo.pop()
        wanted.add(name)
        path = built.FILES / name
        path = path if path.exists() else built.FILES / "vendor" / name
        found = re.findall(r'^(?:import|export)\b[^;]*?from "\./([\w.-]+)"', path.read_text(), re.MULTILINE)
        todo += [one for one in found if one not in wanted]
    assert wanted <= named, wanted - named


def test_without_signing_in_there_is_nothing_of_any_dr(pages: Pages) -> None:
    pool = urllib3.PoolManager(retries=False)
    index = pool.request("GET", pages.base)
    assert index.status == 200 and index.headers["content-type"].startswith("text/html")
    policy = index.headers["content-security-policy"]
    assert "unsafe" not in policy and "*" not in policy and "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    for name in re.findall(rb'(?:src|href)="(page/[^"]+)"', index.data):
        file = pool.request("GET", pages.base + name.decode(), headers={"accept-encoding": "gzip"}, decode_content=False)
        assert file.status == 200, name
        assert "immutable" in file.headers["cache-control"] and file.headers["content-encoding"] == "gzip"
        assert gzip.decompress(file.data)
    for path in ("evaluations", "drs/DR1", "openapi.json", "health"):
        assert pool.request("GET", pages.base + path).status == 401, path


@pytest.mark.parametrize(
    ("user", "sees"),
    [
        ("tom", {"#/dr"}),
        ("vera", {"#/queue"}),
        ("rita", {"#/dr", "#/queue"}),
        ("olaf", {"#/dr", "#/queue", "#/operate"}),
    ],
)
def test_each_role_signs_in_and_sees_its_part(pages: Pages, user: str, sees: set[str]) -> None:
    signed = pages.sign_in(user)
    signed.page.wait_for_selector("main h1, main h2")
    shown = set(signed.page.eval_on_selector_all("header nav a", "all => all.map((one) => one.getAttribute('href'))"))
    assert shown == sees
    assert user.capitalize() in signed.page.inner_text("header .user")


def test_a_reload_asks_the_issuer_and_no_token_is_kept(pages: Pages) -> None:
    signed = pages.sign_in("rita", "#/queue?verdict=fail")
    signed.page.wait_for_selector("main h1")
    kept = signed.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "eyJ" not in kept, kept
    signed.page.reload()
    signed.page.wait_for_selector("header .user")
    assert signed.page.url.endswith("#/queue?verdict=fail"), "one is where one was"
    signed.page.click("text=Sign out")
    signed.page.wait_for_selector('[data-action="sign-in"]')
    signed.page.reload()
    signed.page.wait_for_selector('[data-action="sign-in"]')


def test_what_a_role_may_not_see_says_so(pages: Pages) -> None:
    signed = pages.sign_in("tom", "#/operate")
    assert "does not show" in signed.page.inner_text("main [role=alert]")
    signed.go("#/nowhere")
    signed.page.wait_for_selector("main >> text=no such page")
    assert signed.faults() == []


def test_it_is_usable_by_all_in_light_and_dark(pages: Pages) -> None:
    for scheme in ("light", "dark"):
        signed = pages.visit(color_scheme=scheme)
        signed.page.goto(pages.base)
        signed.page.wait_for_selector('[data-action="sign-in"]')
        assert signed.faults() == [], scheme


def test_keys_are_listed_and_belong_to_what_is_open(pages: Pages) -> None:
    signed = pages.sign_in("rita", "#/queue")
    signed.page.wait_for_selector("main h1")
    signed.page.keyboard.press("?")
    signed.page.wait_for_selector(".keys.dialog")
    assert signed.faults() == []
    signed.page.keyboard.press("Escape")
    signed.page.wait_for_selector(".keys.dialog", state="detached")


def test_a_first_use_at_3g_weighs_little(pages: Pages, tell: Callable[[str], None]) -> None:
    signed = pages.visit("tom", viewport=PHONE)
    session = signed.context.new_cdp_session(signed.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", _SLOW)
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    signed.page.add_init_script(
        "globalThis.shifts = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())"
        " if (!one.hadRecentInput) globalThis.shifts += one.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    signed.page.goto(pages.base)
    signed.page.wait_for_selector('[data-action="sign-in"]')
    interactive = signed.page.evaluate("performance.now()")
    signed.page.click('[data-action="sign-in"]')
    signed.page.click('button[value="tom"]')
    signed.page.wait_for_selector("main h1")
    weight, shifts = sum(received) / 1000, signed.page.evaluate("globalThis.shifts")
    tell(
        f"A technician's first use at 3G (1.6 Mbit/s, 200 ms): {weight:.0f} kB until signed in, the button to sign in"
        f" after {interactive / 1000:.1f} s, layout shift {shifts:.3f}."
    )
    assert weight <= _HEAVIEST_KB
    assert shifts < 0.1
