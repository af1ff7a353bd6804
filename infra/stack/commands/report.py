"""`infra/local report`: how a stack does."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from .. import deploy, figures, local_stack, target, week
from ..errors import StackError
from ..report import table


def run(arguments: argparse.Namespace) -> int:
    """Prints the figures, first those of evaluations; gives 1 if an alarm is on."""
    try:
        cloudwatch, stack = _source(arguments)
        found = figures.read(cloudwatch, stack, arguments.since)
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"CloudWatch can't be read: {error}.", "Check AWS_PROFILE and AWS_REGION."
        ) from None
    rows, why_not = _of_evaluations(arguments, found)
    if arguments.json:
        print(json.dumps({**found, "numbers": [asdict(row) for row in rows], "numbers_left_out_because": why_not}))
    else:
        print("\n".join((_numbers(rows) if rows else [f"How many and how right is left out: {why_not}", ""])))
        print(text(found))
    return int(any(alarm["state"] == "ALARM" for alarm in found["alarms"]))


def _of_evaluations(arguments: argparse.Namespace, found: dict[str, Any]) -> tuple[list[week.Row], str | None]:
    """How many, how right, how fast, at what price; or why that is not known."""
    try:
        stack = target.of(arguments)
        return week.read(stack.api, arguments.since, found, arguments.vlm_prices), None
    except (StackError, HTTPError) as error:
        return [], str(error)


def _numbers(rows: list[week.Row]) -> list[str]:
    shown = [(row.what, row.number, row.opens) for row in rows]
    return [*table(("evaluations", "", "opened by"), shown), ""]


def _source(arguments: argparse.Namespace) -> tuple[Any, str]:
    if arguments.stack_name:
        return boto3.client("cloudwatch"), arguments.stack_name
    stack = local_stack.kept(arguments.name)
    return stack.aws.client("cloudwatch"), deploy.STACK_NAME


def text(found: dict[str, Any]) -> str:
    """The figures as tables."""
    since = _since(found["since_s"])
    lines = [f"{found['stack']}, the last {since}"]
    names = ("mean", "p50", "p95", "p99")
    spans = [
        (row["what"], *(_number(row["values"].get(name)) for name in names), *_cases(row))
        for row in found["spans"]
    ]
    heads = ("s", "mean", "P50", "P95", "P99", "cases", since)
    lines += ["", *table(heads, spans)]
    if found["of_worst_day"]:
        lines.append("The percentiles are those of the worst day (UTC).")
    rates = [(row["what"], _percent(row["values"].get("rate")), *_cases(row)) for row in found["rates"]]
    lines += ["", *table(("rate", "%", "cases", since), rates)]
    sums = [(row["what"], f"{row['values']['sum']:,.0f}", figures.sparkline(row["course"])) for row in found["sums"]]
    sums += [
        (row["what"], _number(row["values"].get("last")), figures.sparkline(row["course"]))
        for row in found["latest"]
    ]
    lines += ["", *table(("sum, or what there is now", "", since), sums)]
    alarms = [(alarm["alarm"], alarm["state"], alarm["reason"]) for alarm in found["alarms"]]
    lines += ["", *table(("alarm", "state", "reason"), sorted(alarms, key=_urgency))]
    return "\n".join(lines)


def _urgency(row: tuple[str, str, str]) -> tuple[int, str]:
    return ("ALARM", "INSUFFICIENT_DATA", "OK").index(row[1]), row[0]


def _cases(row: dict[str, Any]) -> tuple[str, str]:
    return f"{row['cases']:,}", figures.sparkline(row["course"])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f}"


def _since(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:g} h" if hours >= 1 else f"{seconds / 60:g} min"
