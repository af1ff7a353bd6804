"""`infra/local catalogue`: looks at a catalogue of one's own, and publishes it to a stack."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .. import build, catalogue, local_stack
from ..errors import StackError


def run(arguments: argparse.Namespace) -> int:
    """Says what the document comes to; with `publish`, whether it was put."""
    if not arguments.no_build:
        build.only(build.VLM_CHECK)
    path = Path(arguments.file)
    found = catalogue.check(path)
    if arguments.what == "publish":
        table, dynamodb = _table(arguments)
        found["published"] = catalogue.publish(path, table, dynamodb)
    if arguments.json:
        print(json.dumps(found))
        return 0
    print("\n".join(_lines(found)))
    return 0


def _lines(found: dict[str, Any]) -> list[str]:
    tokens = found["prompt_tokens"]
    lines = [
        f"{found['version']}: {found['steps']} steps, {found['critical']} critical, {found['readings']} with a reading",
        f"its prompt has about {tokens['full']} tokens, in quick mode {tokens['quick']}",
        *(f"remark: {remark}" for remark in found["remarks"]),
    ]
    if "published" in found:
        how = "published" if found["published"] else "published before, the same"
        lines.append(f"{how}: ask with it by CatalogueVersion={found['version']}, by CatalogueRules, or by name")
    return lines


def _table(arguments: argparse.Namespace) -> tuple[str, Any]:
    if not arguments.stack_name:
        stack = local_stack.kept(arguments.name)
        return stack.outputs["TableName"], stack.aws.client("dynamodb")
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=arguments.stack_name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        return outputs["TableName"], boto3.client("dynamodb")
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"The stack {arguments.stack_name} can't be read: {error}.",
            "Check its name, and AWS_PROFILE and AWS_REGION.",
        ) from None
