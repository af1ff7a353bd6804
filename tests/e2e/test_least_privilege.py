"""Everything once with the emulator enforcing IAM and TLS: the functions have every right they need.

That they have no right beside is for test_template.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import truth
import urllib3
from harness import Harness
from subscribers import Subscriber
from watchers import Watcher

from stack.local_stack import Options, running
from stack.paths import REPO


_TOLD = {"CompletionsEndpoint": "foreman@example.com", "CompletionsProtocol": "email"}


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack of its own."""
    options = Options(
        name="test-iam",
        timing="fast",
        auth=True,
        build=False,
        simulation=["--latency", "none"],
        parameters=_TOLD,
    )
    with running(options) as stack:
        yield Harness(stack, tmp_path_factory.mktemp("iam"))


def test_every_way_in_works_under_iam(enforcing: Harness) -> None:
    dr, direct, uploaded = enforcing.dr(3), enforcing.dr(2), enforcing.dr(2)
    enforcing.upload(dr)
    assert truth.seen(enforcing.evaluate(dr)) == truth.verdict(dr.truth)
    truth.check_quick(enforcing.evaluate(dr, "quick"), dr.truth)
    assert enforcing.api.empty_cache(dr.number).status == 200
    assert enforcing.api.empty_cache().status == 200
    position = json.dumps({"expected_position": {"latitude": -26.2, "longitude": 28.05}}).encode()
    assert enforcing.api.request("PUT", f"/drs/{dr.number}", position).status == 200
    assert enforcing.api.request("GET", f"/drs/{dr.number}").body["has_expected_position"] is True
    note = json.dumps({"step": "power_meter", "kind": "disagree", "reason": "It is -18 dBm."}).encode()
    noted = enforcing.api.request("POST", f"/drs/{dr.number}/notes", note)
    assert noted.status == 201 and noted.body["note"]["by"].startswith("arn:aws:"), noted
    enforcing.evaluate(dr, force=True)
    assert enforcing.api.request("GET", f"/drs/{dr.number}").body["notes"][0]["step"] == "power_meter"
    body = json.dumps({"photos": [{"name": "a.jpg", "content_type": "image/jpeg", "size": 1}]}).encode()
    (address,) = enforcing.api.request("POST", f"/drs/{dr.number}/uploads", body).body["photos"]
    pool = urllib3.PoolManager(ca_certs=enforcing.stack.aws.trust)
    sent = pool.request("PUT", address["url"], body=b"x", headers=address["headers"])
    assert sent.status == 200, sent.data
    assert enforcing.api.health().status == 200
    evaluated = enforcing.evaluate(dr)
    photo = evaluated["photos"][0]["photo_id"]
    link = enforcing.api.request("GET", f"/evaluations/{evaluated['evaluation_id']}/photos/{photo}")
    assert pool.request("GET", link.body["url"]).status == 200, link
    claimed = enforcing.api.request("PUT", f"/drs/{dr.number}/claim")
    assert claimed.status == 200 and claimed.body["claim"]["by"].startswith("arn:aws:"), claimed
    listed = enforcing.api.request("GET", "/evaluations?verdict=pass,fail,incomplete")
    assert listed.status == 200 and listed.body["counts"]["evaluations"] > 0, listed
    assert enforcing.api.request("GET", "/evaluations?claimed=true&sort=least_certain").status == 200
    assert enforcing.api.request("DELETE", f"/drs/{dr.number}/claim").status == 200
    enforcing.upload(direct)
    answer, error = enforcing.invoke("splitter", {"dr_number": direct.number})
    assert error is None, answer
    enforcing.completed(answer["evaluation_id"])
    enforcing.upload(uploaded)
    assert len(enforcing.quiet(uploaded)) == 1


def test_completions_are_told_to_the_address_that_the_operator_names(enforcing: Harness) -> None:
    topic = enforcing.stack.outputs["CompletionsTopicArn"]
    listed = enforcing.stack.aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [(one["Protocol"], one["Endpoint"]) for one in listed] == [("email", "foreman@example.com")]
    subscriber = Subscriber(enforcing, "told-under-iam")
    dr = enforcing.dr(1)
    enforcing.upload(dr)
    evaluation = enforcing.evaluate(dr)["evaluation_id"]
    (event,) = subscriber.until(bool, evaluation)
    assert event["data"]["verdict"] == enforcing.api.evaluation(evaluation).body["verdict"]
    odd = json.loads((REPO / "tests/events/notifier.json").read_text())
    odd["Records"][0]["dynamodb"]["NewImage"]["mode"] = {"S": "a word of a later release"}
    assert enforcing.invoke("notifier", odd) == ({"batchItemFailures": []}, None), "it may park"
    subscriber.end()


def test_who_watches_is_told_and_forgotten_under_iam(enforcing: Harness) -> None:
    watcher = Watcher(enforcing)
    dr = enforcing.dr(1)
    watcher.subscribe(dr_number=dr.number)
    watcher.until("state")
    enforcing.upload(dr)
    enforcing.evaluate(dr)
    watcher.until("verdict")
    watcher.say({"action": "unsubscribe", "dr_number": dr.number})
    watcher.until("unsubscribed")
    watcher.end()


def test_a_photo_that_is_put_off_is_sent_again_under_iam(enforcing: Harness) -> None:
    dr = enforcing.dr(2)
    enforcing.upload(dr)
    enforcing.vlm.fault("status_503", dr, count=3)
    assert truth.seen(enforcing.evaluate(dr)) == truth.verdict(dr.truth)


def test_dead_letters_and_sweeping_work_under_iam(enforcing: Harness) -> None:
    report, error = enforcing.invoke("sweeper", json.loads((REPO / "tests/events/sweeper.json").read_text()))
    assert error is None, report
    dead = json.loads((REPO / "tests/events/aggregator-dead-letter.json").read_text())["Records"][0]["body"]
    sqs = enforcing.stack.aws.client("sqs")
    queue = enforcing.stack.outputs["BatchesDeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=dead)
    _wait_until_empty(sqs, queue)


def test_nothing_was_refused(enforcing: Harness) -> None:
    assert enforcing.strict.refusals() == []
    enforcing.stack.logs.stop()
    refused = [
        line
        for log in _logs(enforcing)
        for line in log.splitlines()
        if "AccessDenied" in line or "not authorized" in line
    ]
    assert refused == []


def _logs(harness: Harness) -> list[str]:
    folder: Path = harness.stack.folder.path / "logs"
    return [path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))]


def _wait_until_empty(sqs: Any, queue: str) -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for _ in range(100):
        counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        if all(count == "0" for count in counts.values()):
            return
        time.sleep(0.2)
    raise AssertionError(f"still in the queue: {counts}")
