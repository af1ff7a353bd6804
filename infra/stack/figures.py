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
#: What is measured each minute is "now" if it is no older.
_NOW_S = 600.0
#: CloudWatch keeps what is so old by such periods only, in seconds.
_STEPS = ((63 * _DAY_S, 3600), (15 * _DAY_S, 300), (0, 60))
_PERCENTILES = ("p50", "p95", "p99")
_BARS = "▁▂▃▄▅▆▇█"

#: Name, what it is called, and the divisor to what is shown.
SPANS = (
    ("EvaluationTime", "evaluation", 1000),
    ("BulkEvaluationTime", "evaluation that nobody asked for", 1000),
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
)
#: Worked out once a day.
DAILY = (
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
        "latest": [asdict(source.now(*row)) for row in LATEST] + [asdict(source.latest(*row)) for row in DAILY],
        "of_worst_day": since_s >= _DAY_S,
        "in_days": _in_days(cloudwatch, stack, since_s),
        "alarms": _alarms(cloudwatch, stack),
    }


def _in_days(cloudwatch: Any, stack: str, since_s: float) -> dict[str, Any]:
    """Tokens since the beginning of the first day (UTC): the API counts evaluations by whole days."""
    now = time.time()
    since_s = now - (now - since_s) // _DAY_S * _DAY_S
    source = _Source(cloudwatch, stack, now, since_s)
    return {"since_s": since_s, "sums": {name: source.sum(name) for name in ("PromptTokens", "CompletionTokens")}}


class _Source:
    def __init__(self, cloudwatch: Any, stack: str, now: float, since_s: float) -> None:
        self._cloudwatch = cloudwatch
        self._dimensions = [{"Name": "Stack", "Value": stack}]
        self._end, self._since_s = now, since_s

    def span(self, metric: str, what: str, divisor: int) -> Figure:
        """Mean and percentiles. Of several days the percentiles are those of the worst."""
        cases, total = self._total(metric)
        values = {}
        if cases:
            values["mean"] = total / cases / divisor
            points = self._points(metric, _whole(self._end, self._since_s), ExtendedStatistics=list(_PERCENTILES))
            for name in _PERCENTILES:
                known = (point["ExtendedStatistics"][name] for point in points)
                values[name] = max(known, default=0.0) / divisor
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

    def sum(self, metric: str) -> float:
        """The sum alone."""
        return self._total(metric)[1]

    def now(self, metric: str, what: str) -> Figure:
        """What is measured each minute, now; its course is the most of each part of the time."""
        points = self._points(metric, 60, within_s=min(_NOW_S, self._since_s), Statistics=["Maximum"])
        course = self._course(metric, "Maximum", 1)
        values = {"last": points[-1]["Maximum"]} if points else {}
        return Figure(metric, what, len([value for value in course if value is not None]), values, course)

    def latest(self, metric: str, what: str) -> Figure:
        """The last value of what is measured now and then."""
        course = self._course(metric, "Maximum", 1)
        known = [value for value in course if value is not None]
        return Figure(metric, what, len(known), {"last": known[-1]} if known else {}, course)

    def _total(self, metric: str) -> tuple[float, float]:
        points = self._points(metric, _whole(self._end, self._since_s), Statistics=["SampleCount", "Sum"])
        return sum(point["SampleCount"] for point in points), sum(point["Sum"] for point in points)

    def _course(self, metric: str, statistic: str, divisor: int) -> list[float | None]:
        step = next(step for age, step in _STEPS if self._since_s >= age)
        period = max(step, round(self._since_s / _PARTS / step) * step)
        course: list[float | None] = [None] * _PARTS
        for point in self._points(metric, period, Statistics=[statistic]):
            ago = (self._end - point["Timestamp"].timestamp()) // period
            if 0 <= ago < _PARTS:
                course[_PARTS - 1 - int(ago)] = point[statistic] / divisor
        return course

    def _points(
        self, metric: str, period: int, *, within_s: float | None = None, **statistics: list[str]
    ) -> list[dict[str, Any]]:
        """Either `Statistics` or `ExtendedStatistics`: CloudWatch takes no request for both."""
        begin = self._end - (within_s or self._since_s)
        found = self._cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=self._dimensions,
            StartTime=begin,
            EndTime=self._end,
            Period=period,
            **statistics,
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
    named = [(alarm["AlarmName"].removeprefix(f"{stack}-"), alarm) for alarm in alarms]
    # CloudFormation puts its suffix behind the alarm's name: what has more dashes is of a stack whose name begins alike.
    return [
        {"alarm": name, "state": alarm["StateValue"], "reason": alarm.get("StateReason", "")}
        for name, alarm in named
        if name.count("-") <= 1
    ]


def sparkline(course: list[float | None]) -> str:
    """A course as a line of bars; a blank where nothing was measured."""
    known = [value for value in course if value is not None]
    most = max(known, default=0)
    if most <= 0:
        return "".join(" " if value is None else _BARS[0] for value in course)
    top = len(_BARS) - 1
    return "".join(" " if value is None else _BARS[round(max(0.0, value) / most * top)] for value in course)
