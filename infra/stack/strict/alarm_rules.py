"""In which state an alarm is, as AWS says it: by the periods that are complete, and by what is missing.

(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html.) The emulator takes all values of a name,
whatever their dimensions and periods, and knows nothing of missing data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Alarm = dict[str, Any]

_MINUTE_S = 60.0
#: After a longer pause, such as a machine asleep, only the last ones are judged.
_MOST_PERIODS = 100
_IS_BREACHED = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


@dataclass(frozen=True)
class State:
    """What an alarm is in, and why."""

    value: str
    reason: str


def state(alarm: Alarm, points: list[tuple[float, float]], now: float, minute_s: float = _MINUTE_S) -> State | None:
    """The state by `points` (time, value) at `now`; None: as it is. A minute of the alarm takes `minute_s` seconds."""
    period = _period(alarm, minute_s)
    return _at(alarm, points, math.floor(now / period), period)


def states(
    alarm: Alarm, points: list[tuple[float, float]], since: float, now: float, minute_s: float = _MINUTE_S
) -> Iterator[State]:
    """The states by each period that ended after `since`, and at `now`: what lies in one of them alone is seen, too."""
    period = _period(alarm, minute_s)
    last = math.floor(now / period)
    first = min(last, max(math.floor(since / period) + 1, last - _MOST_PERIODS))
    oldest = (first - alarm.get("EvaluationPeriods", 1)) * period
    recent = [point for point in points if point[0] >= oldest]
    for end in range(first, last + 1):
        became = _at(alarm, recent, end, period)
        if became:
            yield became


def _period(alarm: Alarm, minute_s: float) -> float:
    return float(alarm.get("Period", _MINUTE_S) * minute_s / _MINUTE_S)


def _at(alarm: Alarm, points: list[tuple[float, float]], end: int, period: float) -> State | None:
    """The state by the periods before the one of this number."""
    count = alarm.get("EvaluationPeriods", 1)
    needed = alarm.get("DatapointsToAlarm") or count
    values = [_of_period(alarm, points, number, period) for number in range(end - count, end)]
    missing = alarm.get("TreatMissingData") or "missing"
    breaching = sum(value is not None and _breaches(alarm, value) for value in values)
    absent = sum(value is None for value in values)
    if missing == "breaching":
        breaching += absent
    elif missing == "ignore" and absent:
        return None
    elif missing == "missing" and absent == count:
        return State("INSUFFICIENT_DATA", "no values")
    seen = ", ".join("missing" if value is None else f"{value:g}" for value in values)
    reason = f"{breaching} of {count} values breach {_threshold(alarm):g}: {seen}"
    return State("ALARM" if breaching >= needed else "OK", reason)


def _breaches(alarm: Alarm, value: float) -> bool:
    return bool(_IS_BREACHED[alarm["ComparisonOperator"]](value, _threshold(alarm)))


def _threshold(alarm: Alarm) -> float:
    """The emulator's CloudFormation leaves a parameter's value as text."""
    return float(alarm.get("Threshold") or 0)


def _of_period(alarm: Alarm, points: list[tuple[float, float]], number: int, period: float) -> float | None:
    values = sorted(value for at, value in points if number * period <= at < (number + 1) * period)
    if not values:
        return None
    return statistic(alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average"), values)


def statistic(name: str, values: list[float]) -> float:
    """A statistic of sorted values, of which there is at least one."""
    if name.startswith("p"):
        rank = float(name[1:]) / 100 * (len(values) - 1)
        low, high = values[math.floor(rank)], values[math.ceil(rank)]
        return low + (high - low) * (rank - math.floor(rank))
    total = math.fsum(values)
    of = {
        "SampleCount": float(len(values)),
        "Sum": total,
        "Average": total / len(values),
        "Minimum": values[0],
        "Maximum": values[-1],
    }
    return of[name]
