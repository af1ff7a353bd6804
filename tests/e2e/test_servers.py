"""Before each server that the simulated VLM takes on: with its right settings a DR ends in a verdict; with a wrong one
every evaluation waits and says what to change, in the API's answer, in the log and in the tool, and completes once it
is mended.

What each says is in tests/simulated-vlm/personalities.json; each of its words is tried against the client by
`cargo test --workspace --test personalities`.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import truth
from faults import Faults
from harness import Dr, Harness

from stack.errors import StackError
from stack.evaluate import Evaluator, Wish
from stack.paths import REPO
from stack.photos import Dr as Photos

_TABLE: dict[str, Any] = json.loads((REPO / "tests/simulated-vlm/personalities.json").read_text())
#: Their addresses, as people have them, and headers of one's own; the others are at /v1.
_ADDRESSES = {
    "azure": ("/openai/deployments/simulated-qwen3-vl-8b?api-version=2024-06-01", "api-key: {key}"),
    "bedrock": ("/openai/v1", ""),
    "dashscope": ("/compatible-mode/v1/", ""),
    "gemini": ("/v1beta/openai", ""),
    "openrouter": ("/api/v1/chat/completions", ""),
}
#: What the operator is told to change; of a field it depends on which.
_ADVICE = {
    "key": "the VLM's key",
    "signature": "the VLM's key",
    "rights": "the VLM's key and its rights",
    "model": "the model's name (VlmModel)",
    "path": "the address (VlmBaseUrl)",
    "money": "money or quota is used up",
    "region": "the region",
    "images": "takes no images",
    "field": "",
    "context": "context is too small",
    "memory": "the server's memory",
}
_REFUSES = "The VLM refuses our requests; the operator must check: "
_LEFT_OUT = "the VLM server refuses a field; from now on it is left out"
_KEY = "a-key"
#: How far the log may be behind.
_LOGGED_WITHIN_S = 120.0


@contextmanager
def _before(harness: Harness, name: str) -> Iterator[None]:
    """The functions ask this server, with its address and headers."""
    path, headers = _ADDRESSES.get(name, ("/v1", ""))
    harness.vlm.takes_on(name)
    address = harness.stack.description.vlm_url + path
    with harness.configured("batch", VLM_BASE_URL=address, VLM_HEADERS=headers):
        yield


def _entries(harness: Harness) -> list[dict[str, Any]]:
    lines = (harness.stack.folder.path / "logs" / "batch.log").read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def _logged(harness: Harness) -> list[dict[str, Any]]:
    """The fields of the batch function's log lines."""
    entries = [entry for entry in _entries(harness) if "fields" in entry]
    return [{"level": entry.get("level"), "timestamp": entry["timestamp"], **entry["fields"]} for entry in entries]


def _measured(harness: Harness) -> int:
    """Requests that the metrics say were refused for the operator to mend (VlmErrorsAlarm, VlmResponses)."""
    return sum(entry.get("Class") == "Misconfigured" for entry in _entries(harness))


def _waits(harness: Harness, dr: Dr, advice: str) -> tuple[str, str]:
    """An evaluation that is asked for waits and says so to the app and in the tool: its id and the words."""
    answer = harness.api.start(dr.number, force=True)
    evaluation_id = answer.body["evaluation_id"]
    tool = Evaluator(harness.stack, Wish())
    with pytest.raises(StackError) as told:
        tool.wait(Photos(dr.number, dr.photos), answer)
    waiting = harness.api.evaluation(evaluation_id).body
    reason = waiting["waiting"]["reason"]
    assert waiting["status"] == "waiting"
    assert waiting["verdict"] is None
    assert reason.startswith(_REFUSES)
    assert advice in reason
    assert "\n" not in reason
    (line,) = [line for line in str(told.value).splitlines() if dr.number in line]
    assert reason in line
    return evaluation_id, reason


@pytest.mark.parametrize("name", _TABLE)
def test_with_its_right_settings_a_dr_ends_in_a_verdict_and_what_is_refused_is_learnt_once(
    harness: Harness, name: str
) -> None:
    one, more = harness.dr(1), harness.dr(3)
    for dr in (one, more):
        harness.upload(dr)
    since = datetime.now(UTC)
    with _before(harness, name):
        assert truth.seen(harness.evaluate(one, force=True)) == truth.verdict(one.truth)
        running = Faults(harness).processes("batch")
        refused = harness.vlm.stats()["refused"]
        assert truth.seen(harness.evaluate(more, force=True)) == truth.verdict(more.truth)
        stats = harness.vlm.stats()
        # Each process learns for itself, from its own first answers; a look at an upload has a field (priority) more.
        if Faults(harness).processes("batch") <= running:
            assert {field: stats["refused"][field] for field in refused} == refused
        assert stats["requests"] == stats["answered"] + sum(stats["refused"].values())
        processes = len(Faults(harness).processes("batch"))
        fields = len(stats["refused"])
    said = _said_within(harness, since, fields)
    assert all(times <= processes for times in said.values()), "more than once by a process"
    assert fields <= len(said) <= len(_TABLE[name].get("refuses", ())), f"{said} of {stats['refused']}"


