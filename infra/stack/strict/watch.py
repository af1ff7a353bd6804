"""CloudWatch as AWS has it, within the emulator: metrics from the functions' logs and of the queues and the API, alarms
that look at their own dimensions and periods.

ministack keeps what it is told and answers questions about it; what it does not do is done here, on its own store.
"""

from __future__ import annotations

import contextvars
import threading
import time
from typing import Any

from . import alarm_rules, emf
from .meter import Invocation

#: How often queues are looked at and alarms judged, in parts of an alarm's minute.
_TICKS_A_MINUTE = 4
_LONGEST_TICK_S = 5.0


class Watch:
    """What is measured, and how long an alarm's minute takes: tests can't wait for a real one."""

    def __init__(self) -> None:
        self.minute_s = 60.0
        #: When each alarm was judged last: a busy machine may take longer from tick to tick than a period lasts.
        self._judged_at: dict[str, float] = {}
        self._within: contextvars.Context | None = None

    def install(self) -> None:
        """Has ministack's alarms judged as AWS judges them, now and then."""
        from ministack.services import cloudwatch

        cloudwatch._evaluate_alarm = self._judge
        threading.Thread(target=self._tick_on, daemon=True, name="strict-watch").start()

    def invoked(self, invocation: Invocation, log: str) -> None:
        """An invocation ended: metrics stand in its log, it may have failed, and a queue was received from."""
        # Alarms and metrics belong to an account and a region, which the thread of an invocation knows.
        self._within = self._within or contextvars.copy_context()
        for point in emf.points(log):
            _record(point.namespace, point.name, point.value, point.unit, dict(point.dimensions))
        of = {"FunctionName": invocation.function}
        _record("AWS/Lambda", "Errors", float(invocation.failed), "Count", of)
        if invocation.records:
            of = {"QueueName": invocation.source}
            _record("AWS/SQS", "NumberOfMessagesReceived", invocation.records, "Count", of)

    def answered(self, api: str, status: int, took_ms: float) -> None:
        """The API answered a request."""
        if self._within:
            self._within.copy().run(_record_answer, {"ApiId": api}, status, took_ms)

    def _tick_on(self) -> None:
        while True:
            time.sleep(min(_LONGEST_TICK_S, self.minute_s / _TICKS_A_MINUTE))
            if self._within:
                self._within.copy().run(self._tick)

    def _tick(self) -> None:
        from ministack.services import cloudwatch

        _look_at_queues()
        cloudwatch._evaluate_all_alarms()

    def _judge(self, alarm: dict[str, Any]) -> None:
        from ministack.services import cloudwatch

        name, namespace = alarm.get("MetricName"), alarm.get("Namespace")
        if not name or not namespace:
            return
        dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
        kept = cloudwatch._metrics.get((namespace, name, cloudwatch._dims_key(dimensions))) or []
        points = [(point["Timestamp"], float(point["Value"])) for point in list(kept)]
        now = time.time()
        since = self._judged_at.get(alarm["AlarmArn"], now)
        self._judged_at[alarm["AlarmArn"]] = now
        for became in alarm_rules.states(alarm, points, since, now, self.minute_s):
            self._become(alarm, became)

    def _become(self, alarm: dict[str, Any], became: alarm_rules.State) -> None:
        from ministack.services import cloudwatch

        old = alarm["StateValue"]
        if became.value == old:
            return
        alarm["StateValue"], alarm["StateReason"] = became.value, became.reason
        alarm["StateUpdatedTimestamp"] = int(time.time())
        cloudwatch._record_history(alarm["AlarmName"], old, became.value, became.reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, became.value, became.reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def read_late(function: str, age_ms: float) -> None:
    """How old a stream's last record was when a function got it."""
    _record("AWS/Lambda", "IteratorAge", age_ms, "Milliseconds", {"FunctionName": function})


def _record(namespace: str, name: str, value: float, unit: str, dimensions: dict[str, str]) -> None:
    from ministack.services import cloudwatch

    cloudwatch.record_metric(namespace, name, value, unit, dimensions)


def _record_answer(of: dict[str, str], status: int, took_ms: float) -> None:
    _record("AWS/ApiGateway", "Count", 1, "Count", of)
    _record("AWS/ApiGateway", "Latency", took_ms, "Milliseconds", of)
    _record("AWS/ApiGateway", "4xx", float(400 <= status < 500), "Count", of)
    _record("AWS/ApiGateway", "5xx", float(status >= 500), "Count", of)


def _look_at_queues() -> None:
    from ministack.services import sqs

    now = time.time()
    for queue in list(sqs._queues.values()):
        messages = list(queue["messages"])
        visible = [message for message in messages if message["visible_at"] <= now]
        of = {"QueueName": queue["name"]}
        _record("AWS/SQS", "ApproximateNumberOfMessagesVisible", len(visible), "Count", of)
        # Also of those that are in flight or delayed: the age counts from sending, as on AWS.
        oldest = min((message["sent_at"] for message in messages), default=now)
        _record("AWS/SQS", "ApproximateAgeOfOldestMessage", max(0.0, now - oldest), "Seconds", of)
