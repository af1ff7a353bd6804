"""A bad option ends with the code of an error and says what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import build, cli
from stack.paths import REPO


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    assert end.value.code == cli.ERROR
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("evalute", ["invalid choice", "evaluate", "redrive", "infra/local --help"]),
        ("evaluate --mode fast", ["--mode", "quick", "full"]),
        ("evaluate --timing slow", ["--timing", "standard", "fast"]),
        (
            "evaluate --latency 3000",
            ["--latency", "realistic, none, fixed:MILLISECONDS", "fixed:3000"],
        ),
        ("evaluate --latency fixed:3s", ["--latency", "fixed:3000"]),
        ("evaluate --latency no/such.json", ["--latency", "a latency file"]),
        ("evaluate --vlm-url http://a:1 --latency none", ["--latency is the simulated VLM's"]),
        ("evaluate --uplink 10", ["--uplink", "50kbit to 10gbit", "10mbit"]),
        ("evaluate --uplink 1kbit", ["--uplink", "50kbit to 10gbit"]),
        ("up --uplink 10mbit", ["unrecognized arguments: --uplink"]),
        ("evaluate --dr DR-1", ["--dr", "3 to 20 letters and digits"]),
        ("evaluate --name Local", ["--name", "lower-case letters, digits and dashes"]),
        ("up --sequential", ["unrecognized arguments: --sequential", "infra/local up", "--auth"]),
        ("down --name a_b", ["--name", "lower-case"]),
        ("watch --port 0", ["--port", "1 to 65535"]),
        ("watch --port many", ["--port", "1 to 65535"]),
        ("preflight --parameters A=1", ["unrecognized arguments", "--parameter-overrides"]),
        ("test -k cache", ["unrecognized arguments: -k", "infra/local test --help"]),
    ],
)
def test_what_is_allowed_is_said(
    capsys: pytest.CaptureFixture[str], arguments: str, says: list[str]
) -> None:
    said = _refused(capsys, *arguments.split())
    assert said.startswith("usage: ")
    for words in says:
        assert words in said


def test_without_a_command_the_help_is_shown_and_what_to_begin_with(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main([]) == cli.ERROR
    said = capsys.readouterr().err
    for words in ["evaluate", "redrive", "infra/local evaluate DR1730550"]:
        assert words in said


@pytest.mark.parametrize("more", [(), (build.BENCH,)])
def test_a_stack_is_built_with_what_it_runs_and_no_more(
    monkeypatch: pytest.MonkeyPatch, folder: Path, more: tuple[str, ...]
) -> None:
    """The simulation is compiled for the tests only, the benchmarks for a comparison only."""
    cargo = folder / "cargo"
    cargo.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\n')
    cargo.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    build.of_a_stack(*more)
    asked = (folder / "asked").read_text().split()
    binaries = {name for option, name in zip(asked, asked[1:]) if option == "--bin"}
    functions = {path.name for path in (REPO / "functions").iterdir()}
    assert binaries == functions | {"simulated-vlm", "sample-photos"} | set(more)
    assert not {"--bins", "--package", "--all-targets"} & set(asked)
    assert "--workspace" in asked, "or the tests compile much of it once more"
