"""`infra/local evaluate` follows a DR's checklist while its photos go up, as from a phone if asked to."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Harness
from rich.console import Console
from websockets.sync.server import ServerConnection, serve

from stack import board, follow, uplink
from stack.api import Answer
from stack.cli import _uplink
from stack.live import Live
from stack.paths import INFRA


def _checklist(**changed: Any) -> dict[str, Any]:
    def step(number: int, label: str, state: str, **more: Any) -> dict[str, Any]:
        key = label.lower().replace(" ", "_")
        bare = {"step": key, "number": number, "label": label, "state": state, "critical": True}
        return {**bare, "score": None, "photo": None, **more}

    steps = [
        step(1, "House photo", "seen", score=8, photo="a[b].jpg"),
        step(2, "Power meter", "weak", score=4, photo="b.jpg"),
        step(3, "UPS serial", "not_seen"),
    ]
    to_do = [
        {"step": "power_meter", "photo": "b.jpg", "remedy": "retake", "message": "Power meter: again."},
        {"step": "ups_serial", "photo": None, "remedy": "take", "message": "UPS serial: take it."},
        {"step": None, "photo": "c.jpg", "remedy": "retake", "message": "c.jpg: damaged."},
    ]
    whole = {"dr_number": "DR1", "photos_total": 4, "photos_open": 1, "safe_to_leave": False}
    return {**whole, "steps": steps, "to_do": to_do, **changed}


def test_a_checklist_is_told_in_a_line() -> None:
    assert board.summary(_checklist()) == (
        "checklist: 3 of 4 photos looked at, 1 of 3 steps seen, 1 weak;"
        " left: Power meter (retake), UPS serial (take), c.jpg (retake)"
    )
    many = [{"step": "ups_serial", "photo": None, "remedy": "take"}] * 9
    assert board.summary(_checklist(to_do=many)).endswith("UPS serial (take), 5 more")
    safe = board.summary(_checklist(safe_to_leave=True, to_do=[]))
    assert safe.endswith("; safe to leave")


def test_on_a_terminal_it_is_a_table_with_what_is_left_below() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(board.drawn(_checklist()))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "DR1  3 of 4 photos looked at, not safe to leave yet" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["✔", "1*", "House", "photo", "8", "a[b].jpg"] in rows
    assert ["✘", "2*", "Power", "meter", "4", "b.jpg"] in rows
    assert ["·", "3*", "UPS", "serial"] in rows
    assert "→ Power meter: again." in said and "→ c.jpg: damaged." in said


def test_a_bandwidth_is_written_as_people_say_it() -> None:
    assert [_uplink(text) for text in ("10mbit", "1.5Mbit", "500kbit", "1gbit")] == [10e6, 1.5e6, 500e3, 1e9]


def test_a_photo_is_read_no_faster_than_the_line_carries_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(uplink.time, "monotonic", lambda: sum(waited))
    paced = uplink.Paced(bytes(100_000), 10_000.0, waited.append)
    read = b"".join(iter(paced.read, b""))
    assert len(read) == 100_000
    assert sum(waited) == pytest.approx(10.0)
    assert max(waited) < 1.0, "in pieces"


class _Api:
    """A checklist that changes with each look, unless its ETag is sent."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.version = 1

    def request(self, _method: str, path: str, **headers: str) -> Answer:
        assert path == "/drs/DR1"
        self.asked.append(headers)
        tag = f'"{self.version}"'
        if headers.get("if_none_match") == tag:
            return Answer(304, {"etag": tag}, "", 1)
        return Answer(200, {"etag": tag}, {"version": self.version}, 1)


@pytest.fixture
def telling() -> Iterator[tuple[str, Callable[[dict[str, Any]], None], list[str]]]:
    """A WebSocket server: where it is, what it tells whoever is there, and what it was told."""
    said: list[str] = []
    there: list[ServerConnection] = []

    def handle(connection: ServerConnection) -> None:
        there.append(connection)
        for text in connection:
            said.append(str(text))

    def tell(message: dict[str, Any]) -> None:
        _eventually(lambda: bool(said), "nobody has subscribed")
        for connection in there:
            connection.send(json.dumps(message)) if message else connection.close()

    with serve(handle, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        yield f"ws://127.0.0.1:{port}", tell, said
        server.shutdown()


def _eventually(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


def test_what_is_told_is_shown_and_what_is_too_large_for_that_is_looked_at(
    monkeypatch: pytest.MonkeyPatch, telling: tuple[str, Callable[[dict[str, Any]], None], list[str]]
) -> None:
    monkeypatch.setattr(follow, "_EVERY_WHILE_TOLD_S", 3600)
    url, tell, said = telling
    api, seen = _Api(), []
    with follow.Follower(api, "DR1", seen.append, lambda dr, told: Live(url, None, dr, told)) as follower:  # type: ignore[arg-type]
        tell({"type": "state", "checklist": {"version": "told"}})
        _eventually(lambda: seen == [{"version": "told"}], "not told")
        assert json.loads(said[0]) == {"action": "subscribe", "dr_number": "DR1"}
        assert api.asked == []
        for _ in range(2):
            asked = len(api.asked)
            tell({"type": "checklist", "truncated": True})
            _eventually(lambda: len(api.asked) > asked, "not looked at")  # noqa: B023
        assert api.asked == [{}, {"if_none_match": '"1"'}]
        assert seen[1:] == [{"version": 1}], "what has not changed is not told"
        api.version = 2
        tell({"type": "verdict"})
        follower.wait_for_a_verdict(3600)
        assert follower.is_told
        assert follower.end() == {"version": 2}


def test_once_the_connection_is_cut_it_polls(
    monkeypatch: pytest.MonkeyPatch, telling: tuple[str, Callable[[dict[str, Any]], None], list[str]]
) -> None:
    monkeypatch.setattr(follow, "_EVERY_S", 0.01)
    monkeypatch.setattr(follow, "_EVERY_WHILE_TOLD_S", 0.01)
    url, tell, _ = telling
    api, seen = _Api(), []
    with follow.Follower(api, "DR1", seen.append, lambda dr, told: Live(url, None, dr, told)) as follower:  # type: ignore[arg-type]
        tell({})
        _eventually(lambda: not follower.is_told, "not cut")
        api.version = 2
        _eventually(lambda: {"version": 2} in seen, "not polled")
    nowhere = Live("ws://127.0.0.1:1", None, "DR1", lambda _: None)
    assert not nowhere.is_up


def test_evaluate_uploads_as_a_phone_and_tells_how_long_after_the_last_photo(harness: Harness) -> None:
    dr = harness.dr(10, seed=1970)
    folder: Path = dr.photos[0].parent
    options = "--json --no-build --timing fast --latency none --uplink 100mbit --name test-follow".split()
    command = [str(INFRA / "local"), "evaluate", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (said,) = json.loads(done.stdout)["evaluations"]
    assert said["evaluation"]["verdict"] == "pass"
    assert said["verdict_after_ms"] is None or 0 <= said["verdict_after_ms"] <= said["seen_ms"]
    assert said["followed_by"] == "websocket"
    assert said["checklist"]["safe_to_leave"] is True
    lines = [line for line in done.stderr.splitlines() if f"{dr.number} checklist: " in line]
    assert lines[-1].endswith("10 of 10 photos looked at, 10 of 10 steps seen; safe to leave")
    assert f"{dr.number} uploading 10/10" in done.stderr
