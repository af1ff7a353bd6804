"""Whether a stack fits into an account's concurrency, and who has API Gateway write logs, before it is deployed.

# Invariants
- What the stack can take is read from template.yaml: the bounds of its event sources, with the parameters given.
- A bound is no reservation: a stack that does not fit loses nothing, but its messages and the app's requests are
  throttled, and messages that are throttled for an hour end as dead letters.
- The role that API Gateway writes logs with is one for all APIs of an account in a region. Without any the deploy of the
  WebSocket API's stage fails; a stack that makes one takes the place of the one that is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import StackError

#: Of the Service Quotas: "Concurrent executions" of Lambda.
QUOTA = "L-B99A9384"
#: The parameter that says whether the stack makes the role that API Gateway writes logs with.
MAKES_LOG_ROLE = "MakeApiLogRole"
#: What nothing bounds but the API's throttle: so many are kept free for it. The sweeper runs for a second a minute;
#: when it is throttled, Lambda tries it again within that minute. The notifier reads a stream, which waits.
RESERVE = {"POST /evaluations (splitter)": 1, "GET /evaluations/… (api)": 1}
#: The least MaximumConcurrency that an event source takes.
_LEAST = 2


@dataclass(frozen=True)
class Source:
    """An event source, and the most executions that it may have at once."""

    name: str
    bound: int
    #: The parameter that sets the bound, if one does.
    parameter: str | None
    #: It reads a dead-letter queue, and so mostly does nothing.
    dead_letters: bool


@dataclass(frozen=True)
class Verdict:
    """What the stack can take, what the account has, and what would help."""

    sources: list[Source]
    #: Executions that the account has and no function reserves.
    account: int
    #: Parameters that make it fit, if some do.
    suggestion: dict[str, int] | None

    @property
    def needed(self) -> int:
        """The most executions at once."""
        return _needed(self.sources)

    @property
    def needed_without_dead_letters(self) -> int:
        """The same while the dead-letter queues are empty."""
        return _needed([source for source in self.sources if not source.dead_letters])

    @property
    def fits(self) -> str:
        """`yes`, `no`, or `tightly`: as long as there are no dead letters."""
        if self.needed <= self.account:
            return "yes"
        return "tightly" if self.needed_without_dead_letters <= self.account else "no"


@dataclass(frozen=True)
class LogRole:
    """The role that API Gateway writes logs with, if account and region have one, and whether the stack makes one."""

    arn: str | None
    makes: bool

    @property
    def becomes(self) -> str:
        """`replaced`, `kept`, `made`; or `missing`: then the deploy fails."""
        if self.arn:
            return "replaced" if self.makes else "kept"
        return "made" if self.makes else "missing"


def log_role(template: dict[str, Any], overrides: Mapping[str, str], arn: str | None) -> LogRole:
    """What a stack with these parameters means for the role that is there."""
    declared = template["Parameters"][MAKES_LOG_ROLE]
    value = overrides.get(MAKES_LOG_ROLE, declared["Default"])
    if value not in declared["AllowedValues"]:
        raise StackError(f"{MAKES_LOG_ROLE}={value} is not allowed.", "Take true or false.")
    return LogRole(arn, value == "true")


def verdict(template: dict[str, Any], overrides: Mapping[str, str], account: int) -> Verdict:
    """Whether a stack with these parameters fits into an account with so many executions."""
    parameters = template["Parameters"]
    for name in overrides.keys() - parameters.keys():
        raise StackError(f"template.yaml has no parameter {name}.", "Its head lists them.")
    found = [_source(template, name, overrides) for name in _names(template)]
    return Verdict(found, account, _suggestion(found, account))


def _names(template: dict[str, Any]) -> list[str]:
    kind = "AWS::Lambda::EventSourceMapping"
    found = [(name, one) for name, one in template["Resources"].items() if one["Type"] == kind]
    return [name for name, one in found if "ScalingConfig" in one["Properties"]]


def _source(template: dict[str, Any], name: str, overrides: Mapping[str, str]) -> Source:
    properties = template["Resources"][name]["Properties"]
    bound = properties["ScalingConfig"]["MaximumConcurrency"]
    parameter = bound["Ref"] if isinstance(bound, dict) else None
    number = _number(template, parameter, overrides) if parameter else int(bound)
    queue = properties["EventSourceArn"]["Fn::GetAtt"][0]
    dead = {
        resource["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for resource in template["Resources"].values()
        if "RedrivePolicy" in resource.get("Properties", {})
    }
    return Source(name, number, parameter, queue in dead)


def _number(template: dict[str, Any], parameter: str, overrides: Mapping[str, str]) -> int:
    declared = template["Parameters"][parameter]
    value = overrides.get(parameter, str(declared["Default"]))
    least, most = int(declared["MinValue"]), int(declared["MaxValue"])
    if not (value.isdecimal() and least <= int(value) <= most):
        raise StackError(f"{parameter}={value} is not allowed.", f"Take a number from {least} to {most}.")
    return int(value)


def _needed(sources: list[Source]) -> int:
    return sum(source.bound for source in sources) + sum(RESERVE.values())


def _suggestion(sources: list[Source], account: int) -> dict[str, int] | None:
    """Parameters with which it fits, if need be tightly: the largest bound is lowered first. None if there are none."""
    for counted in (sources, [source for source in sources if not source.dead_letters]):
        bounds = {source.parameter: source.bound for source in counted if source.parameter}
        rest = _needed([source for source in counted if not source.parameter])
        while rest + sum(bounds.values()) > account and max(bounds.values()) > _LEAST:
            largest = max(bounds, key=lambda name: bounds[name])
            bounds[largest] -= 1
        if rest + sum(bounds.values()) <= account:
            return bounds
    return None
