"""What whoever operates the system asked to see. How right the verdicts are beside people's is not measured yet."""

from __future__ import annotations

#: Row by row: the metric, what divides it, and the statistics.
ASKED: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "evaluation time": ("EvaluationTime", {}, {"Average", "p50", "p95", "p99"}),
    "batch time": ("BatchTime", {}, {"p50", "p95"}),
    "API time": ("ApiTime", {}, {"p50", "p95", "p99"}),
    "error rate": ("PhotoFailed", {}, {"Average"}),
    "retries": ("PhotoDeferred", {"Cause": "Overloaded"}, {"Sum"}),
    "memory": ("MemoryUsed", {"Function": "batch"}, {"Maximum"}),
    "CPU": ("CpuUsed", {"Function": "batch"}, {"Average"}),
    "the VLM's errors": ("VlmFailed", {}, {"Average"}),
    "the VLM's rate limits": ("VlmResponses", {"Class": "Overloaded"}, {"Sum"}),
    "cache hit rate": ("CacheHit", {}, {"Average"}),
}
