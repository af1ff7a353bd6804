"""infra/local ends within seconds of a signal, whatever it waits for, with all that it started."""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vlm_servers import COMPLETION, serving

from stack import process, samples
from stack.paths import INFRA, STACKS

_LOCAL = str(INFRA / "local")
_PATIENCE_S = 300.0
#: What is promised; a machine with more to do than it has cores takes longer for everything.
_ENDS_WITHIN_S = 5.0
_BUSY_ENDS_WITHIN_S, _BUSIEST_ENDS_WITHIN_S = 10.0, 30.0
_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
_STACK = "test-end"
_FAST = ["--name", _STACK, "--timing", "fast"]
#: How often the machine is watched, and how late a sleeper may wake on one that does not stand still.
_LOOKS_EVERY_S, _PUNCTUAL_S = 0.05, 0.02


class Stopwatch:
    """Takes how long something takes on this machine: without the time it stands still, and by what else it does."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._stalled_s = 0.0
        self._running: list[int] = []
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def check(self) -> None:
        """Stops it; it must be within what is promised."""
        took = time.monotonic() - self._begun
        self._ended.set()
        self._watch.join()
        # Of two loads the higher one: the average lags behind, and what runs is counted at moments only.
        load = max(os.getloadavg()[0], statistics.fmean(self._running or [0]))
        slower = load / (os.cpu_count() or 1)
        limit = _ENDS_WITHIN_S
        if slower > 1:
            limit = min(max(_BUSY_ENDS_WITHIN_S, _ENDS_WITHIN_S * slower), _BUSIEST_ENDS_WITHIN_S)
        assert took - self._stalled_s < limit, f"{took:.1f} s, {self._stalled_s:.1f} s of them the machine stood still"

    def _look(self) -> None:
        while True:
            begun = time.monotonic()
            if self._ended.wait(_LOOKS_EVERY_S):
                return
            late = time.monotonic() - begun - _LOOKS_EVERY_S
            self._stalled_s += late if late > _PUNCTUAL_S else 0.0
            self._running.append(int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]))


def _name(value: signal.Signals) -> str:
    return value.name


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DR of two photos."""
    folder = tmp_path_factory.mktemp("end")
    samples.make(folder, *"--dr E2EEND --photos 2 --seed 1 --megapixels 0.5".split())
    return folder / "E2EEND"


class Running:
    """A command that runs, and what it has said."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self._said = folder / "said"
        with self._said.open("wb") as said:
            command = [_LOCAL, *arguments]
            self.process = subprocess.Popen(
                command, stdout=said, stderr=said, env={**os.environ, **variables}
            )

    def said(self) -> str:
        """All of it."""
        return self._said.read_text(errors="replace")

    def until(self, arrived: Callable[[], bool]) -> None:
        """Waits until it has come so far."""
        deadline = time.monotonic() + _PATIENCE_S
        while not arrived():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def ends_with(self, how: signal.Signals, *marks: str) -> None:
        """Signals it; it, and every process with one of these marks, must be gone in time."""
        watch = Stopwatch()
        self.process.send_signal(how)
        code = self.process.wait(timeout=_PATIENCE_S)
        _wait_until_gone(*marks)
        watch.check()
        assert code == 130, self.said()
        assert "Traceback" not in self.said()


@contextmanager
def _running(folder: Path, *arguments: str, **variables: str) -> Iterator[Running]:
    running = Running(folder, *arguments, **variables)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.mark.parametrize("how", _SIGNALS, ids=_name)
def test_an_evaluation_that_waits_for_a_vlm_that_is_away(
    photos: Path, folder: Path, how: signal.Signals
) -> None:
    options = [*_FAST, "--no-build", "--latency", "fixed:3600000"]
    with _running(folder, "evaluate", str(photos), *options) as running:
        running.until(lambda: "evaluating" in running.said())
        running.ends_with(how, f"{STACKS}/{_STACK}")


@pytest.mark.parametrize("how", _SIGNALS[:2], ids=_name)
def test_an_evaluation_by_a_server_that_never_answers(
    photos: Path, folder: Path, how: signal.Signals
) -> None:
    with serving(models=["a"], chat=COMPLETION, photos=None) as url:
        options = [*_FAST, "--no-build", "--vlm-url", url, "--vlm-model", "a"]
        with _running(folder, "evaluate", str(photos), *options) as running:
            # It waits for the server's answer, twice, before there is a stack to wait for.
            running.until(lambda: "asked the VLM" in running.said())
            running.until(lambda: "evaluating" in running.said())
            running.ends_with(how, f"{STACKS}/{_STACK}")


@pytest.mark.parametrize("how", _SIGNALS, ids=_name)
def test_a_server_that_does_not_even_list_its_models(
    photos: Path, folder: Path, how: signal.Signals
) -> None:
    asked: list[str] = []
    with (
        serving(models=None, chat=None, asked=asked) as url,
        _running(folder, "evaluate", str(photos), *_FAST, "--vlm-url", url) as running,
    ):
        running.until(lambda: "/v1/models" in asked)
        running.ends_with(how, f"{STACKS}/{_STACK}")


@pytest.mark.parametrize("stubborn", [False, True], ids=["obedient", "stubborn"])
@pytest.mark.parametrize("how", _SIGNALS, ids=_name)
@pytest.mark.parametrize("command", ["evaluate", "up", "test"])
def test_a_build_with_its_compilers(
    folder: Path, command: str, how: signal.Signals, *, stubborn: bool
) -> None:
    """cargo's compilers are its children; one that ignores signals is no reason to wait either."""
    mark = f"compiles-for-{folder.name}"
    trap = "trap '' INT TERM HUP\n" if stubborn else ""
    compiler = f"{sys.executable} -c 'import time; time.sleep(600)' {mark}"
    cargo = folder / "bin" / "cargo"
    cargo.parent.mkdir()
    cargo.write_text(f"#!/bin/sh\n{trap}{compiler} &\n{compiler}\n")
    cargo.chmod(0o755)
    options = [] if command == "test" else _FAST
    path = f"{cargo.parent}{os.pathsep}{os.environ['PATH']}"
    with _running(folder, command, *options, PATH=path) as running:
        running.until(lambda: len(_left(mark)) >= 2)
        running.ends_with(how, mark)


