"""The stack that a command is about: one on AWS, by its name, or the local one that `up` keeps."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from . import deploy, local_stack
from .api import Api
from .errors import StackError

#: For an API that wants tokens (JwtIssuer).
_TOKEN = "API_TOKEN"


@dataclass(frozen=True)
class Target:
    """A stack: its name, its outputs, and clients where it is."""

    name: str
    outputs: dict[str, str]
    client: Callable[[str], Any]
    api: Api
    is_local: bool


def of(arguments: argparse.Namespace) -> Target:
    """The stack that the arguments name."""
    if arguments.stack_name:
        return _on_aws(arguments.stack_name)
    stack = local_stack.kept(arguments.name)
    return Target(deploy.STACK_NAME, stack.outputs, stack.aws.client, stack.api(), is_local=True)


def _on_aws(name: str) -> Target:
    session = boto3.session.Session()
    try:
        stacks = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
        if "ApiUrl" not in outputs:
            raise StackError(
                f"The stack {name} has no API: it is another one's, or is being made.", "Check its name and its state."
            )
        api = Api(
            outputs["ApiUrl"], session.get_credentials(), session.region_name, token=os.environ.get(_TOKEN)
        )
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"The stack {name} can't be read: {error}.", "Check its name, and AWS_PROFILE and AWS_REGION."
        ) from None
    return Target(name, outputs, session.client, api, is_local=False)
