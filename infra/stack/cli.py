"""The command line.

Only the standard library is imported here, so that `--help` works before anything is installed.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from pathlib import Path
from typing import NoReturn

from . import stop
from .errors import StackError
from .say import say
from .tools import enter

PASS, FAIL, INCOMPLETE, ERROR = 0, 1, 2, 3
#: Commands that need none of the stack's tools.
_WITHOUT_THE_STACK = ("peer",)
#: Whose errors tell of what is elsewhere, not of this program.
_REMOTE = ("botocore", "boto3", "urllib3")
_AGAIN = "Check AWS_PROFILE, AWS_REGION and your rights. What was done stays: start it again."

_EVALUATE = """\
Evaluates DRs with the real functions, deployed from template.yaml to a local AWS, and prints each
verdict. Without arguments: the sample DR1730550 with 16 photos. With --vlm-url the photos go to a
real VLM, which is first asked what it can do; its key is read from the environment variable
VLM_API_KEY, headers of your own from VLM_HEADERS. If `infra/local up` runs a stack of the same
name, that stack is used.
"""
_REDRIVE = """\
Takes the messages of the parked queue and of the uploads queue's dead-letter queue, and sends each
to the queue of its kind. A message is deleted only after it was sent; what can't be read stays. A
message that is handled twice changes nothing. With STACK it works on AWS, with the credentials and
region of the environment; otherwise on the stack that `up` keeps.
"""
_RELIST = """\
Has every evaluation that the table holds put into the list across DRs (GET /evaluations), once after the
deploy that brings that list. It reads the whole table once and touches each evaluation; what is listed
already stays. With STACK it works on AWS, with the credentials and region of the environment; otherwise
on the stack that `up` keeps.
"""
_LABELS = """\
Writes the DRs on which people decided into FOLDER, one folder for each: its photos as they were judged,
and a labels.json that says what they show, as `bench accuracy FOLDER` reads it. What is there already is
kept, so that a run that was interrupted goes on. With STACK it works on AWS, with the credentials and
region of the environment (a reviewer's, or a reviewer's token in API_TOKEN); otherwise on the stack that
`up` keeps.
"""
_REPORT = """\
Prints a time's numbers: how many evaluations, how right they are by what people decided, how fast,
what they cost, and what opens the cases of each (whole days, an operator's credentials, or token in
API_TOKEN); then what CloudWatch knows: mean and percentiles of all times, rates, tokens, what waits,
and the alarms. With STACK it works on AWS, with the credentials and region of the environment;
otherwise on the stack that `up` keeps. Ends with 1 if an alarm is on. A week: --since 7d.
"""
_TRACE = """\
Prints what the functions' logs say of one evaluation, from the request or the upload that it came of
to its verdict. With STACK it reads CloudWatch Logs, with the credentials and region of the
environment; otherwise the logs of the local stack, which stay when it ends.
"""
_SMOKE = """\
Asks a stack for its health, compares the versions of its functions, and evaluates a DR of three drawn
photos that it makes up and cleans up again. Says what is wrong, such as a VLM that refuses what it is
asked, and ends with 3 then. With STACK it works on AWS, with the credentials and region of the
environment (and the token in API_TOKEN, if the API wants one); otherwise on the stack that `up`
keeps.
"""
_ROLLBACK = """\
Has the alias of every function name its version of the release before, code and settings, within
seconds. What is on its way is finished by whoever knows it, or planned anew. With STACK it works on
AWS, with the credentials and region of the environment; otherwise on the stack that `up` keeps.
"""
_CATALOGUE = """\
Looks at a catalogue of steps of your own (a JSON document; shared/evaluation/catalogue.schema.json):
its schema, its sense, the length of its prompt. `publish` puts it into the table of a stack, where the
functions find it: with STACK on AWS, with the credentials and region of the environment; otherwise of
the stack that `up` keeps. What is published never changes; a change is another version.
"""
_PREFLIGHT = """\
Works out from template.yaml how many executions at once a stack can take, asks AWS how many the
account has, with your own credentials, and says whether it fits, and if not what would help. It
also says which role API Gateway writes logs with there, and what becomes of it. It changes nothing.
Ends with 1 if the stack does not fit, or its deploy would fail.
"""
_SERVERS = """\
Installs real servers, pinned, below infra/.tools/servers (some 10 GB in all), starts one after
another with a tiny model on this machine's CPU, asks each what it can do, and runs the client's
suite against it (shared/vlm/tests/real_vlm.rs). What can't be had here is skipped, with the reason.
Servers: simulated, vllm, transformers, litellm, llama.cpp. Ends with 1 if a test failed.
"""
_EXIT_CODES = """\
exit codes: 0 every DR passes, 1 one fails, 2 one is incomplete, 3 an error, 130 ended by Ctrl-C.
With several DRs: the highest.
"""


def main(arguments: list[str]) -> int:
    """Runs a command; gives the exit code."""
    parser = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        say("\nerror: no command. To begin with: infra/local evaluate DR1730550")
        return ERROR
    wanted = _understood(parser, arguments)
    stop.on_signals()
    try:
        if wanted.command not in _WITHOUT_THE_STACK:
            enter(arguments)
        return int(importlib.import_module(f"stack.commands.{wanted.command}").run(wanted))
    except StackError as error:
        say(f"error: {error}")
        return ERROR
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _REMOTE:
            raise
        say(f"error: AWS, or the API, refused or could not be reached: {error}.\n{_AGAIN}")
        return ERROR
    except KeyboardInterrupt:
        say("Ended.")
        return stop.INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Says what is allowed. argparse's own exit code is that of an incomplete DR here."""

    def error(self, message: str) -> NoReturn:
        """Ends with the code of an error."""
        self.print_usage(sys.stderr)
        self.exit(ERROR, f"error: {message}\n{self.prog} --help says what is allowed.\n")


