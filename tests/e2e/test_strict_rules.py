"""The strict layer's rules as values: what AWS refuses, what it takes, and what it charges."""

from __future__ import annotations

import queue
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from stack.paths import REPO
from stack.strict import (
    control,
    dead_letters,
    dynamodb_rules,
    invocations,
    sqs_rules,
    units,
)
from stack.strict.call import of_request
from stack.strict.expressions import changed_paths
from stack.strict.faults import Fault
from stack.strict.item_size import LARGEST_ITEM_BYTES, item_bytes
from stack.strict.layer import Layer
from stack.strict.lineage import AWS_LIMIT, Lineage, is_cut

_TABLE = "table"
_KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def _keys(_: str) -> tuple[str, ...]:
    return ("pk", "sk")


def _judged(operation: str, **request: Any) -> str | None:
    refusal = dynamodb_rules.judge(operation, request, _keys)
    if refusal:
        assert refusal.code == "ValidationException"
    return refusal.message if refusal else None


def _put(item: dict[str, Any]) -> dict[str, Any]:
    return {"TableName": _TABLE, "Item": {**_KEY, **item}}


def _update(expression: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    request = {"TableName": _TABLE, "Key": _KEY, "UpdateExpression": expression}
    return {**request, "ExpressionAttributeValues": values, **more}


def _numbered(count: int) -> list[dict[str, Any]]:
    return [{"pk": {"S": str(number)}, "sk": {"S": "b"}} for number in range(count)]


# ---------------------------------------------------------------- DynamoDB


@pytest.mark.parametrize("kind", ["SS", "NS", "BS"])
@pytest.mark.parametrize("deep", [False, True])
def test_an_empty_set_is_refused_wherever_it_stands(kind: str, deep: bool) -> None:
    empty = {"M": {"x": {"L": [{kind: []}]}}} if deep else {kind: []}
    put, update = _put({"x": empty}), _update("DELETE x :e", {":e": empty})
    compared = {"ConditionExpression": "x = :e", "ExpressionAttributeValues": {":e": empty}}
    check = {"TableName": _TABLE, "Key": _KEY, **compared}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("PutItem", put),
        ("UpdateItem", update),
        ("TransactWriteItems", {"TransactItems": [{"Put": put}]}),
        ("TransactWriteItems", {"TransactItems": [{"Update": update}]}),
        ("TransactWriteItems", {"TransactItems": [{"ConditionCheck": check}]}),
        ("BatchWriteItem", {"RequestItems": {_TABLE: [{"PutRequest": {"Item": put["Item"]}}]}}),
    ]
    for operation, request in requests:
        assert "empty" in (_judged(operation, **request) or ""), operation


def test_a_set_with_a_member_is_taken() -> None:
    assert _judged("PutItem", **_put({"x": {"SS": ["1"]}})) is None
    assert _judged("UpdateItem", **_update("DELETE x :e", {":e": {"SS": ["1"]}})) is None


def test_an_item_may_have_400_kb_and_not_a_byte_more() -> None:
    room = LARGEST_ITEM_BYTES - item_bytes({**_KEY, "x": {"S": ""}})
    assert _judged("PutItem", **_put({"x": {"S": "y" * room}})) is None
    too_large = _put({"x": {"S": "y" * (room + 1)}})
    assert "maximum allowed size" in (_judged("PutItem", **too_large) or "")
    assert _judged("TransactWriteItems", TransactItems=[{"Put": too_large}])


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "äb"}, 3),
        ({"N": "12345"}, 4),
        ({"N": "-100"}, 3),
        ({"N": "0"}, 1),
        ({"B": "AAEC"}, 3),
        ({"B": "AA=="}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"k": {"S": "ab"}}}, 7),
    ],
)
def test_items_are_measured_as_dynamodb_measures_them(value: dict[str, Any], size: int) -> None:
    assert item_bytes({"name": value}) == len("name") + size


