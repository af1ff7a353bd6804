"""`infra/local test`: what it runs, and that its last line is pytest's own summary."""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack import tools
from stack.commands import test as command
from stack.errors import StackError
from stack.paths import REPO


def _artefact(package: str, program: str | None) -> str:
    folder = REPO / package
    return json.dumps(
        {
            "package_id": f"path+file://{folder}#0.2.7",
            "manifest_path": f"{folder}/Cargo.toml",
            "executable": program,
        }
    )


#: What cargo says of what it built: libraries for others, tests of libraries, and of helpers.
_BUILT = "\n".join(
    [
        _artefact("shared/vlm", None),
        _artefact("tests/simulation", "/deps/simulation-3"),
        _artefact("shared/vlm", "/deps/vlm-2"),
        _artefact("shared/photos", "/deps/photos-1"),
        _artefact("tests/samples", "/deps/samples-4"),
        '{"reason": "build-finished", "success": true}',
    ]
)


class _Commands:
    """What was run. Those that contain a word of `failing` fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.failing = ""
        monkeypatch.setattr(tools, "ensure", lambda _tools: Path("python"))
        # Nor unpacked: fast tests have none.
        monkeypatch.setattr(command.page, "browser", lambda: Path("chromium"))
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
        return subprocess.CompletedProcess(line, int(failed), _BUILT, "")


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
    assert "pytest tests/structure tests/text tests/e2e --numprocesses" in commands.lines[-1]
    assert commands.lines[-1].endswith("-k crashes")


def test_fast_tests_build_no_function_and_start_no_stack(commands: _Commands) -> None:
    assert commands.test(fast_only=True) == 0
    assert [one for one in commands.lines if one.startswith("cargo ")] == [commands.lines[0]]
    assert commands.lines[0].startswith("cargo test --workspace --lib --no-run --locked")
    tested = [one for one in commands.lines if "/deps/" in one]
    libraries = ["/deps/photos-1 --quiet", "/deps/simulation-3 --quiet", "/deps/vlm-2 --quiet"]
    assert sorted(tested) == libraries
    assert commands.line("sam validate")
    assert commands.line("cargo-deny")
    tests = commands.lines[-1].partition(" pytest ")[2].split()
    assert {"tests/text", "tests/e2e/test_template.py"} <= set(tests)
    assert "tests/e2e" not in tests


def test_a_library_s_tests_find_what_cargo_would_give_them() -> None:
    photos = command.library_tests(_BUILT)[0]
    assert photos.folder == REPO / "shared" / "photos"
    assert photos.environment() == {
        "CARGO_MANIFEST_DIR": str(photos.folder),
        "CARGO_PKG_NAME": "photos",
        "CARGO_PKG_VERSION_MAJOR": "0",
        "CARGO_PKG_VERSION_MINOR": "2",
        "CARGO_PKG_VERSION_PATCH": "7",
    }


@pytest.mark.parametrize("failing", ["/deps/photos-1", "/deps/simulation-3"])
def test_a_library_s_failure_fails_the_fast_tests_and_hides_no_other(
    commands: _Commands, failing: str
) -> None:
    commands.failing = failing
    assert commands.test(fast_only=True) == 1
    assert len([one for one in commands.lines if "/deps/" in one]) == 3


@pytest.mark.parametrize("failing", ["cargo test", "sam", "cfn-lint", "cargo-deny", "pytest"])
def test_one_failure_fails_it_and_the_rest_is_run_all_the_same(
    commands: _Commands, failing: str
) -> None:
    commands.failing = failing
    assert commands.test(fast_only=False) == 1
    assert "pytest" in commands.lines[-1]


@pytest.mark.parametrize(("fast_only", "build"), [(False, "cargo build"), (True, "--no-run")])
def test_without_a_build_there_is_nothing_to_test(
    commands: _Commands, fast_only: bool, build: str
) -> None:
    commands.failing = build
    with pytest.raises(StackError):
        commands.test(fast_only=fast_only)
