"""A reviewer claims a DR for some minutes, and no other one works on it then."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from harness import Harness

from stack.paths import REPO

_EVENT = json.loads((REPO / "tests" / "events" / "api-history.json").read_text())
_TEN_MINUTES_S = 600


def _say(harness: Harness, who: str | None, method: str, path: str) -> tuple[int, dict[str, Any]]:
    """What the gateway hands to the function when this person asks."""
    event = json.loads(json.dumps(_EVENT))
    event["rawPath"], event["requestContext"]["http"]["method"] = path, method
    event["queryStringParameters"] = {}
    if "?" in path:
        event["rawPath"], _, query = path.partition("?")
        event["queryStringParameters"] = dict(part.split("=") for part in query.split("&"))
    claims = {"jwt": {"claims": {"sub": who}, "scopes": None}}
    event["requestContext"]["authorizer"] = claims if who else None
    answer, error = harness.invoke("api", event)
    assert error is None, answer
    return int(answer["statusCode"]), dict(json.loads(answer["body"]))


def _claim(harness: Harness, who: str | None, dr: str, method: str = "PUT") -> tuple[int, dict[str, Any]]:
    return _say(harness, who, method, f"/drs/{dr}/claim")


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _over(harness: Harness, dr: str) -> None:
    """Ten minutes pass."""
    harness.stack.aws.client("dynamodb").update_item(
        TableName=harness.stack.outputs["TableName"],
        Key={"pk": {"S": f"CLAIM#{dr}"}, "sk": {"S": "HELD"}},
        UpdateExpression="SET #until = :past",
        ExpressionAttributeNames={"#until": "until"},
        ExpressionAttributeValues={":past": {"N": str(round(time.time() * 1000) - 1)}},
    )


def test_a_dr_is_one_reviewer_s_until_it_is_given_back_or_the_time_is_over(harness: Harness) -> None:
    status, mine = _claim(harness, "anna", "e2eclaim1")
    assert (status, mine["dr_number"], mine["claim"]["by"]) == (200, "E2ECLAIM1", "anna")
    assert _at(mine["claim"]["until"]) - _at(mine["claim"]["since"]) == _TEN_MINUTES_S
    status, told = _claim(harness, "ben", "E2ECLAIM1")
    assert (status, told["type"]) == (409, "urn:problem:fibre-evaluation:claimed")
    assert "anna" in told["detail"] and mine["claim"]["until"] in told["detail"]
    assert _claim(harness, "ben", "E2ECLAIM1", "DELETE")[0] == 409
    status, again = _claim(harness, "anna", "E2ECLAIM1")
    assert (status, again["claim"]["since"]) == (200, mine["claim"]["since"])
    assert again["claim"]["until"] >= mine["claim"]["until"]
    assert _claim(harness, "anna", "E2ECLAIM1", "DELETE") == (200, {"dr_number": "E2ECLAIM1", "claim": None})
    assert _claim(harness, "anna", "E2ECLAIM1", "DELETE")[0] == 200, "again, harmlessly"
    assert _claim(harness, "ben", "E2ECLAIM1")[1]["claim"]["by"] == "ben"
    _over(harness, "E2ECLAIM1")
    status, third = _claim(harness, "anna", "E2ECLAIM1")
    assert (status, third["claim"]["by"]) == (200, "anna"), "a claim that is over counts as none"
    assert third["claim"]["since"] > mine["claim"]["since"]
    assert _claim(harness, "anna", "D-1")[0] == 400


def test_of_many_who_claim_at_once_one_does(harness: Harness) -> None:
    people = [f"reviewer {number}" for number in range(8)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        said = list(pool.map(lambda who: _claim(harness, who, "E2ECLAIM2"), people))
    assert sorted(status for status, _ in said) == [200, *[409] * 7]


def test_who_is_not_known_claims_nothing(harness: Harness) -> None:
    status, told = _claim(harness, None, "E2ECLAIM3")
    assert (status, told["type"]) == (403, "urn:problem:fibre-evaluation:unknown-caller")


def test_the_list_says_who_looks_at_what_and_leaves_it_out_when_asked_to(harness: Harness) -> None:
    dr, other = harness.dr(2, seed=2310), harness.dr(2, seed=2311)
    for one in (dr, other):
        harness.upload(one)
        harness.evaluate(one)
    status, claimed = _claim(harness, "anna", dr.number)
    assert status == 200
    deadline = time.monotonic() + 60

    def listed(query: str) -> dict[str, Any]:
        status, body = _say(harness, "ben", "GET", f"/evaluations?limit=100&{query}")
        assert status == 200, body
        return {one["dr_number"]: one["claim"] for one in body["evaluations"] if one["dr_number"] in (dr.number, other.number)}

    while set(listed("sort=newest")) != {dr.number, other.number} or not listed("claimed=true"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert listed("sort=newest") == {dr.number: claimed["claim"], other.number: None}
    assert listed("claimed=true") == {dr.number: claimed["claim"]}
    assert listed("claimed=true&sort=least_certain") == {dr.number: claimed["claim"]}
    assert listed("claimed=true&verdict=unfinished") == {}
    assert listed("claimed=false") == {other.number: None}
    assert _claim(harness, "anna", dr.number, "DELETE")[0] == 200
    while listed("claimed=true"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert set(listed("claimed=false")) == {dr.number, other.number}
