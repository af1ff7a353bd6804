"""The chain of calls that led to an invocation, as it is handed on in `X-Amzn-Trace-Id`.

Lambda counts how often each function was invoked in a chain, hands the counts to the function with the trace, the SDK
sends them with every call (in the header of that name), and SQS keeps them with the message (`AWSTraceHeader`).
AWS writes a hash for a function; here it is its name: `Lineage=1:dr-photos-batch:2|1:dr-photos-aggregator:1`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: "If your function is invoked approximately 16 times in the same chain of requests, then Lambda automatically stops
#: the next function invocation in that request chain" (developer guide, "recursive loop detection").
AWS_LIMIT = 16
_PART = "Lineage="


@dataclass(frozen=True)
class Lineage:
    """How often each function was invoked; the function that was invoked last stands last."""

    counts: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(header: str | None) -> Lineage:
        """The counts in a trace header; none if it holds none that can be read."""
        parts = [part.strip() for part in (header or "").split(";")]
        text = next((part[len(_PART) :] for part in parts if part.startswith(_PART)), "")
        entries = [entry.split(":") for entry in text.split("|") if entry]
        if any(len(entry) != 3 or not entry[2].isdigit() for entry in entries):
            return Lineage()
        return Lineage(tuple((name, int(count)) for _, name, count in entries))

    @staticmethod
    def together(lineages: Iterable[Lineage]) -> Lineage:
        """Of messages that come in one invocation: the highest count of each function."""
        counts: dict[str, int] = {}
        for lineage in lineages:
            for name, count in lineage.counts:
                counts[name] = max(count, counts.get(name, 0))
        return Lineage(tuple(counts.items()))

    def count(self, function: str) -> int:
        """How often it was invoked."""
        return dict(self.counts).get(function, 0)

    def then(self, function: str) -> Lineage:
        """The chain once the function is invoked in it."""
        others = tuple(entry for entry in self.counts if entry[0] != function)
        return Lineage((*others, (function, self.count(function) + 1)))

    @property
    def caller(self) -> str:
        """The function that was invoked last: it is the one that calls. Empty outside of functions."""
        return self.counts[-1][0] if self.counts else ""

    def header(self, root: str) -> str:
        """The trace header that a function is handed."""
        entries = "|".join(f"1:{name}:{count}" for name, count in self.counts)
        return f"Root={root};Sampled=0;{_PART}{entries}"


def is_cut(lineage: Lineage, function: str, limit: int, recursive_loop: str) -> bool:
    """Whether Lambda refuses to invoke the function once more in this chain."""
    return recursive_loop != "Allow" and lineage.count(function) >= limit
