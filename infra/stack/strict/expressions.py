"""Reads DynamoDB's expressions as far as the rules need: names, values, and the paths that an update changes."""

from __future__ import annotations

import re

_NAMES = re.compile(r"#[A-Za-z0-9_]+")
_VALUES = re.compile(r":[A-Za-z0-9_]+")
#: A word of its own: neither part of a name nor behind `#`, `:` or a dot.
_SECTIONS = re.compile(r"(?<![#:.\w])(SET|REMOVE|ADD|DELETE)(?![.\w])", re.IGNORECASE)
_STEPS = re.compile(r"[^.\[\]]+|\[\d+\]")

Path = tuple[str, ...]


def names(expression: str) -> set[str]:
    """The `#names` in it."""
    return set(_NAMES.findall(expression))


def values(expression: str) -> set[str]:
    """The `:values` in it."""
    return set(_VALUES.findall(expression))


def sections(update: str) -> list[tuple[str, str]]:
    """The sections of an update, each with its keyword."""
    _, *parts = _SECTIONS.split(update)
    return [(keyword.upper(), text) for keyword, text in zip(parts[::2], parts[1::2], strict=True)]


def changed_paths(update: str, aliases: dict[str, str]) -> list[Path]:
    """The path of each action of an update, with its names resolved."""
    targets = (
        _target(keyword, action) for keyword, text in sections(update) for action in _actions(text)
    )
    return [
        tuple(aliases.get(step.strip(), step.strip()) for step in _STEPS.findall(target))
        for target in targets
    ]


def _target(keyword: str, action: str) -> str:
    if keyword == "SET":
        return action.partition("=")[0].strip()
    return action.split()[0] if action.split() else ""


def _actions(text: str) -> list[str]:
    """Splits at the commas that are not inside a function's brackets."""
    actions, depth, begun = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            actions.append(text[begun:position])
            begun = position + 1
    return [*actions, text[begun:]]
