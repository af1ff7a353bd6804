"""A rotated key of the VLM reaches the functions that run already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import truth
from faults import Faults
from harness import Harness


@contextmanager
def _key(harness: Harness) -> Iterator["_Key"]:
    key = _Key(harness)
    try:
        yield key
    finally:
        key.put("none")


class _Key:
    """The secret, and what the VLM wants."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._secrets = harness.stack.aws.client("secretsmanager")

    def put(self, key: str) -> None:
        """Puts another key into the secret, as an operator does."""
        arn = self._harness.stack.outputs["VlmApiKeySecretArn"]
        self._secrets.put_secret_value(SecretId=arn, SecretString=key)


@contextmanager
def _unrefused(harness: Harness) -> Iterator[None]:
    """Processes whose key was not refused yet: after a refusal, a process reads its key again a minute later only."""
    with harness.configured("batch", RELEASE="unrefused"):
        yield


def test_a_rotated_key_reaches_functions_that_run_within_the_same_attempt(harness: Harness) -> None:
    with _unrefused(harness):
        _assert_a_rotated_key_is_found(harness)


def _assert_a_rotated_key_is_found(harness: Harness) -> None:
    before, after = harness.dr(2), harness.dr(2)
    for dr in (before, after):
        harness.upload(dr)
    harness.evaluate(before)
    running = Faults(harness).processes("batch")
    with _key(harness) as key:
        key.put("a-rotated-key")
        harness.vlm.wants("a-rotated-key")
        evaluation = harness.evaluate(after, force=True)
        assert running
        assert running <= Faults(harness).processes("batch"), "they run still"
        assert truth.seen(evaluation) == truth.verdict(after.truth)
        assert {photo["attempts"] for photo in evaluation["photos"]} == {1}
    assert not any("a-rotated-key" in log for log in _logs(harness))


def test_photos_wait_while_the_key_is_wrong_and_are_asked_about_once_it_is_right(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    with _key(harness):
        harness.vlm.wants("a-key-that-nobody-has-yet")
        evaluation_id = harness.api.start(dr.number, force=True).body["evaluation_id"]
        waiting = harness.when(evaluation_id, lambda seen: seen["status"] == "waiting")
        assert "refuses" in waiting["waiting"]["reason"]
        harness.vlm.wants(None)
        assert truth.seen(harness.completed(evaluation_id)) == truth.verdict(dr.truth)


def _logs(harness: Harness) -> list[str]:
    folder: Path = harness.stack.folder.path / "logs"
    return [path.read_text(errors="replace") for path in sorted(folder.glob("*.log"))]
