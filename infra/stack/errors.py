"""What can go wrong, said in one line that tells what to do."""

from __future__ import annotations


class StackError(Exception):
    """A failure to show to a person: what happened, and what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
