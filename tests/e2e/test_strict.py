"""Requests that AWS refuses are refused by the local stack, are listed, and leave nothing behind.

The rules as values are in test_strict_rules.py. Here one request of each kind goes over the wire, as an SDK sends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from harness import Harness

from stack.environment import REGION

_HALF_AN_ITEM = "x" * 205_000
_MEBIBYTE = 1_048_576
_BY = [{"AttributeName": "by", "KeyType": "HASH"}]
_TABLE: dict[str, Any] = {
    "TableName": "strict",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "by")
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {"IndexName": "all", "KeySchema": _BY, "Projection": {"ProjectionType": "ALL"}},
        {"IndexName": "keys", "KeySchema": _BY, "Projection": {"ProjectionType": "KEYS_ONLY"}},
    ],
}


@dataclass(frozen=True)
class Wire:
    """Clients that send what they are given: boto3 would refuse some of it by itself, and try again."""

    table: Any
    queues: Any
    table_name: str
    queue: str
    key: dict[str, Any]

    def put(self, **attributes: Any) -> dict[str, Any]:
        """A put."""
        return {"TableName": self.table_name, "Item": {**self.key, **attributes}}

    def update(self, expression: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An update with one value, `:x`."""
        values = {":x": value}
        target = {"TableName": self.table_name, "Key": self.key}
        return {**target, "UpdateExpression": expression, "ExpressionAttributeValues": values, **more}

    def item(self) -> dict[str, Any]:
        """The item as it stands."""
        reply = self.table.get_item(TableName=self.table_name, Key=self.key, ConsistentRead=True)
        return dict(reply.get("Item", {}))


def _client(harness: Harness, service: str, **more: Any) -> Any:
    config = Config(
        parameter_validation=False, retries={"total_max_attempts": 1}, proxies={}, **more
    )
    session = boto3.session.Session("test", "test", region_name=REGION)
    endpoint = harness.stack.description.endpoint
    return session.client(service, endpoint_url=endpoint, config=config)


@pytest.fixture
def wire(harness: Harness) -> Iterator[Wire]:
    """A table, an item's key and a queue of the test's own."""
    table, queues = _client(harness, "dynamodb"), _client(harness, "sqs")
    queue = queues.create_queue(QueueName="strict")["QueueUrl"]
    table.create_table(**_TABLE)
    yield Wire(table, queues, _TABLE["TableName"], queue, {"pk": {"S": "STRICT"}, "sk": {"S": "ITEM"}})
    table.delete_table(TableName=_TABLE["TableName"])
    queues.delete_queue(QueueUrl=queue)


def _entries(count: int, **entry: Any) -> list[dict[str, Any]]:
    return [{"Id": str(number), "MessageBody": "x", **entry} for number in range(count)]


