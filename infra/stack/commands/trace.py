"""`infra/local trace`: one evaluation's life."""

from __future__ import annotations

import argparse
import json
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .. import deploy, trace
from ..errors import StackError
from ..report import table
from ..state import Folder

_MORE = 60


def run(arguments: argparse.Namespace) -> int:
    """Prints what the logs say of it."""
    wanted = arguments.evaluation_id
    try:
        reader, stack = _source(arguments)
        found = trace.summary(wanted, stack, trace.read(wanted, reader))
    except (BotoCoreError, ClientError) as error:
        raise StackError(f"The logs can't be read: {error}.", "Check AWS_PROFILE and AWS_REGION.") from None
    print(json.dumps(found) if arguments.json else text(found))
    return 0


def _source(arguments: argparse.Namespace) -> tuple[trace.Reader, str]:
    if arguments.stack_name:
        stack = arguments.stack_name
        return trace.of_cloudwatch(boto3.client("logs"), stack, arguments.evaluation_id), stack
    return trace.of_files(Folder(arguments.name).path / "logs"), deploy.STACK_NAME


def text(found: dict[str, Any]) -> str:
    """As tables."""
    lines = [f"{found['evaluation_id']}, trace {', '.join(found['trace_ids']) or 'unknown'}"]
    rows = [
        (
            line["at"][11:23],
            f"{line['since_ms'] / 1000:.3f}",
            line["function"],
            ("" if line["level"] == "INFO" else f"{line['level']}: ") + line["what"],
            "" if line["took_ms"] is None else f"{line['took_ms'] / 1000:.3f}",
            line["photo"] or _more(line["more"]),
        )
        for line in found["lines"]
    ]
    lines += ["", *table(("at", "since", "function", "what", "took (s)", "of"), rows)]
    by_function = [
        (one["function"], str(one["invocations"]), str(one["handled"]), f"{one['took_ms'] / 1000:.3f}",
         f"{one['longest_ms'] / 1000:.3f}")
        for one in found["functions"]
    ]
    lines += ["", *table(("function", "invocations", "handled", "in all (s)", "longest (s)"), by_function)]
    return "\n".join(lines)


def _more(fields: dict[str, Any]) -> str:
    said = " ".join(f"{name}={value}" for name, value in fields.items() if name != "message.failed")
    return said if len(said) <= _MORE else f"{said[:_MORE]}…"
