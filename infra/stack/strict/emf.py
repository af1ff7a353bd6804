"""Reads metrics off a function's log, as CloudWatch does: lines in the embedded metric format.

AWS's rules (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html):
a line that breaks one of them is a line of the log and no metric, without a word to anybody. So what would be lost on AWS
is lost here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MOST_METRICS = 100
_MOST_DIMENSIONS = 30
_MOST_VALUES = 100


@dataclass(frozen=True)
class Point:
    """A value of a metric with one set of dimensions."""

    namespace: str
    name: str
    unit: str
    value: float
    dimensions: tuple[tuple[str, str], ...]


def points(log: str) -> Iterator[Point]:
    """All that a log holds. JSON logs may stand behind the time that Lambda puts before a line."""
    for line in log.splitlines():
        start = line.find("{")
        if start < 0 or '"_aws"' not in line:
            continue
        try:
            yield from _of_line(json.loads(line[start:]))
        except (KeyError, TypeError, ValueError):
            continue


def _of_line(line: dict[str, Any]) -> list[Point]:
    if not isinstance(line["_aws"]["Timestamp"], int):
        raise ValueError("no time")
    found = []
    for directive in line["_aws"]["CloudWatchMetrics"]:
        declared = directive["Metrics"]
        if len(declared) > _MOST_METRICS:
            raise ValueError("too many metrics")
        for names in directive["Dimensions"]:
            if len(names) > _MOST_DIMENSIONS:
                raise ValueError("too many dimensions")
            dimensions = tuple((name, _text(line[name])) for name in names)
            for metric in declared:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    found.append(_point(directive["Namespace"], metric, value, dimensions))
                if isinstance(values, list) and len(values) > _MOST_VALUES:
                    raise ValueError("too many values")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a dimension's value is a text")
    return value


def _point(
    namespace: str, metric: dict[str, str], value: Any, dimensions: tuple[tuple[str, str], ...]
) -> Point:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a metric's value is a number")
    return Point(namespace, metric["Name"], metric.get("Unit", "None"), float(value), dimensions)
