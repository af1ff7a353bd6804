"""Shows evaluations: the verdict as a table, the timings, the bytes saved."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from .evaluate import Evaluated

_COLOURS = {"pass": "32", "fail": "31", "missing": "31", "incomplete": "33", "not_evaluated": "33"}
#: One photo's way, so that the parts add up to the total; not the longest of each part.
_TIMINGS = (
    ("split_ms", "split", "request to batches sent"),
    ("queue_ms", "queue", "from there to that photo's turn, waits for the VLM's return included"),
    ("fetch_ms", "fetch", "that photo, read from S3"),
    ("compress_ms", "compress", "that photo decoded, scaled and encoded"),
    ("vlm_ms", "VLM", "that photo's answer"),
    ("merge_ms", "merge", "that photo's outcome to verdict"),
    ("total_ms", "total", "request to verdict"),
)


def verdict(evaluated: Evaluated) -> str:
    """The verdict and each step's outcome."""
    evaluation = evaluated.evaluation
    known = " (known already)" if evaluated.cached else " (joined)" if evaluated.joined else ""
    average = evaluation["average_score"]
    painted = _painted((evaluation["verdict"] or "none").upper(), evaluation["verdict"])
    lines = [
        f"{evaluated.dr.number}  {painted}{known}"
        f"  average {average if average is not None else '–'}, {evaluation['mode']} mode,"
        f" {evaluation['progress']['photos_total']} photos,"
        f" catalogue {evaluation['catalogue_version']},"
        f" {evaluation['model']}",
    ]
    if evaluation.get("mode_note"):
        lines.append(evaluation["mode_note"])
    rows = [_step(step) for step in evaluation["steps"]]
    lines += table(("", "step", "outcome", "score", "comment", "photo"), rows)
    lines += _not_evaluated(evaluation)
    return "\n".join(lines)


def timings(evaluated: Evaluated, sequential: dict[str, Any] | None) -> str:
    """Where the time went, and how many bytes were not sent."""
    taken = evaluated.evaluation["timings"] or {}
    rows = [(name, _seconds(taken.get(key)), meaning) for key, name, meaning in _TIMINGS]
    rows.append(("upload", _seconds(evaluated.upload_ms), "all photos into S3, before the request"))
    rows.append(("API", _seconds(evaluated.api_ms), "answer to POST /evaluations"))
    rows.append(
        ("seen", _seconds(evaluated.seen_ms), "request to verdict as a polling app sees it")
    )
    if evaluated.verdict_after_ms is not None:
        what = "last photo uploaded to verdict"
        rows.append(("after", _seconds(evaluated.verdict_after_ms), what))
    if sequential:
        what = "the same photos, one after another, without AWS"
        rows.append(("sequential", _seconds(sequential["total_ms"]), what))
    head = "split to total: the way of the photo that was asked and ended last; its parts add up"
    lines = [head, *table(("timing", "s", "what"), rows), _bytes(evaluated.evaluation)]
    return "\n".join(lines)


def _step(step: dict[str, Any]) -> tuple[str, ...]:
    mark = "*" if step["critical"] else " "
    score = "" if step["score"] is None else str(step["score"])
    comment = step["comment"] or step["reason"] or ""
    reading = f" [{step['reading']}]" if step.get("reading") else ""
    outcome = _painted(step["outcome"].replace("_", " "), step["outcome"])
    return (
        f"{step['number']}{mark}",
        step["label"],
        outcome,
        score,
        comment + reading,
        step["photo"] or "",
    )


def _not_evaluated(evaluation: dict[str, Any]) -> list[str]:
    gaps = [photo for photo in evaluation["photos"] if photo["outcome"] == "not_evaluated"]
    lines = [f"not evaluated: {photo['name']}: {photo['reason']['message']}" for photo in gaps]
    if skipped := evaluation["photos_skipped"]:
        lines.append(f"not asked in quick mode: {len(skipped)} photos")
    return [*lines, "* critical step"]


def _bytes(evaluation: dict[str, Any]) -> str:
    images = [photo["image"] for photo in evaluation["photos"] if photo["image"]]
    before = sum(image["original_bytes"] for image in images)
    after = sum(image["sent_bytes"] for image in images)
    if not before:
        return "No photo was sent."
    saved = 100 * (before - after) / before
    sizes = f"{before / 1e6:.1f} MB of photos, {after / 1e6:.1f} MB sent to the VLM"
    return f"{sizes}: {saved:.0f} % saved."


def _seconds(milliseconds: int | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds / 1000:.3f}"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines of a table; one column takes the room that the others leave, and wraps."""
    wide = len(head) - 2 if len(head) > 3 else len(head) - 1
    widths = [max(_length(row[column]) for row in [head, *rows]) for column in range(len(head))]
    room = shutil.get_terminal_size((140, 40)).columns
    widths[wide] = max(16, min(widths[wide], room - sum(widths) + widths[wide] - 2 * len(head)))
    lines = [_row(head, widths), "  ".join("─" * width for width in widths)]
    for row in rows:
        parts = textwrap.wrap(row[wide], widths[wide]) or [""]
        lines.append(_row((*row[:wide], parts[0], *row[wide + 1 :]), widths))
        lines += [
            _row(tuple(part if at == wide else "" for at in range(len(head))), widths)
            for part in parts[1:]
        ]
    return lines


def _row(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(
        cell + " " * (width - _length(cell)) for cell, width in zip(cells, widths)
    ).rstrip()


def _painted(text: str, kind: str | None) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or kind not in _COLOURS:
        return text
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m"


def _length(cell: str) -> int:
    return len(cell) - 9 if cell.startswith("\x1b[") else len(cell)
