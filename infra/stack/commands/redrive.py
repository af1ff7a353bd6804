"""`infra/local redrive`: puts dead letters back on the queues that they came from."""

from __future__ import annotations

import argparse
import json

from .. import redrive, target


def run(arguments: argparse.Namespace) -> int:
    """Says how many messages went where."""
    stack = target.of(arguments)
    moved = redrive.redrive(stack.client("sqs"), stack.outputs)
    if arguments.json:
        print(json.dumps(moved))
        return 0
    for queue in redrive.QUEUES:
        print(f"{moved[queue]:>6} to {queue}")
    print(f"{moved['left']:>6} left: they can't be read; the functions' logs say why")
    return 0
