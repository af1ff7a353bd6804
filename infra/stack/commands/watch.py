"""`infra/local watch`: `cargo lambda watch` with a stack behind it.

The functions then run from the working tree, one invocation at a time by hand; the stack's own
event sources keep running its deployed functions, so what an invoked splitter sends is worked off
there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import photos, stop, tools
from ..build import FUNCTIONS
from ..evaluate import Evaluator, Wish
from ..local_stack import LocalStack, attach, start
from ..paths import REPO
from ..process import Process
from ..say import say
from . import options, up


def run(arguments: argparse.Namespace) -> int:
    """Stays until Ctrl-C, `infra/local down`, or the end of cargo lambda."""
    attached = attach(arguments.name)
    wanted = options.of(arguments) if attached else options.checked(arguments)
    tools.ensure("watch")
    stack = attached or start(wanted)
    try:
        # tests/events speaks of this DR.
        evaluator = Evaluator(stack, Wish())
        evaluator.upload(photos.find(["DR1730550"], None)[0])
        evaluator.board.close()
        stack.keep()
        say(up.endpoints(stack))
        say(_how(arguments.port))
        _watch(stack, command(arguments.port, up.write_environment(stack)))
    finally:
        stack.stop()
    return 0


def _watch(stack: LocalStack, watch: list[str]) -> None:
    process = Process(watch, None, {**os.environ, "PATH": f"{_programs()}:{os.environ['PATH']}"})
    try:
        while process.running():
            stack.check()
            stop.wait(0.5)
    finally:
        process.stop()


def command(port: int, variables: Path) -> list[str]:
    """cargo lambda listens on every interface unless it is told not to."""
    program = str(tools.program("watch", "cargo-lambda"))
    return [
        program,
        "lambda",
        "watch",
        "--manifest-path",
        str(REPO / "Cargo.toml"),
        "-A",
        "127.0.0.1",
        "-P",
        str(port),
        "--env-file",
        str(variables),
    ]


def _programs() -> Path:
    """Where cargo finds its subcommand."""
    return tools.program("watch", "cargo-lambda").parent


def _how(port: int) -> str:
    events = {
        "splitter": "splitter-direct",
        "batch": "batch",
        "aggregator": "aggregator-results",
        "api": "api-history",
    }
    invoke = f"  cargo lambda invoke -A 127.0.0.1 -P {port}"
    lines = [
        f"{invoke} {name} --data-file tests/events/{events.get(name, name)}.json"
        for name in FUNCTIONS
    ]
    return "\nIn another terminal:\n" + "\n".join(
        [f"  export PATH={_programs()}:$PATH", *lines, ""]
    )
