"""A VLM that is away for a minute.

It has a file of its own because it waits for minutes and does nothing: other files run meanwhile.
"""

from __future__ import annotations

import truth
from faults import Faults
from harness import Harness


def test_a_minute_without_the_vlm_costs_no_evaluation_and_no_dead_letter(
    hurried: Harness, faults: Faults
) -> None:
    drs = [hurried.dr(6, seed=seed) for seed in (11, 12)]
    for dr in drs:
        hurried.upload(dr)
    hurried.vlm.down(for_ms=60_000)
    ids = [hurried.api.start(dr.number).body["evaluation_id"] for dr in drs]
    for evaluation_id in ids:
        waiting = hurried.when(evaluation_id, lambda seen: seen["status"] == "waiting")
        assert waiting["waiting"]["reason"]
    for dr, evaluation_id in zip(drs, ids, strict=True):
        evaluation = hurried.completed(evaluation_id, within_s=400)
        assert {photo["outcome"] for photo in evaluation["photos"]} == {"evaluated"}
        assert truth.seen(evaluation) == truth.verdict(dr.truth)
    stats = hurried.vlm.stats()
    assert 0 < stats["faults"]["down"] < 60, "while it is away only probes ask"
    assert stats["max_in_flight"] <= 16
    assert all(faults.held(queue) == 0 for queue in ("BatchesDeadLetterQueueUrl", "ParkedQueueUrl"))
