"""What reviewers' tests need: evaluations with a verdict, and the page as it shows one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from harness import Harness
from pages import PATIENCE_MS, Signed
from playwright.sync_api import expect

Evaluation = dict[str, Any]

#: How often DRs are made until none was evaluated in parts, and how far apart their seeds are.
_ATTEMPTS, _APART = 3, 10_000


def evaluated(harness: Harness, count: int, seed: int, **how: Any) -> list[Evaluation]:
    """DRs with a verdict; the newest first, as the queue has them."""
    for attempt in range(_ATTEMPTS):
        drs = [harness.dr(10, seed=seed + number + attempt * _APART, **how) for number in range(count)]
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(harness.upload, drs))
        evaluations = [harness.evaluate(dr) for dr in drs]
        # Where an upload pauses, what is there by then is evaluated by itself: the queue has that, too.
        if all(len(harness.api.history(dr.number).body["evaluations"]) == 1 for dr in drs):
            return sorted(evaluations, key=lambda one: (one["created_at"], one["evaluation_id"]), reverse=True)
    raise AssertionError("each time a part of a DR was evaluated by itself")


def evaluated_with_another(harness: Harness, first: Evaluation, seed: int) -> Evaluation:
    """The next evaluation of a DR, which has one more photo by then."""
    another = harness.dr(1, seed=seed).photos[0]
    harness.put(first["dr_number"], another.name, another.read_bytes())
    return harness.completed(harness.api.start(first["dr_number"]).body["evaluation_id"])


def failed(harness: Harness, seed: int) -> Evaluation:
    """One that fails: its first photo does not show the whole house."""
    (one,) = evaluated(harness, 1, seed, fail="front_not_whole")
    assert one["verdict"] == "fail", one
    return one


def records(harness: Harness, evaluation: Evaluation) -> list[dict[str, Any]]:
    answer = harness.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/reviews")
    assert answer.status == 200, answer
    return list(answer.body["reviews"])


def row(evaluation: Evaluation, step: str) -> dict[str, Any]:
    return next(dict(row) for row in evaluation["steps"] if row["step"] == step)


def until(signed: Signed, what: Callable[[], bool], said: str) -> None:
    """Waits for something outside of the page."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not what():
        if time.monotonic() > end:
            pytest.fail(said)
        signed.page.wait_for_timeout(100)


def opened(signed: Signed, evaluation: Evaluation) -> None:
    """The review of it is on the screen, its photo as well."""
    signed.page.wait_for_url(re.compile(rf"#/review/{evaluation['evaluation_id']}"))
    expect(signed.page.locator(".review h1")).to_have_text(evaluation["dr_number"])
    expect(signed.page.locator(".stage img")).to_be_visible()


def saved(signed: Signed, kind: str) -> bytes:
    """A file of the DR's history."""
    with signed.page.expect_download() as saved:
        signed.page.locator(f'[data-file="{kind}"]').click()
    return Path(saved.value.path()).read_bytes()
