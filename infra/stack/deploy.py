"""Deploys the real template.yaml to the emulator, through CloudFormation."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from . import quirks, stop, template
from .aws import Aws
from .errors import StackError
from .package import Package
from .workers import at_once

STACK_NAME = "dr-photos"
_CODE_BUCKET = "code"
_TEMPLATE = "template.json"
_DEPLOYS_WITHIN_S = 240.0


def deploy(aws: Aws, packages: list[Package], parameters: dict[str, str]) -> dict[str, str]:
    """Uploads the code, creates the stack, and gives its outputs."""
    keys = _upload(aws, packages)
    topic, told = _topic(aws)
    parameters = {"AlarmTopicArn": topic, **parameters}
    met = quirks.meet(template.load(), parameters, aws.endpoint)
    body = json.dumps(template.with_code(met, _CODE_BUCKET, keys))
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateURL=_put_template(aws, body),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    outputs = _outputs(cloudformation)
    for name, loop in quirks.recursive_loops(met).items():
        function = outputs[f"{name.capitalize()}FunctionName"]
        aws.client("lambda").put_function_recursion_config(FunctionName=function, RecursiveLoop=loop)
    _put_composite_alarms(aws, parameters)
    return {**outputs, "AlarmsQueueUrl": told}


def update(aws: Aws, packages: list[Package], parameters: dict[str, str]) -> None:
    """Deploys another release over the one that runs: its code and these parameters, the others as they are."""
    keys = _upload(aws, packages)
    cloudformation = aws.client("cloudformation")
    given = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]["Parameters"]
    values = {one["ParameterKey"]: one["ParameterValue"] for one in given} | parameters
    body = json.dumps(template.with_code(quirks.meet(template.load(), values, aws.endpoint), _CODE_BUCKET, keys))
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in values.keys() - parameters.keys()]
    changed = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    cloudformation.update_stack(
        StackName=STACK_NAME,
        TemplateURL=_put_template(aws, body),
        Parameters=[*kept, *changed],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    _outputs(cloudformation)


def _topic(aws: Aws) -> tuple[str, str]:
    """A topic that is told of alarms, and a queue that keeps what it was told."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    described = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = described["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return topic, queue


def _put_composite_alarms(aws: Aws, parameters: dict[str, str]) -> None:
    resources = aws.client("cloudformation").describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    topic = [parameters["AlarmTopicArn"]] if parameters.get("AlarmTopicArn") else []
    for name, properties in quirks.composite_alarms(template.load()).items():
        rule = re.sub(r"\$\{(\w+)\}", lambda found: names[found[1]], properties["AlarmRule"]["Fn::Sub"])
        aws.client("cloudwatch").put_composite_alarm(
            AlarmName=f"{STACK_NAME}-{name}",
            AlarmDescription=properties["AlarmDescription"],
            AlarmRule=rule,
            AlarmActions=topic,
            OKActions=topic,
        )


def _put_template(aws: Aws, body: str) -> str:
    """Where the template is then: CloudFormation takes no more than 51,200 bytes in a request."""
    aws.client("s3").put_object(Bucket=_CODE_BUCKET, Key=_TEMPLATE, Body=body.encode())
    return f"{aws.endpoint}/{_CODE_BUCKET}/{_TEMPLATE}"


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
        if stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if not stack["StackStatus"].endswith("_IN_PROGRESS") or "ROLLBACK" in stack["StackStatus"]:
            raise StackError(f"The emulator could not deploy template.yaml:\n{_why(cloudformation)}")
        stop.wait(0.1)
    raise StackError("The emulator did not finish deploying template.yaml.", "Its log says more.")


def _why(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(f"    {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '?')}" for event in failed)
