"""Which release `infra/local rollback` goes back to. No stack runs here: the emulator has no gradual deploys."""

from __future__ import annotations

from typing import Any

import pytest

from stack import releases
from stack.build import FUNCTIONS
from stack.errors import StackError

_OUTPUTS = {f"{function.capitalize()}FunctionName": function for function in FUNCTIONS}
#: Versions of each function, by release; the first releases had other functions change.
_VERSIONS = {1: "A", 2: "B", 3: "B", 4: "C"}


class _Lambda:
    """Lambda, as far as a way back uses it: each function's alias, and what else has part of its requests."""

    def __init__(self, aliases: dict[str, tuple[int, int | None]]) -> None:
        self.aliases = {function: aliases.get(function, aliases["*"]) for function in FUNCTIONS}

    def get_paginator(self, _operation: str) -> _Lambda:
        return self

    def paginate(self, **_options: Any) -> list[dict[str, Any]]:
        versions = [{"Version": str(number), "Description": release} for number, release in _VERSIONS.items()]
        return [{"Versions": [{"Version": "$LATEST"}, *versions]}]

    def get_alias(self, *, FunctionName: str, **_options: Any) -> dict[str, Any]:
        main, other = self.aliases[FunctionName]
        alias: dict[str, Any] = {"FunctionVersion": str(main)}
        return alias | ({"RoutingConfig": {"AdditionalVersionWeights": {str(other): 0.1}}} if other else {})

    def get_function_configuration(self, **_options: Any) -> dict[str, Any]:
        return {}

    def update_alias(self, *, FunctionName: str, FunctionVersion: str, RoutingConfig: Any, **_options: Any) -> None:
        assert RoutingConfig == {"AdditionalVersionWeights": {}}
        self.aliases[FunctionName] = (int(FunctionVersion), None)


def _back(aliases: dict[str, tuple[int, int | None]]) -> str:
    functions = releases.read(_Lambda(aliases), _OUTPUTS)
    return releases.before(functions)


@pytest.mark.parametrize(
    ("aliases", "release"),
    [
        pytest.param({"*": (4, None)}, "B", id="after a deploy"),
        pytest.param({"*": (3, 4)}, "B", id="in the midst of a gradual one"),
        pytest.param({"*": (3, 4), FUNCTIONS[0]: (3, None)}, "B", id="that has not come to the first function"),
        pytest.param({"*": (3, 4), FUNCTIONS[-1]: (3, None)}, "B", id="nor to the last"),
        pytest.param({"*": (3, 4), FUNCTIONS[0]: (4, None)}, "B", id="that is through with the first function"),
        pytest.param({"*": (4, None), FUNCTIONS[0]: (3, None)}, "B", id="after a way back that broke off"),
        pytest.param({"*": (3, None)}, "A", id="after a way back"),
    ],
)
def test_the_way_back_leads_to_the_release_before_the_newest(
    aliases: dict[str, tuple[int, int | None]], release: str
) -> None:
    assert _back(aliases) == release


def test_a_way_back_ends_a_gradual_deploy() -> None:
    client = _Lambda({"*": (3, 4)})
    functions = releases.read(client, _OUTPUTS)
    moved = releases.go_to(client, functions, releases.before(functions))
    assert set(client.aliases.values()) == {(3, None)}
    assert {one["to"] for one in moved} == {3}


def test_before_the_first_release_there_is_none() -> None:
    with pytest.raises(StackError, match="No release before A"):
        _back({"*": (1, None)})
