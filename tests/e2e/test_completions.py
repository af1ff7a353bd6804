"""Completions are told to who subscribes: each at least once, as it stands, whatever crashes, and none in two versions."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
from faults import Faults
from harness import Harness
from subscribers import Event, Subscriber

from stack.paths import REPO

Subscribes = Callable[..., Subscriber]

_SCHEMA = json.loads((REPO / "functions" / "notifier" / "completion.schema.json").read_text())
_CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER
_EXAMPLE = json.loads((REPO / "tests" / "events" / "notifier.json").read_text())
#: What is promised.
_TOLD_WITHIN_S = 120.0


def _subscribes(harness: Harness) -> Iterator[Subscribes]:
    made: list[Subscriber] = []

    def subscribe(**policy: Any) -> Subscriber:
        made.append(Subscriber(harness, f"completions-{time.monotonic_ns()}", policy))
        return made[-1]

    yield subscribe
    for subscriber in made:
        subscriber.end()


@pytest.fixture
def subscribe(harness: Harness) -> Iterator[Subscribes]:
    """Has a queue subscribe for as long as the test lasts."""
    yield from _subscribes(harness)


@pytest.fixture
def subscribe_hurried(hurried: Harness) -> Iterator[Subscribes]:
    """The same, of the other stack."""
    yield from _subscribes(hurried)


def _fits(event: Event) -> None:
    jsonschema.validate(event, _SCHEMA, jsonschema.Draft202012Validator, format_checker=_CHECKER)


def _ids(events: list[Event]) -> set[str]:
    return {event["id"] for event in events}


def test_each_completion_is_told_once_with_what_stands(harness: Harness, subscribe: Subscribes) -> None:
    subscriber = subscribe()
    passes, fails = harness.dr(10), harness.dr(3, fail="screen_or_print")
    for dr in (passes, fails):
        harness.upload(dr)
    evaluations = [harness.evaluate(passes), harness.evaluate(fails, "quick")]
    ids = [evaluation["evaluation_id"] for evaluation in evaluations]
    told = subscriber.until(lambda events: len(events) >= len(ids), *ids)
    expected = {
        evaluation["evaluation_id"]: {
            "evaluation_id": evaluation["evaluation_id"],
            "dr_number": evaluation["dr_number"],
            "mode": evaluation["mode"],
            "verdict": evaluation["verdict"],
            "revision": 1,
            "links": evaluation["links"],
        }
        for evaluation in evaluations
    }
    for event in told:
        _fits(event)
        flags = event["data"].pop("flags")
        (evaluation,) = (one for one in evaluations if one["evaluation_id"] == event["data"]["evaluation_id"])
        assert event["time"] == evaluation["completed_at"]
        assert flags <= len(evaluation["flags"]), "an evaluation also shows flags that came since"
    assert {event["data"]["evaluation_id"]: event["data"] for event in told} == expected
    assert {evaluation["verdict"] for evaluation in evaluations} == {"pass", "fail"}
    assert len(told) == len(ids), "told twice although nothing went wrong"


def test_subscribers_choose_by_verdict_and_by_how_dr_numbers_begin(harness: Harness, subscribe: Subscribes) -> None:
    passes, fails = harness.dr(10), harness.dr(10, fail="screen_or_print")
    failures = subscribe(verdict=["fail", "incomplete"])
    ours = subscribe(dr_number=[{"prefix": passes.number}], mode=["full"])
    for dr in (passes, fails):
        harness.upload(dr)
    ids = [harness.evaluate(dr, "full")["evaluation_id"] for dr in (passes, fails)]
    assert [event["data"]["dr_number"] for event in failures.until(bool, *ids)] == [fails.number]
    assert [event["data"]["dr_number"] for event in ours.until(bool, *ids)] == [passes.number]


def test_what_people_decided_before_is_told_with_a_later_verdict(harness: Harness, subscribe: Subscribes) -> None:
    subscriber = subscribe(reviewed_verdict=["pass"])
    dr = harness.dr(10, fail="front_not_whole")
    harness.upload(dr)
    first = harness.evaluate(dr)
    assert first["verdict"] == "fail"
    decision = {"step": "house_photo", "decision": "pass", "reason": "The garage belongs to another house."}
    said = harness.api.request("POST", f"/evaluations/{first['evaluation_id']}/reviews", json.dumps(decision).encode())
    assert said.status == 201, said
    second = harness.evaluate(dr, force=True)["evaluation_id"]
    assert second != first["evaluation_id"]
    told = subscriber.until(lambda events: any("review" not in one["data"] for one in events), second)
    (event,) = (one for one in told if "review" not in one["data"])
    _fits(event)
    assert (event["data"]["verdict"], event["data"]["reviewed_verdict"]) == ("fail", "pass")


def test_a_verdict_that_late_answers_upgrade_is_told_again(
    hurried: Harness, faults: Faults, subscribe_hurried: Subscribes
) -> None:
    subscriber = subscribe_hurried()
    dr = hurried.dr(10)
    hurried.vlm.fault("status_503", dr)
    hurried.upload(dr)
    evaluation = hurried.api.start(dr.number).body["evaluation_id"]
    hurried.when(evaluation, lambda seen: seen["status"] == "waiting")
    dead = faults.batches(evaluation)
    faults.send("BatchesDeadLetterQueueUrl", *dead)
    assert hurried.completed(evaluation)["verdict"] == "incomplete"
    hurried.vlm.recover()
    answered = hurried.evaluate(dr, force=True)["evaluation_id"]
    late = [outcome.replace(answered, evaluation) for outcome in faults.outcomes(answered)]
    faults.send("ResultsQueueUrl", *late)
    told = subscriber.until(lambda events: any(event["data"]["verdict"] == "pass" for event in events), evaluation)
    for event in told:
        _fits(event)
    first, *_, last = sorted(told, key=lambda event: event["data"]["revision"])
    assert (first["id"], first["data"]["verdict"]) == (f"{evaluation}/1/completed", "incomplete")
    assert last["id"] == f"{evaluation}/{last['data']['revision']}/changed"
    assert (last["data"]["change"], last["data"]["previous_verdict"]) == ("upgraded", "incomplete")
    assert hurried.api.evaluation(evaluation).body["verdict"] == "pass"


def test_a_notifier_that_is_killed_again_and_again_tells_of_all(
    hurried: Harness, faults: Faults, subscribe_hurried: Subscribes
) -> None:
    subscriber = subscribe_hurried()
    ended, killed = threading.Event(), 0

    def kill() -> None:
        nonlocal killed
        while not ended.wait(0.03):
            killed += faults.kill("notifier")

    drs = [hurried.dr(2, seed=seed) for seed in range(6)]
    for dr in drs:
        hurried.upload(dr)
    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        ids = [hurried.evaluate(dr)["evaluation_id"] for dr in drs]
    finally:
        ended.set()
        thread.join()
    assert killed >= 3, "it was not there to be killed"
    told = subscriber.until(lambda events: len(_ids(events)) == len(ids), *ids)
    assert _ids(told) == {f"{one}/1/completed" for one in ids}
    assert len(set(subscriber.bodies(*ids))) == len(ids), "an event was told with another content"


def test_a_change_that_is_handed_over_twice_is_told_with_the_same_bytes(
    harness: Harness, subscribe: Subscribes
) -> None:
    subscriber = subscribe()
    evaluation = _EXAMPLE["Records"][0]["dynamodb"]["NewImage"]["evaluation_id"]["S"]
    for _ in range(2):
        assert harness.invoke("notifier", _EXAMPLE) == ({"batchItemFailures": []}, None)
    (event, _) = subscriber.until(lambda events: len(events) >= 2, evaluation)
    _fits(event)
    assert len(set(subscriber.bodies(evaluation))) == 1


def test_what_cannot_be_told_yet_is_told_later_and_what_cannot_be_read_is_parked(
    hurried: Harness, faults: Faults, subscribe_hurried: Subscribes
) -> None:
    faults.take("ParkedQueueUrl")
    subscriber = subscribe_hurried()
    odd = json.loads(json.dumps(_EXAMPLE))
    odd["Records"][0]["dynamodb"]["NewImage"]["verdict"] = {"S": "a word of a later release"}
    both = {"Records": [*odd["Records"], *_EXAMPLE["Records"]]}
    assert hurried.invoke("notifier", both) == ({"batchItemFailures": []}, None)
    (parked,) = faults.take("ParkedQueueUrl")
    assert json.loads(parked)["item"] == _EXAMPLE["Records"][0]["dynamodb"]["NewImage"]["pk"]["S"]
    topic = hurried.stack.outputs["CompletionsTopicArn"]
    dr = hurried.dr(2)
    hurried.upload(dr)
    with hurried.configured("notifier", COMPLETIONS_TOPIC_ARN=f"{topic}-gone"):
        number = _EXAMPLE["Records"][0]["dynamodb"]["SequenceNumber"]
        assert hurried.invoke("notifier", _EXAMPLE) == ({"batchItemFailures": [{"itemIdentifier": number}]}, None)
        evaluation = hurried.evaluate(dr)["evaluation_id"]
        time.sleep(2)
        assert subscriber.told(evaluation) == []
    begun = time.monotonic()
    subscriber.until(bool, evaluation)
    assert time.monotonic() - begun < _TOLD_WITHIN_S
