"""infra/local itself: what it starts ends with it, and its exit code tells the verdict."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import truth
from harness import Harness

from stack.paths import INFRA, STACKS
from stack.state import Description, Folder

_LOCAL = str(INFRA / "local")
_PATIENCE_S = 300.0

Up = Callable[[str], tuple[subprocess.Popen[bytes], Description]]


def _evaluate(folder: Path, *options: str) -> tuple[int, dict[str, object]]:
    command = [
        _LOCAL,
        "evaluate",
        str(folder),
        *options,
        *"--json --no-build --timing fast --name test-evaluate".split(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(("photos", "verdict", "code"), [(10, "pass", 0), (4, "fail", 1)])
def test_evaluate_prints_the_verdict_and_ends_with_its_code(
    harness: Harness, photos: int, verdict: str, code: int
) -> None:
    dr = harness.dr(photos)
    returned, said = _evaluate(dr.photos[0].parent)
    (evaluated,) = said["evaluations"]
    assert truth.seen(evaluated["evaluation"]) == truth.verdict(dr.truth)
    assert (evaluated["evaluation"]["verdict"], returned) == (verdict, code)
    assert said["vlm"]["simulated"] is True
    assert Folder("test-evaluate").running() is None


def test_a_bad_photo_gives_incomplete(harness: Harness) -> None:
    dr = harness.dr(2)
    whole = dr.photos[0].read_bytes()
    (dr.photos[0].parent / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    returned, said = _evaluate(dr.photos[0].parent)
    assert (returned, said["evaluations"][0]["evaluation"]["verdict"]) == (2, "incomplete")


def test_what_is_not_there_is_an_error_in_one_line() -> None:
    done = subprocess.run([_LOCAL, "evaluate", "DR0000000", "--no-build"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.fixture
def up() -> Iterator[Up]:
    """Starts stacks with `infra/local up`; what a failed test leaves is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> tuple[subprocess.Popen[bytes], Description]:
        with (STACKS / f"{name}.out").open("wb") as out:
            command = [_LOCAL, "up", "--no-build", "--timing", "fast", "--name", name]
            started.append(subprocess.Popen(command, stdout=out, stderr=out))
        _eventually(lambda: _kept(Folder(name)) or started[-1].poll() is not None, f"not up: {STACKS / name}")
        assert started[-1].poll() is None, f"it ended: {STACKS / name}.out"
        description = Folder(name).running()
        assert description is not None
        assert description.owner_pid == started[-1].pid
        return started[-1], description

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=_PATIENCE_S)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_everything_ends_with_the_process_that_started_it(up: Up, how: signal.Signals) -> None:
    process, description = up("test-up")
    os.kill(process.pid, how)
    process.wait(timeout=_PATIENCE_S)
    _eventually(lambda: not _processes(description), f"left over after {how.name}")
    assert Folder("test-up").running() is None


def test_two_stacks_run_side_by_side_and_each_goes_down_alone(up: Up) -> None:
    (first, one), (second, other) = up("test-up"), up("test-side")
    assert one.endpoint != other.endpoint
    assert subprocess.run([_LOCAL, "down", "--name", "test-up"], check=False).returncode == 0
    first.wait(timeout=_PATIENCE_S)
    assert _processes(other)
    assert subprocess.run([_LOCAL, "down", "--name", "test-side"], check=False).returncode == 0
    second.wait(timeout=_PATIENCE_S)
    _eventually(lambda: not _processes(one) and not _processes(other), "left over")


def _kept(folder: Folder) -> bool:
    description = folder.running()
    return description is not None and description.kept


def _processes(description: Description) -> list[str]:
    """What runs in the stack's process groups; the dead that nobody has buried do not count."""
    listing = subprocess.run(["ps", "-A", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    split = [line.split(None, 2) for line in listing.splitlines()]
    return [" ".join(line) for line in split if int(line[0]) in description.groups and not line[1].startswith("Z")]


def _eventually(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(otherwise)
