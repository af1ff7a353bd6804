"""A time's numbers in one table: how many, how right, how fast, what it cost; each says what opens its cases.

# Invariants
- What is counted and estimated is the API's word for it, of whole days; nothing is worked out here but prices.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .api import Api
from .errors import StackError

_MILLION = 1e6
#: Dollars for an evaluation of 16 photos in full mode, and a month of the stack itself: tests/bench/README.md.
_AWS_EACH, _AWS_A_MONTH = 0.0011, 2.50
_MONTH_S = 30 * 86_400.0


@dataclass(frozen=True)
class Row:
    """A number."""

    what: str
    number: str
    #: A request or a command that shows what it is of.
    opens: str


def read(api: Api, since_s: float, found: dict[str, Any], prices: tuple[float, float] | None) -> list[Row]:
    """The numbers of the days since so many seconds ago; `found` is what CloudWatch says of them (`figures.read`).

    The prices are dollars for a million tokens, read and written.
    """
    day = datetime.fromtimestamp(time.time() - since_s, UTC).strftime("%Y-%m-%dT00:00:00Z")
    in_days = found["in_days"]
    counts = _get(api, f"/evaluations?from={day}&limit=1")["counts"]
    return [
        *_how_many(counts, day),
        *_how_right(_get(api, f"/accuracy?from={day}"), day),
        *_how_fast(found, day),
        *_what_it_cost(in_days["sums"], counts["evaluations"], in_days["since_s"], prices),
    ]


def _get(api: Api, path: str) -> dict[str, Any]:
    answer = api.request("GET", path)
    if answer.status == 200:
        return dict(answer.body)
    if answer.status in (401, 403):
        raise StackError(
            f"GET {path} is refused ({answer.status}: {answer.body}).",
            "It takes an operator: sign as one, or put an operator's token into API_TOKEN.",
        )
    raise StackError(f"GET {path} says {answer.status}: {answer.body}.", "Try again, or ask for a shorter time.")


def _how_many(counts: dict[str, Any], day: str) -> list[Row]:
    names = (
        ("evaluations", "evaluations", ""),
        ("… that pass", "pass", "verdict=pass&"),
        ("… that fail", "fail", "verdict=fail&"),
        ("… that are incomplete", "incomplete", "verdict=incomplete&"),
        ("… without a verdict yet", "unfinished", "verdict=unfinished&"),
        ("… with flags", "flagged", "flagged=true&"),
        ("… that people reviewed", "reviewed", "reviewed=true&"),
        ("… that chance drew for review", "sampled", "sampled=true&"),
    )
    return [Row(what, f"{counts[name]:,}", f"GET /evaluations?{query}from={day}") for what, name, query in names]


def _how_right(accuracy: dict[str, Any], day: str) -> list[Row]:
    asked = f"GET /accuracy?from={day}"
    verdicts = [group for group in accuracy["groups"] if group["about"] == "verdict"]
    steps = [group for group in accuracy["groups"] if group["about"] == "steps"]
    corrected, readings = (sum(group[name] for group in steps) for name in ("readings_corrected", "readings"))
    rows = [Row("verdicts on which people agree", "not known: nobody decided", asked)]
    if verdicts:
        (whole,) = verdicts
        rows = [
            Row("verdicts on which people agree", _share(whole["agreement"], whole["cases"]), asked),
            Row("passes that people would not let pass", _share(whole["falsely_passed"], whole["cases"]), asked),
            Row("… false passes among those decided", f"{whole['false_passes']:,}", _first(whole, "false_passes", asked)),
            Row("… false fails among those decided", f"{whole['false_fails']:,}", _first(whole, "false_fails", asked)),
        ]
    rows += [
        Row(
            f"{group['key']}: false passes, false fails",
            f"{group['false_passes']}, {group['false_fails']} of {group['cases']} decided",
            asked,
        )
        for group in steps
        if group["false_passes"] or group["false_fails"]
    ]
    return [*rows, Row("readings that people corrected", f"{corrected:,} of {readings:,}", asked)]


def _share(estimate: dict[str, float] | None, cases: int) -> str:
    if estimate is None:
        return f"not known: nothing that was decided ({cases}) stands for the rest"
    share, low, high = (100 * estimate[name] for name in ("share", "low", "high"))
    return f"{share:.1f} % ({low:.1f}–{high:.1f}; {cases} decided)"


def _first(group: dict[str, Any], name: str, asked: str) -> str:
    """The first of the evaluations behind a number, which lists the others."""
    named = group["evaluations"][name]
    return f"GET /evaluations/{named[0]}" if len(named) == 1 else asked


def _how_fast(found: dict[str, Any], day: str) -> list[Row]:
    (span,) = [row for row in found["spans"] if row["metric"] == "EvaluationTime"]
    opens = f"GET /evaluations?from={day}"
    when = "on the worst day " if found["of_worst_day"] else ""
    names = ((f"{when}half of the evaluations take up to", "p50"), (f"{when}19 of 20 take up to", "p95"))
    values = span["values"]
    return [Row(what, f"{values[name]:.1f} s" if name in values else "not known", opens) for what, name in names]


def _what_it_cost(
    sums: dict[str, float], evaluations: int, since_s: float, prices: tuple[float, float] | None
) -> list[Row]:
    read, written = sums["PromptTokens"], sums["CompletionTokens"]
    opens = "the dashboard of the stack's name, \"Tokens\""
    rows = [Row("tokens that the VLM read, and wrote", f"{read:,.0f}, {written:,.0f}", opens)]
    if prices:
        dollars = read / _MILLION * prices[0] + written / _MILLION * prices[1]
        each = f", ${dollars / evaluations:.4f} an evaluation" if evaluations else ""
        rows.append(Row("the VLM's tokens cost", f"${dollars:.2f}{each}", opens))
    aws = evaluations * _AWS_EACH + since_s / _MONTH_S * _AWS_A_MONTH
    bill = "tests/bench/README.md, \"What a DR costs\"; the bill: aws ce get-cost-and-usage"
    return [*rows, Row("AWS costs, by estimate", f"${aws:.2f}", bill)]
