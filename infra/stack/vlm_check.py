"""Asks a VLM what it can do, before a stack is built or started, and says what that means.

The functions wait for a VLM that is away, as they should; who mistyped an address should not.

# Invariants
- It is asked by a program of the workspace (infra/vlm-check), with the functions' own client: there
  is one reading of addresses, keys, headers and refusals.
- Only what a person must mend is an error. A server that is busy, or that lacks what we can do
  without, is a good one.
"""

from __future__ import annotations

import json
from typing import Any

from . import environment, report, vlm
from .build import VLM_CHECK, binary
from .errors import StackError
from .process import run
from .say import say

_HEAD = ("the server", "found", "means for this system")


def check(url: str, model: str, *more: str, key: str | None = None) -> dict[str, Any]:
    """What the server can do; raises, with what to change, if it would take no question.

    The key is the person's unless another one is given.
    """
    command = [str(binary(VLM_CHECK)), "--vlm-url", url, "--vlm-model", model, *more]
    secrets = vlm.secrets() if key is None else {"VLM_API_KEY": key}
    done = run(command, capture=True, env={**environment.base(), **secrets})
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise StackError(f"The VLM could not be asked: {done.stderr.strip()}") from None
    if error := said.get("error"):
        raise StackError(error["said"], error["change"])
    return dict(said)


def show(found: dict[str, Any]) -> None:
    """Says it to the person."""
    rows = [(row["what"], row["found"], row["means"]) for row in found["table"]]
    say(f"\n{found['model']} at {found['address']}")
    say("\n".join(report.table(_HEAD, rows)) + "\n")
