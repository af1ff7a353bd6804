"""`infra/local servers`: a server is tried, or skipped with the reason; none is installed here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stack import cli
from stack.commands import servers
from stack.errors import StackError
from stack.servers import kinds, trial
from stack.servers.kinds import Kind, Skipped, Start


def test_the_simulated_server_passes_the_suite() -> None:
    one = trial.try_out(kinds.of("simulated"))
    assert one.reason is None
    assert one.found
    assert one.found["abilities"]["answer"]["state"] == "read"
    assert len(one.tests) >= 4, one.said
    assert all(one.tests.values()), one.said


@pytest.mark.parametrize("name", ["vllm", "transformers", "llama.cpp"])
def test_what_needs_the_tiny_model_is_skipped_without_it(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str
) -> None:
    monkeypatch.setattr(kinds, "_VLLM", folder / "vllm")
    monkeypatch.setattr(kinds, "_SETUP", folder / "no" / "setup.sh")
    one = trial.try_out(kinds.of(name))
    assert one.reason and "setup.sh" in one.reason and "is not there" in one.reason
    assert one.found is None
    assert not one.tests


def test_a_server_that_ends_at_once_is_skipped_with_its_last_words(folder: Path) -> None:
    program = folder / "server"
    program.write_text("#!/bin/sh\necho out of memory >&2\nexit 1\n")
    program.chmod(0o755)
    one = trial.try_out(Kind("ends", "1", lambda: None, lambda _port, _behind: Start([str(program)])))
    assert one.reason and "ends does not start" in one.reason
    assert "out of memory" in one.reason


def test_a_proxy_stands_before_the_simulated_server_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own start is given the address of what is behind it."""
    behind: list[str | None] = []

    def missing() -> None:
        raise Skipped("not here")

    def start(port: int, address: str | None) -> Start:
        behind.append(address)
        return kinds.of("simulated").start(port, None)

    nothing = Kind("nothing", "1", missing, start)
    of = kinds.of
    monkeypatch.setattr(kinds, "of", lambda name: nothing if name == "nothing" else of(name))
    monkeypatch.setattr(trial, "_suite", lambda *_: ({"suite": True}, ""))
    one = trial.try_out(Kind("proxy", "1", lambda: None, start, behind="nothing"))
    assert one.reason is None
    (address,) = behind
    assert address and address.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_a_failed_test_fails_the_command_and_all_stands_in_its_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], passed: bool, code: int
) -> None:
    found: dict[str, Any] = {"model": "m", "address": "a", "table": [{"what": "w", "found": "f", "means": "m"}]}
    tried = trial.Trial("simulated", "1", found=found, tests={"suite": passed}, said="said")
    monkeypatch.setattr(trial, "try_out", lambda _: tried)
    monkeypatch.setattr(servers.build, "only", lambda *_: None)
    parser = cli._parser()
    assert servers.run(parser.parse_args(["servers", "--only", "simulated", "--json"])) == code
    (one,) = json.loads(capsys.readouterr().out)
    assert one["tests"] == {"suite": passed}
    assert servers.run(parser.parse_args(["servers", "--only", "simulated"])) == code
    assert ("1 of 1" if passed else "0 of 1") in capsys.readouterr().out


def test_a_server_that_there_is_not_is_named() -> None:
    with pytest.raises(StackError, match="llama.cpp"):
        kinds.of("ollama")
