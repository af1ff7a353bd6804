"""`infra/local evaluate` follows a DR's checklist while its photos go up, as from a phone if asked to."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import Harness
from rich.console import Console

from stack import board, uplink
from stack.cli import _uplink
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
    assert said["checklist"]["safe_to_leave"] is True
    lines = [line for line in done.stderr.splitlines() if f"{dr.number} checklist: " in line]
    assert lines[-1].endswith("10 of 10 photos looked at, 10 of 10 steps seen; safe to leave")
    assert f"{dr.number} uploading 10/10" in done.stderr
