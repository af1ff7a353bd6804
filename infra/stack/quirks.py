"""Where the emulator's CloudFormation differs from AWS's, the template is met half-way here, and nowhere else.

AWS turns every parameter into text and back into what a property wants. The emulator (ministack 1.5.33) does not:
- a Number parameter reaches an event source's MaximumConcurrency as text, and its poller compares text with numbers;
- a number of a mapping reaches a function's environment as a number, and no function can be started with it.
It ignores a function's RecursiveLoop, which is therefore set once the function is there, and its VpcConfig, which is
then nothing. An authorizer that wants its token nowhere in particular it has want one in the header Authorization.
It refuses a template with a composite alarm, and takes one by its own API: it is put there once the alarms
that it names are.
It has the APIs at addresses of its own.
With IAM enforced it asks for an action sqs:SendMessageBatch, which AWS does not have (there sqs:SendMessage is enough).

One more difference is meant: a local stack may ask a VLM of one's own network by plain HTTP.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from .template import functions


def meet(template: dict[str, Any], parameters: dict[str, str], endpoint: str | None = None) -> dict[str, Any]:
    """The template with those resolved for these parameters, and for an emulator at this address."""
    met = copy.deepcopy(template)
    values = {name: parameters.get(name, declared.get("Default")) for name, declared in met["Parameters"].items()}
    met["Parameters"]["VlmBaseUrl"].pop("AllowedPattern", None)
    for name in composite_alarms(met):
        del met["Resources"][name]
    for resource in met["Resources"].values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            scaling = resource["Properties"].get("ScalingConfig", {})
            bound = scaling.get("MaximumConcurrency")
            if isinstance(bound, dict):
                scaling["MaximumConcurrency"] = int(values[bound["Ref"]])
        if resource["Type"] == "AWS::ApiGatewayV2::Authorizer" and resource["Properties"]["AuthorizerType"] == "REQUEST":
            resource["Properties"].setdefault("IdentitySource", [])
    for function in functions(met).values():
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        for name, value in variables.items():
            variables[name] = _text(value, met["Mappings"], values)
        if endpoint and "EVENTS_ENDPOINT" in variables:
            variables["EVENTS_ENDPOINT"] = {"Fn::Sub": f"{endpoint}/_aws/execute-api/${{EventsApi}}/live"}
        if endpoint and "EVENTS_URL" in variables:
            at = endpoint.replace("http", "ws", 1)
            variables["EVENTS_URL"] = {"Fn::Sub": f"{at}/_aws/execute-api/${{EventsApi}}/live"}
    for statement in _statements(met):
        _allow(statement)
    return met


def recursive_loops(template: dict[str, Any]) -> dict[str, str]:
    """What is to be set of the functions' RecursiveLoop, by the name of their code folder."""
    return {
        name: function["Properties"]["RecursiveLoop"]
        for name, function in functions(template).items()
        if "RecursiveLoop" in function["Properties"]
    }


def _statements(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All that functions and roles may do."""
    for resource in template["Resources"].values():
        for policy in resource["Properties"].get("Policies", []):
            yield from policy.get("PolicyDocument", policy)["Statement"]


def composite_alarms(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of the composite alarms, by their logical names."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::CompositeAlarm"
    }


def _allow(statement: dict[str, Any]) -> None:
    if statement.get("Action") == "sqs:SendMessage":
        statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]


def _text(value: Any, mappings: dict[str, Any], values: dict[str, Any]) -> Any:
    if not (isinstance(value, dict) and "Fn::FindInMap" in value):
        return value
    mapping, row, column = value["Fn::FindInMap"]
    row = values[row["Ref"]] if isinstance(row, dict) else row
    return str(mappings[mapping][row][column])
