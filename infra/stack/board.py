"""What a person sees while DRs are evaluated: how far each is, and the checklist of the only one.

On a terminal it is drawn in place (`rich`); elsewhere each change is a line.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .say import say

_WIDTH = 28
#: What is left to do is said in so many lines; the verdict says the rest.
_MOST_LEFT = 4
_MARKS = {"seen": ("✔", "green"), "weak": ("✘", "yellow"), "not_seen": ("·", "dim")}
Checklist = dict[str, Any]


class Board:
    """How far several DRs are: uploading, then evaluating, and what their photos show so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[str, tuple[str, int, int, str]] = {}
        self._checklists: dict[str, Checklist] = {}
        self._said: dict[str, str] = {}
        console = Console(stderr=True)
        # Drawn when something changes, by whoever says so: a thread of its own would fail where nobody sees it.
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def show(self, dr: str, what: str, done: int, total: int, note: str = "") -> None:
        """Says how far a DR has come."""
        with self._lock:
            last = self._parts.get(dr)
            self._parts[dr] = (what, done, total, note)
            if self._live:
                self._draw(self._live)
            elif last != self._parts[dr] and (
                last is None or last[0] != what or last[3] != note or done == total
            ):
                say(f"  {dr} {what} {done}/{total} {note}".rstrip())

    def checklist(self, dr: str, checklist: Checklist) -> None:
        """Shows what a DR's photos show so far."""
        with self._lock:
            self._checklists[dr] = checklist
            if self._live:
                self._draw(self._live)
                return
            line = summary(checklist)
            if self._said.get(dr) != line:
                self._said[dr] = line
                say(f"  {dr} {line}")

    def close(self) -> None:
        """Leaves what was drawn last."""
        if self._live:
            with suppress(OSError):
                self._live.stop()

    def _draw(self, live: Live) -> None:
        """Nobody sees it any more once the terminal is closed, which is no failure."""
        with suppress(OSError):
            live.start()
            live.update(self._drawn(), refresh=True)

    def _drawn(self) -> RenderableType:
        bars = [Text.from_markup(_bar(dr, *part)) for dr, part in self._parts.items()]
        alone = len(self._parts) == 1
        lists = [drawn(checklist) for checklist in self._checklists.values() if alone]
        return Group(*lists, *bars)


def summary(checklist: Checklist) -> str:
    """A checklist in one line."""
    total = checklist["photos_total"]
    looked_at = total - checklist["photos_open"]
    states = [step["state"] for step in checklist["steps"]]
    steps = f"{states.count('seen')} of {len(states)} steps seen"
    weak = f", {states.count('weak')} weak" if "weak" in states else ""
    left = [f"{_label(checklist, to_do)} ({to_do['remedy']})" for to_do in checklist["to_do"]]
    more = len(left) - _MOST_LEFT
    left = [*left[:_MOST_LEFT], f"{more} more"] if more > 0 else left
    end = "safe to leave" if checklist["safe_to_leave"] else f"left: {', '.join(left)}"
    return f"checklist: {looked_at} of {total} photos looked at, {steps}{weak}; {end}"


def drawn(checklist: Checklist) -> RenderableType:
    """A checklist as a table, and what is left to do below it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "", "step", "score", "photo"):
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for step in checklist["steps"]:
        mark, style = _MARKS[step["state"]]
        score = "" if step["score"] is None else str(step["score"])
        number = f"{step['number']}{'*' if step['critical'] else ' '}"
        cells = (mark, number, step["label"], score, step["photo"] or "")
        table.add_row(*(escape(cell) for cell in cells), style=style)
    total = checklist["photos_total"]
    looked_at = total - checklist["photos_open"]
    safe = "[green]safe to leave[/]" if checklist["safe_to_leave"] else "[yellow]not safe to leave yet[/]"
    head = Text.from_markup(
        f"[bold]{checklist['dr_number']}[/]  {looked_at} of {total} photos looked at, {safe}"
    )
    left = [Text(f"→ {to_do['message']}", style="dim") for to_do in checklist["to_do"][:_MOST_LEFT]]
    more = len(checklist["to_do"]) - len(left)
    return Group(head, table, *left, *([Text(f"→ and {more} more", style="dim")] if more > 0 else []))


def _label(checklist: Checklist, to_do: dict[str, Any]) -> str:
    labels = {step["step"]: step["label"] for step in checklist["steps"]}
    return str(labels.get(to_do["step"]) or to_do["photo"])


def _bar(dr: str, what: str, done: int, total: int, note: str) -> str:
    filled = round(_WIDTH * done / max(1, total))
    bar = "█" * filled + "░" * (_WIDTH - filled)
    return f"  {bar} {done}/{total} {escape(dr)} {what} {escape(note)}".rstrip()