def _understood(parser: _Parser, arguments: list[str]) -> argparse.Namespace:
    """The arguments; a bad option is refused by its command, which knows what it allows."""
    wanted, unknown = parser.parse_known_args(arguments)
    command: _Parser = wanted.parser
    if unknown:
        command.error(f"unrecognized arguments: {' '.join(unknown)}")
    if getattr(wanted, "vlm_url", None) and wanted.latency:
        command.error("--latency is the simulated VLM's: leave it out, or leave out --vlm-url")
    return wanted


def _stack_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: take lower-case letters, digits and dashes, at most 31"
        )
    return text


def _dr_number(text: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{3,20}", text.strip().upper()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no DR number: take 3 to 20 letters and digits, as DR1730550"
        )
    return text


def _latency(text: str) -> str:
    fine = text in ("realistic", "none") or re.fullmatch(r"fixed:\d+", text) or Path(text).is_file()
    if not fine:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no latency: take realistic, none, fixed:MILLISECONDS as fixed:3000,"
            " or a latency file"
        )
    return text


def _span(text: str) -> float:
    found = re.fullmatch(r"(\d+)([mhd])", text)
    seconds = int(found[1]) * {"m": 60, "h": 3600, "d": 86_400}[found[2]] if found else 0
    if not 60 <= seconds <= 15 * 86_400:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no span: take 1m to 15d, such as 30m, 24h or 7d"
        )
    return float(seconds)


def _time(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: take a day, as 2026-11-24, or a time, as 2026-11-24T10:00:00Z"
        )
    return text if "T" in text else f"{text}T00:00:00Z"


def _prices(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} are no prices: take two in dollars, such as 0.2,0.8")
    return float(found[1]), float(found[2])


def _uplink(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg])bit", text.strip().lower())
    bits = float(found[1]) * {"k": 1e3, "m": 1e6, "g": 1e9}[found[2]] if found else 0.0
    if not 50e3 <= bits <= 10e9:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no bandwidth: take 50kbit to 10gbit, such as 10mbit"
        )
    return bits


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: take a number from 1 to 65535")
    return int(text)