def test_an_empty_value_of_a_key_is_refused() -> None:
    empty = {"pk": {"S": ""}, "sk": {"S": "b"}}
    assert "Key: pk" in (_judged("GetItem", TableName=_TABLE, Key=empty) or "")
    assert _judged("PutItem", TableName=_TABLE, Item=empty)
    assert _judged("BatchGetItem", RequestItems={_TABLE: {"Keys": [empty]}})
    assert _judged("PutItem", **_put({"other": {"S": ""}})) is None


@pytest.mark.parametrize(
    ("operation", "most"),
    [("BatchWriteItem", 25), ("BatchGetItem", 100), ("TransactWriteItems", 100)],
)
def test_batches_and_transactions_have_bounds(operation: str, most: int) -> None:
    def request(count: int) -> dict[str, Any]:
        keys = _numbered(count)
        if operation == "BatchGetItem":
            return {"RequestItems": {_TABLE: {"Keys": keys}}}
        if operation == "BatchWriteItem":
            return {"RequestItems": {_TABLE: [{"PutRequest": {"Item": key}} for key in keys]}}
        return {"TransactItems": [{"Put": {"TableName": _TABLE, "Item": key}} for key in keys]}

    assert _judged(operation, **request(most)) is None
    assert _judged(operation, **request(most + 1))
    assert _judged(operation, **request(0))


def test_one_item_may_be_named_only_once() -> None:
    put, delete = {"Put": _put({})}, {"Delete": {"TableName": _TABLE, "Key": _KEY}}
    assert "multiple operations" in (_judged("TransactWriteItems", TransactItems=[put, delete]) or "")
    twice = [{"PutRequest": {"Item": _KEY}}, {"DeleteRequest": {"Key": _KEY}}]
    assert "duplicates" in (_judged("BatchWriteItem", RequestItems={_TABLE: twice}) or "")


def test_a_name_or_value_that_no_expression_uses_is_refused() -> None:
    one = {":y": {"S": "1"}}
    assert ":yy" in (_judged("UpdateItem", **_update("SET y = :y", {**one, ":yy": {"S": "2"}})) or "")
    assert ":y" in (_judged("UpdateItem", **_update("SET y = :yy", {**one, ":yy": {"S": "2"}})) or "")
    assert "#u" in (
        _judged("UpdateItem", **_update("SET y = :y", one, ExpressionAttributeNames={"#u": "u"})) or ""
    )
    used = _update("SET #u = :y", one, ExpressionAttributeNames={"#u": "u"})
    assert _judged("UpdateItem", **used) is None


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("SET y = :y REMOVE y", "overlap"),
        ("SET y = :y, y.z = :y", "overlap"),
        ("SET y = :y SET z = :y", "only be used once"),
        ("SET y = if_not_exists(y, :y), yy = :y ADD z :y REMOVE x[0], x[1]", None),
        ("SET #set = :y", None),
    ],
)
def test_an_update_changes_each_path_once(expression: str, says: str | None) -> None:
    aliases = {"ExpressionAttributeNames": {"#set": "set"}} if "#set" in expression else {}
    judged = _judged("UpdateItem", **_update(expression, {":y": {"S": "1"}}, **aliases))
    assert says in judged if says and judged else judged is says


def test_changed_paths_are_read_with_their_names() -> None:
    update = "SET #a.b = list_append(c, :x), d[1] = :x REMOVE e ADD f :x"
    assert changed_paths(update, {"#a": "real"}) == [("real", "b"), ("d", "[1]"), ("e",), ("f",)]


# ---------------------------------------------------------------- SQS


def _refused(operation: str, **request: Any) -> str | None:
    refusal = sqs_rules.judge(operation, request)
    return refusal.code if refusal else None


def _entries(count: int, **entry: Any) -> list[dict[str, Any]]:
    return [{"Id": str(number), "MessageBody": "x", **entry} for number in range(count)]


def test_a_message_may_have_a_mebibyte_with_its_attributes() -> None:
    attributes = {"a": {"DataType": "String", "StringValue": "y"}}
    room = sqs_rules.LARGEST_BYTES - len("a" + "String" + "y")
    assert _refused("SendMessage", MessageBody="x" * room, MessageAttributes=attributes) is None
    too_long = _refused("SendMessage", MessageBody="x" * (room + 1), MessageAttributes=attributes)
    assert too_long == "InvalidParameterValue"


