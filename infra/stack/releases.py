"""The releases of a stack: which version of each function is live, and going back to those of a release before.

# Invariants
- A release that not every function has is gone to by none.
- Nothing but the aliases changes: said twice, it changes nothing more, and `sam deploy` goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .build import FUNCTIONS
from .errors import StackError

#: The alias that everything calls (template.yaml).
ALIAS = "live"
#: What a version has in common with what was deployed, if it was made of that.
_SETTINGS = ("CodeSha256", "Environment", "MemorySize", "Timeout")


@dataclass(frozen=True)
class Version:
    """A published version of a function."""

    number: int
    release: str
    #: Its settings, to be compared.
    settings: dict[str, Any]


@dataclass(frozen=True)
class Function:
    """A function's versions, the oldest first."""

    name: str
    live: int
    #: In the midst of a gradual deploy the version that it brings, which has part of the requests; else the live one.
    newest: int
    versions: list[Version]
    #: The settings that were deployed last, published or not.
    deployed: dict[str, Any]

    @property
    def release(self) -> str:
        """The release that is live."""
        return self._named(self.live)

    def of(self, release: str) -> Version | None:
        """Its last version of a release."""
        return next((version for version in reversed(self.versions) if version.release == release), None)

    def before(self) -> list[str]:
        """Releases that came before the newest one that has requests, the last first."""
        newest = self._named(self.newest)
        found = (version.release for version in reversed(self.versions) if version.number < self.newest)
        return list(dict.fromkeys(name for name in found if name != newest))

    def _named(self, number: int) -> str:
        return next((version.release for version in self.versions if version.number == number), "?")


def read(client: Any, outputs: Mapping[str, str]) -> dict[str, Function]:
    """The functions of a stack by their short names."""
    return {function: _function(client, outputs[f"{function.capitalize()}FunctionName"]) for function in FUNCTIONS}


def unpublished(functions: Mapping[str, Function]) -> list[str]:
    """Functions whose last deploy made no version: what was changed is not live, and nobody was told."""
    return [name for name, one in functions.items() if not one.versions or one.versions[-1].settings != one.deployed]


def live(functions: Mapping[str, Function]) -> list[str]:
    """The releases that are live: one, but for the middle of a deploy, or of a way back that broke off."""
    return sorted({function.release for function in functions.values()})


def before(functions: Mapping[str, Function]) -> str:
    """The last release before the live one that every function has. Of functions that a deploy, or a way back that broke
    off, has come to already and those that it has not: that of the former."""
    earlier = {release for one in functions.values() for release in one.before()}
    held = [release for release in earlier if all(one.of(release) for one in functions.values())]
    order = [version.release for one in functions.values() for version in reversed(one.versions)]
    if held:
        return min(held, key=order.index)
    raise StackError(
        f"No release before {', '.join(live(functions))} is known of every function.",
        "Check the release before out, build and deploy it; give each deploy a Release of its own.",
    )


def go_to(client: Any, functions: Mapping[str, Function], release: str) -> list[dict[str, Any]]:
    """Has every alias name its version of a release; says what was changed."""
    wanted = {name: function.of(release) for name, function in functions.items()}
    lacking = sorted(name for name, version in wanted.items() if not version)
    if lacking:
        known = sorted({version.release for function in functions.values() for version in function.versions})
        raise StackError(
            f"There is no version of {release} of {', '.join(lacking)}.", f"There are {', '.join(known) or 'none'}."
        )
    moved = []
    for name, function in functions.items():
        version = wanted[name]
        if version is None:
            continue
        # Also an alias that is already right: a gradual deploy may have part of the requests go elsewhere.
        client.update_alias(
            FunctionName=function.name,
            Name=ALIAS,
            FunctionVersion=str(version.number),
            RoutingConfig={"AdditionalVersionWeights": {}},
        )
        moved.append(
            {"function": name, "from": function.live, "from_release": function.release, "to": version.number}
        )
    return moved


def _function(client: Any, name: str) -> Function:
    pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    found = [version for page in pages for version in page["Versions"]]
    versions = [
        Version(int(one["Version"]), one.get("Description", "?"), _settings(one))
        for one in found
        if one["Version"] != "$LATEST"
    ]
    alias = client.get_alias(FunctionName=name, Name=ALIAS)
    live_version = int(alias["FunctionVersion"])
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    newest = max([live_version, *map(int, weights)])
    latest = client.get_function_configuration(FunctionName=name)
    by_number = sorted(versions, key=lambda version: version.number)
    return Function(name, live_version, newest, by_number, _settings(latest))


def _settings(configuration: Mapping[str, Any]) -> dict[str, Any]:
    return {key: configuration.get(key) for key in _SETTINGS}
