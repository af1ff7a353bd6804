"""What DynamoDB charges on demand (its developer guide, "read and write consumption"): request units.

A read counts 4 KB of the item, half if it is eventually consistent; a write 1 KB of the larger of the item before and
after. In a transaction the table counts twice. An index is written afterwards, outside of the transaction: once if an
entry comes, goes or changes, twice if its key changes, not at all if nothing that the index holds changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from .item_size import Item, item_bytes

_READ_BYTES = 4096
_WRITE_BYTES = 1024


@dataclass(frozen=True)
class Index:
    """A global secondary index. `attributes` are those that it holds beside its key and the table's; None is all."""

    name: str
    key: tuple[str, ...]
    table_key: tuple[str, ...]
    attributes: tuple[str, ...] | None

    def entry(self, item: Item | None) -> Item | None:
        """What it holds of an item, if it holds it."""
        if not item or any(name not in item for name in self.key):
            return None
        if self.attributes is None:
            return item
        held = {*self.key, *self.table_key, *self.attributes}
        return {name: value for name, value in item.items() if name in held}


def read(size: int, *, consistent: bool = False, transaction: bool = False) -> float:
    """A read of so many bytes: of one item, or of all that a query looked at."""
    times = 2.0 if transaction else 1.0 if consistent else 0.5
    return times * max(1, ceil(size / _READ_BYTES))


def write(before: Item | None, after: Item | None, *, transaction: bool = False) -> float:
    """A write of the table itself, also one whose condition fails."""
    return (2.0 if transaction else 1.0) * max(_of_write(before), _of_write(after))


def index_write(index: Index, before: Item | None, after: Item | None) -> float:
    """What the same write costs in an index."""
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0.0
    if old is None or new is None:
        return float(_of_write(old or new))
    if any(old[name] != new[name] for name in index.key):
        return float(_of_write(old) + _of_write(new))
    return float(max(_of_write(old), _of_write(new)))


def _of_write(item: Item | None) -> int:
    return max(1, ceil(item_bytes(item or {}) / _WRITE_BYTES))
