"""Reads ministack's tables, where they lie in its memory: a read through the API would cost more than the call."""

from __future__ import annotations

from typing import Any

from .item_size import Item
from .units import Index


def keys(table: str) -> tuple[str, ...]:
    """The names of a table's key attributes; none if there is no such table."""
    found = _table(table)
    return tuple(name for name in (found.get("pk_name"), found.get("sk_name")) if name)


def item(table: str, key: Item) -> Item | None:
    """The item of this key (or of the key of this item) as it stands. Writes replace it and never change it."""
    from ministack.services import dynamodb

    found = _table(table)
    if any(name not in key for name in keys(table)):
        return None
    return dynamodb._get_item_by_key(found, key) if found else None


def indexes(table: str) -> list[Index]:
    """A table's global secondary indexes."""
    found = _table(table)
    return [_index(description, keys(table)) for description in found.get("GlobalSecondaryIndexes") or []]


def _index(description: dict[str, Any], table_key: tuple[str, ...]) -> Index:
    projection = description.get("Projection") or {}
    everything = projection.get("ProjectionType", "ALL") == "ALL"
    return Index(
        name=description["IndexName"],
        key=tuple(part["AttributeName"] for part in description.get("KeySchema") or []),
        table_key=table_key,
        attributes=None if everything else tuple(projection.get("NonKeyAttributes") or ()),
    )


def _table(name: str) -> dict[str, Any]:
    from ministack.services import dynamodb

    found: dict[str, Any] = dynamodb._tables.get(dynamodb._normalize_table_name(name)) or {}
    return found
