"""Everything once with the emulator enforcing IAM and TLS: the functions have every right they need.

That they have no right beside is for test_template.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import truth
import urllib3
from botocore.exceptions import ClientError
from harness import Harness
from subscribers import Subscriber
from watchers import Watcher

from stack.build import FUNCTIONS
from stack.environment import REGION
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
    for _ in range(2):
        seen = enforcing.api.request("GET", f"/evaluations/{evaluated['evaluation_id']}/photos/{photo}?as=seen")
        assert seen.status == 200 and pool.request("GET", seen.body["url"]).status == 200, seen
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


def test_people_decide_under_iam_and_no_function_may_change_what_they_decided(enforcing: Harness) -> None:
    dr = enforcing.dr(1)
    enforcing.upload(dr)
    path = f"/evaluations/{enforcing.evaluate(dr)['evaluation_id']}/reviews"
    for decision in ("fail", "pass"):
        body = json.dumps({"decision": decision, "reason": "I looked at it."}).encode()
        assert enforcing.api.request("POST", path, body).status == 201
    assert enforcing.api.request("DELETE", f"{path}/2").status == 200
    before = enforcing.api.request("GET", path).body
    refused = {name: _tries(enforcing, name, f"REVIEWS#{dr.number}") for name in FUNCTIONS}
    writes = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
    # A put that creates can't be told from one that replaces: that is for its condition, the chain and the stream.
    assert refused == {name: writes - ({"PutItem"} if name == "api" else set()) for name in FUNCTIONS}
    after = enforcing.api.request("GET", path).body
    assert (after["records"], after["chain"]) == (before["records"], {"state": "intact"})


def _tries(enforcing: Harness, function: str, pk: str) -> set[str]:
    """The writes of a record that are refused to a function: to its role, which anybody takes who has its code."""
    aws = enforcing.stack.aws
    name = enforcing.stack.outputs[f"{function.capitalize()}FunctionName"]
    role = aws.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    session = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="intruder")["Credentials"]
    table = boto3.client(
        "dynamodb",
        endpoint_url=aws.endpoint,
        verify=aws.trust or True,
        region_name=REGION,
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    there, new = ({"pk": {"S": pk}, "sk": {"S": f"REVIEW#0000000{number}"}} for number in (1, 9))
    its_name = enforcing.stack.outputs["TableName"]
    tries: dict[str, Callable[[], object]] = {
        # On a condition that never holds: where it is let through, nothing is written.
        "PutItem": lambda: table.put_item(TableName=its_name, Item=new, ConditionExpression="attribute_exists(pk)"),
        "UpdateItem": lambda: table.update_item(
            TableName=its_name, Key=there, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": {"S": "x"}}
        ),
        "DeleteItem": lambda: table.delete_item(TableName=its_name, Key=there),
        "BatchWriteItem": lambda: table.batch_write_item(RequestItems={its_name: [{"DeleteRequest": {"Key": there}}]}),
        "TransactWriteItems": lambda: table.transact_write_items(
            TransactItems=[{"Delete": {"TableName": its_name, "Key": there}}]
        ),
    }
    with enforcing.strict.provoked():
        return {operation for operation, attempt in tries.items() if _is_denied(attempt)}


def _is_denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except ClientError as error:
        return str(error.response["Error"]["Code"]).startswith("AccessDenied")
    return False


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
    for _ in range(600):
        counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        if all(count == "0" for count in counts.values()):
            return
        time.sleep(0.2)
    raise AssertionError(f"still in the queue: {counts}")
