"""People decide: each decision stands for good, beside the model's verdict, whoever else decides at the same time."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest
from harness import Dr, Harness, problem
from subscribers import Event, Subscriber
from watchers import Watcher

from stack.api import Answer
from stack.paths import REPO

_SCHEMA = json.loads((REPO / "functions" / "notifier" / "review.schema.json").read_text())
_STEP = "house_photo"

Evaluated = tuple[Dr, dict[str, Any]]


def _keyed() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


@pytest.fixture
def passed(harness: Harness) -> Evaluated:
    """A DR that passes, and its evaluation."""
    dr = harness.dr(10, seed=2200)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    assert evaluation["verdict"] == "pass" and evaluation["reviewed_verdict"] is None, evaluation
    return dr, evaluation


def _say(harness: Harness, evaluation: str, headers: dict[str, str] | None = None, **said: Any) -> Answer:
    body = json.dumps({"reason": "I looked at it.", **said}).encode()
    return harness.api.request("POST", f"/evaluations/{evaluation}/reviews", body, **(headers or {}))


def _withdraw(harness: Harness, evaluation: str, number: int) -> Answer:
    return harness.api.request("DELETE", f"/evaluations/{evaluation}/reviews/{number}")


def _listed(harness: Harness, evaluation: str, query: str = "") -> Answer:
    answer = harness.api.request("GET", f"/evaluations/{evaluation}/reviews{query}")
    assert answer.status == 200, answer
    return answer


def _row(evaluation: dict[str, Any], step: str) -> dict[str, Any]:
    return next(dict(row) for row in evaluation["steps"] if row["step"] == step)


def test_a_decision_stands_beside_the_verdict_and_a_withdrawal_uncovers_what_was_before(
    harness: Harness, passed: Evaluated
) -> None:
    dr, evaluation = passed
    its_id, photo = evaluation["evaluation_id"], _row(evaluation, _STEP)["photo"]
    first = _say(harness, its_id, step=_STEP, decision="fail")
    assert first.status == 201, first
    said = first.body["review"]
    assert (said["number"], said["photo"], said["state"]) == (1, photo, {"state": "stands"})
    assert said["by"].startswith("arn:aws:") and said["before"]["verdict"] == "pass"
    assert said["before"]["outcome"] == "pass" and said["before"].get("reviewed_verdict") is None
    assert (first.body["verdict"], first.body["reviewed_verdict"]) == ("pass", "fail")
    again = _say(harness, its_id, step=_STEP, decision="fail")
    assert again.status == 200 and again.body["review"] == said, "sent again it stands once"
    seen = harness.api.evaluation(its_id).body
    assert (seen["verdict"], seen["reviewed_verdict"]) == ("pass", "fail")
    assert seen["steps"] == evaluation["steps"], "the model's rows stay as they were"
    assert [one["step"] for one in seen["reviews"]["standing"]] == [_STEP]
    assert seen["reviews"]["standing"][0]["by"] is None, "technicians read it, too"
    checklist = harness.api.request("GET", f"/drs/{dr.number}").body
    assert checklist["reviewed_verdict"] == "fail" and checklist["verdict_so_far"] == "pass"
    assert [one["step"] for one in checklist["decisions"]] == [_STEP]
    assert all("by" not in one for one in checklist["decisions"])
    second = _say(harness, its_id, step=_STEP, decision="pass", photo=evaluation["photos"][3]["photo_id"])
    assert (second.status, second.body["reviewed_verdict"]) == (201, "pass")
    assert second.body["review"]["photo"] == evaluation["photos"][3]["name"]
    assert _withdraw(harness, its_id, 2).body["reviewed_verdict"] == "fail"
    assert _withdraw(harness, its_id, 1).body["reviewed_verdict"] is None
    assert _withdraw(harness, its_id, 1).body["review"]["number"] == 4, "it is withdrawn once"
    records = _listed(harness, its_id).body
    states = [record["state"] for record in records["reviews"]]
    gone = [{"state": "withdrawn", "by": 4}, {"state": "withdrawn", "by": 3}]
    assert states == [*gone, {"state": "withdraws"}, {"state": "withdraws"}]
    hashes = [record["hash"] for record in records["reviews"]]
    assert [record["previous_hash"] for record in records["reviews"]] == [None, *hashes[:-1]]
    assert (records["chain"], records["records"]) == ({"state": "intact"}, 4)


def test_the_list_is_paged_and_known_by_its_etag(harness: Harness, passed: Evaluated) -> None:
    its_id = passed[1]["evaluation_id"]
    for decision in ("fail", "pass", "missing"):
        assert _say(harness, its_id, step=_STEP, decision=decision).status == 201
    first = _listed(harness, its_id, "?limit=2")
    rest = _listed(harness, its_id, f"?limit=2&cursor={first.body['next']}")
    numbers = [record["number"] for page in (first, rest) for record in page.body["reviews"]]
    assert (numbers, rest.body["next"]) == ([1, 2, 3], None)
    path = f"/evaluations/{its_id}/reviews"
    known = harness.api.request("GET", path, if_none_match=first.headers["etag"])
    assert known.status == 304
    _withdraw(harness, its_id, 3)
    assert harness.api.request("GET", path, if_none_match=first.headers["etag"]).status == 200


def test_of_two_at_once_both_stand_and_who_had_not_seen_the_other_is_told(harness: Harness, passed: Evaluated) -> None:
    its_id = passed[1]["evaluation_id"]
    before = _listed(harness, its_id).headers["etag"]
    decisions = ["pass", "fail"] * 4
    with ThreadPoolExecutor(len(decisions)) as pool:
        said = [
            pool.submit(
                _say, harness, its_id, {"if_match": before}, step=_STEP, decision=decision, reason=f"reviewer {at}"
            )
            for at, decision in enumerate(decisions)
        ]
        answers = [one.result() for one in said]
    assert {answer.status for answer in answers} == {201}
    records = _listed(harness, its_id).body
    assert sorted(record["reason"] for record in records["reviews"]) == [f"reviewer {at}" for at in range(8)]
    assert sorted(answer.body["review"]["number"] for answer in answers) == list(range(1, 9))
    assert records["chain"] == {"state": "intact"}
    for answer in answers:
        own = answer.body["review"]["number"]
        told = {record["number"] for record in answer.body["also_decided"]}
        assert set(range(1, own)) <= told and own not in told
    last = _say(harness, its_id, {"if_match": _listed(harness, its_id).headers["etag"]}, decision="fail")
    assert last.body["also_decided"] == []


def test_a_decision_holds_when_the_question_is_asked_again_while_its_photo_is_the_same(
    harness: Harness, passed: Evaluated
) -> None:
    dr, evaluation = passed
    its_id, photo = evaluation["evaluation_id"], _row(evaluation, _STEP)["photo"]
    for step in (_STEP, "power_meter"):
        assert _say(harness, its_id, step=step, decision="fail").status == 201
    assert _say(harness, its_id, decision="fail").status == 201
    again = harness.evaluate(dr, force=True)
    assert again["evaluation_id"] != its_id and again["reviewed_verdict"] == "fail"
    assert [one["from_evaluation"] for one in again["reviews"]["standing"]] == [its_id] * 3
    other = harness.dr(10, seed=2201)
    name = next(path.name for path in dr.photos if path.name == photo)
    content = next(path for path in other.photos if "prop" in path.name).read_bytes()
    harness.put(dr.number, name, content)
    changed = harness.evaluate(dr, force=True)
    states = [record["state"] for record in _listed(harness, changed["evaluation_id"]).body["reviews"]]
    assert states == [
        {"state": "lapsed", "because": "photo_gone"},
        {"state": "stands"},
        {"state": "lapsed", "because": "photos_changed"},
    ]
    assert changed["reviewed_verdict"] == "fail" and changed["reviews"]["lapsed"] == 2
    before = harness.api.evaluation(its_id).body
    assert len(before["reviews"]["standing"]) == 3, "what was decided of an evaluation stands for that for good"


def test_bad_input_is_refused_and_nothing_is_written(harness: Harness, passed: Evaluated) -> None:
    its_id = passed[1]["evaluation_id"]
    other = harness.dr(1, seed=2202)
    harness.upload(other)
    others = harness.evaluate(other)
    assert _say(harness, others["evaluation_id"], decision="fail").status == 201
    bad: list[dict[str, Any]] = [
        {"decision": "maybe"},
        {"decision": "missing"},
        {"step": "no_such", "decision": "fail"},
        {"step": _STEP, "decision": "fail", "photo": others["photos"][0]["name"]},
        {"step": _STEP, "decision": "missing", "photo": passed[1]["photos"][0]["name"]},
        {"decision": "fail", "reason": " "},
        {"decision": "fail", "reason": "a\nb"},
        {"decision": "fail", "reason": "x" * 501},
        {"decision": "fail", "by": "somebody else"},
    ]
    for said in bad:
        problem(_say(harness, its_id, **said), 400)
    problem(_say(harness, its_id, {"if_match": '"other"'}, decision="fail"), 400)
    problem(_withdraw(harness, its_id, 1), 404)
    problem(harness.api.request("DELETE", f"/evaluations/{its_id}/reviews/x"), 404)
    nowhere = "01900000-0000-7000-8000-000000000000"
    problem(_say(harness, nowhere, decision="fail"), 404)
    problem(harness.api.request("GET", f"/evaluations/{nowhere}/reviews"), 404)
    assert _listed(harness, its_id).body["reviews"] == []


def test_what_is_sent_again_under_its_key_covers_nobodys_decision(harness: Harness, passed: Evaluated) -> None:
    its_id, key = passed[1]["evaluation_id"], _keyed()
    first = _say(harness, its_id, key, decision="fail")
    assert (first.status, first.body["review"]["number"]) == (201, 1)
    assert _say(harness, its_id, _keyed(), decision="pass").body["review"]["number"] == 2
    again = _say(harness, its_id, key, decision="fail")
    assert (again.status, again.body["review"]["number"], again.body["reviewed_verdict"]) == (200, 1, "pass")
    assert _withdraw(harness, its_id, 2).body["reviewed_verdict"] == "fail"
    other = problem(_say(harness, its_id, key, decision="pass"), 422)
    assert other["type"].endswith("key-used")
    assert _listed(harness, its_id).body["records"] == 3
    problem(_say(harness, its_id, {"idempotency-key": "a b"}, decision="pass"), 400)


def test_what_has_no_verdict_yet_can_t_be_reviewed(harness: Harness) -> None:
    dr = harness.dr(2, seed=2203)
    harness.upload(dr)
    with harness.held("BatchesQueueUrl"):
        evaluation = harness.api.start(dr.number, force=True).body["evaluation_id"]
        refused = problem(_say(harness, evaluation, decision="fail"), 409)
        assert refused["type"].endswith("not-judged")
    harness.completed(evaluation)
    assert _say(harness, evaluation, decision="fail").status == 201


@pytest.fixture
def told(harness: Harness) -> Iterator[Callable[[], tuple[Subscriber, Watcher]]]:
    """Who is told by the topic, and by the WebSocket."""
    made: list[Subscriber | Watcher] = []

    def both() -> tuple[Subscriber, Watcher]:
        subscriber, watcher = Subscriber(harness, "reviews", {"event": ["reviewed"]}), Watcher(harness)
        made.extend((subscriber, watcher))
        return subscriber, watcher

    yield both
    for one in made:
        one.end()


def test_who_subscribed_and_who_watches_is_told(
    harness: Harness, passed: Evaluated, told: Callable[[], tuple[Subscriber, Watcher]]
) -> None:
    dr, evaluation = passed
    its_id = evaluation["evaluation_id"]
    subscriber, watcher = told()
    watcher.subscribe(dr_number=dr.number)
    watcher.until("state")
    said = _say(harness, its_id, step=_STEP, decision="fail", reason="secret reason").body["review"]
    (first,) = watcher.until("review")
    assert (first["verdict"], first["reviewed_verdict"]) == ("pass", "fail")
    _withdraw(harness, its_id, 1)
    message = watcher.until("review", 2)[-1]
    assert message["evaluation_id"] == its_id and message["reviewed_verdict"] is None
    assert watcher.until("checklist")
    events: list[Event] = subscriber.until(lambda events: len(events) >= 2, its_id)
    for event in events:
        jsonschema.validate(event, _SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        assert "secret" not in json.dumps(event) and "arn:" not in json.dumps(event)
    decision, withdrawal = sorted((event["data"] for event in events), key=lambda data: data["review"])
    assert (decision["verdict"], decision["reviewed_verdict"]) == ("pass", "fail")
    assert (decision["step"], decision["decision"], decision["review_hash"]) == (_STEP, "fail", said["hash"])
    assert (withdrawal["withdraws"], withdrawal["reviewed_verdict"]) == (1, None)
    assert withdrawal["previous_reviewed_verdict"] == "fail"


def test_a_record_that_somebody_changes_all_the_same_is_noticed(harness: Harness, passed: Evaluated) -> None:
    dr, evaluation = passed
    its_id = evaluation["evaluation_id"]
    for decision in ("fail", "pass"):
        _say(harness, its_id, step=_STEP, decision=decision)
    known = _listed(harness, its_id).headers["etag"]
    key = {"pk": {"S": f"REVIEWS#{dr.number}"}, "sk": {"S": "REVIEW#00000001"}}
    harness.stack.aws.client("dynamodb").update_item(
        TableName=harness.stack.outputs["TableName"],
        Key=key,
        UpdateExpression="SET reason = :other",
        ExpressionAttributeValues={":other": {"S": "It was fine."}},
    )
    answer = harness.api.request("GET", f"/evaluations/{its_id}/reviews", if_none_match=known)
    assert answer.body["chain"] == {"state": "broken", "at": 2}
    line = _line(harness, f"REVIEWS#{dr.number} REVIEW#00000001")
    assert "a review was changed" in line and "ERROR" in line
    second = {**key, "sk": {"S": "REVIEW#00000002"}}
    harness.stack.aws.client("dynamodb").delete_item(TableName=harness.stack.outputs["TableName"], Key=second)
    assert "a review was changed" in _line(harness, f"REVIEWS#{dr.number} REVIEW#00000002")


def _line(harness: Harness, item: str) -> str:
    """The notifier's line about an item, once there is one."""
    log = harness.stack.folder.path / "logs" / "notifier.log"
    for _ in range(1200):
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        if found := [line for line in lines if item in line]:
            return found[-1]
        time.sleep(0.1)
    raise AssertionError(f"no line about {item}")


