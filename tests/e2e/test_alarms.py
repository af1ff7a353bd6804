"""Each alarm is fired by the fault that it is for, tells the topic, and ends when the fault does.

A stack of its own: what makes an alarm ring in seconds would ring in every other test. A minute of the alarms takes a
second there (`stack/strict/watch.py`), and thresholds that are spans are seconds, too. What the alarms look at is real:
the functions' own metrics and what the emulator's queues and API did.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from typing import Any

import pytest
from asked import ASKED
from harness import Harness

from stack import deploy, figures, template
from stack.commands import report
from stack.local_stack import Options, running

_MINUTE_S = 1.0
#: From a fault to its alarm: five of the alarm's minutes, and what the fault itself takes.
_WITHIN_S = 240.0
#: A machine that is too busy to do something in each short minute is given longer ones after a while.
_BUSY_AFTER_S, _BUSY_MINUTE_S = 30.0, 4.0
#: A photo takes more than a fifth of it.
_LITTLE_MEGABYTES = 128
#: What need not have happened here.
_SELDOM = {"BreakerOpen", "PhotosResent"}
_PARAMETERS = {
    "AlarmEvaluationMilliseconds": "4000",
    "AlarmBulkEvaluationMilliseconds": "4000",
    "AlarmUnfinishedSeconds": "4",
    "AlarmResultsSeconds": "3",
    "AlarmMemoryPercent": "20",
    "AlarmTellMilliseconds": "4000",
}


class Alarms:
    """The alarms of a stack, and what the topic was told of them."""

    def __init__(self, harness: Harness) -> None:
        self._cloudwatch = harness.stack.aws.client("cloudwatch")
        self._sqs = harness.stack.aws.client("sqs")
        self._strict = harness.strict
        self._queue = harness.stack.outputs["AlarmsQueueUrl"]
        self._told: list[tuple[str, str]] = []
        #: How much of what was told has been waited for.
        self._met = 0

    def states(self) -> dict[str, str]:
        """What each is in, by its name in the template."""
        described = self._cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        all_of_them = described["MetricAlarms"] + described["CompositeAlarms"]
        return {_logical(alarm["AlarmName"]): alarm["StateValue"] for alarm in all_of_them}

    def told(self) -> list[tuple[str, str]]:
        """All that the topic was told, in its order: alarm and state."""
        while True:
            received = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
            messages = received.get("Messages", [])
            if not messages:
                return self._told
            for message in messages:
                said = json.loads(message["Body"])
                self._told.append((_logical(said["AlarmName"]), said["NewStateValue"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])

    def until(self, name: str, state: str, doing: Callable[[], object] | None = None) -> None:
        """Waits until the topic was told that an alarm is in a state, doing something meanwhile.

        The alarm is in it then, or has come out of it again: minutes are short here, and looking takes its time.
        """
        with _repeated(doing) if doing else nullcontext():
            if self._comes(name, state, _BUSY_AFTER_S):
                return
            self._strict.minute(_BUSY_MINUTE_S)
            try:
                came = self._comes(name, state, _WITHIN_S)
            finally:
                self._strict.minute(_MINUTE_S)
        assert came, f"{name} is {self.states()[name]}, not {state}; told: {self.told()}"

    def _comes(self, name: str, state: str, within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            told = self.told()
            new = [at for at, one in enumerate(told) if at >= self._met and one == (name, state)]
            last = [said for alarm, said in told if alarm == name][-1:]
            if new or (self.states()[name] == state and last == [state]):
                self._met = new[0] + 1 if new else self._met
                return True
            time.sleep(0.2)
        return False


def _logical(name: str) -> str:
    """An alarm's name in the template: CloudFormation puts the stack's before it, and something behind."""
    return next(part for part in name.split("-") if part.endswith("Alarm"))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack with thresholds of seconds."""
    options = Options(
        name="test-alarms", timing="fast", build=False, simulation=["--latency", "none"], parameters=_PARAMETERS
    )
    with running(options) as stack:
        harness = Harness(stack, tmp_path_factory.mktemp("drs"))
        harness.strict.minute(_MINUTE_S)
        yield harness


@pytest.fixture(scope="module")
def alarms(watched: Harness) -> Alarms:
    """Its alarms."""
    return Alarms(watched)


