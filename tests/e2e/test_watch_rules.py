"""Metrics from logs and alarms by AWS's rules, as values; and how a report reads them."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asked import ASKED

from stack import figures, template
from stack.cli import _span
from stack.strict import alarm_rules, emf

_DAY_S = 86_400
_REPO = Path(__file__).resolve().parents[2]


def _line(**changed: Any) -> str:
    directive = {
        "Namespace": "N",
        "Dimensions": [["Stack"], ["Stack", "Mode"]],
        "Metrics": [{"Name": "Time", "Unit": "Milliseconds"}],
    }
    line = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "Stack": "s", "Mode": "full", "Time": 7}
    return json.dumps({**line, **changed})


def test_a_line_is_a_value_for_each_set_of_dimensions() -> None:
    found = list(emf.points(f"START\n2026-11-26T08:00:00Z {_line(Time=[7, 8.5])}\nEND {{}}"))
    whole, divided = (("Stack", "s"),), (("Stack", "s"), ("Mode", "full"))
    assert [(point.value, point.dimensions) for point in found] == [
        (7.0, whole),
        (8.5, whole),
        (7.0, divided),
        (8.5, divided),
    ]
    assert {(point.namespace, point.name, point.unit) for point in found} == {("N", "Time", "Milliseconds")}


@pytest.mark.parametrize(
    "wrong",
    [{"Time": "7"}, {"Time": True}, {"Mode": 3}, {"Mode": ""}, {"Stack": None}, {"_aws": {"Timestamp": "now"}}],
)
def test_a_line_that_cloudwatch_passes_over_is_no_metric(wrong: dict[str, Any]) -> None:
    assert list(emf.points(_line(**wrong))) == []


def test_a_line_with_more_than_cloudwatch_takes_is_no_metric_at_all() -> None:
    def line(metrics: int, values: int) -> str:
        declared = [{"Name": f"M{number}"} for number in range(metrics)]
        directive = {"Namespace": "N", "Dimensions": [["Stack"]], "Metrics": declared}
        named = {metric["Name"]: [1] * values for metric in declared}
        return _line(_aws={"Timestamp": 1, "CloudWatchMetrics": [directive]}, **named)

    assert len(list(emf.points(line(100, 100)))) == 10_000
    assert list(emf.points(line(101, 1))) == []
    assert list(emf.points(line(1, 101))) == []


def _alarm(**changed: Any) -> dict[str, Any]:
    alarm = {
        "Period": 60,
        "EvaluationPeriods": 3,
        "Statistic": "Average",
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return {**alarm, **changed}


def _state(alarm: dict[str, Any], *points: tuple[float, float], now: float = 600.0) -> str | None:
    became = alarm_rules.state(alarm, list(points), now)
    return became.value if became else None


def test_an_alarm_looks_at_complete_periods_only_and_at_as_many_as_it_says() -> None:
    breaching = [(430.0, 9.0), (490.0, 9.0), (550.0, 9.0)]
    assert _state(_alarm(), *breaching) == "ALARM"
    assert _state(_alarm(), *breaching[1:]) == "OK"
    assert _state(_alarm(DatapointsToAlarm=2), *breaching[1:]) == "ALARM"
    assert _state(_alarm(EvaluationPeriods=1), (601.0, 9.0), now=630.0) == "OK", "that minute is not over"
    assert _state(_alarm(), *((at - 60, value) for at, value in breaching)) == "OK", "too old"


def test_a_statistic_is_that_of_each_period() -> None:
    points = [(550.0, 1.0), (551.0, 9.0), (552.0, 5.0)]
    one = {"EvaluationPeriods": 1}
    assert _state(_alarm(**one), *points) == "OK"
    assert _state(_alarm(**one, Statistic="Maximum"), *points) == "ALARM"
    assert _state(_alarm(**one, Statistic="Sum"), *points) == "ALARM"
    assert _state(_alarm(**one, Statistic="SampleCount"), *points) == "OK"
    assert _state(_alarm(**one, Statistic=None, ExtendedStatistic="p95"), *points) == "ALARM"
    assert alarm_rules.statistic("p50", [1.0, 2.0, 4.0, 9.0]) == 3.0


def test_what_is_missing_counts_as_the_alarm_says() -> None:
    silent = _alarm(ComparisonOperator="LessThanThreshold", Threshold=1, Statistic="Sum", TreatMissingData="breaching")
    assert _state(silent) == "ALARM"
    assert _state(silent, (550.0, 1.0)) == "OK"
    assert _state(_alarm(TreatMissingData="missing")) == "INSUFFICIENT_DATA"
    assert _state(_alarm(TreatMissingData="ignore"), (550.0, 9.0)) is None
    assert _state(_alarm()) == "OK"


def test_a_threshold_may_be_text_and_a_minute_may_be_short() -> None:
    alarm = _alarm(EvaluationPeriods=1, Threshold="5")
    assert alarm_rules.state(alarm, [(9.5, 9.0)], 10.2, minute_s=1.0) == alarm_rules.State(
        "ALARM", "1 of 1 values breach 5: 9"
    )


def test_after_a_pause_each_period_that_ended_meanwhile_is_judged() -> None:
    alarm, points = _alarm(EvaluationPeriods=1), [(550.0, 9.0)]

    def became(since: float, now: float) -> list[str]:
        return [one.value for one in alarm_rules.states(alarm, points, since, now)]

    assert became(545.0, 730.0) == ["ALARM", "OK", "OK"]
    assert became(545.0, 545.0) == ["OK"], "that minute is not over"
    assert became(601.0, 610.0) == ["ALARM"], "within a minute the one before is judged again"
    assert became(0.0, 1_000_000.0) == ["OK"] * 101, "a day later nobody is told of it"


def test_every_alarm_has_its_paragraph_and_every_metric_its_line() -> None:
    document = (_REPO / "infra" / "OPERATING.md").read_text()
    resources = template.load()["Resources"]
    alarms = {name: each for name, each in resources.items() if each["Type"].startswith("AWS::CloudWatch::") and "Alarm" in each["Type"]}
    for name, alarm in alarms.items():
        paragraph = re.search(r'See "([^"]+)" in infra/OPERATING.md', alarm["Properties"]["AlarmDescription"])
        assert paragraph, f"{name} names no paragraph"
        assert f"\n### {paragraph[1]}\n" in document, f"{name}: no paragraph {paragraph[1]}"
        assert {"AlarmActions", "OKActions"} <= alarm["Properties"].keys(), f"{name} does not tell of its end"
    named = {
        alarm["Properties"]["MetricName"]
        for alarm in alarms.values()
        if alarm["Properties"].get("Namespace") == figures.NAMESPACE
    }
    named |= {metric for metric, *_ in (*figures.SPANS, *figures.RATES, *figures.SUMS, *figures.LATEST, *figures.DAILY)}
    body = json.loads(re.sub(r"\$\{[^}]*\}", "x", resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]))
    shown = [metric for widget in body["widgets"] for metric in widget["properties"].get("metrics", [])]
    named |= {metric[1] for metric in shown if metric[0] == figures.NAMESPACE}
    unknown = {metric for metric in named if f"| `{metric}` |" not in document}
    assert not unknown


@pytest.mark.parametrize("row", ASKED)
def test_what_an_operator_asks_to_see_has_a_place_on_the_dashboard(row: str) -> None:
    metric, divided, statistics = ASKED[row]
    resources = template.load()["Resources"]
    body = json.loads(re.sub(r"\$\{[^}]*\}", "x", resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]))
    shown = [line for widget in body["widgets"] for line in widget["properties"].get("metrics", [])]
    dimensions = [part for pair in divided.items() for part in pair]
    of_it = [line[-1]["stat"] for line in shown if line[:-1] == [figures.NAMESPACE, metric, "Stack", "x", *dimensions]]
    assert statistics <= set(of_it)


class _CloudWatch:
    """Answers for one metric: a value of 0.5 s a minute, for ten minutes."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked["Period"])
        assert ("Statistics" in asked) != ("ExtendedStatistics" in asked), "CloudWatch takes no request for both"
        age = asked["EndTime"] - asked["StartTime"]
        assert asked["Period"] % (60 if age < 15 * _DAY_S else 300 if age < 63 * _DAY_S else 3600) == 0
        if asked["MetricName"] == "PhotosPending":
            return {"Datapoints": self._pending(asked)}
        if asked["MetricName"] not in ("EvaluationTime", "CacheHit"):
            return {"Datapoints": []}
        at = {"Timestamp": datetime.fromtimestamp(asked["EndTime"] - 30, UTC)}
        if "ExtendedStatistics" in asked:
            return {"Datapoints": [at | {"ExtendedStatistics": {"p50": 400.0, "p95": 900.0, "p99": 1000.0}}]}
        return {"Datapoints": [at | {"SampleCount": 10.0, "Sum": 5.0, "Average": 0.5}]}

    def _pending(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """300 photos half an hour ago, none since; each period has the most of it."""
        points: dict[float, float] = {}
        for minute in range(int(asked["StartTime"]), int(asked["EndTime"]), 60):
            begins = asked["StartTime"] + (minute - asked["StartTime"]) // asked["Period"] * asked["Period"]
            pending = 300.0 if minute < asked["EndTime"] - 1800 else 0.0
            points[begins] = max(points.get(begins, 0.0), pending)
        return [{"Timestamp": datetime.fromtimestamp(at, UTC), "Maximum": most} for at, most in points.items()]

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        names = ("s-SweeperAlarm-1B2C3", "s-staging-SweeperAlarm-4D5E6")
        alarms = [{"AlarmName": name, "StateValue": "OK"} for name in names]
        return [{"MetricAlarms": alarms, "CompositeAlarms": []}]


def test_a_report_reads_times_rates_and_alarms() -> None:
    found = figures.read(_CloudWatch(), "s", 3600.0)
    times = {row["metric"]: row["values"] for row in found["spans"]}
    assert times["EvaluationTime"] == {"mean": 0.0005, "p50": 0.4, "p95": 0.9, "p99": 1.0}
    assert times["VlmTime"] == {}
    assert next(row for row in found["rates"] if row["metric"] == "CacheHit")["values"] == {"rate": 0.5}
    assert found["alarms"] == [{"alarm": "SweeperAlarm-1B2C3", "state": "OK", "reason": ""}], "none of another stack"


def test_what_is_pending_now_is_not_what_was_most() -> None:
    for since in (1800.0, 7 * 86_400.0):
        found = figures.read(_CloudWatch(), "s", since)
        (pending,) = [row for row in found["latest"] if row["metric"] == "PhotosPending"]
        assert pending["values"] == {"last": 0.0}
    assert max(value or 0 for value in pending["course"]) == 300


def test_tokens_are_of_the_days_that_evaluations_are_counted_by() -> None:
    found = figures.read(_CloudWatch(), "s", 1800.0)
    begins = time.time() - found["in_days"]["since_s"]
    assert abs(begins % _DAY_S) < 60 or _DAY_S - begins % _DAY_S < 60
    assert found["in_days"]["since_s"] >= 1800 and set(found["in_days"]["sums"]) == {"PromptTokens", "CompletionTokens"}


def test_periods_are_such_as_cloudwatch_keeps() -> None:
    for hours in (1, 24, 359, 361, 401, 1511, 1513, 2208):
        figures.read(_CloudWatch(), "s", hours * 3600.0)


def test_one_period_holds_the_whole_time_if_one_can() -> None:
    for since in (60.0, 1800.0, 86_000.0):
        for end in (1_795_000_000.0, 1_795_003_599.0, 1_795_046_400.0):
            period = figures._whole(end, since)
            assert period % 60 == 0
            assert period >= since or period == 86_400
    assert figures._whole(1_795_046_400.0 + 1800, 1700.0) < 86_400


def test_a_sparkline_is_as_high_as_its_values() -> None:
    assert figures.sparkline([0.0, None, 4.0, 8.0]) == "▁ ▅█"
    assert figures.sparkline([None, 0.0]) == " ▁"


def test_spans_of_time_are_read() -> None:
    assert (_span("30m"), _span("24h"), _span("7d")) == (1800.0, 86_400.0, 604_800.0)
