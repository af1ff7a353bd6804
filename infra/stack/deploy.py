"""Deploys the real template.yaml to the emulator, through CloudFormation."""

from __future__ import annotations

import json
import time
from typing import Any

from . import quirks, stop, template
from .aws import Aws
from .errors import StackError
from .package import Package
from .workers import at_once

STACK_NAME = "dr-photos"
_CODE_BUCKET = "code"
_DEPLOYS_WITHIN_S = 60.0


def deploy(aws: Aws, packages: list[Package], parameters: dict[str, str]) -> dict[str, str]:
    """Uploads the code, creates the stack, and gives its outputs."""
    keys = _upload(aws, packages)
    met = quirks.meet(template.load(), parameters)
    body = json.dumps(template.with_code(met, _CODE_BUCKET, keys))
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateBody=body,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    outputs = _outputs(cloudformation)
    for name, loop in quirks.recursive_loops(met).items():
        function = outputs[f"{name.capitalize()}FunctionName"]
        aws.client("lambda").put_function_recursion_config(FunctionName=function, RecursiveLoop=loop)
    return outputs


def _upload(aws: Aws, packages: list[Package]) -> dict[str, str]:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=_CODE_BUCKET)

    def put(package: Package) -> tuple[str, str]:
        key = f"{package.function}/{package.digest}.zip"
        s3.put_object(Bucket=_CODE_BUCKET, Key=key, Body=package.zip_file.read_bytes())
        return package.function, key

    return dict(at_once(put, packages))


def _outputs(cloudformation: Any) -> dict[str, str]:
    deadline = time.monotonic() + _DEPLOYS_WITHIN_S
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if not stack["StackStatus"].endswith("_IN_PROGRESS") or "ROLLBACK" in stack["StackStatus"]:
            raise StackError(f"The emulator could not deploy template.yaml:\n{_why(cloudformation)}")
        stop.wait(0.1)
    raise StackError("The emulator did not finish deploying template.yaml.", "Its log says more.")


def _why(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"    {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '?')}" for event in failed)
