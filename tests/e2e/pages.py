"""The page in a real browser, as people have it: signed in at an issuer, on a stack with the real functions.

# Invariants
- What the browser's console calls an error fails the test, unless the test said that it would come. What was only read
  and had no answer in time is no error: the page reads it again.
- Nothing is loaded from anywhere but the stack and its issuer.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from harness import Harness

from stack import page as built
from stack.issuer import Issuer
from stack.local_stack import Options, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
#: Far above what anything on the page needs on a busy machine of two cores.
PATIENCE_MS = 180_000
#: So the gateway says that a function had no answer in time.
_UNANSWERED = (502, 504)
_NO_SANDBOX = ["--no-sandbox", "--headless=shell", "--disable-gpu", "--force-prefers-reduced-motion"]
#: Set to .github/pictures, a run of the tests renews the pictures of the docs.
_PICTURES = "PAGE_PICTURES"


@dataclass
class Signed:
    """Somebody in front of the page."""

    page: Page
    context: BrowserContext
    user: str
    base: str
    #: What the console called errors, each with the address that it is about.
    errors: list[tuple[str, str]] = field(default_factory=list)
    #: Addresses that were read, for which the gateway had no answer in time.
    unanswered: Counter[str] = field(default_factory=Counter)
    #: What the console may say, as regular expressions.
    expected: list[str] = field(default_factory=list)
    origins: set[str] = field(default_factory=set)

    def go(self, hash: str) -> None:
        """To an address behind the hash, such as `#/queue`."""
        self.page.evaluate("hash => { location.hash = hash; }", hash)

    def expect_status(self, *statuses: int) -> None:
        """The API will refuse something so."""
        self.expected += [rf"status of {status}" for status in statuses]

    def faults(self) -> list[dict[str, Any]]:
        """What axe finds against WCAG 2.2 AA, on what is on the screen now."""
        axe = built.home() / "node_modules" / "axe-core" / "axe.min.js"
        self.page.evaluate(axe.read_text() + "\n;true")
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
        return [
            {"rule": one["id"], "help": one["help"], "nodes": [node["html"][:200] for node in one["nodes"]]}
            for one in found["violations"]
        ]

    def picture(self, name: str) -> None:
        """Renews a picture of the docs, where that is asked for."""
        if folder := os.environ.get(_PICTURES):
            self.page.screenshot(path=Path(folder).resolve() / f"{name}.png")

    def heard(self, said: ConsoleMessage) -> None:
        """The console said something."""
        if said.type == "error":
            self.errors.append((said.text, said.location["url"]))

    def answered(self, answer: Response) -> None:
        """The page has an answer."""
        self.unanswered[answer.url] += answer.request.method == "GET" and answer.status in _UNANSWERED

    def unexpected(self) -> list[str]:
        """What the console said that nobody expected."""
        errors = [error for error in self.errors if not any(re.search(one, error[0]) for one in self.expected)]
        forgiven = Counter(self.unanswered)
        left = []
        for text, url in errors:
            if forgiven[url] and any(f"status of {status}" in text for status in _UNANSWERED):
                forgiven[url] -= 1
            else:
                left.append(f"{text} {url}")
        return left


@dataclass
class Pages:
    """A stack that people sign in to, and a browser."""

    harness: Harness
    issuer: Issuer
    browser: Browser
    _open: list[Signed] = field(default_factory=list)

    @property
    def base(self) -> str:
        """Where the page is."""
        return self.harness.stack.page

    def visit(self, user: str = "", **how: Any) -> Signed:
        """Somebody opens the page, and has not signed in yet."""
        how = {"viewport": DESK, "locale": "en-GB", "timezone_id": "Africa/Johannesburg", **how}
        context = self.browser.new_context(**how)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        signed = Signed(page, context, user, self.base)
        page.on("console", signed.heard)
        page.on("response", signed.answered)
        page.on("pageerror", lambda error: signed.errors.append((f"{error}\n{error.stack}", "")))
        page.on("request", lambda asked: signed.origins.add(_origin(asked.url)))
        self._open.append(signed)
        return signed

    def sign_in(self, user: str, hash: str = "", **how: Any) -> Signed:
        """Somebody signs in, and is where the hash says."""
        signed = self.visit(user, **how)
        signed.page.goto(self.base + hash)
        signed.page.click('[data-action="sign-in"]')
        signed.page.click(f'button[value="{user}"]')
        signed.page.wait_for_selector("header .user", state="attached")
        return signed

    def close(self) -> None:
        """Everybody leaves; what went wrong is said then."""
        wrong = [f"{one.user}: {error}" for one in self._open for error in one.unexpected()]
        elsewhere = {origin for one in self._open for origin in one.origins} - self._ours() - {""}
        for signed in self._open:
            signed.context.close()
        self._open.clear()
        assert not wrong, "\n".join(wrong)
        assert not elsewhere, f"the page asked of others: {elsewhere}"

    def _ours(self) -> set[str]:
        here = self.harness.stack.aws.endpoint
        return {here, here.replace("http", "ws", 1), self.issuer.url}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https", "ws", "wss") else ""


@contextmanager
def stack_with_a_page(name: str, scratch: Path) -> Iterator[tuple[Harness, Issuer]]:
    """A stack whose callers bring tokens of an issuer; the harness's own are an operator's."""
    with Issuer() as issuer:
        options = Options(
            name=name, timing="fast", build=False, simulation=["--latency", "none"], issuer=issuer.url,
        )  # fmt: skip
        with running(options) as stack:
            yield Harness(stack, scratch), issuer


@pytest.fixture(scope="session")
def stack_of_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Harness, Issuer]]:
    """The stack, for all files that one process runs."""
    with stack_with_a_page("test-pages", tmp_path_factory.mktemp("pages")) as both:
        yield both


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, for a file: while it is open, nothing else of the process may have a loop of events."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=str(built.browser()), args=_NO_SANDBOX)
        yield one
        one.close()


@pytest.fixture
def pages(stack_of_pages: tuple[Harness, Issuer], browser: Browser) -> Iterator[Pages]:
    """The page, its VLM well-behaved before and after the test."""
    harness, issuer = stack_of_pages
    harness.vlm.reset()
    opened = Pages(harness, issuer, browser)
    yield opened
    harness.vlm.reset()
    opened.close()
