"""`infra/local redrive`: puts dead letters back on the queues that they came from."""

from __future__ import annotations

import argparse
import json
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .. import local_stack, redrive
from ..errors import StackError


def run(arguments: argparse.Namespace) -> int:
    """Says how many messages went where."""
    moved = redrive.redrive(*_stack(arguments))
    if arguments.json:
        print(json.dumps(moved))
        return 0
    for queue in redrive.QUEUES:
        print(f"{moved[queue]:>6} to {queue}")
    print(f"{moved['left']:>6} left: they can't be read; the functions' logs say why")
    return 0


def _stack(arguments: argparse.Namespace) -> tuple[Any, dict[str, str]]:
    if arguments.stack_name:
        return _on_aws(arguments.stack_name)
    stack = local_stack.kept(arguments.name)
    return stack.aws.client("sqs"), stack.outputs


def _on_aws(name: str) -> tuple[Any, dict[str, str]]:
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        return boto3.client("sqs"), outputs
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"The stack {name} can't be read: {error}.",
            "Check its name, and AWS_PROFILE and AWS_REGION.",
        ) from None
