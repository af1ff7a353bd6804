"""How many bytes DynamoDB takes an item for (its developer guide, "DynamoDB item sizes and formats")."""

from __future__ import annotations

from typing import Any

Value = dict[str, Any]
Item = dict[str, Value]

#: 400 KB.
LARGEST_ITEM_BYTES = 409_600
_CONTAINER_BYTES = 3
_ELEMENT_BYTES = 1


def item_bytes(item: Item) -> int:
    """Names and values of all attributes."""
    return sum(_text(name) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Value) -> int:
    """One attribute's value."""
    return sum(_bytes(kind, inner) for kind, inner in value.items())


def _bytes(kind: str, inner: Any) -> int:
    match kind:
        case "S":
            return _text(inner)
        case "N":
            return _number(inner)
        case "B":
            return _binary(inner)
        case "SS":
            return sum(map(_text, inner))
        case "NS":
            return sum(map(_number, inner))
        case "BS":
            return sum(map(_binary, inner))
        case "L":
            return _CONTAINER_BYTES + sum(_ELEMENT_BYTES + value_bytes(one) for one in inner)
        case "M":
            return _CONTAINER_BYTES + _ELEMENT_BYTES * len(inner) + item_bytes(inner)
        case _:  # BOOL and NULL
            return 1


def _text(text: str) -> int:
    return len(text.encode())


def _binary(base64: str) -> int:
    return len(base64) * 3 // 4 - base64[-2:].count("=")


def _number(text: str) -> int:
    """A byte for every two significant digits, one more, and one for a minus."""
    digits = text.lower().partition("e")[0].lstrip("+-").replace(".", "").strip("0")
    return 1 + (len(digits) + 1) // 2 + text.startswith("-")
