"""`infra/local relist`: puts evaluations from before there was one into the list across DRs."""

from __future__ import annotations

import argparse
import json

from .. import relist, target


def run(arguments: argparse.Namespace) -> int:
    """Says how many evaluations there are."""
    stack = target.of(arguments)
    touched = relist.relist(stack.client("dynamodb"), stack.outputs["TableName"])
    if arguments.json:
        print(json.dumps({"evaluations": touched}))
        return 0
    print(f"{touched} evaluations were touched; the notifier lists them within moments.")
    return 0
