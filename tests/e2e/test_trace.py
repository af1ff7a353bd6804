"""One thread through everything: from a request or an upload through queues and functions to the verdict."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Harness

from stack import deploy, trace
from stack.commands import trace as command
from stack.errors import StackError

_W3C = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"
_SAME = "1-5759e988-bd862e3fe1be46a994272793"
_AMZN = "1-67891233-abcdef012345678912345678"
#: Of a round, or of a connection, not of an evaluation.
_ROUNDS = (
    *("swept", "the sweep failed", "a message was not taken", "a client ", "a connection "),
    *("somebody watches", "nobody is let in", "news were ", "it was worked out how right"),
)
_LOGS_WITHIN_S = 120.0
_JUDGED = ("aggregator", "an evaluation has its verdict")

Lines = list[trace.Line]


def _post(harness: Harness, number: str, **headers: str) -> Any:
    return harness.api.request("POST", "/evaluations", json.dumps({"dr_number": number}).encode(), **headers)


def _said(lines: Lines) -> set[tuple[str, str]]:
    return {(line.function, line.what) for line in lines}


def _answered(lines: Lines) -> set[str]:
    """The photos of which the VLM said something."""
    return {line.photo for line in lines if line.what == "the VLM answered"}


def _life(
    harness: Harness, evaluation_id: str, arrived: Callable[[Lines], bool] = lambda lines: _JUDGED in _said(lines)
) -> Lines:
    """The lines of an evaluation, once the logs have come so far: those of several processes come one after another."""
    reader = trace.of_files(harness.stack.folder.path / "logs")
    deadline, lines = time.monotonic() + _LOGS_WITHIN_S, []
    while time.monotonic() < deadline:
        try:
            lines = trace.read(evaluation_id, reader)
        except StackError:
            lines = []
        if arrived(lines):
            return lines
        time.sleep(0.3)
    raise AssertionError(f"the logs do not say all: {[(line.function, line.what, line.trace_id) for line in lines]}")


def test_a_caller_s_trace_goes_through_every_function_also_when_a_photo_is_put_off(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.vlm.fault("status_503", dr, count=1)
    # The upload starts no evaluation that the caller would join.
    with harness.held("UploadsQueueUrl"):
        harness.upload(dr)
        answer = _post(harness, dr.number, traceparent=_W3C, x_amzn_trace_id=f"Root={_AMZN};Sampled=1")
    assert answer.headers["x-trace-id"] == answer.body["trace_id"] == _SAME
    evaluation_id = answer.body["evaluation_id"]
    assert harness.completed(evaluation_id)["trace_id"] == _SAME
    expected = {
        ("splitter", "an evaluation started"),
        ("splitter", "a request was answered"),
        ("batch", "the VLM answered"),
        ("batch", "a message was handled (batch)"),
        ("aggregator", "a message was handled (deferral)"),
        ("aggregator", "a photo waits"),
        ("aggregator", "a message was handled (outcome)"),
        _JUDGED,
    }
    photos = {path.name for path in dr.photos}
    arrived = _life(harness, evaluation_id, lambda lines: _said(lines) >= expected and _answered(lines) >= photos)
    lines = [line for line in arrived if line.trace_id == _SAME]
    assert _said(lines) >= expected
    answered = [line for line in lines if line.what == "the VLM answered"]
    assert {line.photo for line in answered} == photos
    assert {line.evaluation_id for line in answered} == {evaluation_id}
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_without_one_of_the_caller_it_is_that_of_aws_and_else_a_new_one(harness: Harness) -> None:
    dr = harness.dr(1)
    harness.upload(dr)
    assert _post(harness, dr.number, x_amzn_trace_id=f"Root={_AMZN};Sampled=1").headers["x-trace-id"] == _AMZN
    first, second = (harness.api.history(dr.number).headers["x-trace-id"] for _ in range(2))
    assert first != second
    refused = harness.api.evaluation("7")
    assert (refused.status, bool(refused.headers["x-trace-id"])) == (404, True)


def test_what_uploads_start_has_the_trace_of_an_upload(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    (entry,) = harness.quiet(dr)
    the_upload, check = (("splitter", f"a message was handled ({kind})") for kind in ("event", "quiet_check"))
    lines = _life(harness, entry["evaluation_id"], lambda lines: _said(lines) >= {the_upload, check, _JUDGED})
    (of_it,) = {line.trace_id for line in lines}
    assert harness.api.evaluation(entry["evaluation_id"]).body["trace_id"] == of_it
    assert (lines[0].function, lines[0].what) == the_upload


def test_what_the_sweeper_sends_again_is_of_the_evaluation_s_trace(hurried: Harness) -> None:
    dr = hurried.dr(1)
    with hurried.held("BatchesQueueUrl"):
        # The upload starts no evaluation that the caller would join.
        with hurried.held("UploadsQueueUrl"):
            hurried.upload(dr)
            started = _post(hurried, dr.number, traceparent=_W3C).body["evaluation_id"]
        sqs, queue = hurried.stack.aws.client("sqs"), hurried.stack.outputs["BatchesQueueUrl"]
        taken = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]
        assert json.loads(taken["Body"])["trace_id"] == _SAME
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
        sweep = json.loads((Path(__file__).parent.parent / "events" / "sweeper.json").read_text())
        with hurried.configured("sweeper", LOST_AFTER_SECONDS="1"):
            deadline = time.monotonic() + 60
            while not (again := sqs.receive_message(QueueUrl=queue).get("Messages")):
                assert time.monotonic() < deadline, "not sent again"
                hurried.invoke("sweeper", sweep)
                time.sleep(0.5)
        assert json.loads(again[0]["Body"])["trace_id"] == _SAME
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=again[0]["ReceiptHandle"], VisibilityTimeout=0)
    hurried.completed(started)

    def swept(lines: Lines) -> Lines:
        return [line for line in lines if line.function == "sweeper"]

    sent_again = swept(_life(hurried, started, lambda lines: _JUDGED in _said(lines) and bool(swept(lines))))
    assert {(line.level, line.trace_id) for line in sent_again} == {("WARN", _SAME)}


def test_a_message_of_the_release_before_has_no_trace_and_its_lines_have_the_evaluation_s(
    harness: Harness,
) -> None:
    dr = harness.dr(1)
    # The upload starts no evaluation that the caller would join.
    with harness.held("UploadsQueueUrl"):
        harness.upload(dr)
        answer = _post(harness, dr.number, traceparent=_W3C)
    evaluation = harness.completed(answer.body["evaluation_id"])
    photo = evaluation["photos"][0]
    table = harness.stack.aws.client("dynamodb")
    found = table.query(
        TableName=harness.stack.outputs["TableName"],
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={
            ":pk": {"S": f"EVALUATION#{evaluation['evaluation_id']}"}, ":sk": {"S": "PHOTO#"}
        },
    )["Items"][0]
    fields = {name: found[name]["S"] for name in ("photo_id", "key", "name", "etag")}
    assert fields["name"] == photo["name"]
    untraced = {
        "kind": "batch", "version": 1, "evaluation_id": evaluation["evaluation_id"], "dr_number": dr.number,
        "photos": [{**fields, "step_hint": None}], "attempt": 0, "due_at": 0,
    }
    queue = harness.stack.outputs["BatchesQueueUrl"]
    harness.stack.aws.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(untraced))
    deadline = time.monotonic() + _LOGS_WITHIN_S
    while len(handled := _handled(harness, evaluation["evaluation_id"])) < 2:
        assert time.monotonic() < deadline, "not handled"
        time.sleep(0.3)
    assert {line.trace_id for line in handled} == {_SAME}


def _handled(harness: Harness, evaluation_id: str) -> Lines:
    return [line for line in _life(harness, evaluation_id) if line.what == "a message was handled (batch)"]


def test_every_line_of_the_functions_has_a_trace_but_those_of_a_round(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    _life(harness, harness.evaluate(dr)["evaluation_id"])
    lines: Lines = []
    for log in sorted((harness.stack.folder.path / "logs").glob("*.log")):
        raw = log.read_text(errors="replace").splitlines()
        lines += [line for line in (trace._line(log.stem, one) for one in raw) if line]
    assert _without_trace(lines) == []


def test_what_the_runtime_repeats_of_a_client_s_event_needs_no_trace_and_anything_else_does() -> None:
    def line(what: str, request: str) -> trace.Line:
        entry = {
            "timestamp": "2026-11-26T21:50:05.685Z", "level": "ERROR", "fields": {"message": what},
            "spans": [{"requestId": request}],
        }  # fmt: skip
        parsed = trace._line("notifier", json.dumps(entry))
        assert parsed
        return parsed

    said, repeated = line("a client was not answered", "1"), line('RunError { context: "the connections" }', "1")
    other = line('RunError { context: "the table" }', "2")
    assert _without_trace([said, repeated, other]) == [other]


def _without_trace(lines: Lines) -> Lines:
    """The lines that ought to have a trace and have none. Of an event that failed the runtime repeats the error."""
    bare = [line for line in lines if not line.trace_id]
    of_rounds = [line for line in bare if line.what.startswith(_ROUNDS)]
    requests = {(line.function, line.request_id) for line in of_rounds}
    repeated = [
        line for line in bare
        if line.what.startswith("RunError {") and (line.function, line.request_id) in requests
    ]  # fmt: skip
    return [line for line in bare if line not in of_rounds and line not in repeated]


def test_it_is_printed_as_a_table_and_for_programs(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    evaluation_id = harness.evaluate(dr)["evaluation_id"]
    photos = {path.name for path in dr.photos}
    _life(harness, evaluation_id, lambda lines: _JUDGED in _said(lines) and _answered(lines) >= photos)
    arguments = argparse.Namespace(
        evaluation_id=evaluation_id, stack_name=None, name=harness.stack.folder.name, json=False
    )
    assert command.run(arguments) == 0
    printed = capsys.readouterr().out
    for said in ("an evaluation has its verdict", "the VLM answered", dr.photos[0].name, "longest (s)"):
        assert said in printed
    arguments.json = True
    command.run(arguments)
    found = json.loads(capsys.readouterr().out)
    # The notifier may not have told it yet.
    assert [one["function"] for one in found["functions"]][:3] == ["splitter", "batch", "aggregator"]
    assert all(line["since_ms"] >= 0 for line in found["lines"])


def test_cloudwatch_says_the_same_as_the_files(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    evaluation_id = harness.evaluate(dr)["evaluation_id"]
    files = _life(harness, evaluation_id)
    reader = trace.of_cloudwatch(harness.stack.aws.client("logs"), deploy.STACK_NAME, evaluation_id)
    logs = trace.read(evaluation_id, reader)
    assert {(line.at, line.what) for line in files} <= {(line.at, line.what) for line in logs}


def test_an_evaluation_that_no_log_knows_is_told(harness: Harness) -> None:
    with pytest.raises(StackError, match="No log has a line of 01900000"):
        trace.read("01900000-0000-7000-8000-000000000000", trace.of_files(harness.stack.folder.path / "logs"))
