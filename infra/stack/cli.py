"""The command line. Only the standard library is imported here, so that `--help` works before anything is installed."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys

from .errors import StackError
from .say import say
from .tools import enter

PASS, FAIL, INCOMPLETE, ERROR = 0, 1, 2, 3
_INTERRUPTED = 130
#: Commands that need none of the stack's tools.
_WITHOUT_THE_STACK = ("peer",)

_EVALUATE = """\
Evaluates DRs with the real functions, deployed from template.yaml to a local AWS, and prints each verdict.
Without arguments: the sample DR1730550 with 16 photos. With --vlm-url the photos go to a real VLM; its key is read
from the environment variable VLM_API_KEY. If `infra/local up` runs a stack of the same name, that stack is used.
"""
_REDRIVE = """\
Takes the messages of the parked queue and of the uploads queue's dead-letter queue, and sends each to the queue of its
kind. A message is deleted only after it was sent; what can't be read stays. A message that is handled twice changes nothing.
With STACK it works on AWS, with the credentials and region of the environment; otherwise on the stack that `up` keeps.
"""
_EXIT_CODES = """\
exit codes: 0 every DR passes, 1 one fails, 2 one is incomplete, 3 an error. With several DRs: the highest.
"""


def main(arguments: list[str]) -> int:
    """Runs a command; gives the exit code."""
    wanted = _parser().parse_args(arguments)
    # A shell that starts a program in the background may have it ignore Ctrl-C; a stack must end all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        if wanted.command not in _WITHOUT_THE_STACK:
            enter(arguments)
        return int(importlib.import_module(f"stack.commands.{wanted.command}").run(wanted))
    except StackError as error:
        say(f"error: {error}")
        return ERROR
    except KeyboardInterrupt:
        say("Ended.")
        return _INTERRUPTED


def _end(number: int, _frame: object) -> None:
    """Ends in order, as Ctrl-C does."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra/local", description="The whole system on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _evaluate(commands)
    up = commands.add_parser("up", help="keep a stack up, with its endpoints and logs, until Ctrl-C or `down`")
    _stack_options(up)
    for name, text in (("down", "end a stack that `up` keeps"), ("status", "say which stacks run")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", default="local", help="the stack's name (default: local)")
    watch = commands.add_parser("watch", help="cargo lambda watch, with a stack behind it, to invoke functions by hand")
    _stack_options(watch)
    watch.add_argument("--port", type=int, default=9000, help="where cargo lambda listens on 127.0.0.1 (default: 9000)")
    _redrive(commands)
    mutate = commands.add_parser("mutate", help="take out one check after another; a test must notice (about 20 minutes)")
    mutate.add_argument("--only", nargs="+", default=[""], help="only checks whose names contain one of these")
    mutate.add_argument("--json", action="store_true", help="print JSON")
    commands.add_parser("peer", help="install the photo benchmark's peer (npm's sharp on Node); `bench photos` calls this")
    test = commands.add_parser("test", help="run all tests: Rust, template, end to end")
    test.add_argument("--fast-only", action="store_true", help="leave out the end-to-end tests")
    test.add_argument("pytest", nargs="*", metavar="PYTEST_ARGUMENT", help="given to pytest, after --")
    return parser


def _evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="evaluate photos and print the verdict",
        description=_EVALUATE,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluate.add_argument("wanted", nargs="*", metavar="DR|PATH", help="sample DRs, or folders and files of photos")
    evaluate.add_argument("--dr", help="the DR number of the given photos (default: their folder's name)")
    evaluate.add_argument(
        "--mode", choices=["quick", "full"], default="full", help="quick asks for critical steps only"
    )
    evaluate.add_argument("--force", action="store_true", help="evaluate anew, whatever is known")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of tables")
    evaluate.add_argument("--sequential", action="store_true", help="ask the same photos one after another, too")
    evaluate.add_argument(
        "--keep-up", action="store_true", help="leave the stack up afterwards, until Ctrl-C or `down`"
    )
    _stack_options(evaluate)


def _redrive(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    redrive = commands.add_parser(
        "redrive",
        help="put dead letters back on the queues they came from, after the bug is mended",
        description=_REDRIVE,
    )
    redrive.add_argument("stack_name", nargs="?", metavar="STACK", help="a CloudFormation stack on AWS (default: local)")
    redrive.add_argument("--name", default="local", help="the local stack's name, without STACK (default: local)")
    redrive.add_argument("--json", action="store_true", help="print JSON")


def _stack_options(parser: argparse.ArgumentParser) -> None:
    stack = parser.add_argument_group("the stack")
    stack.add_argument("--name", default="local", help="the stack's name (default: local)")
    stack.add_argument("--vlm-url", help="a real VLM instead of the simulated one, with or without /v1")
    stack.add_argument("--vlm-model", default="Qwen/Qwen3-VL-8B-Instruct", help="its model (default: %(default)s)")
    stack.add_argument("--latency", help="the simulated VLM's latency, such as fixed:3000 (milliseconds)")
    stack.add_argument(
        "--timing", choices=["standard", "fast"], default="standard", help="the template's TimingProfile"
    )
    stack.add_argument("--auth", action="store_true", help="have the emulator enforce the functions' IAM policies")
    stack.add_argument("--no-build", action="store_true", help="take the binaries as they are")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
