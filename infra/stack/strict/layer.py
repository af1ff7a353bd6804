"""What the layer remembers between calls."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .call import Call
from .faults import Faults
from .lineage import AWS_LIMIT
from .meter import Meter
from .refusal import Refusal
from .watch import Watch


@dataclass
class Refusals:
    """All that was refused, for whoever asks: AWS would have refused it, too."""

    _refused: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, service: str, operation: str, resource: str, caller: str, refusal: Refusal) -> None:
        """One more."""
        entry = {
            "service": service,
            "operation": operation,
            "resource": resource,
            "caller": caller,
            "code": refusal.code,
            "message": refusal.message,
            "at": time.time(),
        }
        with self._lock:
            self._refused.append(entry)

    def of(self, call: Call, refusal: Refusal) -> None:
        """A call that was refused."""
        self.note(call.service, call.operation, call.resource, call.caller, refusal)

    def read(self) -> list[dict[str, Any]]:
        """In their order."""
        with self._lock:
            return list(self._refused)

    def forget(self, first: int = 0) -> None:
        """Forgets those from this one on."""
        with self._lock:
            del self._refused[first:]


@dataclass
class Layer:
    """One for each emulator."""

    meter: Meter = field(default_factory=Meter)
    refusals: Refusals = field(default_factory=Refusals)
    faults: Faults = field(default_factory=Faults)
    watch: Watch = field(default_factory=Watch)
    #: Invocations of a function in one chain of calls.
    chain_limit: int = AWS_LIMIT