@contextmanager
def _repeated(doing: Callable[[], object]) -> Iterator[None]:
    """Has something done in each of these short minutes, whatever fails."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(_MINUTE_S / 2):
            with suppress(Exception):
                doing()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def swept(harness: Harness) -> AbstractContextManager[None]:
    """Has the sweeper come each of these short minutes."""
    return _repeated(lambda: harness.invoke("sweeper", {}))


def test_an_evaluation_that_takes_too_long_rings_and_the_next_quick_one_ends_it(
    watched: Harness, alarms: Alarms
) -> None:
    watched.vlm.latency("fixed:5000")
    slow = watched.dr(1)
    watched.upload(slow)
    # By force, for what uploads had started would be nobody's time.
    watched.evaluate(slow, force=True)
    alarms.until("EvaluationTimeAlarm", "ALARM")
    alarms.until("UsersNoticeAlarm", "ALARM")
    watched.vlm.latency("none")
    alarms.until("EvaluationTimeAlarm", "OK")


def test_uploads_that_wait_too_long_ring_and_the_next_quick_one_ends_it(watched: Harness, alarms: Alarms) -> None:
    watched.vlm.latency("fixed:5000")
    slow = watched.dr(1)
    watched.upload(slow)
    watched.quiet(slow)
    alarms.until("BulkEvaluationTimeAlarm", "ALARM")
    watched.vlm.latency("none")
    alarms.until("BulkEvaluationTimeAlarm", "OK")


def test_photos_without_an_answer_and_a_vlm_that_errs_ring(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(2)
    watched.upload(dr)
    watched.vlm.fault("unmendable", dr)
    watched.evaluate(dr)
    alarms.until("ErrorRateAlarm", "ALARM")
    watched.vlm.recover()
    watched.evaluate(dr, force=True)
    alarms.until("ErrorRateAlarm", "OK")


def test_a_vlm_that_is_away_rings_although_no_function_fails(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(2)
    watched.upload(dr)
    with swept(watched):
        watched.vlm.down(for_ms=600_000)
        started = watched.api.start(dr.number, force=True).body["evaluation_id"]
        alarms.until("VlmErrorsAlarm", "ALARM")
        alarms.until("VlmAwayAlarm", "ALARM")
        watched.vlm.recover()
        watched.completed(started, within_s=120)
        alarms.until("VlmAwayAlarm", "OK")
        alarms.until("VlmErrorsAlarm", "OK")


def test_an_evaluation_that_does_not_end_rings(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(2)
    watched.upload(dr)
    with swept(watched), watched.held("BatchesQueueUrl"):
        watched.api.start(dr.number, force=True)
        alarms.until("UnfinishedAlarm", "ALARM")
    with swept(watched):
        alarms.until("UnfinishedAlarm", "OK")


def test_results_that_nobody_records_ring(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(1)
    watched.upload(dr)
    with watched.held("ResultsQueueUrl"):
        watched.api.start(dr.number, force=True)
        alarms.until("ResultsAgeAlarm", "ALARM")
    alarms.until("ResultsAgeAlarm", "OK")


def test_a_silent_sweeper_rings_until_it_comes_again(watched: Harness, alarms: Alarms) -> None:
    with swept(watched):
        alarms.until("SweeperAlarm", "OK")
    alarms.until("SweeperAlarm", "ALARM")


def test_completions_that_nobody_takes_ring(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(1)
    watched.upload(dr)
    with watched.configured("notifier", COMPLETIONS_TOPIC_ARN=f"{watched.stack.outputs['CompletionsTopicArn']}-gone"):
        watched.evaluate(dr)
        alarms.until("TellAlarm", "ALARM")
    alarms.until("TellAlarm", "OK")


def test_a_review_that_is_changed_rings(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(1, seed=2204)
    watched.upload(dr)
    path = f"/evaluations/{watched.evaluate(dr)['evaluation_id']}/reviews"
    body = json.dumps({"decision": "fail", "reason": "It is not the house."}).encode()
    assert watched.api.request("POST", path, body).status == 201
    key = {"pk": {"S": f"REVIEWS#{dr.number}"}, "sk": {"S": "REVIEW#00000001"}}
    table, name = watched.stack.aws.client("dynamodb"), watched.stack.outputs["TableName"]

    def change() -> None:
        reason = {":other": {"S": f"It is the house, {time.monotonic_ns()}."}}
        table.update_item(
            TableName=name, Key=key, UpdateExpression="SET reason = :other", ExpressionAttributeValues=reason
        )

    # One change rings for one of the alarm's minutes, which are short here.
    alarms.until("ReviewChangedAlarm", "ALARM", change)
    alarms.until("ReviewChangedAlarm", "OK")


def test_an_api_that_fails_rings(watched: Harness, alarms: Alarms) -> None:
    evaluation = "01900000-0000-7000-8000-000000000000"
    watched.strict.refuse("GetItem", "ThrottlingException", count=10_000)
    alarms.until("ApiErrorsAlarm", "ALARM", lambda: watched.api.evaluation(evaluation))
    watched.strict.clear_faults()
    alarms.until("ApiErrorsAlarm", "OK", lambda: watched.api.evaluation(evaluation))


@pytest.mark.parametrize("function", ["Splitter", "Batch", "Aggregator", "Sweeper", "Api", "Notifier"])
def test_a_function_that_is_throttled_rings(watched: Harness, alarms: Alarms, function: str) -> None:
    functions = watched.stack.aws.client("lambda")
    name = watched.stack.outputs[f"{function}FunctionName"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def invoke() -> None:
        with pytest.raises(functions.exceptions.TooManyRequestsException):
            functions.invoke(FunctionName=name, Payload=b"{}")

    invoke()
    alarms.until(f"{function}ThrottlesAlarm", "ALARM", invoke)
    functions.delete_function_concurrency(FunctionName=name)
    alarms.until(f"{function}ThrottlesAlarm", "OK")


def test_functions_that_crash_ring(watched: Harness, alarms: Alarms) -> None:
    functions = ("Splitter", "Batch", "Aggregator", "Notifier")

    def invoke() -> None:
        for function in functions:
            _, error = watched.invoke(function.lower(), {})
            assert error, f"{function} began without a table"

    with ExitStack() as crashing:
        for function in functions:
            crashing.enter_context(watched.configured(function.lower(), TABLE_NAME=""))
        invoke()
        for function in functions:
            alarms.until(f"{function}ErrorsAlarm", "ALARM", invoke)
        alarms.until("UsersNoticeAlarm", "ALARM", invoke)
    for function in functions:
        alarms.until(f"{function}ErrorsAlarm", "OK")


def test_memory_that_runs_out_rings(watched: Harness, alarms: Alarms) -> None:
    dr = watched.dr(1, megapixels=4.0)
    watched.upload(dr)
    with watched.released("batch", MemorySize=_LITTLE_MEGABYTES):
        watched.evaluate(dr, force=True)
        alarms.until("MemoryAlarm", "ALARM")
    watched.evaluate(dr, force=True)
    alarms.until("MemoryAlarm", "OK")


@pytest.mark.parametrize("queue", ["Parked", "UploadsDeadLetter", "BatchesDeadLetter", "ResultsDeadLetter"])
def test_what_is_left_over_rings(watched: Harness, alarms: Alarms, queue: str) -> None:
    sqs, url = watched.stack.aws.client("sqs"), watched.stack.outputs[f"{queue}QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="no message of ours")
    alarms.until(f"{queue}Alarm", "ALARM")
    for left in (url, watched.stack.outputs["ParkedQueueUrl"]):
        sqs.purge_queue(QueueUrl=left)
    alarms.until(f"{queue}Alarm", "OK")


def test_what_an_operator_asks_is_read_back_from_cloudwatch(watched: Harness) -> None:
    dr = watched.dr(2)
    watched.upload(dr)
    watched.vlm.fault("status_429", dr, count=1)
    watched.evaluate(dr, force=True)
    watched.evaluate(dr)
    cloudwatch = watched.stack.aws.client("cloudwatch")
    found = figures.read(cloudwatch, deploy.STACK_NAME, 3600.0)
    cases = {row["metric"]: row["cases"] for kind in ("spans", "rates", "sums") for row in found[kind]}
    assert not [metric for metric, seen in cases.items() if not seen and metric not in _SELDOM]
    times = next(row for row in found["spans"] if row["metric"] == "EvaluationTime")["values"]
    assert 0 < times["p50"] <= times["p95"] <= times["p99"]
    rates = {row["metric"]: row["values"]["rate"] for row in found["rates"] if row["values"]}
    assert 0 < rates["CacheHit"] < 1
    assert 0 < rates["VlmFailed"] < 1
    printed = report.text(found)
    for said in ("evaluation", "cache hits", "tokens read", "SweeperAlarm"):
        assert said in printed
    missing = {row for row, (metric, divided, wanted) in ASKED.items() if not _measured(cloudwatch, metric, divided, wanted)}
    assert not missing


def _measured(cloudwatch: Any, metric: str, divided: dict[str, str], wanted: set[str]) -> bool:
    """Whether CloudWatch has these statistics of a metric, and something was counted."""
    percentiles = sorted(name for name in wanted if name.startswith("p"))
    points = cloudwatch.get_metric_statistics(
        Namespace=figures.NAMESPACE,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in {"Stack": deploy.STACK_NAME, **divided}.items()],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=86_400,
        Statistics=sorted({"SampleCount"} | (wanted - set(percentiles))),
        **({"ExtendedStatistics": percentiles} if percentiles else {}),
    )["Datapoints"]
    seen = [{**point, **point.get("ExtendedStatistics", {})} for point in points]
    return any(point["SampleCount"] and wanted <= point.keys() for point in seen)


def test_in_the_end_every_alarm_of_the_template_has_rung_and_ended(alarms: Alarms) -> None:
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    declared = {name for name, resource in template.load()["Resources"].items() if resource["Type"] in kinds}
    told = alarms.told()
    rung = {name for name, state in told if state == "ALARM"}
    ended = {name for at, (name, state) in enumerate(told) if state == "OK" and (name, "ALARM") in told[:at]}
    assert rung == set(alarms.states()) == declared
    assert ended == declared
