"""`infra/local test`: what it runs, and that its last line is pytest's own summary."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack import tools
from stack.commands import test as command
from stack.errors import StackError


class _Commands:
    """What was run. Those that contain a word of `failing` fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.failing = ""
        monkeypatch.setattr(tools, "ensure", lambda _tools: Path("python"))
        monkeypatch.setattr(command.process, "run", self._run)

    def test(self, *, fast_only: bool, more: tuple[str, ...] = ()) -> int:
        """Runs the command."""
        return command.run(argparse.Namespace(fast_only=fast_only, pytest=list(more)))

    def line(self, *words: str) -> str:
        """The one line with all these words."""
        (line,) = [one for one in self.lines if all(word in one for word in words)]
        return line

    def _run(self, line: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        self.lines.append(" ".join(line))
        failed = bool(self.failing) and self.failing in self.lines[-1]
        return subprocess.CompletedProcess(line, int(failed))


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> _Commands:
    """Nothing is really run."""
    return _Commands(monkeypatch)


def test_all_tests_are_run_and_pytest_is_the_last(commands: _Commands) -> None:
    assert commands.test(fast_only=False, more=("-k", "crashes")) == 0
    assert commands.line("cargo build", "--workspace --all-targets")
    assert commands.line("cargo test", "--workspace --locked")
    assert commands.line("sam validate --lint")
    assert commands.line("cfn-lint")
    assert commands.line("cargo-deny --locked check licenses bans sources")
    assert "pytest tests/text tests/e2e --numprocesses" in commands.lines[-1]
    assert commands.lines[-1].endswith("-k crashes")


def test_fast_tests_build_no_function_and_start_no_stack(commands: _Commands) -> None:
    assert commands.test(fast_only=True) == 0
    assert not [one for one in commands.lines if "cargo build" in one]
    assert commands.line("cargo test").split()[2:4] == ["--workspace", "--lib"]
    assert commands.line("sam validate")
    assert commands.line("cargo-deny")
    tests = commands.lines[-1].partition(" pytest ")[2].split()
    assert {"tests/text", "tests/e2e/test_template.py"} <= set(tests)
    assert "tests/e2e" not in tests


@pytest.mark.parametrize("failing", ["cargo test", "sam", "cfn-lint", "cargo-deny", "pytest"])
def test_one_failure_fails_it_and_the_rest_is_run_all_the_same(
    commands: _Commands, failing: str
) -> None:
    commands.failing = failing
    assert commands.test(fast_only=False) == 1
    assert "pytest" in commands.lines[-1]


def test_without_a_build_there_is_nothing_to_test(commands: _Commands) -> None:
    commands.failing = "cargo build"
    with pytest.raises(StackError):
        commands.test(fast_only=False)
