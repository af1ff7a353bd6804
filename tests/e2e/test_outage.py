"""A VLM that is away for a minute, and one that is away for longer than AWS lets a chain of calls go on.

It has a file of its own because it waits for minutes and does nothing: other files run meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import truth
from faults import Faults
from harness import Harness

from stack.strict.lineage import AWS_LIMIT


def test_a_minute_without_the_vlm_costs_no_evaluation_and_no_dead_letter(
    hurried: Harness, faults: Faults
) -> None:
    drs = [hurried.dr(6, seed=seed) for seed in (11, 12)]
    hurried.vlm.down(for_ms=60_000)
    for dr in drs:
        hurried.upload(dr)
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


#: Invocations of a function in one chain, instead of AWS's 16: an outage of seconds is then a long one.
_LIMIT = 2
#: The batches queue shows a message again so soon that five receives are over in seconds.
_SOON_S = 3


@pytest.fixture
def short_chains(hurried: Harness) -> Iterator[Any]:
    """That stack with a low limit for chains, and the client of Lambda."""
    functions = hurried.stack.aws.client("lambda")
    hurried.strict.limit_chains(_LIMIT)
    hurried.strict.reset_meter()
    yield functions
    _set_loop(hurried, functions, "Allow")
    hurried.strict.limit_chains(AWS_LIMIT)


@pytest.fixture
def hidden_briefly(hurried: Harness) -> Iterator[None]:
    """What was received of the batches queue is soon received again."""
    sqs, queue = hurried.stack.aws.client("sqs"), hurried.stack.outputs["BatchesQueueUrl"]
    visible = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(_SOON_S)})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=visible["Attributes"])


def _set_loop(harness: Harness, functions: Any, value: str) -> None:
    name = harness.stack.outputs["BatchFunctionName"]
    functions.put_function_recursion_config(FunctionName=name, RecursiveLoop=value)


def _longest_chain(harness: Harness) -> int:
    batch = harness.stack.outputs["BatchFunctionName"]
    rows = [row for row in harness.strict.meter()["functions"] if row["function"] == batch]
    return max((row["longest_chain"] for row in rows), default=0)


def _wait_for_a_chain(harness: Harness, length: int, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if _longest_chain(harness) >= length:
            return
        time.sleep(0.2)
    raise AssertionError(f"no chain has come to {length} invocations")


def test_photos_that_are_put_off_more_often_than_a_chain_may_be_long_are_evaluated(
    hurried: Harness, faults: Faults, short_chains: Any
) -> None:
    for function in ("BatchFunctionName", "AggregatorFunctionName"):
        name = hurried.stack.outputs[function]
        assert short_chains.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    dr = hurried.dr(2)
    hurried.vlm.fault("status_503", dr)
    hurried.upload(dr)
    evaluation_id = hurried.api.start(dr.number).body["evaluation_id"]
    _wait_for_a_chain(hurried, _LIMIT + 2)
    hurried.vlm.recover()
    assert truth.seen(hurried.completed(evaluation_id)) == truth.verdict(dr.truth)
    assert all(faults.held(queue) == 0 for queue in ("BatchesDeadLetterQueueUrl", "ParkedQueueUrl"))


@pytest.mark.usefixtures("hidden_briefly")
def test_where_loops_are_not_allowed_such_photos_are_lost_to_the_dead_letter_queue(
    hurried: Harness, short_chains: Any
) -> None:
    _set_loop(hurried, short_chains, "Terminate")
    dr = hurried.dr(2)
    hurried.vlm.fault("status_503", dr)
    hurried.upload(dr)
    with hurried.strict.provoked() as refused:
        evaluation_id = hurried.api.start(dr.number).body["evaluation_id"]
        evaluation = hurried.completed(evaluation_id)
    assert {photo["reason"]["code"] for photo in evaluation["photos"]} == {"dead_lettered"}
    assert evaluation["verdict"] == "incomplete"
    assert {entry["code"] for entry in refused} == {"RecursiveInvocationException"}
    assert _longest_chain(hurried) == _LIMIT
