"""What a service answers instead of doing what it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

#: What a service's handler gives: status, headers, body.
Answer = tuple[int, dict[str, str], bytes]

CANCELLED = "TransactionCanceledException"
#: Codes of SQS that older clients know by another name, which the answer's header says.
_LONG_NAMES = {
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidBatchEntryId",
    "TooManyEntriesInBatchRequest",
}
_STATUS = {"InternalServerError": 500, "InternalFailure": 500, "ServiceUnavailable": 503}
_REFUSED = 400


@dataclass(frozen=True)
class Refusal:
    """An error of AWS's. `reasons` has one code for each action of a cancelled transaction."""

    code: str
    message: str
    reasons: tuple[str, ...] = field(default=())

    def answer(self, service: str) -> Answer:
        """It in the words of a service that speaks JSON."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": self.code}
        status = _STATUS.get(self.code, _REFUSED)
        if service == "sqs":
            name = f"AWS.SimpleQueueService.{self.code}" if self.code in _LONG_NAMES else self.code
            headers["x-amzn-query-error"] = f"{name};{'Sender' if status == _REFUSED else 'Receiver'}"
        body: dict[str, Any] = {"__type": self.code, "message": self.message}
        if self.reasons:
            body["CancellationReasons"] = [_reason(code) for code in self.reasons]
        return status, headers, json.dumps(body).encode()


def cancelled(code: str, actions: int) -> Refusal:
    """A transaction of so many actions, cancelled for what happened to the first."""
    reasons = (code, *["None"] * (actions - 1))
    message = "Transaction cancelled, please refer cancellation reasons for specific reasons"
    return Refusal(CANCELLED, f"{message} [{', '.join(reasons)}]", reasons)


def _reason(code: str) -> dict[str, str]:
    return {"Code": code} if code == "None" else {"Code": code, "Message": f"{code} (asked for by a test)"}