def test_the_messages_of_a_batch_may_have_a_mebibyte_together() -> None:
    half = "x" * (sqs_rules.LARGEST_BYTES // 2)
    assert _refused("SendMessageBatch", Entries=_entries(2, MessageBody=half)) is None
    longer = _entries(2, MessageBody=half + "x")
    assert _refused("SendMessageBatch", Entries=longer) == "BatchRequestTooLong"


@pytest.mark.parametrize("operation", ["SendMessageBatch", "DeleteMessageBatch"])
@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (_entries(10), None),
        (_entries(11), "TooManyEntriesInBatchRequest"),
        ([], "EmptyBatchRequest"),
        (_entries(1) * 2, "BatchEntryIdsNotDistinct"),
        (_entries(1, Id="a.b"), "InvalidBatchEntryId"),
        (_entries(1, Id="a" * 81), "InvalidBatchEntryId"),
    ],
)
def test_a_batch_has_one_to_ten_entries_with_ids(
    operation: str, entries: list[dict[str, Any]], code: str | None
) -> None:
    assert _refused(operation, Entries=entries) == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"DelaySeconds": 900}, None),
        ({"DelaySeconds": 901}, "InvalidParameterValue"),
        ({"DelaySeconds": -1}, "InvalidParameterValue"),
        ({"MessageBody": "a\u0001b"}, "InvalidMessageContents"),
        ({"MessageBody": "a\uffff"}, "InvalidMessageContents"),
        ({"MessageBody": "tab\t and 😀"}, None),
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageGroupId": "DR1730550"}, None),
        ({"MessageGroupId": "g" * 129}, "InvalidParameterValue"),
        ({"MessageGroupId": "a b"}, "InvalidParameterValue"),
    ],
)
def test_a_wrong_message_is_refused_alone_or_as_an_entry(
    message: dict[str, Any], code: str | None
) -> None:
    assert _refused("SendMessage", **{"MessageBody": "x", **message}) == code
    batch = {"Entries": [*_entries(1), {"Id": "wrong", "MessageBody": "x", **message}]}
    refused = sqs_rules.judge_entries("SendMessageBatch", batch)
    assert {entry: refusal.code for entry, refusal in refused.items()} == (
        {"wrong": code} if code else {}
    )
    assert _refused("SendMessageBatch", **batch) is None


# ---------------------------------------------------------------- chains


def test_a_function_is_counted_through_a_chain_of_others() -> None:
    chain = Lineage()
    for _ in range(3):
        chain = chain.then("batch").then("aggregator")
    read = Lineage.of(chain.header("1-2-3"))
    assert read == chain
    assert (read.count("batch"), read.count("aggregator"), read.count("api")) == (3, 3, 0)
    assert read.caller == "aggregator"


def test_the_seventeenth_invocation_is_cut_unless_loops_are_allowed() -> None:
    sixteenth = Lineage((("batch", AWS_LIMIT - 1),))
    assert not is_cut(sixteenth, "batch", AWS_LIMIT, "Terminate")
    seventeenth = sixteenth.then("batch")
    assert is_cut(seventeenth, "batch", AWS_LIMIT, "Terminate")
    assert not is_cut(seventeenth, "batch", AWS_LIMIT, "Allow")
    assert not is_cut(seventeenth, "aggregator", AWS_LIMIT, "Terminate")


def test_messages_that_come_together_have_the_highest_counts() -> None:
    lineages = [Lineage((("batch", 3),)), Lineage((("batch", 1), ("splitter", 1)))]
    assert Lineage.together(lineages).counts == (("batch", 3), ("splitter", 1))


@pytest.mark.parametrize("header", [None, "", "Root=1-2-3;Sampled=0", "Lineage=nonsense", "Lineage=1:a:b"])
def test_a_trace_without_a_readable_lineage_begins_a_chain(header: str | None) -> None:
    assert Lineage.of(header) == Lineage()


