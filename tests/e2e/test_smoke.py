"""`infra/local smoke`: it finds what is wrong with a stack, says it, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import truth
from harness import Harness

from stack import deploy, releases, smoke
from stack.commands import smoke as command
from stack.errors import StackError
from stack.target import Target


_TRIES = 5


@pytest.fixture(autouse=True)
def answering(harness: Harness) -> Iterator[None]:
    """Nothing is known against the VLM, before and after."""
    _forget(harness)
    yield
    harness.vlm.reset()
    _forget(harness)


def _forget(harness: Harness) -> None:
    key = {"pk": {"S": "VLM"}, "sk": {"S": "BREAKER"}}
    harness.stack.aws.client("dynamodb").delete_item(TableName=harness.stack.outputs["TableName"], Key=key)


def _smoke(harness: Harness, within_s: float = 180.0) -> smoke.Smoke:
    stack = harness.stack
    target = Target(deploy.STACK_NAME, stack.outputs, stack.aws.client, harness.api, is_local=True)
    return smoke.Smoke(target, within_s)


def _left(harness: Harness, dr: str) -> list[str]:
    """What the bucket and the table keep of a DR."""
    s3, table = harness.stack.aws.client("s3"), harness.stack.aws.client("dynamodb")
    listed = s3.list_object_versions(Bucket=harness.stack.outputs["BucketName"], Prefix=f"photos/{dr}/")
    left = [one["Key"] for kind in ("Versions", "DeleteMarkers") for one in listed.get(kind, [])]
    pages = table.get_paginator("scan").paginate(TableName=harness.stack.outputs["TableName"])
    for item in (item for page in pages for item in page["Items"]):
        of_dr = item.get("dr_number", {}).get("S") == dr or item["pk"]["S"].endswith(dr)
        if of_dr and not item["pk"]["S"].startswith("SIGHTING#"):
            left.append(item["pk"]["S"])
    return left


def test_a_stack_that_works_is_said_to_and_nothing_is_left(harness: Harness) -> None:
    look = _smoke(harness)
    found = look.run()
    assert found["evaluation"]["verdict"] in ("pass", "fail")
    assert {photo["outcome"] for photo in found["evaluation"]["photos"]} == {"evaluated"}
    assert harness.vlm.stats()["requests"] >= 3, "an answer from before was used"
    assert _left(harness, look.dr) == []
    printed = command.text(found)
    for said in ("unnamed", f"catalogue {truth.CATALOGUE['version']}", "available", look.dr):
        assert said in printed


@pytest.mark.parametrize(
    ("wrong", "says"),
    [("model", "VlmModel"), ("key", "the VLM's key"), ("path", "VlmBaseUrl")],
)
def test_a_vlm_that_is_misconfigured_fails_it_with_what_to_change(harness: Harness, wrong: str, says: str) -> None:
    look = _smoke(harness)
    match wrong:
        case "model":
            harness.vlm.is_called("another")
        case "key":
            harness.vlm.wants("another")
        case _:
            harness.vlm.takes_on("dashscope")
    with pytest.raises(StackError, match=f"The VLM refuses our requests; the operator must check: .*{says}"):
        look.run()
    assert _left(harness, look.dr) == []


def test_after_a_wrong_setting_was_mended_what_was_said_before_does_not_fail_it(harness: Harness) -> None:
    dr = harness.dr(6)
    harness.upload(dr)
    for _ in range(_TRIES):
        harness.vlm.is_called("another")
        started = harness.api.start(dr.number, force=True).body["evaluation_id"]
        harness.when(started, lambda seen: harness.api.health().body["vlm"]["state"] == "away")
        harness.vlm.reset()
        state = _smoke(harness).run()["health"]["vlm"]["state"]
        harness.completed(started)
        # What waits may be answered before the smoke test has looked.
        if state == "away":
            return
    pytest.fail("the VLM was never away when the smoke test began")


def test_a_vlm_that_is_away_fails_it_with_the_reason(harness: Harness) -> None:
    harness.vlm.down(for_ms=600_000)
    for within_s in (6, 20, 60):
        look = _smoke(harness, within_s)
        with pytest.raises(StackError, match=f"No verdict within {within_s} s") as told:
            look.run()
        assert _left(harness, look.dr) == []
        # On a busy machine the time may be over before the first photo has been put off.
        if "It waits" in str(told.value):
            break
    assert f"No verdict within {within_s} s. It waits: The VLM" in str(told.value)


def test_functions_of_two_releases_are_told(harness: Harness) -> None:
    functions = harness.stack.aws.client("lambda")
    name = harness.stack.outputs["SweeperFunctionName"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    alias = {"FunctionName": name, "Name": releases.ALIAS}
    before = functions.get_alias(**alias)["FunctionVersion"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "RELEASE": "other"}}
    )
    other = functions.publish_version(FunctionName=name, Description="other")["Version"]
    functions.update_alias(**alias, FunctionVersion=other)
    try:
        with pytest.raises(StackError, match="2 releases are live: .*sweeper other"):
            _smoke(harness).run()
    finally:
        functions.update_alias(**alias, FunctionVersion=before)
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_health_says_the_release_the_versions_and_how_the_vlm_is_and_no_secret(harness: Harness) -> None:
    answer = harness.api.health()
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    assert body["release"] == "unnamed"
    assert body["asks_with"]["catalogue_version"] in body["knows"]["catalogue_versions"]
    assert body["vlm"]["state"] in ("available", "failing", "away")
    assert harness.stack.description.vlm_url.partition("//")[2] not in str(body)
    assert harness.api.request("GET", "/health", signed=False).status == 403
