"""Release B over release A and back to A while people ask and upload: nothing is lost, and no verdict is another one.

Real versions behind real aliases, by the way that an operator goes: CloudFormation, and `infra/local rollback`. B asks
another model, so A does not know what B began, nor B what A began.
"""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import truth
from harness import Dr, Harness

from stack import deploy, package, releases, smoke, target
from stack.commands import rollback
from stack.errors import StackError
from stack.local_stack import Options, running

_NAME = "test-rollback"
_SWEEP = json.loads((Path(__file__).parent.parent / "events" / "sweeper.json").read_text())
#: More photos than there are places: some still stand in the queue when the release goes.
_PHOTOS = 10
_EVERY_S = 0.5
_WITHIN_S = 240.0


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """A stack of release A, with a VLM that answers to any model's name."""
    options = Options(
        name=_NAME, timing="fast", build=False, simulation=["--latency", "none"], parameters={"Release": "A"}
    )
    with running(options) as stack:
        stack.keep()
        harness = Harness(stack, tmp_path_factory.mktemp("drs"))
        harness.vlm.takes_on("llamacpp")
        yield harness


class Load:
    """People who ask for DRs, and technicians who upload them, until it is over."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: Each DR with the evaluation that was asked for, or none where uploads are left to start it.
        self.asked: list[tuple[Dr, str | None]] = []
        self.failed: list[str] = []

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def ask(self) -> None:
        """One more DR."""
        number = len(self.asked)
        dr = self._harness.dr(_PHOTOS, seed=number, megapixels=1.0)
        self._harness.upload(dr)
        if number % 4 == 3:
            self.asked.append((dr, None))
            return
        answer = self._harness.api.start(dr.number, "quick" if number % 4 == 2 else "full")
        # With 200 it joined what its upload has started meanwhile.
        if answer.status not in (200, 202):
            self.failed.append(f"{dr.number}: {answer}")
            return
        self.asked.append((dr, answer.body["evaluation_id"]))

    def until(self, count: int) -> None:
        """Waits until so many DRs were asked for."""
        deadline = time.monotonic() + _WITHIN_S
        while len(self.asked) < count and not self.failed:
            assert time.monotonic() < deadline, "nobody asks"
            time.sleep(0.05)

    def _run(self) -> None:
        while not self._ended.is_set():
            self.ask()
            self._ended.wait(_EVERY_S)


def test_a_release_and_the_way_back_under_load_lose_nothing_and_change_no_verdict(released: Harness) -> None:
    released.vlm.latency("fixed:800")
    with Load(released) as load:
        load.until(3)
        before = released.completed(load.asked[0][1] or "", within_s=_WITHIN_S)
        deploy.update(released.stack.aws, package.package_all(), {"Release": "B", "VlmModel": "another"})
        assert released.api.health().body["asks_with"]["model"] == "another"
        # More is asked for than is answered: some of it is met by A.
        released.vlm.latency("fixed:3000")
        load.until(len(load.asked) + 4)
        assert _roll_back() == 0
        released.vlm.latency("fixed:800")
        assert released.api.health().body["release"] == "A"
        load.until(len(load.asked) + 4)
    released.vlm.latency("none")
    assert load.failed == []
    with released.configured("sweeper", LOST_AFTER_SECONDS="2"):
        ended = [_ended(released, dr, asked) for dr, asked in load.asked]
    for (dr, _), evaluation in zip(load.asked, ended, strict=True):
        if evaluation["mode"] == "quick":
            truth.check_quick(evaluation, dr.truth)
        else:
            assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert [asked for (_, asked), evaluation in zip(load.asked, ended, strict=True) if asked != evaluation["evaluation_id"]]
    assert before["model"] in {evaluation["model"] for evaluation in ended}
    first = released.api.evaluation(before["evaluation_id"]).body
    assert [first[key] for key in ("verdict", "steps", "completed_at")] == [
        before[key] for key in ("verdict", "steps", "completed_at")
    ]
    sqs = released.stack.aws.client("sqs")
    for queue in ("BatchesDeadLetter", "ResultsDeadLetter", "UploadsDeadLetter", "Parked"):
        count = sqs.get_queue_attributes(
            QueueUrl=released.stack.outputs[f"{queue}QueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]["ApproximateNumberOfMessages"]
        assert count == "0", queue
    assert released.strict.refusals() == []


def test_there_is_nothing_before_the_first_release_and_a_release_that_is_not_there_changes_nothing(
    released: Harness,
) -> None:
    with pytest.raises(StackError, match="No release before A"):
        _roll_back()
    with pytest.raises(StackError, match="There are A, B"):
        _roll_back("C")
    assert releases.live(_functions(released)) == ["A"]


def test_forward_again_by_its_name(released: Harness) -> None:
    assert _roll_back("B") == 0
    assert releases.live(_functions(released)) == ["B"]
    assert _roll_back() == 0
    assert releases.live(_functions(released)) == ["A"]


def test_a_deploy_under_the_same_name_is_not_live_and_the_smoke_test_says_so(released: Harness) -> None:
    deploy.update(released.stack.aws, package.package_all(), {"PhotosInFlight": "3"})
    with pytest.raises(StackError, match="deployed last of batch.* is not live.*another name"):
        _smoke(released)
    deploy.update(released.stack.aws, package.package_all(), {"Release": "D"})
    assert _smoke(released)["health"]["release"] == "D"


def _smoke(harness: Harness) -> dict[str, Any]:
    arguments = argparse.Namespace(stack_name=None, name=_NAME)
    return smoke.Smoke(target.of(arguments), 180.0).run()


def _roll_back(to: str | None = None) -> int:
    return rollback.run(argparse.Namespace(stack_name=None, name=_NAME, json=False, to=to))


def _functions(harness: Harness) -> dict[str, releases.Function]:
    return releases.read(harness.stack.aws.client("lambda"), harness.stack.outputs)


def _ended(harness: Harness, dr: Dr, asked: str | None) -> dict[str, Any]:
    """The evaluation that answers what was asked, whoever took its place meanwhile."""
    evaluation_id = asked or _of_uploads(harness, dr)
    deadline = time.monotonic() + _WITHIN_S
    for _ in itertools.count():
        seen = dict(harness.api.evaluation(evaluation_id).body)
        if seen["superseded_by"]:
            evaluation_id = seen["superseded_by"]
        elif seen["status"] == "completed":
            return seen
        assert time.monotonic() < deadline, json.dumps(seen)[:2000]
        harness.invoke("sweeper", _SWEEP)
        time.sleep(0.3)
    raise AssertionError("unreachable")


def _of_uploads(harness: Harness, dr: Dr) -> str:
    deadline = time.monotonic() + _WITHIN_S
    while not (history := harness.api.history(dr.number).body["evaluations"]):
        assert time.monotonic() < deadline, f"uploads of {dr.number} started nothing"
        time.sleep(0.3)
    return str(history[-1]["evaluation_id"])