def _message(header: str | None) -> dict[str, Any]:
    attributes = {"AWSTraceHeader": header} if header else {}
    arn = "arn:aws:sqs:us-east-1:1:batches"
    return {"eventSource": "aws:sqs", "eventSourceARN": arn, "attributes": attributes}


def test_an_event_belongs_to_the_chain_of_its_messages() -> None:
    header = Lineage().then("batch").header("1-2-3")
    event = {"Records": [_message(None), _message(header)]}
    assert invocations.lineage_of(event) == (Lineage((("batch", 1),)), "1-2-3")
    fresh, root = invocations.lineage_of({"detail": "of a schedule"})
    assert fresh == Lineage()
    assert root.startswith("1-")


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ({"Records": [_message(None)]}, "batches"),
        ({"requestContext": {}}, "execute-api"),
        ({"source": "aws.events"}, "schedule"),
        ({"dr_number": "DR1"}, "invoke"),
        ({}, "invoke"),
    ],
)
def test_invocations_are_told_apart_by_their_source(event: dict[str, Any], source: str) -> None:
    assert invocations.source_of(event) == source


def test_what_a_process_says_slowly_is_of_its_invocation_and_no_other() -> None:
    from ministack.core.lambda_runtime import ProvidedWorker

    worker = ProvidedWorker.__new__(ProvidedWorker)
    worker._stderr_queue, worker._proc = queue.Queue(), SimpleNamespace(poll=lambda: None)
    assert "Metric::ColdStart" in (REPO / "shared/aws/src/usage.rs").read_text(), "the last figure of each invocation"
    said = ["begun", "an error", '{"ColdStart":1}', "the runtime's word"]

    def slowly() -> None:
        for line, late_s in zip(said, (0.1, 0.1, 1.5)):
            time.sleep(late_s)
            worker._stderr_queue.put(line)
        worker._stderr_queue.put(said[3])

    at_once = ProvidedWorker._drain_stderr_bounded
    drained = invocations._to_the_last_word(at_once)
    speaker = threading.Thread(target=slowly)
    speaker.start()
    assert drained(worker).splitlines() == said
    speaker.join()
    worker._proc = SimpleNamespace(poll=lambda: -9)
    worker._stderr_queue.put("killed in the midst")
    begun = time.monotonic()
    assert drained(worker) == "killed in the midst"
    assert time.monotonic() - begun >= 1.0, "it may have said more"


def test_a_message_begins_in_a_dead_letter_queue_with_no_receives() -> None:
    letter = {"id": "moved", "receive_count": 5, "first_receive_at": 1.0}
    older = {"id": "older", "receive_count": 2, "first_receive_at": 1.0}
    dead = {"messages": [older]}
    policy = {"RedrivePolicy": '{"deadLetterTargetArn": "arn", "maxReceiveCount": 5}'}
    queue: dict[str, Any] = {"messages": [letter, {"id": "stays"}], "attributes": policy}

    def sweep(swept: dict[str, Any]) -> None:
        dead["messages"].append(swept["messages"].pop(0))

    dead_letters.counting_anew(sweep, {"arn": dead}.get)(queue)
    assert [message["receive_count"] for message in dead["messages"]] == [2, 0]


# ---------------------------------------------------------------- charges

_SMALL = {**_KEY, "by": {"S": "x"}, "at": {"S": "1"}}
_LARGE = {**_SMALL, "text": {"S": "t" * 3000}}
_ALL = units.Index("all", ("by", "at"), ("pk", "sk"), None)
_KEYS = units.Index("keys", ("by", "at"), ("pk", "sk"), ())


def test_reads_count_4_kb_and_half_if_they_need_not_be_consistent() -> None:
    assert [units.read(size) for size in (0, 4096, 4097)] == [0.5, 0.5, 1.0]
    assert units.read(4097, consistent=True) == 2.0
    assert units.read(100, transaction=True) == 2.0


