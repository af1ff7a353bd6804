"""Has the notifier make the cards of evaluations that are not in the list across DRs: those from before there was one.

# Invariants
- Cards are made by the notifier alone, by the code that makes all others: here each evaluation is only touched, so that
  the table's stream hands it over.
- What is listed already stays as it is, and doing it twice changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

#: Items of the table that are read at once.
_PAGE = 1000


def relist(dynamodb: Any, table: str) -> int:
    """Touches every evaluation, one after another; says how many there were."""
    now = str(round(time.time() * 1000))
    touched = 0
    for key in _evaluations(dynamodb, table):
        try:
            dynamodb.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="SET listed_anew = :now",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues={":now": {"N": now}},
            )
            touched += 1
        except dynamodb.exceptions.ConditionalCheckFailedException:
            # Deleted since.
            continue
    return touched


def _evaluations(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    """The whole table is read for them, once."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        Limit=_PAGE,
        ProjectionExpression="pk, sk",
        FilterExpression="sk = :meta",
        ExpressionAttributeValues={":meta": {"S": "META"}},
    )
    for page in pages:
        yield from page["Items"]
