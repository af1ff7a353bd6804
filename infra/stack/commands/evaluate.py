"""`infra/local evaluate`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

from .. import build, photos, report, sequential
from ..cli import FAIL, INCOMPLETE, PASS
from ..evaluate import Evaluated, Evaluator, Wish
from ..local_stack import LocalStack, attach, start
from ..say import say
from ..vlm import shown
from . import options, up

_EXIT_CODES = {"pass": PASS, "fail": FAIL, "incomplete": INCOMPLETE}


def run(arguments: argparse.Namespace) -> int:
    """Evaluates, prints, and tells the verdict by the exit code."""
    wanted = options.of(arguments) if attach(arguments.name) else options.checked(arguments)
    if not arguments.no_build:
        build.of_a_stack(*([build.BENCH] if arguments.sequential else []))
    drs = photos.find(arguments.wanted, arguments.dr)
    stack = _attached(arguments) or start(replace(wanted, build=False))
    try:
        wish = Wish(arguments.mode, arguments.force, arguments.uplink)
        evaluated = Evaluator(stack, wish).evaluate(drs)
        compared = [_sequential(stack, one) if arguments.sequential else None for one in evaluated]
        print(
            _json(stack, wanted.found, evaluated, compared)
            if arguments.json
            else _text(stack, evaluated, compared),
            flush=True,
        )
        if arguments.keep_up and not stack.attached:
            up.stay(stack)
    finally:
        stack.stop()
    return max(_EXIT_CODES[one.evaluation["verdict"]] for one in evaluated)


def _attached(arguments: argparse.Namespace) -> LocalStack | None:
    stack = attach(arguments.name)
    if stack:
        say(f"Using the stack {arguments.name} that runs already; its own options hold.")
    return stack


def _sequential(stack: LocalStack, evaluated: Evaluated) -> dict[str, Any]:
    say(f"Asking the photos of {evaluated.dr.number} one after another, for comparison …")
    return sequential.run(
        evaluated.dr, stack.description, evaluated.evaluation["catalogue_version"]
    )


def _text(
    stack: LocalStack, evaluated: list[Evaluated], compared: list[dict[str, Any] | None]
) -> str:
    parts = [
        f"{report.verdict(one)}\n\n{report.timings(one, other)}"
        for one, other in zip(evaluated, compared)
    ]
    if stack.description.vlm_simulated:
        parts.append(
            "The VLM was a SIMULATION that reads the sample photos' own truth codes: no model has"
            " looked at a photo.\n"
            "--vlm-url asks a real one."
        )
    return "\n" + "\n\n".join(parts)


def _json(
    stack: LocalStack,
    found: dict[str, Any] | None,
    evaluated: list[Evaluated],
    compared: list[dict[str, Any] | None],
) -> str:
    vlm = {
        "url": shown(stack.description.vlm_url),
        "model": stack.description.vlm_model,
        "simulated": stack.description.vlm_simulated,
        "server": found,
    }
    entries = [
        {
            "dr_number": one.dr.number,
            "evaluation": one.evaluation,
            "joined": one.joined,
            "cached": one.cached,
            "upload_ms": one.upload_ms,
            "api_ms": one.api_ms,
            "seen_ms": one.seen_ms,
            "verdict_after_ms": one.verdict_after_ms,
            "followed_by": one.followed_by,
            "checklist": one.checklist,
            "sequential": other,
        }
        for one, other in zip(evaluated, compared)
    ]
    return json.dumps({"vlm": vlm, "evaluations": entries}, indent=2)