def test_a_call_that_no_signal_interrupts(folder: Path) -> None:
    """Its main thread never gets to know of the signal; another ends it, and its programs."""
    mark = f"runs-for-{folder.name}"
    program = f"""
import signal, sys, time
sys.path.insert(0, {str(INFRA)!r})
from stack import process, stop
stop.on_signals()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
mark = {mark[:5]!r} + {mark[5:]!r}
child = process.Process([sys.executable, "-c", "import time; time.sleep(600)", mark], None, {{}})
time.sleep(600)
"""
    running = subprocess.Popen([sys.executable, "-c", program])
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not _left(mark) and time.monotonic() < deadline:
            time.sleep(0.05)
        watch = Stopwatch()
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=_PATIENCE_S) == 130
        _wait_until_gone(mark)
        watch.check()
    finally:
        running.kill()


@pytest.mark.parametrize("starved_s", [0.0, 4.0])
def test_what_a_program_started_in_a_group_of_its_own_ends_too(folder: Path, starved_s: float) -> None:
    """Also if its supervisor gets to know late, as on a machine that is too busy."""
    mark = f"strays-for-{folder.name}"
    stray = [sys.executable, "-c", "import time; time.sleep(600)", mark]
    program = f"""
import subprocess, time
subprocess.Popen({stray!r}, start_new_session=True)
time.sleep(600)
"""
    started = process.Process([sys.executable, "-c", program], folder / "log", {**os.environ})
    deadline = time.monotonic() + _PATIENCE_S
    while len(_left(mark)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    if starved_s:
        os.kill(started.group, signal.SIGSTOP)
        threading.Timer(starved_s, os.kill, (started.group, signal.SIGCONT)).start()
    started.stop()
    _wait_until_gone(mark)


def test_a_command_whose_terminal_is_closed_ends_in_order(photos: Path, folder: Path) -> None:
    """SIGHUP comes when there is nobody any more to write to."""
    ours, theirs = os.openpty()
    command = [_LOCAL, "evaluate", str(photos), "--no-build", "--latency", "fixed:3600000"]
    running = subprocess.Popen([*command, "--name", _STACK], stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        said = b""
        while b"evaluating" not in said:
            assert select.select([ours], [], [], _PATIENCE_S)[0], said.decode(errors="replace")
            said += os.read(ours, 4096)
        os.close(ours)
        running.send_signal(signal.SIGHUP)
        assert running.wait(timeout=_PATIENCE_S) == 130
        _wait_until_gone(f"{STACKS}/{_STACK}")
    finally:
        running.kill()


def _wait_until_gone(*marks: str) -> None:
    """No process with one of these marks is left in the end."""
    deadline = time.monotonic() + _PATIENCE_S
    while left := _left(*marks):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _left(*marks: str) -> list[str]:
    """The living processes with one of these marks in their arguments or their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            carried = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue
        if not dead and any(mark.encode() in carried for mark in marks):
            found.append(f"{entry.name} {carried[:200]!r}")
    return found
