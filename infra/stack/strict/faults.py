"""Faults that a test asks for: the next so many calls of an operation are refused, or hang, though nothing is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .refusal import Refusal, cancelled

#: Reasons for which DynamoDB cancels a transaction, beside a condition that does not hold.
_CANCELLATIONS = {
    "ItemCollectionSizeLimitExceeded",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
    "TransactionConflict",
    "ValidationError",
}


@dataclass
class Fault:
    """What the next `count` calls of an operation meet whose body holds `match`: an error code, or a wait after which
    they are answered as ever.
    """

    operation: str
    code: str | None = None
    hang_s: float = 0.0
    count: int = 1
    match: str = ""

    def refusal(self, actions: int) -> Refusal | None:
        """The error, for a request of so many actions."""
        if self.code is None:
            return None
        if self.code in _CANCELLATIONS:
            return cancelled(self.code, actions)
        return Refusal(self.code, "asked for by a test")


@dataclass
class Faults:
    """The faults that wait to be met."""

    _waiting: list[Fault] = field(default_factory=list)
    #: How often each operation has met one.
    met: Counter[str] = field(default_factory=Counter)

    def add(self, fault: Fault) -> None:
        """Asks for one more."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """No more faults, and none counted."""
        self._waiting.clear()
        self.met.clear()

    def take(self, operation: str, body: bytes) -> Fault | None:
        """The fault that this call meets, if it meets one."""
        for fault in self._waiting:
            if fault.operation == operation and fault.match.encode() in body and fault.count > 0:
                fault.count -= 1
                self.met[operation] += 1
                return fault
        return None