def test_reviews_are_kept_longer_than_verdicts(harness: Harness, passed: Evaluated) -> None:
    dr, evaluation = passed
    its_id = evaluation["evaluation_id"]
    _say(harness, its_id, decision="fail")
    verdict = harness.kept_until(f"EVALUATION#{its_id}", "META")
    assert harness.kept_until(f"REVIEWS#{dr.number}", "REVIEW#00000001") > verdict + 200 * 24 * 3600


def test_what_was_decided_of_an_earlier_evaluation_shows_on_a_later_one_that_stood_already(harness: Harness) -> None:
    """In the history, and in the list across DRs."""
    dr = harness.dr(1, seed=2530)
    harness.upload(dr)
    first, second = harness.evaluate(dr), harness.evaluate(dr, force=True)
    assert _say(harness, first["evaluation_id"], decision="pass").status == 201
    expected = {one["evaluation_id"]: (True, "pass") for one in (first, second)}
    deadline, seen, listed = time.monotonic() + 60, {}, set()
    while (seen, listed >= expected.keys()) != (expected, True) and time.monotonic() < deadline:
        history = harness.api.history(dr.number).body["evaluations"]
        seen = {one["evaluation_id"]: (one["reviewed"], one["reviewed_verdict"]) for one in history}
        page = harness.api.request("GET", "/evaluations?reviewed=true&limit=100").body["evaluations"]
        listed = {one["evaluation_id"] for one in page}
        time.sleep(0.3)
    assert seen == expected and listed >= expected.keys(), (seen, listed)
