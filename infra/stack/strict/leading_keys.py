"""IAM's condition key dynamodb:LeadingKeys, which the emulator does not know: the partition keys that a request names.

Of a query they would stand in its expression; no policy of ours has a condition on those.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import dynamodb_rules, tables

NAME = "dynamodb:LeadingKeys"

Context = Callable[[bytes], dict[str, Any]]


def install() -> None:
    """Has the emulator's check of rights know it."""
    from ministack.core import iam_actions

    iam_actions.dynamodb_service_context = with_leading_keys(iam_actions.dynamodb_service_context)


def with_leading_keys(context: Context) -> Context:
    """What is known of a request, with the partition keys that it names."""

    def known(body: bytes) -> dict[str, Any]:
        leading = of(body)
        return {**context(body), **({NAME: leading} if leading else {})}

    return known


def of(body: bytes) -> list[str]:
    """The partition keys of all items that a request names."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return []
    if not isinstance(request, dict):
        return []
    found = [
        _leading(table, part) for operation in _operations(request) for table, part in dynamodb_rules.parts(operation, request)
    ]
    return sorted({key for key in found if key})


def _operations(request: dict[str, Any]) -> list[str]:
    if "TransactItems" in request:
        return ["TransactWriteItems"]
    if "RequestItems" in request:
        # A batch that reads has keys, one that writes has writes.
        reads = any("Keys" in wanted for wanted in request["RequestItems"].values() if isinstance(wanted, dict))
        return ["BatchGetItem" if reads else "BatchWriteItem"]
    return ["GetItem"]


def _leading(table: str, part: dict[str, Any]) -> str | None:
    names = tables.keys(table)
    key = part.get("Key") or part.get("Item") or {}
    return str(key.get(names[0], {}).get("S", "")) if names else None
