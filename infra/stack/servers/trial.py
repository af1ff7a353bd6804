"""One server's trial: started, asked what it can do, put through the client's suite, ended."""

from __future__ import annotations

import os
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from .. import environment, stop, vlm_check
from ..errors import StackError
from ..paths import REPO, TOOLS
from ..process import Process, run
from . import kinds
from .kinds import Kind, Skipped, Start

#: A server that loads a model on two busy cores.
_STARTS_WITHIN_S = 600.0
#: Seconds that an answer may take there.
_ANSWERS_WITHIN_S = "180"
_TEST = re.compile(r"^test real_vlm::(\S+) \.\.\. (\w+)", re.MULTILINE)


@dataclass
class Trial:
    """What came of it."""

    name: str
    version: str
    #: Why it was not tried, or could not be asked.
    reason: str | None = None
    found: dict[str, Any] | None = None
    #: The suite's tests, and whether each passed.
    tests: dict[str, bool] = field(default_factory=dict)
    said: str = ""


def try_out(kind: Kind) -> Trial:
    """Installs, starts, asks, tests and ends it."""
    trial = Trial(kind.name, kind.version)
    try:
        kind.install()
        with _serving(kind) as (url, start):
            within = ("--within", _ANSWERS_WITHIN_S)
            trial.found = vlm_check.check(url, start.model, *within, key=start.key)
            trial.tests, trial.said = _suite(url, start, trial.found)
    except (Skipped, StackError) as reason:
        trial.reason = str(reason)
    return trial


@contextmanager
def _serving(kind: Kind) -> Iterator[tuple[str, Start]]:
    """The server's address, and that of the one behind it for as long."""
    if kind.behind is None:
        with _running(kind, None) as running:
            yield running
        return
    behind = kinds.of(kind.behind)
    try:
        behind.install()
    except Skipped:
        behind = kinds.of("simulated")
    with _running(behind, None) as (url, _), _running(kind, url) as running:
        yield running


@contextmanager
def _running(kind: Kind, behind: str | None) -> Iterator[tuple[str, Start]]:
    port = _free_port()
    start = kind.start(port, behind)
    log = TOOLS / "servers" / "logs" / f"{kind.name}.log"
    process = Process(start.command, log, {**environment.base(), **start.variables})
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(kind, process, url)
        yield url, start
    finally:
        process.stop()


def _wait(kind: Kind, process: Process, url: str) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < until:
        if not process.running():
            break
        if _answers(url):
            return
        stop.wait(0.5)
    raise Skipped(f"{kind.name} does not start:\n{process.last_lines(12)}\n    Its log is {process.log}")


def _answers(url: str) -> bool:
    """Whether it lists models, or says that it has no list; a server that still loads says 503."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/v1/models", timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _suite(url: str, start: Start, found: dict[str, Any]) -> tuple[dict[str, bool], str]:
    """The tests of the client against a real server (shared/vlm/tests/real_vlm.rs), one after another."""
    command = ["cargo", "test", "--workspace", "--locked", "--test", "real_vlm", "--"]
    holds = found["abilities"]["schema"] in ("held", "held_without_bounds")
    variables = {
        **os.environ,
        "VLM_BASE_URL": url,
        "VLM_MODEL": start.model,
        "VLM_API_KEY": start.key,
        "VLM_HOLDS_SCHEMA": "yes" if holds else "no",
        "NO_PROXY": "127.0.0.1",
    }
    done = run([*command, "--test-threads", "1"], cwd=REPO, env=variables, capture=True)
    said = f"{done.stdout}\n{done.stderr}"
    tests = {name: result == "ok" for name, result in _TEST.findall(said)}
    if not tests:
        raise StackError("The suite did not run.", said[-2000:])
    return tests, said


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
