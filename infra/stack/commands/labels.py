"""`infra/local labels`: the DRs on which people decided, as the accuracy benchmark reads them."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from .. import labels, local_stack, target
from ..say import say


def run(arguments: argparse.Namespace) -> int:
    """Writes them; says how many there are."""
    stack = target.of(arguments)
    trust = local_stack.kept(arguments.name).aws.trust if stack.is_local else None
    span = {name: value for name in ("from", "to") if (value := getattr(arguments, f"{name}_time"))}
    folder = Path(arguments.folder)
    done = labels.write(stack.api, folder, span, trust, say)
    if arguments.json:
        print(json.dumps({"folder": str(folder), **asdict(done)}))
        return 0
    print(f"{folder} has {len(done.written) + len(done.kept)} DRs, {len(done.written)} of them new.")
    if done.left_out:
        print(f"{len(done.left_out)} were left out, as said above.")
    if done.written or done.kept:
        print(f"Try: cargo run --release -p bench -- accuracy {folder} --compare catalogue=v3,v4")
    else:
        print("Nobody decided anything in that time: GET /evaluations?reviewed=true lists what people decided on.")
    return 0
