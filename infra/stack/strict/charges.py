"""Adds up what a call of DynamoDB is charged for: the items that it reads and writes, before and after."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from . import dynamodb_rules, expressions, tables, units
from .call import Call
from .item_size import Item, item_bytes
from .refusal import Answer

Request = dict[str, Any]
#: Has DynamoDB do an operation.
Ask = Callable[[str, Request], Awaitable[Answer]]

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
_READS = {"GetItem", "BatchGetItem", "TransactGetItems"}
#: Left out to see all that a query looked at, and not only what it gave.
_SELECTIONS = (
    "FilterExpression",
    "ProjectionExpression",
    "Select",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
)
_REFUSED = 400


class Charges:
    """The charges of one call."""

    def __init__(self, call: Call, operation: str, request: Request) -> None:
        self._call, self._operation, self._request = call, operation, request
        self._transaction = operation.startswith("Transact")
        self._targets = list(_targets(operation, request))
        self._before = [tables.item(table, key) for table, key in self._targets]

    async def add(self, answer: Answer, ask: Ask) -> None:
        """Adds them to the call, once it is done. What is not valid is not charged."""
        if self._operation in _WRITES and not _invalid(answer):
            self._add_writes()
        elif answer[0] >= _REFUSED:
            return
        elif self._operation in _READS:
            self._add_reads()
        elif self._operation in ("Query", "Scan"):
            await self._add_query(answer, ask)

    def _add_writes(self) -> None:
        for (table, key), before in zip(self._targets, self._before, strict=True):
            after = tables.item(table, key)
            self._call.charge("write_units", units.write(before, after, transaction=self._transaction))
            for index in tables.indexes(table):
                written = units.index_write(index, before, after)
                if written:
                    sums = self._call.index_write_units
                    sums[index.name] = sums.get(index.name, 0.0) + written

    def _add_reads(self) -> None:
        consistent = _consistent(self._request)
        for (table, _), item in zip(self._targets, self._before, strict=True):
            size = item_bytes(item or {})
            read = units.read(
                size, consistent=consistent.get(table, False), transaction=self._transaction
            )
            self._call.charge("read_units", read)

    async def _add_query(self, answer: Answer, ask: Ask) -> None:
        items = json.loads(answer[2]).get("Items", [])
        if any(self._request.get(name) for name in _SELECTIONS[:3]):
            items = await self._looked_at(ask)
        index = self._request.get("IndexName")
        if index:
            self._call.resource += f"/index/{index}"
        size = sum(map(item_bytes, items))
        consistent = bool(self._request.get("ConsistentRead"))
        self._call.charge("read_units", units.read(size, consistent=consistent))

    async def _looked_at(self, ask: Ask) -> list[Item]:
        """Asks again without what selects."""
        whole = {name: value for name, value in self._request.items() if name not in _SELECTIONS}
        condition = self._request.get("KeyConditionExpression", "")
        for what, used in (
            ("ExpressionAttributeNames", expressions.names(condition)),
            ("ExpressionAttributeValues", expressions.values(condition)),
        ):
            kept = {name: value for name, value in self._request.get(what, {}).items() if name in used}
            if kept:
                whole[what] = kept
        answer = await ask(self._operation, whole)
        items: list[Item] = json.loads(answer[2]).get("Items", [])
        return items


def _targets(operation: str, request: Request) -> list[tuple[str, Item]]:
    """The table and key of each item that is read or written; a put has the key in its item."""
    if operation not in _WRITES | _READS:
        return []
    return [
        (table, part.get("Item") or part.get("Key") or {})
        for table, part in dynamodb_rules.parts(operation, request)
    ]


def _consistent(request: Request) -> dict[str, bool]:
    """Which tables are read consistently."""
    wanted = request.get("RequestItems") or {request.get("TableName", ""): request}
    return {table: bool(part.get("ConsistentRead")) for table, part in wanted.items()}


def _invalid(answer: Answer) -> bool:
    return answer[0] >= _REFUSED and answer[1].get("x-amzn-errortype") not in (
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
    )
