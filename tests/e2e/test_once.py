"""A request that is sent again under its `Idempotency-Key` starts one evaluation, by force, too."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from faults import Faults
from harness import Dr, Harness, problem

from stack.api import Answer

#: A function of the splitter may run for 10 seconds here, and its lease lasts 3 more.
_PATIENCE_S = 120.0
#: Less than the 8 seconds after which a call to AWS is given up.
_HANGS_S = 7.0


def _ask(harness: Harness, dr: Dr, key: str, **more: Any) -> Answer:
    body = json.dumps({"dr_number": dr.number, **more}).encode()
    return harness.api.request("POST", "/evaluations/forced", body, idempotency_key=key)


def _again(harness: Harness, dr: Dr, key: str) -> Answer:
    """Sends it until it is answered, as an app does."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        answer = _ask(harness, dr, key)
        if answer.status < 400:
            return answer
        assert answer.status == 409 or answer.status >= 500, answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.5)


def _evaluations(harness: Harness, dr: Dr) -> list[str]:
    return [entry["evaluation_id"] for entry in harness.api.history(dr.number).body["evaluations"]]


def test_a_request_that_is_sent_again_starts_nothing_and_gets_the_same_answer(harness: Harness) -> None:
    dr, key = harness.dr(2, seed=2010), str(uuid4())
    harness.upload(dr)
    first, again, quoted = _ask(harness, dr, key), _ask(harness, dr, key), _ask(harness, dr, f'"{key}"')
    assert (first.status, again.status, quoted.status) == (202, 202, 202)
    names = ("evaluation_id", "joined", "cached", "trace_id", "links")
    assert all(answer.body[name] == first.body[name] for answer in (again, quoted) for name in names)
    assert again.headers["location"] == first.headers["location"]
    harness.completed(first.body["evaluation_id"])
    assert _ask(harness, dr, key).body["status"] == "completed", "it is shown as it stands"
    other = _ask(harness, dr, str(uuid4()))
    assert other.status == 202 and other.body["evaluation_id"] != first.body["evaluation_id"]
    assert len(_evaluations(harness, dr)) == 2
    assert _ask(harness, dr, key).body["evaluation_id"] == first.body["evaluation_id"], "although there is a later one"


def test_another_request_under_the_same_key_is_refused(harness: Harness) -> None:
    dr, key = harness.dr(1, seed=2011), str(uuid4())
    harness.upload(dr)
    assert _ask(harness, dr, key).status == 202
    told = problem(_ask(harness, dr, key, mode="quick"), 422)
    assert told["type"].endswith("key-used")
    harness.quiet(dr)
    assert len(_evaluations(harness, dr)) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_what_is_no_key_is_refused(harness: Harness, key: str) -> None:
    dr = harness.dr(1, seed=2012)
    told = problem(_ask(harness, dr, key), 400)
    assert "Idempotency-Key" in told["detail"]


def test_of_many_at_once_one_starts_and_the_others_wait_or_get_its_answer(harness: Harness) -> None:
    dr, key = harness.dr(2, seed=2013), str(uuid4())
    harness.upload(dr)
    with ThreadPoolExecutor(max_workers=6) as pool:
        answers = list(pool.map(lambda _: _ask(harness, dr, key), range(6)))
    for answer in answers:
        assert answer.status == 202 or problem(answer, 409)["type"].endswith("being-answered")
        assert "retry-after" in answer.headers
    started = {answer.body["evaluation_id"] for answer in answers if answer.status == 202}
    assert len(started) == 1
    assert _again(harness, dr, key).body["evaluation_id"] in started
    harness.quiet(dr)
    assert _evaluations(harness, dr) == list(started)


def test_a_refused_request_may_be_sent_again_under_its_key_once_it_is_mended(harness: Harness) -> None:
    dr, key = harness.dr(1, seed=2014), str(uuid4())
    problem(_ask(harness, dr, key), 404)
    harness.upload(dr)
    assert _ask(harness, dr, key).status == 202


def _is_lost(harness: Harness, faults: Faults, dr: Dr, key: str) -> bool:
    """Asks, and kills the function between key and start. On a busy machine it may be answered before."""
    harness.strict.hang("TransactWriteItems", seconds=_HANGS_S, match=f"DR#{dr.number}")
    with ThreadPoolExecutor(max_workers=1) as pool:
        lost = pool.submit(_ask, harness, dr, key)
        while not harness.strict.met() and not lost.done():
            time.sleep(0.05)
        meanwhile = _ask(harness, dr, key)
        was_answered = lost.done()
        if not was_answered:
            assert problem(meanwhile, 409)["type"].endswith("being-answered")
            while faults.kill("splitter"):
                time.sleep(0.1)
        answer = lost.result()
    harness.strict.clear_faults()
    return not was_answered and answer.status >= 500


def test_a_function_that_ends_between_key_and_start_holds_up_nobody_for_long(hurried: Harness, faults: Faults) -> None:
    dr = hurried.dr(1, seed=2015)
    hurried.upload(dr)
    hurried.quiet(dr)
    for _ in range(3):
        key, before = str(uuid4()), _evaluations(hurried, dr)
        if _is_lost(hurried, faults, dr, key):
            break
    else:
        pytest.fail("the request was answered each time before its function could be killed")
    answer = _again(hurried, dr, key)
    evaluation = answer.body["evaluation_id"]
    # The emulator may write down the start although nobody waits any more: its messages are the sweeper's to send then.
    hurried.completed(evaluation, within_s=300)
    assert _evaluations(hurried, dr) == [evaluation, *before]
    assert _again(hurried, dr, key).body["evaluation_id"] == evaluation
