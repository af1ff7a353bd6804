"""A wrong address, key or model of a real VLM is said at once, with what the server answered."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from vlm_servers import COMPLETION, Said, serving

from stack import samples, vlm_check
from stack.errors import StackError
from stack.paths import INFRA
from stack.state import Folder

_LOCAL = str(INFRA / "local")
_MODEL = "Qwen/Qwen3-VL-8B-Instruct"
#: Far below the ten minutes that an evaluation waits for a VLM that is away.
_AT_ONCE_S = 10.0
_NO_LIST: Said = (404, "404 page not found")
_UNKNOWN: Said = (404, {"error": {"message": f"The model `{_MODEL}` does not exist.", "code": 404}})


@pytest.mark.parametrize(
    ("models", "chat"),
    [
        ([_MODEL], COMPLETION),
        (["another", _MODEL], COMPLETION),
        (_NO_LIST, COMPLETION),
        ((200, "<html>Welcome</html>"), COMPLETION),
        ((405, {"error": "no"}), COMPLETION),
        ((500, "no"), COMPLETION),
        (["an-alias"], COMPLETION),
        ([], COMPLETION),
        (_NO_LIST, (400, {"error": {"message": "max_tokens must be at least 16"}})),
        (_NO_LIST, (429, {"error": {"message": "Too many requests"}})),
        (_NO_LIST, (503, {"error": {"message": "The queue is full"}})),
        ([_MODEL], (502, "Bad Gateway")),
        ([_MODEL], None),
        (_NO_LIST, None),
    ],
    ids=[
        "listed",
        "among-others",
        "no-list",
        "a-page",
        "not-allowed",
        "broken-list",
        "alias",
        "empty",
        "picky",
        "limited",
        "full",
        "gateway",
        "slow",
        "slow-without-list",
    ],
)
def test_a_server_that_would_answer_is_taken(
    monkeypatch: pytest.MonkeyPatch, models: list[str] | Said, chat: Said
) -> None:
    monkeypatch.setattr(vlm_check, "_ANSWERS_WITHIN_S", 0.3)
    with serving(models, chat) as url:
        vlm_check.check(url, _MODEL, "none")


@pytest.mark.parametrize(
    ("models", "chat", "says"),
    [
        (
            ["one", "two"],
            _UNKNOWN,
            ["no model Qwen/Qwen3-VL-8B-Instruct", "it has one, two", "--vlm-model"],
        ),
        (
            ["one"],
            (400, {"error": "Model not found"}),
            ["no model", "it has one", "Model not found"],
        ),
        (
            _NO_LIST,
            _UNKNOWN,
            ["no model Qwen/Qwen3-VL-8B-Instruct", "lists none", "does not exist"],
        ),
        (
            _NO_LIST,
            (404, "404 page not found"),
            ["no server answers /v1/chat/completions", "HTTP 404: 404 page"],
        ),
        (_NO_LIST, (404, {"detail": "Not Found"}), ["no server answers", "Not Found"]),
        (
            _NO_LIST,
            (405, "Method Not Allowed"),
            ["no server answers", "HTTP 405: Method Not Allowed"],
        ),
        (_NO_LIST, (200, "<html>Welcome</html>"), ["no server answers", "Welcome"]),
        (_NO_LIST, (307, "http://elsewhere/"), ["no server answers", "HTTP 307"]),
        (_NO_LIST, (502, "Bad Gateway"), ["no server answers", "HTTP 502: Bad Gateway"]),
        (
            [_MODEL],
            (401, {"error": "Unauthorized"}),
            ["wants a key", "Unauthorized", "VLM_API_KEY"],
        ),
        ([_MODEL], (404, "Not Found"), ["no server answers /v1/chat/completions", "Not Found"]),
        ((403, "Forbidden"), None, ["wants a key", "HTTP 403: Forbidden", "VLM_API_KEY"]),
        (
            _NO_LIST,
            (401, {"error": "Unauthorized"}),
            ["wants a key", "Unauthorized", "VLM_API_KEY"],
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_the_server_answered(
    models: list[str] | Said, chat: Said, says: list[str]
) -> None:
    with serving(models, chat) as url, pytest.raises(StackError) as error:
        vlm_check.check(url, _MODEL, "none")
    for words in [url, *says]:
        assert words in str(error.value)


def test_the_key_is_sent_and_a_wrong_one_is_no_missing_one() -> None:
    with serving([_MODEL], COMPLETION, key="right") as url:
        vlm_check.check(url, _MODEL, "right")
        with pytest.raises(StackError, match="refuses the key: HTTP 401: .*Unauthorized"):
            vlm_check.check(url, _MODEL, "wrong")


def test_a_server_that_is_slow_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vlm_check, "_LISTS_WITHIN_S", 0.5)
    with (
        serving(None, None) as url,
        pytest.raises(StackError, match="did not answer /v1/models within"),
    ):
        vlm_check.check(url, _MODEL, "none")


@pytest.mark.parametrize("command", ["evaluate", "up", "watch"])
def test_a_command_says_so_before_it_builds_or_starts_anything(folder: Path, command: str) -> None:
    """Without --no-build, and with a cargo that would leave a mark."""
    cargo = folder / "cargo"
    cargo.write_text(f"#!/bin/sh\ntouch {folder}/built\nexit 1\n")
    cargo.chmod(0o755)
    variables = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    url = f"http://127.0.0.1:{_nobody_listens()}/v1"
    begun = time.monotonic()
    done = subprocess.run(
        [_LOCAL, command, "--vlm-url", url, "--name", "test-vlm"],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("error: The VLM at http://127.0.0.1")
    assert "refused" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (folder / "built").exists()
    assert time.monotonic() - begun < _AT_ONCE_S
    assert Folder("test-vlm").running() is None


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A DR of two photos."""
    folder = tmp_path_factory.mktemp("vlm")
    samples.make(folder, *"--dr E2EVLM --photos 2 --seed 1 --megapixels 0.5".split())
    yield folder / "E2EVLM"


def test_an_evaluation_ends_once_the_vlm_refuses_its_requests(photos: Path) -> None:
    """It answers the first question, but none about photos."""
    refusal = (403, {"error": "This key may send no photos"})
    with serving([_MODEL], COMPLETION, photos=refusal) as url:
        options = ["--no-build", "--timing", "fast", "--name", "test-vlm", "--vlm-url", url]
        begun = time.monotonic()
        done = subprocess.run(
            [_LOCAL, "evaluate", str(photos), *options], capture_output=True, text=True, check=False
        )
    assert done.returncode == 3, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for words in [
        "E2EVLM",
        url,
        "refuses our requests",
        _MODEL,
        "HTTP 403",
        "may send no photos",
        "VLM_API_KEY",
    ]:
        assert words in said
    assert time.monotonic() - begun < 60
    assert Folder("test-vlm").running() is None


def _nobody_listens() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
