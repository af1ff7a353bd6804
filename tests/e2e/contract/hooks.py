"""What schemathesis needs to get in and to meet more than refusals: a signature, and names of what is there.

It loads this file as its hooks, in a virtual environment of its own.
"""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

#: Of four requests one keeps the name that was made up.
_MADE_UP = 4
_KNOWN: dict[str, list[str]] = json.loads(os.environ["CONTRACT_KNOWN"])
_AUTHORIZATION = os.environ["CONTRACT_AUTHORIZATION"]


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """Names of things that there are, in place of most that were made up; the same each time."""
    named = dict(values)
    for name, known in _KNOWN.items():
        if isinstance(value := named.get(name), str) and (number := sum(value.encode("utf-8", "replace"))) % _MADE_UP:
            named[name] = known[number % len(known)]
    return named


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """The DRs and evaluations of the stack."""
    return _named(path_parameters) if path_parameters else path_parameters


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """The same in what is sent."""
    return _named(body) if isinstance(body, dict) else body


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Signs. The emulator looks at a signature's form alone; that ours are right is for other tests."""
    case.headers["authorization"] = _AUTHORIZATION
