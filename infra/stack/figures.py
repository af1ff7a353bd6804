"""What a stack's CloudWatch says of a time: percentiles, rates, sums, the VLM, the alarms.

The names of the metrics are those of `infra/OPERATING.md`; a test compares them. A metric of 0 and 1 is a rate: its mean.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

NAMESPACE = "FibreEvaluation"
#: CloudWatch makes no longer period.
_DAY_S = 86_400
_PARTS = 24
_BARS = "▁▂▃▄▅▆▇█"

#: Name, what it is called, and the divisor to what is shown.
SPANS = (
    ("EvaluationTime", "evaluation", 1000),
    ("WaitedEvaluationTime", "evaluation that waited for the VLM", 1000),
    ("BatchTime", "batch", 1000),
    ("ApiTime", "API", 1000),
    ("TellTime", "telling of a verdict", 1000),
    ("QueueWait", "a photo's wait in the queue", 1000),
    ("FetchTime", "fetch", 1000),
    ("CompressTime", "compress", 1000),
    ("FirstTokenTime", "first token", 1000),
    ("VlmTime", "VLM's answer", 1000),
    ("MemoryUsed", "memory (%)", 1),
    ("CpuUsed", "CPU (%)", 1),
)
RATES = (
    ("PhotoFailed", "photos without an answer"),
    ("EvaluationIncomplete", "incomplete verdicts"),
    ("EvaluationFlagged", "verdicts with flags"),
    ("VlmFailed", "failed requests to the VLM"),
    ("ApiFailed", "failed requests to the API"),
    ("CacheHit", "cache hits"),
    ("ColdStart", "cold starts"),
    ("BreakerOpen", "minutes without the VLM"),
)
SUMS = (
    ("PhotoDeferred", "photos put off (retries)"),
    ("PhotosResent", "photos lost and sent again"),
    ("PhotosReused", "photos answered from before"),
    ("PromptTokens", "tokens read"),
    ("CompletionTokens", "tokens written"),
    ("TokensSaved", "tokens saved"),
)
LATEST = (
    ("PhotosPending", "photos pending"),
    ("UnfinishedEvaluations", "unfinished evaluations"),
    ("OldestUnfinished", "the oldest of them that does not wait for the VLM (s)"),
    ("Agreement", "verdicts on which people agree (%)"),
    ("FalsePasses", "passes that people would not let pass (%)"),
)


@dataclass(frozen=True)
class Figure:
    """A metric over a time; None where nothing was measured."""

    metric: str
    what: str
    cases: int
    values: dict[str, float]
    #: Its course: a mean (of sums: the sum) for each part of the time, the last one last.
    course: list[float | None]


def read(cloudwatch: Any, stack: str, since_s: float) -> dict[str, Any]:
    """All figures of a stack since so many seconds ago."""
    source = _Source(cloudwatch, stack, time.time(), since_s)
    return {
        "stack": stack,
        "since_s": since_s,
        "spans": [asdict(source.span(*row)) for row in SPANS],
        "rates": [asdict(source.rate(*row)) for row in RATES],
        "sums": [asdict(source.total(*row)) for row in SUMS],
        "latest": [asdict(source.latest(*row)) for row in LATEST],
        "alarms": _alarms(cloudwatch, stack),
    }


class _Source:
    def __init__(self, cloudwatch: Any, stack: str, now: float, since_s: float) -> None:
        self._cloudwatch = cloudwatch
        self._dimensions = [{"Name": "Stack", "Value": stack}]
        self._end, self._since_s = now, since_s

    def span(self, metric: str, what: str, divisor: int) -> Figure:
        """Mean and percentiles. Of several days the percentiles are those of the worst."""
        points = self._points(metric, _whole(self._end, self._since_s), ["SampleCount", "Sum"], ["p50", "p95", "p99"])
        cases = sum(point["SampleCount"] for point in points)
        values = {}
        if cases:
            values["mean"] = sum(point["Sum"] for point in points) / cases / divisor
            for name in ("p50", "p95", "p99"):
                values[name] = max(point["ExtendedStatistics"][name] for point in points) / divisor
        return Figure(metric, what, int(cases), values, self._course(metric, "Average", divisor))

    def rate(self, metric: str, what: str) -> Figure:
        """The mean of zeros and ones."""
        cases, total = self._total(metric)
        values = {"rate": total / cases} if cases else {}
        return Figure(metric, what, int(cases), values, self._course(metric, "Average", 1))

    def total(self, metric: str, what: str) -> Figure:
        """The sum."""
        cases, total = self._total(metric)
        return Figure(metric, what, int(cases), {"sum": total}, self._course(metric, "Sum", 1))

    def latest(self, metric: str, what: str) -> Figure:
        """The last value of what is measured each minute."""
        course = self._course(metric, "Maximum", 1)
        known = [value for value in course if value is not None]
        return Figure(metric, what, len(known), {"last": known[-1]} if known else {}, course)

    def _total(self, metric: str) -> tuple[float, float]:
        points = self._points(metric, _whole(self._end, self._since_s), ["SampleCount", "Sum"])
        return sum(point["SampleCount"] for point in points), sum(point["Sum"] for point in points)

    def _course(self, metric: str, statistic: str, divisor: int) -> list[float | None]:
        period = max(60, round(self._since_s / _PARTS / 60) * 60)
        course: list[float | None] = [None] * _PARTS
        for point in self._points(metric, period, [statistic]):
            ago = (self._end - point["Timestamp"].timestamp()) // period
            if 0 <= ago < _PARTS:
                course[_PARTS - 1 - int(ago)] = point[statistic] / divisor
        return course

    def _points(
        self, metric: str, period: int, statistics: list[str], extended: list[str] | None = None
    ) -> list[dict[str, Any]]:
        begin = self._end - self._since_s
        more = {"ExtendedStatistics": extended} if extended else {}
        found = self._cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=self._dimensions,
            StartTime=begin,
            EndTime=self._end,
            Period=period,
            Statistics=statistics,
            **more,
        )
        return sorted(found["Datapoints"], key=lambda point: point["Timestamp"])


def _whole(end: float, since_s: float) -> int:
    """A period of which one holds all of the time, if it is no longer than a day: the periods begin where they begin."""
    begin = end - since_s
    least = min(_DAY_S, (int(since_s) // 60 + 1) * 60)
    whole = (period for period in range(least, _DAY_S + 1, 60) if begin // period == end // period)
    return next(whole, _DAY_S)


def _alarms(cloudwatch: Any, stack: str) -> list[dict[str, str]]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{stack}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms = [alarm for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for alarm in page.get(kind, [])]
    return [
        {
            "alarm": alarm["AlarmName"].removeprefix(f"{stack}-"),
            "state": alarm["StateValue"],
            "reason": alarm.get("StateReason", ""),
        }
        for alarm in alarms
    ]


def sparkline(course: list[float | None]) -> str:
    """A course as a line of bars; a blank where nothing was measured."""
    known = [value for value in course if value is not None]
    most = max(known, default=0)
    if most <= 0:
        return "".join(" " if value is None else _BARS[0] for value in course)
    top = len(_BARS) - 1
    return "".join(" " if value is None else _BARS[round(max(0.0, value) / most * top)] for value in course)