@pytest.mark.parametrize("name", _TABLE)
def test_with_a_wrong_setting_every_evaluation_waits_and_says_what_to_change(harness: Harness, name: str) -> None:
    drs = {setting: harness.dr(1) for setting in _TABLE[name]["says"]}
    for dr in drs.values():
        harness.upload(dr)
    waited: dict[str, tuple[str, str]] = {}
    measured = _measured(harness)
    with _before(harness, name):
        for setting in drs.keys() - {"path"}:
            harness.vlm.wrong(setting, drs[setting])
            waited[setting] = _waits(harness, drs[setting], _ADVICE[setting])
            harness.vlm.right()
        for setting, (evaluation_id, _) in waited.items():
            assert truth.seen(harness.completed(evaluation_id)) == truth.verdict(drs[setting].truth)
    lines = _lines_of(harness, [reason for _, reason in waited.values()])
    assert all(line["level"] == "WARN" for line in lines)
    assert all("HTTP" in line["detail"] or "broke off" in line["detail"] for line in lines)
    _measured_within(harness, measured + len(waited))


@pytest.mark.parametrize("name", _TABLE)
def test_at_a_wrong_address_evaluations_wait_until_it_is_right(hurried: Harness, name: str) -> None:
    # A change of settings ends a function in the midst of its work: here its message comes back soon.
    dr = hurried.dr(1)
    hurried.upload(dr)
    with _before(hurried, name):
        with hurried.configured("batch", VLM_BASE_URL=f"{hurried.stack.description.vlm_url}/v7"):
            evaluation_id, reason = _waits(hurried, dr, _ADVICE["path"])
        assert truth.seen(hurried.completed(evaluation_id)) == truth.verdict(dr.truth)
    assert any("/v7/chat/completions" in line["detail"] for line in _lines_of(hurried, [reason]))


def test_many_wait_for_one_key_and_all_complete_once_it_is_there(harness: Harness) -> None:
    drs = [harness.dr(3, seed=seed) for seed in (21, 22, 23)]
    for dr in drs:
        harness.upload(dr)
    with _before(harness, "openai"):
        harness.vlm.wants(_KEY)
        ids = [harness.api.start(dr.number, force=True).body["evaluation_id"] for dr in drs]
        for evaluation_id in ids:
            waiting = harness.when(evaluation_id, lambda seen: seen["status"] == "waiting")
            assert _ADVICE["key"] in waiting["waiting"]["reason"]
        harness.vlm.wants(None)
        for dr, evaluation_id in zip(drs, ids, strict=True):
            evaluation = harness.completed(evaluation_id, within_s=300)
            assert truth.seen(evaluation) == truth.verdict(dr.truth)


def test_bedrock_is_asked_with_the_roles_signature_and_a_refused_one_waits_for_the_operator(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    # Nobody has this key: only a signature does.
    harness.vlm.wants(_KEY)
    with _before(harness, "bedrock"), harness.configured("batch", VLM_SIGN_FOR="bedrock/eu-central-1"):
        harness.vlm.knows(_signer(harness, region="us-east-1"))
        evaluation_id, reason = _waits(harness, dr, "the function's role")
        harness.vlm.knows(_signer(harness, region="eu-central-1"))
        assert truth.seen(harness.completed(evaluation_id)) == truth.verdict(dr.truth)
    assert any("signature" in line["detail"] for line in _lines_of(harness, [reason]))


def _signer(harness: Harness, *, region: str) -> dict[str, Any]:
    """What the emulator gives its functions for credentials, and what they are good for."""
    process = min(Faults(harness).processes("batch") or Faults(harness).processes("splitter"))
    environment = dict(
        entry.split("=", 1) for entry in open(f"/proc/{process}/environ").read().split("\0") if "=" in entry
    )
    return {
        "access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        "session_token": environment.get("AWS_SESSION_TOKEN") or None,
        "region": region,
        "service": "bedrock",
    }


def _fields_said(harness: Harness, since: datetime) -> Counter[str]:
    """By the lines' own times: what a process said before comes into the log late."""
    lines = [line for line in _logged(harness) if line.get("message") == _LEFT_OUT]
    return Counter(line["vlm.field"] for line in lines if datetime.fromisoformat(line["timestamp"]) >= since)


def _said_within(harness: Harness, since: datetime, fields: int) -> Counter[str]:
    """How often the log says of each field since then that it is left out, once it says so of as many."""
    deadline = time.monotonic() + _LOGGED_WITHIN_S
    while True:
        said = _fields_said(harness, since)
        if len(said) >= fields or time.monotonic() > deadline:
            return said
        time.sleep(0.5)


def _measured_within(harness: Harness, least: int) -> None:
    """The metrics, on which the alarms stand, say so of as many requests, once they are there."""
    deadline = time.monotonic() + _LOGGED_WITHIN_S
    while (measured := _measured(harness)) < least:
        assert time.monotonic() < deadline, f"{measured} of {least} are measured"
        time.sleep(0.5)


def _lines_of(harness: Harness, reasons: list[str]) -> list[dict[str, Any]]:
    """The log's lines with these words, which an alarm would be on, once each is there."""
    deadline = time.monotonic() + _LOGGED_WITHIN_S
    while True:
        lines = [line for line in _logged(harness) if line.get("message") in reasons]
        missing = set(reasons) - {line["message"] for line in lines}
        if not missing:
            return lines
        assert time.monotonic() < deadline, f"not in the log: {missing}"
        time.sleep(0.5)
