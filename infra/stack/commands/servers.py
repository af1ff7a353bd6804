"""`infra/local servers`: the client against real servers, each installed and started here."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .. import build, report, vlm_check
from ..say import say
from ..servers import kinds, trial
from ..servers.trial import Trial

#: The exit code if a test failed. A server that is skipped fails nothing.
FAILED = 1


def run(arguments: argparse.Namespace) -> int:
    """Tries one after another, so that they don't slow each other."""
    wanted = [kinds.of(name) for name in arguments.only or [kind.name for kind in kinds.KINDS]]
    build.only(build.VLM_CHECK, "simulated-vlm")
    trials = []
    for kind in wanted:
        say(f"── {kind.name} ({kind.version})")
        one = trial.try_out(kind)
        _tell(one)
        trials.append(one)
    print(json.dumps([_as_json(one) for one in trials], indent=2) if arguments.json else _text(trials), flush=True)
    return FAILED if any(not passed for one in trials for passed in one.tests.values()) else 0


def _tell(one: Trial) -> None:
    if one.found:
        vlm_check.show(one.found)
    if one.reason:
        say(f"skipped: {one.reason}")
    for name, passed in one.tests.items():
        say(f"{'passed' if passed else 'FAILED'}  {name}")
    if not all(one.tests.values()):
        say(one.said)


def _text(trials: list[Trial]) -> str:
    """A row for each ability, a column for each server."""
    names = [one.name for one in trials]
    whats = dict.fromkeys(row["what"] for one in trials if one.found for row in one.found["table"])
    rows = [("version", *(one.version for one in trials))]
    rows += [(what, *(_found(one, what) for one in trials)) for what in whats]
    rows.append(("suite", *(_passed(one) for one in trials)))
    return "\n".join(report.table(("", *names), rows))


def _found(one: Trial, what: str) -> str:
    rows = one.found["table"] if one.found else []
    return next((str(row["found"]) for row in rows if row["what"] == what), "–")


def _passed(one: Trial) -> str:
    if not one.tests:
        return "skipped"
    return f"{sum(one.tests.values())} of {len(one.tests)}"


def _as_json(one: Trial) -> dict[str, Any]:
    return {
        "server": one.name,
        "version": one.version,
        "skipped": one.reason,
        "found": one.found,
        "tests": one.tests,
    }
