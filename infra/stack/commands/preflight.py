"""`infra/local preflight`: whether a stack fits into the account, before it is deployed."""

from __future__ import annotations

import argparse
import json
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .. import preflight, template
from ..errors import StackError
from ..preflight import MAKES_LOG_ROLE, QUOTA, RESERVE, LogRole, Verdict

#: The exit code of a stack that does not fit, or whose deploy would fail.
DOES_NOT_FIT = 1


def run(arguments: argparse.Namespace) -> int:
    """Says what the stack can take, what the account has, and what to do."""
    overrides = dict(_override(text) for text in arguments.parameter_overrides)
    loaded = template.load()
    account = executions(_client(arguments, "lambda"))
    verdict = preflight.verdict(loaded, overrides, account)
    role = preflight.log_role(loaded, overrides, log_role(_client(arguments, "apigateway")))
    print(json.dumps(as_json(verdict, role)) if arguments.json else "\n".join([*lines(verdict), "", *about(role)]))
    return DOES_NOT_FIT if verdict.fits == "no" or role.becomes == "missing" else 0


def executions(client: Any) -> int:
    """Executions at once that the account has and no function reserves."""
    try:
        limit = client.get_account_settings()["AccountLimit"]
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"The account's limits can't be read: {error}.",
            "It takes the right lambda:GetAccountSettings. Check --profile and --region.",
        ) from None
    return int(limit["UnreservedConcurrentExecutions"])


def log_role(client: Any) -> str | None:
    """The role that API Gateway writes logs with in this account and region, if one is set."""
    try:
        arn = client.get_account().get("cloudwatchRoleArn")
    except (BotoCoreError, ClientError) as error:
        raise StackError(
            f"API Gateway's settings can't be read: {error}.",
            "It takes the right apigateway:GET on /account. Check --profile and --region.",
        ) from None
    return arn or None


def _client(arguments: argparse.Namespace, service: str) -> Any:
    try:
        session = boto3.session.Session(profile_name=arguments.profile, region_name=arguments.region)
        return session.client(service)
    except BotoCoreError as error:
        said = str(error).rstrip(".")
        raise StackError(f"There is no way to AWS: {said}.", "Check --profile and --region.") from None


def _override(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise StackError(f"{text} is no parameter.", "Write NAME=VALUE, as for sam deploy.")
    return name, value


def as_json(verdict: Verdict, role: LogRole) -> dict[str, Any]:
    """For programs."""
    return {
        "fits": verdict.fits,
        "account": verdict.account,
        "needed": verdict.needed,
        "needed_without_dead_letters": verdict.needed_without_dead_letters,
        "sources": [vars(source) for source in verdict.sources],
        "reserve": RESERVE,
        "suggestion": verdict.suggestion,
        "quota": QUOTA,
        "log_role": {"arn": role.arn, "becomes": role.becomes},
    }


def lines(verdict: Verdict) -> list[str]:
    """For people."""
    table = [(source.name, source.bound, source.parameter or "") for source in verdict.sources]
    table += [(name, number, "kept free") for name, number in RESERVE.items()]
    table += [("at once", verdict.needed, ""), ("without dead letters", verdict.needed_without_dead_letters, "")]
    table += [("the account has", verdict.account, "")]
    return [f"{name:<30} {number:>5}  {what}".rstrip() for name, number, what in table] + ["", *_advice(verdict)]


def _advice(verdict: Verdict) -> list[str]:
    match verdict.fits:
        case "yes":
            return ["It fits."]
        case "tightly":
            says = "It fits tightly: while dead letters are read, which is rare, other work may be throttled for moments."
            return [says, "Nothing is lost by that."]
    raise_it = f"raise the account's quota for concurrent executions ({QUOTA} in Service Quotas)"
    if verdict.suggestion is None:
        return [f"It does not fit, whatever the parameters: {raise_it}."]
    wanted = " ".join(f"{name}={number}" for name, number in verdict.suggestion.items())
    return [
        f"It does not fit. Deploy it with --parameter-overrides {wanted}",
        "(PhotosInFlight can make up for a lower VlmMaxConcurrency: their product is what counts),",
        f"or {raise_it}.",
    ]


def about(role: LogRole) -> list[str]:
    """For people: what becomes of the role that API Gateway writes logs with."""
    match role.becomes:
        case "kept":
            return [f"API Gateway writes its logs with {role.arn}, which stays."]
        case "made":
            return ["API Gateway has no role for its logs in this account and region: the stack makes one."]
        case "replaced":
            return [
                f"API Gateway writes its logs with {role.arn}.",
                f"Unless a stack of yours made that, deploy with --parameter-overrides {MAKES_LOG_ROLE}=false:",
                "else the stack puts one of its own in its place, for all APIs of the account in this region.",
            ]
    return [
        "API Gateway has no role for its logs in this account and region, so the deploy would fail:",
        f"leave {MAKES_LOG_ROLE}=false out.",
    ]