def test_writes_count_1_kb_of_the_larger_item_and_twice_in_transactions() -> None:
    assert units.write(None, _SMALL) == 1.0
    assert units.write(_LARGE, None) == units.write(_SMALL, _LARGE) == 3.0
    assert units.write(None, _SMALL, transaction=True) == 2.0


@pytest.mark.parametrize(
    ("before", "after", "whole", "keys_only"),
    [
        (None, _SMALL, 1.0, 1.0),
        (None, _LARGE, 3.0, 1.0),
        (_LARGE, None, 3.0, 1.0),
        (_SMALL, _LARGE, 3.0, 0.0),
        (_LARGE, _LARGE, 0.0, 0.0),
        (_LARGE, {**_LARGE, "at": {"S": "2"}}, 6.0, 2.0),
        (_LARGE, _KEY, 3.0, 1.0),
        (None, _KEY, 0.0, 0.0),
    ],
)
def test_an_index_is_charged_for_what_changes_in_it(
    before: dict[str, Any] | None, after: dict[str, Any] | None, whole: float, keys_only: float
) -> None:
    assert units.index_write(_ALL, before, after) == whole
    assert units.index_write(_KEYS, before, after) == keys_only


@pytest.mark.parametrize(
    ("method", "path", "query", "service", "named"),
    [
        ("GET", "/bucket/photos/DR1/a.jpg", "", "s3", ("s3", "GetObject", "bucket", "get")),
        ("PUT", "/bucket/photos/DR1/a.jpg", "", "s3", ("s3", "PutObject", "bucket", "put")),
        ("DELETE", "/bucket/a.jpg", "", "s3", ("s3", "DeleteObject", "bucket", "free")),
        ("GET", "/bucket", "list-type=2", "s3", ("s3", "ListObjects", "bucket", "put")),
        (
            "GET",
            "/_aws/execute-api/api1/$default/evaluations/01ab",
            "",
            "execute-api",
            ("execute-api", "GET /evaluations/*", "api1", None),
        ),
    ],
)
def test_calls_are_told_apart(
    method: str, path: str, query: str, service: str, named: tuple[str, str, str, str | None]
) -> None:
    signed = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request"
    trace = Lineage().then("batch").header("1-2-3")
    headers = [(b"Authorization", signed.encode()), (b"X-Amzn-Trace-Id", trace.encode())]
    call = of_request(method, path, query, headers)
    assert (call.service, call.operation, call.resource, call.tier) == named
    assert call.caller == "batch"


# ---------------------------------------------------------------- faults and routes


def test_a_transaction_is_cancelled_with_a_reason_for_each_action() -> None:
    refusal = Fault("TransactWriteItems", "TransactionConflict").refusal(3)
    assert refusal and refusal.reasons == ("TransactionConflict", "None", "None")
    assert refusal.answer("dynamodb")[0] == 400
    unavailable = Fault("SendMessageBatch", "ServiceUnavailable").refusal(1)
    assert unavailable and unavailable.answer("sqs")[0] == 503


def test_a_fault_meets_so_many_calls_of_its_operation() -> None:
    layer = Layer()
    told = b'{"operation": "UpdateItem", "code": "ThrottlingException", "count": 2, "match": "DR1"}'
    assert control.answer(layer, "POST", "/_strict/faults", "", told)[0] == 204
    assert layer.faults.take("PutItem", b"DR1") is None
    assert layer.faults.take("UpdateItem", b"DR2") is None
    met = [layer.faults.take("UpdateItem", b"DR1") is not None for _ in range(3)]
    assert met == [True, True, False]
    assert control.answer(layer, "GET", "/_strict/faults", "", b"")[1] == {"met": {"UpdateItem": 2}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_strict/faults", b"{}"),
        ("POST", "/_strict/chain", b'{"limit": "many"}'),
        ("POST", "/_strict/chain", b"no JSON"),
    ],
)
def test_what_the_routes_do_not_understand_is_said(method: str, path: str, body: bytes) -> None:
    assert control.answer(Layer(), method, path, "", body)[0] == 400
    assert control.answer(Layer(), "GET", "/_strict/nothing", "", b"")[0] == 404
