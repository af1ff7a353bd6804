"""A wrong address, key or model of a real VLM is said at once, with what the server answered."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from vlm_servers import COMPLETION, Said, serving

from stack import samples, vlm, vlm_check
from stack.errors import StackError
from stack.paths import INFRA
from stack.state import Folder

_LOCAL = str(INFRA / "local")
_MODEL = "Qwen/Qwen3-VL-8B-Instruct"
#: Far below the ten minutes that an evaluation waits for a VLM that is away.
_AT_ONCE_S = 120.0
_AT_ONCE_WITH_A_STACK_S = 300.0
_NO_LIST: Said = (404, "404 page not found")
#: Shorter than a person would wait for a server that never answers. One that does has the time it needs.
_HASTE = ("--within", "5")
_NOBODY = "no VLM answers"
_SIMULATED = "simulated-qwen3-vl-8b"
_LARGEST_PICTURE_OF_NOTHING = 40_000
_UNKNOWN: Said = (404, {"error": {"message": f"The model `{_MODEL}` does not exist.", "code": 404}})


@pytest.mark.parametrize(
    ("models", "said", "state"),
    [
        ([_MODEL], COMPLETION, "not_understood"),
        (_NO_LIST, COMPLETION, "not_understood"),
        ((200, "<html>Welcome</html>"), COMPLETION, "not_understood"),
        ((500, "no"), COMPLETION, "not_understood"),
        (["an-alias"], COMPLETION, "not_understood"),
        ([], COMPLETION, "not_understood"),
        (_NO_LIST, (429, {"error": {"message": "Too many requests"}}), "none"),
        (_NO_LIST, (503, {"error": {"message": "The queue is full"}}), "none"),
        ([_MODEL], (502, "Bad Gateway"), "none"),
        ([_MODEL], None, "none"),
        (_NO_LIST, None, "none"),
    ],
    ids=str,
)
def test_a_server_that_would_answer_is_taken(
    models: list[str] | Said, said: Said, state: str
) -> None:
    """Also one whose answers are of no use yet: the model may be the one of a test."""
    with serving(models, said, photos=said) as url:
        found = vlm_check.check(url, _MODEL, *_haste(said))
    assert found["abilities"]["answer"]["state"] == state
    assert found["abilities"]["model_is_listed"] == (models == [_MODEL])


@pytest.mark.parametrize(
    ("models", "said", "says"),
    [
        (
            ["one", "two"],
            _UNKNOWN,
            ["no model Qwen/Qwen3-VL-8B-Instruct", "it has one, two", "Say --vlm-model."],
        ),
        (
            ["one"],
            (400, {"error": "Model not found"}),
            ["no model", "it has one", "Model not found", "--vlm-model"],
        ),
        (
            _NO_LIST,
            _UNKNOWN,
            ["no model Qwen/Qwen3-VL-8B-Instruct", "lists none", "does not exist"],
        ),
        (_NO_LIST, (404, "404 page not found"), [_NOBODY, "HTTP 404: 404 page", "--vlm-url"]),
        (_NO_LIST, (404, {"detail": "Not Found"}), [_NOBODY, "Not Found", "--vlm-url"]),
        (_NO_LIST, (405, "Method Not Allowed"), [_NOBODY, "HTTP 405: Method Not Allowed"]),
        (_NO_LIST, (200, "<html>Welcome</html>"), [_NOBODY, "a page"]),
        (_NO_LIST, (200, {"hello": "world"}), [_NOBODY, "finish_reason"]),
        (_NO_LIST, (307, "http://elsewhere/"), [_NOBODY, "HTTP 307"]),
        (_NO_LIST, (502, "Bad Gateway"), [_NOBODY, "HTTP 502: Bad Gateway"]),
        ([_MODEL], (404, "Not Found"), [_NOBODY, "Not Found", "--vlm-url"]),
        (["one"], (404, "Not Found"), ["no model", "it has one", "--vlm-model"]),
        ([_MODEL], (401, {"error": "Unauthorized"}), ["wants a key", "VLM_API_KEY"]),
        ((403, "Forbidden"), None, ["wants a key", "HTTP 403: Forbidden", "VLM_API_KEY"]),
        (_NO_LIST, (401, {"error": "Unauthorized"}), ["wants a key", "VLM_API_KEY"]),
        (
            [_MODEL],
            (402, {"error": {"message": "Insufficient credits"}}),
            ["refuses a question about a photo", "HTTP 402", "money or quota is used up"],
        ),
        (
            [_MODEL],
            (400, {"error": {"message": "At most 0 image(s) may be provided in one prompt."}}),
            ["takes no images", "--limit-mm-per-prompt"],
        ),
        (
            [_MODEL],
            (400, {"error": {"message": "This model's maximum context length is 512 tokens."}}),
            ["context is too small", "--max-model-len"],
        ),
        (
            [_MODEL],
            (400, {"error": {"message": "No."}}),
            ["refuses a question about a photo", "HTTP 400: No", "server's log"],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_what_to_change(
    models: list[str] | Said, said: Said, says: list[str]
) -> None:
    with (
        serving(models, said, photos=said) as url,
        pytest.raises(StackError) as error,
    ):
        vlm_check.check(url, _MODEL, *_haste(said))
    told = str(error.value)
    for words in says:
        assert words in told
    assert len(told.splitlines()) == 1
    assert url in told or "no model" in told or "a key" in told


def test_the_key_is_sent_and_a_wrong_one_is_no_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving([_MODEL], COMPLETION, key="right") as url:
        monkeypatch.setenv("VLM_API_KEY", "right")
        assert vlm_check.check(url, _MODEL)["abilities"]["model_is_listed"]
        monkeypatch.setenv("VLM_API_KEY", "wrong-one")
        with pytest.raises(StackError, match="refuses the key: .*Unauthorized") as error:
            vlm_check.check(url, _MODEL)
        assert "wrong-one" not in str(error.value)


def test_the_key_goes_where_headers_of_ones_own_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_API_KEY", "right")
    with serving([_MODEL], COMPLETION, key="right", key_header="api-key") as url:
        monkeypatch.setenv("VLM_HEADERS", "api-key: {key} | x-team: photos")
        assert vlm_check.check(url, _MODEL)["abilities"]["model_is_listed"]
        monkeypatch.setenv("VLM_HEADERS", "x-team: photos")
        with pytest.raises(StackError, match="VLM_HEADERS"):
            vlm_check.check(url, _MODEL)
        monkeypatch.setenv("VLM_HEADERS", "hunter2")
        with pytest.raises(StackError, match="Check VLM_HEADERS") as error:
            vlm_check.check(url, _MODEL)
        assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("address", ["ftp://a.example", "http://a:port", "https://me:hunter2@a.example"])
def test_what_is_no_address_is_said_without_its_secret(address: str) -> None:
    """All forms: shared/vlm/src/recorded/addresses.json, for the one reading that there is."""
    with pytest.raises(StackError, match="--vlm-url") as error:
        vlm_check.check(address, _MODEL)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "form", ["{}", "{}/", "{}/v1", "{}/v1/", "{}/v1/models", "{}/v1/chat/completions?api-version=1"]
)
def test_every_form_of_an_address_reaches_the_server(form: str) -> None:
    with _simulated() as url:
        found = vlm_check.check(form.format(url), _SIMULATED)
    assert found["abilities"]["answer"]["state"] == "read"
    assert found["address"] == f"{url}/v1/chat/completions"


def test_what_a_server_can_do_is_found_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with _simulated() as url:
        found = vlm_check.check(url, _SIMULATED)
    abilities = found["abilities"]
    assert abilities["images_per_request"] == {"exactly": 8}
    assert abilities["context_tokens"] == 32768
    assert abilities["answer"]["prompt_tokens"] > 0
    assert abilities["answer"]["first_token_ms"] is not None
    assert abilities["stream"] == {"in_pieces": True, "counted": True}
    usual, large = (abilities[name]["tokens"]["prompt"] for name in ("usual", "small_print"))
    assert large > usual > abilities["answer"]["prompt_tokens"]
    vlm_check.show(found)
    said = capsys.readouterr().err
    for words in [_SIMULATED, url, "means for this system", "understood", "up to 8", "32768 tokens"]:
        assert words in said


def test_a_server_that_lacks_much_is_told_from_one_that_does_not() -> None:
    """It answers in one piece, counts nothing and holds to a schema whose bounds it ignores."""
    said = (200, {"choices": [{"message": {"content": '{"number": 9}'}, "finish_reason": "stop"}]})
    with serving([_MODEL], said, photos=said) as url:
        abilities = vlm_check.check(url, _MODEL)["abilities"]
    assert abilities["schema"] == "held_without_bounds"
    assert abilities["images_per_request"] == {"at_least": 10}
    assert abilities["log_probabilities"] is False
    assert abilities["stream"] == {"in_pieces": False, "counted": False}
    assert abilities["usual"]["tokens"] is None
    assert abilities["context_tokens"] is None


def test_fields_that_a_server_refuses_are_left_out_and_named() -> None:
    def refuses_seed(body: bytes) -> Said:
        refusal = {"error": {"message": "Unsupported parameter: 'seed'", "param": "seed"}}
        return (400, refusal) if b'"seed"' in body else COMPLETION

    with serving([_MODEL], COMPLETION, photos=refuses_seed) as url:
        found = vlm_check.check(url, _MODEL)
    assert found["abilities"]["refused_fields"] == ["seed"]
    (row,) = [row for row in found["table"] if row["what"] == "fields"]
    assert "seed" in row["found"]
    assert "another answer" in row["means"]


@pytest.mark.parametrize("command", ["evaluate", "up", "watch"])
def test_a_command_says_so_before_it_starts_anything(folder: Path, command: str) -> None:
    """And before anything else is built than the program that asks: a cargo notes what it is asked for."""
    cargo = folder / "cargo"
    real = shutil.which("cargo")
    cargo.write_text(
        f'#!/bin/sh\n[ "$1" = metadata ] && exec {real} "$@"\necho "$@" >> {folder}/built\n'
    )
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
    *before, error = done.stderr.strip().splitlines()
    assert error.startswith(f"error: At {url}/chat/completions no VLM answers")
    assert "refused" in error
    assert "--vlm-url" in error
    assert all(line.startswith("Building") for line in before)
    (built,) = (folder / "built").read_text().splitlines()
    assert built.count("--bin") == 1
    assert "vlm-check" in built
    assert time.monotonic() - begun < _AT_ONCE_S
    assert Folder("test-vlm").running() is None


@contextmanager
def _simulated(*options: str) -> Iterator[str]:
    """A simulated VLM of one's own, which answers at once."""
    folder = Folder("test-vlm")
    (folder.path / "logs").mkdir(parents=True, exist_ok=True)
    asked = vlm.simulated(folder.path, ["--latency", "none", *options])
    try:
        yield asked.url
    finally:
        assert asked.process
        asked.process.stop()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A DR of two photos."""
    folder = tmp_path_factory.mktemp("vlm")
    samples.make(folder, *"--dr E2EVLM --photos 2 --seed 1 --megapixels 0.5".split())
    yield folder / "E2EVLM"


def test_an_evaluation_ends_once_the_vlm_refuses_its_requests(photos: Path) -> None:
    """It answers about pictures of nothing, but about no photo: those are larger."""

    def refuses_photos(body: bytes) -> Said:
        is_photo = len(body) > _LARGEST_PICTURE_OF_NOTHING
        return (403, {"error": "This key may send no photos"}) if is_photo else COMPLETION

    with serving([_MODEL], COMPLETION, photos=refuses_photos) as url:
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
    assert time.monotonic() - begun < _AT_ONCE_WITH_A_STACK_S
    assert Folder("test-vlm").running() is None


def test_an_evaluation_looks_at_the_server_and_then_asks_it_under_the_address_as_it_was_given(
    photos: Path,
) -> None:
    """What it can do is shown, and stands in the JSON; the template and the functions take the same address."""
    with _simulated() as url:
        given = f"{url.removeprefix('http://')}/v1/"
        options = ["--no-build", "--timing", "fast", "--name", "test-vlm", "--json"]
        server = ["--vlm-url", given, "--vlm-model", _SIMULATED]
        command = [_LOCAL, "evaluate", str(photos), *options, *server]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    said = json.loads(done.stdout)
    assert said["vlm"]["url"] == given
    assert said["vlm"]["server"]["address"] == f"{url}/v1/chat/completions"
    assert said["vlm"]["server"]["abilities"]["images_per_request"] == {"exactly": 8}
    (evaluated,) = said["evaluations"]
    assert {photo["outcome"] for photo in evaluated["evaluation"]["photos"]} == {"evaluated"}
    assert "means for this system" in done.stderr


def _haste(said: Said) -> tuple[str, ...]:
    return _HASTE if said is None else ()


def _nobody_listens() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
