"""What DynamoDB refuses before it looks at a table's items, each rule from its API reference and developer guide.

What depends on the item that stands there (an update that makes it larger than 400 KB, a condition) the emulator
refuses by itself; tests/e2e/test_strict.py holds that it does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from . import expressions
from .item_size import LARGEST_ITEM_BYTES, item_bytes
from .refusal import Refusal

MOST_PUTS_OR_DELETES = 25
MOST_GETS = 100
MOST_ACTIONS = 100

Request = dict[str, Any]
#: The names of a table's key attributes.
Keys = Callable[[str], tuple[str, ...]]

_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_INVALID = "One or more parameter values were invalid: "
_EMPTY = {
    "SS": "An string set  may not be empty",
    "NS": "An number set  may not be empty",
    "BS": "Binary sets should not be empty",
}


def judge(operation: str, request: Request, keys: Keys) -> Refusal | None:
    """Why DynamoDB refuses this request, if it does."""
    problem = next(_problems(operation, request, keys), None)
    return Refusal("ValidationException", problem) if problem else None


def _problems(operation: str, request: Request, keys: Keys) -> Iterator[str]:
    yield from _counts(operation, request)
    for table, part in parts(operation, request):
        yield from _empty_sets(part)
        yield from _empty_keys(part, keys(table))
        yield from _too_large(part)
        yield from _unused(part)
        yield from _updates(part)
    yield from _twice(operation, request, keys)


def parts(operation: str, request: Request) -> Iterator[tuple[str, Request]]:
    """The single requests of a batch or transaction, each with its table; otherwise the request itself."""
    match operation:
        case "BatchWriteItem":
            for table, writes in request.get("RequestItems", {}).items():
                yield from ((table, part) for write in writes for part in write.values())
        case "BatchGetItem":
            for table, wanted in request.get("RequestItems", {}).items():
                shared = {name: value for name, value in wanted.items() if name != "Keys"}
                yield from ((table, {**shared, "Key": key}) for key in wanted.get("Keys", []))
        case "TransactWriteItems" | "TransactGetItems":
            for action in request.get("TransactItems", []):
                yield from ((part.get("TableName", ""), part) for part in action.values())
        case _:
            yield request.get("TableName", ""), request


def _counts(operation: str, request: Request) -> Iterator[str]:
    count = sum(1 for _ in parts(operation, request))
    match operation:
        case "BatchWriteItem" if not 1 <= count <= MOST_PUTS_OR_DELETES:
            yield _length("requestItems", MOST_PUTS_OR_DELETES)
        case "BatchGetItem" if not 1 <= count <= MOST_GETS:
            yield "Too many items requested for the BatchGetItem call"
        case "TransactWriteItems" | "TransactGetItems" if not 1 <= count <= MOST_ACTIONS:
            yield _length("transactItems", MOST_ACTIONS)


def _length(member: str, most: int) -> str:
    what = f"Value at '{member}' failed to satisfy constraint"
    return f"1 validation error detected: {what}: Member must have length between 1 and {most}"


def _empty_sets(part: Request) -> Iterator[str]:
    for name, value in (part.get("ExpressionAttributeValues") or {}).items():
        for problem in _empty_sets_of(value):
            yield f"ExpressionAttributeValues contains invalid value: {problem} for key {name}"
    for holder in ("Item", "Key", "ExclusiveStartKey"):
        for value in (part.get(holder) or {}).values():
            yield from _empty_sets_of(value)


def _empty_sets_of(value: dict[str, Any]) -> Iterator[str]:
    for kind, inner in value.items():
        if kind in _EMPTY and not inner:
            yield _INVALID + _EMPTY[kind]
        elif kind == "L":
            yield from (problem for one in inner for problem in _empty_sets_of(one))
        elif kind == "M":
            yield from (problem for one in inner.values() for problem in _empty_sets_of(one))


def _empty_keys(part: Request, names: tuple[str, ...]) -> Iterator[str]:
    held = part.get("Item") or part.get("Key") or {}
    for name in names:
        if held.get(name) in ({"S": ""}, {"B": ""}):
            what = "One or more parameter values are not valid. The AttributeValue for a key attribute"
            yield f"{what} cannot contain an empty string value. Key: {name}"


def _too_large(part: Request) -> Iterator[str]:
    if item_bytes(part.get("Item", {})) > LARGEST_ITEM_BYTES:
        yield "Item size has exceeded the maximum allowed size"


def _unused(part: Request) -> Iterator[str]:
    text = " ".join(part.get(name) or "" for name in _EXPRESSIONS)
    declared = (("Names", expressions.names(text)), ("Values", expressions.values(text)))
    for what, used in declared:
        unused = (part.get(f"ExpressionAttribute{what}") or {}).keys() - used
        if unused:
            keys = ", ".join(sorted(unused))
            yield f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{keys}}}"


def _updates(part: Request) -> Iterator[str]:
    update = part.get("UpdateExpression") or ""
    for keyword, count in Counter(keyword for keyword, _ in expressions.sections(update)).items():
        if count > 1:
            what = f'The "{keyword}" section can only be used once in an update expression'
            yield f"Invalid UpdateExpression: {what};"
    paths = expressions.changed_paths(update, part.get("ExpressionAttributeNames") or {})
    for one, other in combinations(sorted(paths), 2):
        if one and one == other[: len(one)]:
            what = "Two document paths overlap with each other; must remove or rewrite one of these paths"
            named = f"path one: [{', '.join(one)}], path two: [{', '.join(other)}]"
            yield f"Invalid UpdateExpression: {what}; {named}"


def _twice(operation: str, request: Request, keys: Keys) -> Iterator[str]:
    if not operation.startswith(("Batch", "Transact")):
        return
    targets = Counter(
        (table, _key(part, keys(table))) for table, part in parts(operation, request)
    )
    if any(count > 1 for count in targets.values()):
        if operation.startswith("Transact"):
            yield "Transaction request cannot include multiple operations on one item"
        else:
            yield "Provided list of item keys contains duplicates"


def _key(part: Request, names: tuple[str, ...]) -> str:
    held = part.get("Item") or part.get("Key") or {}
    return json.dumps([held.get(name) for name in names] if names else held, sort_keys=True)
