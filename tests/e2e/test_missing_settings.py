"""A function that lacks a setting stops and names it: no default of its own takes its place."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from stack import build, environment, template

_ENDS_WITHIN_S = 120
_FUNCTIONS = {name: f"{name.capitalize()}Function" for name in build.FUNCTIONS}


def _settings(function: str) -> list[str]:
    """What template.yaml sets for a function, and what Lambda itself does."""
    parsed: dict[str, Any] = template.load()
    own = parsed["Resources"][_FUNCTIONS[function]]["Properties"].get("Environment", {})
    common = parsed["Globals"]["Function"]["Environment"]["Variables"]
    # Not settings of ours: the runtime's own, which has defaults.
    names = {*own.get("Variables", {}), *common} - {"RUST_LOG", "RUST_BACKTRACE"}
    return sorted(names | ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE"} if function == "batch" else set()))


def _value(name: str) -> str:
    known = {
        "CATALOGUE_VERSION": "v3",
        "CATALOGUE_RULES": "",
        "SIZE_POLICY_VERSION": "s4",
        "VLM_LOGPROBS": "true",
        "LOOKS": "true",
        "REVIEW_SAMPLE": "5",
    }
    if name in known:
        return known[name]
    if name.endswith("_DAYS"):
        return "92"
    return "1769" if "MEMORY" in name else "2" if "PHOTOS" in name or "SECONDS" in name else "x"


_CASES = [(function, name) for function in _FUNCTIONS for name in _settings(function)]


@pytest.mark.parametrize(("function", "missing"), _CASES, ids=lambda part: part)
def test_a_missing_setting_stops_the_function_with_its_name(function: str, missing: str) -> None:
    variables = {name: _value(name) for name in _settings(function) if name != missing}
    # Nothing listens there: whoever gets so far without the setting says something else.
    aws = environment.aws("http://127.0.0.1:9")
    ended = subprocess.run(
        [build.binary(function)],
        env={**environment.base(), **aws, **variables},
        capture_output=True,
        text=True,
        timeout=_ENDS_WITHIN_S,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert f"the environment variable {missing} is not set" in said, said[-2000:]