def _parser() -> _Parser:
    parser = _Parser(
        prog="infra/local", description="The whole system on this machine.", epilog=_EXIT_CODES
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _evaluate(commands)
    up = commands.add_parser(
        "up", help="keep a stack up, with its endpoints and logs, until Ctrl-C or `down`"
    )
    _stack_options(up)
    for name, text in (("down", "end a stack that `up` keeps"), ("status", "say which stacks run")):
        command = commands.add_parser(name, help=text)
        _name(command)
    watch = commands.add_parser(
        "watch", help="cargo lambda watch, with a stack behind it, to invoke functions by hand"
    )
    _stack_options(watch)
    watch.add_argument(
        "--port",
        type=_port,
        default=9000,
        help="where cargo lambda listens on 127.0.0.1 (default: 9000)",
    )
    _report(commands)
    _trace(commands)
    _smoke(commands)
    _rollback(commands)
    _redrive(commands)
    _relist(commands)
    _labels(commands)
    _preflight(commands)
    _catalogue(commands)
    mutate = commands.add_parser(
        "mutate", help="take out one check after another; a test must notice (half an hour and more)"
    )
    mutate.add_argument(
        "--only", nargs="+", default=[""], help="only checks whose names contain one of these"
    )
    mutate.add_argument("--json", action="store_true", help="print JSON")
    commands.add_parser(
        "openapi", help="write functions/api/openapi.json anew, from the types of the API"
    )
    commands.add_parser(
        "page", help="check the page's modules by the API's types, and copy its libraries anew"
    )
    peer = commands.add_parser(
        "peer",
        help="install what the photo benchmarks compare with (npm's sharp on Node by default); they call this",
    )
    peer.add_argument("peer", nargs="?", choices=["sharp", "pillow", "ocr"], default="sharp")
    servers = commands.add_parser(
        "servers",
        help="try the client against real VLM servers, installed here (minutes to an hour each)",
        description=_SERVERS,
    )
    servers.add_argument("--only", nargs="+", metavar="SERVER", help="only these")
    servers.add_argument("--json", action="store_true", help="print JSON")
    test = commands.add_parser("test", help="run all tests: Rust, template, end to end")
    test.add_argument("--fast-only", action="store_true", help="leave out the end-to-end tests")
    test.add_argument(
        "pytest", nargs="*", metavar="PYTEST_ARGUMENT", help="given to pytest, after --"
    )
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def _evaluate(commands: "argparse._SubParsersAction[_Parser]") -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="evaluate photos and print the verdict",
        description=_EVALUATE,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    evaluate.add_argument(
        "wanted", nargs="*", metavar="DR|PATH", help="sample DRs, or folders and files of photos"
    )
    evaluate.add_argument(
        "--dr",
        type=_dr_number,
        help="the DR number of the given photos (default: their folder's name)",
    )
    evaluate.add_argument(
        "--mode",
        choices=["quick", "full"],
        default="full",
        help="quick asks for critical steps only",
    )
    evaluate.add_argument("--force", action="store_true", help="evaluate anew, whatever is known")
    evaluate.add_argument(
        "--uplink",
        type=_uplink,
        metavar="10mbit",
        help="upload as a phone does: one photo after another, so many bits a second",
    )
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of tables")
    evaluate.add_argument(
        "--sequential", action="store_true", help="ask the same photos one after another, too"
    )
    evaluate.add_argument(
        "--keep-up",
        action="store_true",
        help="leave the stack up afterwards, until Ctrl-C or `down`",
    )
    _stack_options(evaluate)


def _report(commands: "argparse._SubParsersAction[_Parser]") -> None:
    report = commands.add_parser(
        "report", help="say how a stack does: times, rates, tokens, alarms", description=_REPORT
    )
    _of_a_stack(report)
    report.add_argument(
        "--since",
        type=_span,
        default="24h",
        metavar="SPAN",
        help="how far back, such as 30m, 24h or 7d (default: 24h; at most 15d)",
    )
    report.add_argument(
        "--vlm-prices",
        type=_prices,
        metavar="READ,WRITTEN",
        help="dollars for a million tokens read and written, such as 0.2,0.8, to say what they cost",
    )


def _trace(commands: "argparse._SubParsersAction[_Parser]") -> None:
    trace = commands.add_parser(
        "trace",
        help="print one evaluation's life from the logs: what happened when, where, how long",
        description=_TRACE,
    )
    trace.add_argument("evaluation_id", metavar="EVALUATION", help="its evaluation_id")
    _of_a_stack(trace)


def _smoke(commands: "argparse._SubParsersAction[_Parser]") -> None:
    smoke = commands.add_parser(
        "smoke",
        help="say whether a stack works: its health, and a made-up DR that is evaluated and cleaned up",
        description=_SMOKE,
    )
    _of_a_stack(smoke)
    smoke.add_argument(
        "--within",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long the evaluation may take (default: 300)",
    )
    smoke.add_argument("--no-build", action="store_true", help="take the binaries as they are")


def _rollback(commands: "argparse._SubParsersAction[_Parser]") -> None:
    rollback = commands.add_parser(
        "rollback",
        help="have the release before answer again, at once",
        description=_ROLLBACK,
    )
    _of_a_stack(rollback)
    rollback.add_argument(
        "--to", metavar="RELEASE", help="this release (default: the one before the live one)"
    )


def _relist(commands: "argparse._SubParsersAction[_Parser]") -> None:
    relist = commands.add_parser(
        "relist", help="put evaluations from before it into the list across DRs", description=_RELIST
    )
    _of_a_stack(relist)


def _labels(commands: "argparse._SubParsersAction[_Parser]") -> None:
    labels = commands.add_parser(
        "labels",
        help="write the DRs on which people decided as labelled ones, for the accuracy benchmark",
        description=_LABELS,
    )
    _of_a_stack(labels)
    labels.add_argument("folder", metavar="FOLDER", help="where they are written to")
    for name, what in (("from", "from then on"), ("to", "before then")):
        labels.add_argument(
            f"--{name}",
            dest=f"{name}_time",
            type=_time,
            metavar="TIME",
            help=f"evaluations that were asked for {what}, such as 2026-11-24 or 2026-11-24T10:00:00Z",
        )


def _redrive(commands: "argparse._SubParsersAction[_Parser]") -> None:
    redrive = commands.add_parser(
        "redrive",
        help="put dead letters back on the queues they came from, after the bug is mended",
        description=_REDRIVE,
    )
    _of_a_stack(redrive)


def _of_a_stack(command: argparse.ArgumentParser) -> None:
    """Options of what is done to a stack on AWS or here."""
    command.add_argument(
        "stack_name",
        nargs="?",
        metavar="STACK",
        help="a CloudFormation stack on AWS (default: local)",
    )
    _name(command, "the local stack's name, without STACK")
    command.add_argument("--json", action="store_true", help="print JSON")


def _catalogue(commands: "argparse._SubParsersAction[_Parser]") -> None:
    catalogue = commands.add_parser(
        "catalogue",
        help="check a catalogue of steps of your own, or publish it to a stack",
        description=_CATALOGUE,
    )
    catalogue.add_argument("what", choices=["check", "publish"])
    catalogue.add_argument("file", metavar="FILE", help="the document")
    catalogue.add_argument(
        "stack_name",
        nargs="?",
        metavar="STACK",
        help="publish: a CloudFormation stack on AWS (default: local)",
    )
    _name(catalogue, "the local stack's name, without STACK")
    catalogue.add_argument("--json", action="store_true", help="print JSON")
    catalogue.add_argument("--no-build", action="store_true", help="take the binaries as they are")


def _preflight(commands: "argparse._SubParsersAction[_Parser]") -> None:
    preflight = commands.add_parser(
        "preflight",
        help="say whether a stack fits into the account, before it is deployed",
        description=_PREFLIGHT,
    )
    preflight.add_argument("--region", help="the AWS region (default: the environment's)")
    preflight.add_argument("--profile", help="the profile of your AWS configuration")
    preflight.add_argument(
        "--parameter-overrides",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="parameters of the stack, as for sam deploy",
    )
    preflight.add_argument("--json", action="store_true", help="print JSON")


def _stack_options(parser: argparse.ArgumentParser) -> None:
    stack = parser.add_argument_group("the stack")
    _name(stack)
    stack.add_argument(
        "--vlm-url",
        help="a real VLM instead of the simulated one: a host, …/v1, or the whole endpoint",
    )
    stack.add_argument(
        "--vlm-model", default="Qwen/Qwen3-VL-8B-Instruct", help="its model (default: %(default)s)"
    )
    stack.add_argument(
        "--latency",
        type=_latency,
        metavar="realistic|none|fixed:MS|FILE",
        help="the simulated VLM's latency, such as fixed:3000 (default: realistic)",
    )
    stack.add_argument(
        "--timing",
        choices=["standard", "fast"],
        default="standard",
        help="the template's TimingProfile",
    )
    stack.add_argument(
        "--auth", action="store_true", help="have the emulator enforce the functions' IAM policies"
    )
    stack.add_argument(
        "--no-looks",
        action="store_true",
        help="ask about no photo before somebody asks for its DR (the template's Looks)",
    )
    stack.add_argument("--no-build", action="store_true", help="take the binaries as they are")


def _name(
    parser: "argparse.ArgumentParser | argparse._ArgumentGroup", what: str = "the stack's name"
) -> None:
    parser.add_argument(
        "--name", type=_stack_name, default="local", help=f"{what} (default: local)"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