#: What is sent, and the error that AWS answers with.
_REFUSED: dict[str, tuple[Callable[[Wire], Any], str]] = {
    "an empty set in an item": (
        lambda wire: wire.table.put_item(**wire.put(held={"SS": []})),
        "ValidationException",
    ),
    "an empty set in an update": (
        lambda wire: wire.table.update_item(**wire.update("DELETE held :x", {"SS": []})),
        "ValidationException",
    ),
    "an empty set in a transaction": (
        lambda wire: wire.table.transact_write_items(
            TransactItems=[{"Update": wire.update("ADD held :x", {"SS": []})}]
        ),
        "ValidationException",
    ),
    "an empty set in a batch": (
        lambda wire: wire.table.batch_write_item(
            RequestItems={wire.table_name: [{"PutRequest": {"Item": {**wire.key, "n": {"NS": []}}}}]}
        ),
        "ValidationException",
    ),
    "an item over 400 KB": (
        lambda wire: wire.table.put_item(**wire.put(text={"S": 2 * _HALF_AN_ITEM})),
        "ValidationException",
    ),
    "an update to over 400 KB": (
        lambda wire: wire.table.update_item(**wire.update("SET more = :x", {"S": _HALF_AN_ITEM})),
        "ValidationException",
    ),
    "a transaction to over 400 KB": (
        lambda wire: wire.table.transact_write_items(
            TransactItems=[{"Update": wire.update("SET more = :x", {"S": _HALF_AN_ITEM})}]
        ),
        "TransactionCanceledException",
    ),
    "an empty key": (
        lambda wire: wire.table.put_item(
            TableName=wire.table_name, Item={"pk": {"S": ""}, "sk": {"S": "x"}}
        ),
        "ValidationException",
    ),
    "26 writes in a batch": (
        lambda wire: wire.table.batch_write_item(
            RequestItems={
                wire.table_name: [
                    {"DeleteRequest": {"Key": {**wire.key, "sk": {"S": str(number)}}}}
                    for number in range(26)
                ]
            }
        ),
        "ValidationException",
    ),
    "two actions on one item": (
        lambda wire: wire.table.transact_write_items(
            TransactItems=[
                {"Put": wire.put()},
                {"Delete": {"TableName": wire.table_name, "Key": wire.key}},
            ]
        ),
        "ValidationException",
    ),
    "a value that nothing uses": (
        lambda wire: wire.table.update_item(
            **wire.update("SET a = :xx", {"S": "1"})
            | {"ExpressionAttributeValues": {":x": {"S": "1"}, ":xx": {"S": "1"}}}
        ),
        "ValidationException",
    ),
    "a message over a mebibyte": (
        lambda wire: wire.queues.send_message(
            QueueUrl=wire.queue,
            MessageBody="x" * _MEBIBYTE,
            MessageAttributes={"a": {"DataType": "String", "StringValue": "y"}},
        ),
        "InvalidParameterValue",
    ),
    "a batch of eleven": (
        lambda wire: wire.queues.send_message_batch(QueueUrl=wire.queue, Entries=_entries(11)),
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ),
    "an empty batch": (
        lambda wire: wire.queues.send_message_batch(QueueUrl=wire.queue, Entries=[]),
        "AWS.SimpleQueueService.EmptyBatchRequest",
    ),
    "a batch over a mebibyte": (
        lambda wire: wire.queues.send_message_batch(
            QueueUrl=wire.queue, Entries=_entries(2, MessageBody="x" * (_MEBIBYTE // 2 + 1))
        ),
        "AWS.SimpleQueueService.BatchRequestTooLong",
    ),
    "ids that are the same": (
        lambda wire: wire.queues.send_message_batch(QueueUrl=wire.queue, Entries=_entries(1) * 2),
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    ),
    "a delay over 900 s": (
        lambda wire: wire.queues.send_message(QueueUrl=wire.queue, MessageBody="x", DelaySeconds=901),
        "InvalidParameterValue",
    ),
    "a forbidden character": (
        lambda wire: wire.queues.send_message(QueueUrl=wire.queue, MessageBody="\u0001"),
        "InvalidMessageContents",
    ),
}


@pytest.mark.parametrize("kind", _REFUSED)
def test_what_aws_refuses_is_refused_and_leaves_nothing(harness: Harness, wire: Wire, kind: str) -> None:
    wire.table.put_item(**wire.put(text={"S": _HALF_AN_ITEM}, held={"SS": ["1"]}))
    before = wire.item()
    send, code = _REFUSED[kind]
    with harness.strict.provoked() as refused, pytest.raises(ClientError) as error:
        send(wire)
    assert error.value.response["Error"]["Code"] == code
    assert [entry["code"] for entry in refused] == [code.rpartition(".")[2]]
    assert wire.item() == before
    assert "Messages" not in wire.queues.receive_message(QueueUrl=wire.queue)


def test_a_wrong_entry_of_a_batch_fails_alone(harness: Harness, wire: Wire) -> None:
    entries = [*_entries(1), {"Id": "late", "MessageBody": "x", "DelaySeconds": 901}]
    with harness.strict.provoked() as refused:
        reply = wire.queues.send_message_batch(QueueUrl=wire.queue, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["0"]
    assert [(entry["Id"], entry["SenderFault"]) for entry in reply["Failed"]] == [("late", True)]
    assert [entry["code"] for entry in refused] == ["InvalidParameterValue"]


def test_faults_that_are_asked_for_happen_and_are_no_refusals(harness: Harness, wire: Wire) -> None:
    put = {"TransactItems": [{"Put": wire.put()}]}
    harness.strict.clear_faults()
    harness.strict.refuse("TransactWriteItems", "TransactionConflict", match="STRICT")
    with pytest.raises(ClientError) as cancelled:
        wire.table.transact_write_items(**put)
    reasons = cancelled.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["TransactionConflict"]
    assert wire.item() == {}, "a cancelled transaction writes nothing"
    wire.table.transact_write_items(**put)
    harness.strict.refuse("SendMessageBatch", "ServiceUnavailable", match="strict")
    with pytest.raises(ClientError) as unavailable:
        wire.queues.send_message_batch(QueueUrl=wire.queue, Entries=_entries(1))
    assert unavailable.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert harness.strict.met() == {"TransactWriteItems": 1, "SendMessageBatch": 1}
    assert harness.strict.refusals() == []


def test_a_call_that_hangs_lets_its_client_time_out(harness: Harness, wire: Wire) -> None:
    hurried = _client(harness, "dynamodb", read_timeout=1)
    harness.strict.hang("GetItem", seconds=5, match="STRICT")
    with pytest.raises(ReadTimeoutError):
        hurried.get_item(TableName=wire.table_name, Key=wire.key)
    assert wire.item() == {}, "the next call is answered"


def _row(meter: dict[str, Any], operation: str, caller: str = "") -> dict[str, Any]:
    rows = [row for row in meter["calls"] if (row["operation"], row["caller"]) == (operation, caller)]
    assert len(rows) == 1, (operation, rows)
    return dict(rows[0])


def test_the_meter_counts_what_aws_charges(harness: Harness, wire: Wire) -> None:
    harness.strict.reset_meter()
    wire.table.put_item(**wire.put(text={"S": "x" * 3000}, by={"S": "1"}))
    wire.table.transact_write_items(TransactItems=[{"Update": wire.update("SET a = :x", {"S": "1"})}])
    wire.table.update_item(**wire.update("SET #b = :x", {"S": "2"}, ExpressionAttributeNames={"#b": "by"}))
    wire.item()
    condition = {"KeyConditionExpression": "pk = :p", "FilterExpression": "a = :a"}
    values = {":p": {"S": "STRICT"}, ":a": {"S": "another"}}
    wire.table.query(TableName=wire.table_name, **condition, ExpressionAttributeValues=values)
    wire.queues.send_message(QueueUrl=wire.queue, MessageBody="x" * 70_000)
    meter = harness.strict.meter()
    assert _row(meter, "PutItem")["write_units"] == 3
    assert _row(meter, "PutItem")["index_write_units"] == {"all": 3, "keys": 1}
    assert _row(meter, "TransactWriteItems")["write_units"] == 6
    assert _row(meter, "UpdateItem")["write_units"] == 3
    assert _row(meter, "UpdateItem")["index_write_units"] == {"all": 6, "keys": 2}
    assert _row(meter, "GetItem")["read_units"] == 1
    assert _row(meter, "Query")["read_units"] == 0.5, "what a filter drops is charged"
    assert _row(meter, "SendMessage")["billed_requests"] == 2


def test_the_meter_tells_the_functions_apart(harness: Harness) -> None:
    dr = harness.dr(2)
    # The upload starts no evaluation that would be counted, too.
    with harness.held("UploadsQueueUrl"):
        harness.upload(dr)
        harness.strict.reset_meter()
        harness.evaluate(dr)
    outputs = harness.stack.outputs
    splitter, batch = outputs["SplitterFunctionName"], outputs["BatchFunctionName"]
    queue = outputs["BatchesQueueUrl"].rpartition("/")[2]
    deadline = time.monotonic() + 60
    functions: dict[tuple[str, str], Any] = {}
    # An invocation counts when it has ended, which may be after the evaluation that it worked for.
    while (batch, queue) not in functions:
        assert time.monotonic() < deadline, functions
        meter = harness.strict.meter()
        functions = {(row["function"], row["source"]): row for row in meter["functions"]}
    assert functions[splitter, "execute-api"]["invocations"] == 1
    worked = functions[batch, queue]
    assert worked["records"] == worked["invocations"] == 1
    assert worked["duration_ms"] > 0
    assert worked["longest_chain"] == 1
    assert _row(meter, "GetObject", batch)["count"] == 2
    assert _row(meter, "TransactWriteItems", splitter)["write_units"] >= 2
