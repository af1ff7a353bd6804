"""In which state an alarm is, as AWS says it: by the periods that are complete, and by what is missing.

(docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html.) The emulator takes all values of a name,
whatever their dimensions and periods, and knows nothing of missing data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Alarm = dict[str, Any]

_MINUTE_S = 60.0
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
    period = alarm.get("Period", _MINUTE_S) * minute_s / _MINUTE_S
    count = alarm.get("EvaluationPeriods", 1)
    needed = alarm.get("DatapointsToAlarm") or count
    end = math.floor(now / period)
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
