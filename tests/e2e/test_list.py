"""Evaluations across DRs: what is asked for, in both orders, page by page, at a cost that does not grow with the table."""

from __future__ import annotations

import itertools
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from harness import Harness, problem

from stack import relist
from stack.api import Answer

#: The list may lag behind by moments.
_PATIENCE_S = 60.0
_STATES = [
    "unfinished",
    *(
        verdict + suffix
        for verdict in ("pass", "fail", "incomplete")
        for suffix in ("", "_flagged", "_reviewed", "_flagged_reviewed")
    ),
    "pass_sampled",
    "pass_sampled_reviewed",
]


def _ask(harness: Harness, **query: str | int) -> Answer:
    return harness.api.request("GET", f"/evaluations?{urlencode(query)}".rstrip("?"))


def _list(harness: Harness, **query: str | int) -> dict[str, Any]:
    answer = _ask(harness, **query)
    assert answer.status == 200, answer
    return dict(answer.body)


def _all(harness: Harness, limit: int = 100, **query: str | int) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for number in itertools.count():
        page = _list(harness, limit=limit, **query, **cursor)
        assert (page["counts"] is None) == (number > 0), "counts stand on the first page"
        found += page["evaluations"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}
    raise AssertionError


def _when(harness: Harness, arrived: Callable[[list[dict[str, Any]]], bool], **query: str | int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _PATIENCE_S
    while not arrived(found := _all(harness, **query)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def _of(found: list[dict[str, Any]], *numbers: str) -> list[dict[str, Any]]:
    return [one for one in found if one["dr_number"] in numbers]


def _id(at_ms: int, number: int) -> str:
    """As ids of evaluations are: UUIDs of version 7."""
    return str(uuid.UUID(int=(at_ms << 80) | (7 << 76) | (2 << 62) | number))


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _now_ms() -> int:
    return round(time.time() * 1000)


def test_evaluations_of_all_drs_are_listed_as_they_are(harness: Harness) -> None:
    begun = _time(_now_ms() - 1000)
    passes, fails = harness.dr(10, seed=2300), harness.dr(3, seed=2301, fail="screen_or_print")
    for dr in (passes, fails):
        harness.upload(dr)
    evaluations = {dr.number: harness.evaluate(dr) for dr in (passes, fails)}
    ours = (passes.number, fails.number)
    is_there = lambda found: sum(one["verdict"] is not None for one in _of(found, *ours)) >= 2  # noqa: E731
    found = _of(_when(harness, is_there, **{"from": begun}), *ours)
    by_id = {one["evaluation_id"]: one for one in found}
    for number, evaluation in evaluations.items():
        shown = by_id[evaluation["evaluation_id"]]
        for field in ("mode", "verdict", "average_score", "certainty", "created_at", "completed_at"):
            assert shown[field] == evaluation[field], field
        assert shown["photos_total"] == evaluation["progress"]["photos_total"]
        assert (shown["revision"], shown["reviewed"], shown["reviewed_verdict"]) == (1, False, None)
        assert shown["claim"] is None
        created_ms = round(datetime.fromisoformat(shown["created_at"]).timestamp() * 1000)
        assert uuid.UUID(shown["evaluation_id"]).int >> 80 == created_ms, "the list's order is that of the times it shows"
        assert shown["links"] == {
            "self": f"/evaluations/{evaluation['evaluation_id']}",
            "dr": f"/drs/{number}",
            "claim": f"/drs/{number}/claim",
        }
    assert [one["created_at"] for one in found] == sorted((one["created_at"] for one in found), reverse=True)
    failed = _all(harness, verdict="fail", **{"from": begun})
    assert {one["verdict"] for one in failed} == {"fail"}
    assert {one["evaluation_id"] for one in _of(failed, *ours)} == {
        one["evaluation_id"] for one in found if one["verdict"] == "fail"
    }
    # And in the other order, which has those with a verdict only.
    unsure = _all(harness, sort="least_certain", **{"from": begun})
    order = [1.0 if one["certainty"] is None else one["certainty"] for one in unsure]
    assert order == sorted(order)
    assert {one["evaluation_id"] for one in _of(unsure, *ours)} == {
        one["evaluation_id"] for one in found if one["verdict"] is not None
    }


def test_what_people_decide_moves_an_evaluation_in_the_list_and_a_withdrawal_moves_it_back(harness: Harness) -> None:
    begun = _time(_now_ms() - 1000)
    dr = harness.dr(3, seed=2305)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)["evaluation_id"]
    ours = lambda found: [one for one in found if one["evaluation_id"] == evaluation]  # noqa: E731
    _when(harness, ours, reviewed="false", verdict="fail", **{"from": begun})
    before = _list(harness, verdict="fail", **{"from": begun})["counts"]["reviewed"]
    said = json.dumps({"decision": "pass", "reason": "seen on site"}).encode()
    assert harness.api.request("POST", f"/evaluations/{evaluation}/reviews", said).status == 201
    (listed,) = ours(_when(harness, ours, reviewed="true", verdict="fail", **{"from": begun}))
    assert (listed["verdict"], listed["reviewed_verdict"]) == ("fail", "pass")
    assert not ours(_all(harness, reviewed="false", **{"from": begun}))
    assert _list(harness, verdict="fail", **{"from": begun})["counts"]["reviewed"] == before + 1
    # The same photos asked about once more: the decision holds, and is on that card from the start.
    later = harness.evaluate(dr, force=True)["evaluation_id"]
    of_later = lambda found: [one for one in found if one["evaluation_id"] == later]  # noqa: E731
    (carried,) = of_later(_when(harness, of_later, reviewed="true", **{"from": begun}))
    assert carried["reviewed_verdict"] == "pass"
    assert harness.api.request("DELETE", f"/evaluations/{evaluation}/reviews/1").status == 200
    (listed,) = ours(_when(harness, ours, reviewed="false", verdict="fail", **{"from": begun}))
    assert (listed["reviewed"], listed["reviewed_verdict"]) == (False, None)


def test_what_a_technician_says_has_all_evaluations_of_the_dr_listed_as_contested(harness: Harness) -> None:
    begun = _time(_now_ms() - 1000)
    contested = {"contested": "true", "reviewed": "false", "from": begun}
    dr = harness.dr(3, seed=2306)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)["evaluation_id"]
    ours = lambda found: [one for one in found if one["dr_number"] == dr.number]  # noqa: E731
    (listed,) = ours(_when(harness, ours, contested="false", verdict="fail", **{"from": begun}))
    assert listed["notes"] == 0
    assert not ours(_all(harness, **contested))
    before = _list(harness, reviewed="false", **{"from": begun})["counts"]
    note = {"step": "power_meter", "kind": "disagree", "reason": "It reads -18.4 dBm."}
    assert harness.api.request("POST", f"/drs/{dr.number}/notes", json.dumps(note).encode()).status == 201
    (listed,) = ours(_when(harness, ours, **contested))
    assert (listed["evaluation_id"], listed["notes"], listed["verdict"]) == (evaluation, 1, "fail")
    assert ours(_all(harness, sort="least_certain", **contested)) == [listed]
    assert not ours(_all(harness, contested="false", **{"from": begun}))
    after = _list(harness, reviewed="false", **{"from": begun})["counts"]
    assert after["contested"] > before["contested"]
    assert _list(harness, **contested)["counts"]["evaluations"] >= after["contested"]
    # Said once more it stands once; and a later evaluation is contested from the start.
    assert harness.api.request("POST", f"/drs/{dr.number}/notes", json.dumps(note).encode()).status == 200
    later = harness.evaluate(dr, force=True)["evaluation_id"]
    both = lambda found: len(ours(found)) == 2 and all(one["verdict"] for one in ours(found))  # noqa: E731
    found = ours(_when(harness, both, **contested))
    assert [(one["evaluation_id"], one["notes"]) for one in found] == [(later, 1), (evaluation, 1)]
    # What people decide takes it out of those that wait for them.
    said = json.dumps({"decision": "pass", "reason": "seen on site"}).encode()
    assert harness.api.request("POST", f"/evaluations/{later}/reviews", said).status == 201
    decided = lambda found: later not in [one["evaluation_id"] for one in ours(found)]  # noqa: E731
    _when(harness, decided, **contested)
    assert later in [one["evaluation_id"] for one in _all(harness, contested="true", reviewed="true", **{"from": begun})]


class _Cards:
    """Cards that are drawn into the table, of a time of their own, with the counts that go with them."""

    def __init__(self, harness: Harness, at_ms: int) -> None:
        self._client = harness.stack.aws.client("dynamodb")
        self._table = harness.stack.outputs["TableName"]
        self._at_ms = at_ms
        self._drawn = 0

    def draw(self, count: int, first: int = 0) -> None:
        """So many of each state, evenly, a second apart."""
        requests = [
            {"PutRequest": {"Item": item}}
            for number in range(first, first + count)
            for item in self._items(number)
        ]
        self._write(requests)
        self._drawn = max(self._drawn, first + count)

    def erase(self) -> None:
        """Takes them away again."""
        keys = [
            {"DeleteRequest": {"Key": {"pk": item["pk"], "sk": item["sk"]}}}
            for number in range(self._drawn)
            for item in self._items(number)
        ]
        self._write(keys)

    def _write(self, requests: list[dict[str, Any]]) -> None:
        for at in range(0, len(requests), 25):
            left = {self._table: requests[at : at + 25]}
            while left:
                left = self._client.batch_write_item(RequestItems=left)["UnprocessedItems"]

    def cost(self) -> tuple[float, int]:
        """What the queries of a page of five cost, asked of the index itself: read units, and how many cards came."""
        units, cards = 0.0, 0
        for order, low, high in (("LISTED", _id(0, 0), _id(2**47, 0)), ("UNSURE", "0000", "9999~")):
            for state in _STATES:
                found = self._client.query(
                    TableName=self._table,
                    IndexName="listed",
                    Limit=7,
                    ScanIndexForward=order != "LISTED",
                    KeyConditionExpression="gsi_list = :list AND gsi_at BETWEEN :low AND :high",
                    ExpressionAttributeValues={
                        ":list": {"S": f"{order}#{state}"}, ":low": {"S": low}, ":high": {"S": high}
                    },
                    ReturnConsumedCapacity="TOTAL",
                )
                units += found["ConsumedCapacity"]["CapacityUnits"]
                cards += found["Count"]
        return units, cards

    def _items(self, number: int) -> list[dict[str, Any]]:
        state = _STATES[number % len(_STATES)]
        at_ms = self._at_ms + number * 1000
        evaluation, dr = _id(at_ms, number), f"LIST{number:07}"
        certainty = (number * 37) % 1000
        item = {
            "pk": {"S": f"CARDS#{dr}"},
            "evaluation_id": {"S": evaluation},
            "dr_number": {"S": dr},
            "mode": {"S": "full"},
            "photos": {"N": "16"},
            "revision": {"N": "0" if state == "unfinished" else "1"},
            "flags": {"N": str(3 * ("flagged" in state))},
            "reviewed": {"BOOL": "reviewed" in state},
            "created_at": {"N": str(at_ms)},
            "made_from": {"N": "2"},
            "version": {"N": "2"},
            "ttl": {"N": str(_now_ms() // 1000 + 86400)},
        }
        contested = number % 4 == 0
        item["notes"] = {"N": str(2 * contested)}
        by_time = {"gsi_at": {"S": evaluation}}
        first = {"sk": {"S": f"CARD#{evaluation}"}, "gsi_list": {"S": f"LISTED#{state}"}} | by_time
        also = {"sk": {"S": f"CONTESTED#{evaluation}"}, "gsi_list": {"S": f"CONTESTED#{state}"}} | by_time
        if state == "unfinished":
            return [item | first] + [item | also] * contested
        if "sampled" in state:
            item["sampled"] = {"N": "5"}
        judged = {
            "verdict": {"S": state.split("_")[0]},
            "certainty": {"N": str(certainty / 1000)},
            "average_score": {"N": "7.5"},
            "completed_at": {"N": str(at_ms + 5000)},
        }
        by_certainty = {"gsi_at": {"S": f"{certainty:04}#{evaluation}"}}
        second = {"sk": {"S": f"CERTAINTY#{evaluation}"}, "gsi_list": {"S": f"UNSURE#{state}"}} | by_certainty
        last = {
            "sk": {"S": f"CONTESTED_CERTAINTY#{evaluation}"}, "gsi_list": {"S": f"CONTESTED_UNSURE#{state}"}
        } | by_certainty
        lists = [first, second] + [also, last] * contested
        return [item | judged | of_list for of_list in lists]


def _cost(harness: Harness, **query: str | int) -> tuple[float, int]:
    """What reading a page costs: read units and requests."""
    harness.strict.reset_meter()
    _list(harness, **query)
    calls = [row for row in harness.strict.meter()["calls"] if row["caller"].endswith("-api")]
    # Whether certainty may order the list is one item.
    assert {row["operation"] for row in calls} <= {"Query", "GetItem"}
    return sum(row["read_units"] for row in calls), sum(row["count"] for row in calls)


#: Cards of a time long ago.
_FEW, _MANY = 150, 3000
#: As long as an HTTP API waits for a function: the emulator reads thousands of cards one by one.
_API_TIMEOUT_S = 30
#: LIST_CARDS=100000 draws so many for `_Cards.cost`: minutes, and more than the emulator can list by the API in time.
_FOR_THE_INDEX = int(os.environ.get("LIST_CARDS", "3000"))
_WORST: list[dict[str, str | int]] = [
    {},
    {"limit": 5},
    {"sort": "least_certain", "limit": 5},
    {"verdict": "fail", "flagged": "true", "reviewed": "false", "limit": 5},
    {"contested": "true", "limit": 5},
    {"claimed": "false", "limit": 5},
    {"claimed": "true"},
]


@pytest.fixture(scope="module")
def drawn(shared: Harness) -> Iterator[_Cards]:
    """A few cards of each state, of a time long ago that no other test asks about; the API has time to read more."""
    cards = _Cards(shared, 1_500_000_000_000)
    cards.draw(_FEW)
    with shared.released("api", Timeout=_API_TIMEOUT_S):
        yield cards
    cards.erase()


def _long_ago(hours: int = 24) -> dict[str, str]:
    return {"from": _time(1_500_000_000_000), "to": _time(1_500_000_000_000 + hours * 3_600_000)}


def test_each_filter_gives_what_is_asked_for_in_its_order_and_pages_leave_nothing_out(
    harness: Harness, drawn: _Cards
) -> None:
    whole = _all(harness, **_long_ago())
    assert len(whole) == _FEW
    assert [one["created_at"] for one in whole] == sorted((one["created_at"] for one in whole), reverse=True)
    for query, wanted in (
        ({"verdict": "fail"}, lambda one: one["verdict"] == "fail"),
        ({"verdict": "unfinished,pass"}, lambda one: one["verdict"] in (None, "pass")),
        ({"flagged": "true"}, lambda one: one["flags"] > 0),
        ({"flagged": "false", "reviewed": "true"}, lambda one: one["flags"] == 0 and one["reviewed"]),
        ({"sampled": "true"}, lambda one: one["sampled"]),
        ({"sampled": "false", "verdict": "pass"}, lambda one: one["verdict"] == "pass" and not one["sampled"]),
        ({"contested": "true"}, lambda one: one["notes"] > 0),
        ({"contested": "true", "flagged": "true"}, lambda one: one["notes"] > 0 and one["flags"] > 0),
        ({"contested": "false", "verdict": "fail"}, lambda one: one["notes"] == 0 and one["verdict"] == "fail"),
        ({"claimed": "true"}, lambda _: False),
        ({"claimed": "false"}, lambda _: True),
    ):
        expected = [one for one in whole if wanted(one)]
        assert _all(harness, **query, **_long_ago()) == expected, query
        assert _all(harness, limit=7, **query, **_long_ago()) == expected, query
    harness.certainty_orders(auroc=0.9, errors=20)
    unsure = [one for one in whole if one["verdict"] is not None]
    unsure.sort(key=lambda one: (one["certainty"], one["evaluation_id"]))
    assert _all(harness, limit=9, sort="least_certain", **_long_ago()) == unsure
    contested = [one for one in unsure if one["notes"] > 0]
    assert _all(harness, limit=9, sort="least_certain", contested="true", **_long_ago()) == contested != []
    middle = whole[40:60]
    within = {"from": middle[-1]["created_at"], "to": whole[39]["created_at"]}
    assert _all(harness, limit=3, **within) == middle
    assert _all(harness, **{"from": within["to"], "to": within["from"]}) == []


def test_a_page_costs_the_same_whatever_the_table_holds(
    harness: Harness, drawn: _Cards, tell: Callable[[str], None]
) -> None:
    few = [_cost(harness, **query) for query in _WORST]
    # What other tests list stands before them, and is enough for a page; of the past there are few or many.
    few_of_the_past = _cost(harness, limit=5, **_long_ago(24 * 365))
    drawn.draw(_MANY, first=_FEW)
    many = [_cost(harness, **query) for query in _WORST]
    many_of_the_past = _cost(harness, limit=5, **_long_ago(24 * 365))
    assert many_of_the_past == few_of_the_past
    for query, (units, requests), (_, before) in zip(_WORST, many, few, strict=True):
        # A query of each state, of the claims, and of each year.
        assert requests <= len(_STATES) + 1 + 2, query
        assert requests == before, query
    full, small = many[0][0], many[1][0]
    # 102 cards of 600 bytes are 16 half units at most, for each state.
    assert small <= len(_STATES) + 8, "seven cards of a state are one half unit"
    tell(
        f"A page of 5 evaluations of the past costs {few_of_the_past[0]} read units with {_FEW} cards in the table and "
        f"{many_of_the_past[0]} with {_FEW + _MANY}; a page of 5 of all {small}, of 20 {full}."
    )


def test_the_index_costs_the_same_however_many_cards_it_holds(
    harness: Harness, drawn: _Cards, tell: Callable[[str], None]
) -> None:
    """Behind the test above, which draws as many as the API lists here in time."""
    before, cards = drawn.cost()
    drawn.draw(_FOR_THE_INDEX, first=_FEW + _MANY)
    after, as_many = drawn.cost()
    assert as_many == cards == 7 * (2 * len(_STATES) - 1), "unfinished ones have no certainty"
    assert after == before
    tell(f"The index costs {before} read units for all states, and {after} with {_FOR_THE_INDEX} cards more.")


def test_a_page_in_the_order_by_certainty_costs_no_more_than_bounded_in_a_range(harness: Harness, drawn: _Cards) -> None:
    units, requests = _cost(harness, sort="least_certain", limit=5, **_long_ago(1))
    assert requests <= len(_STATES) + 1
    # 200 cards of 600 bytes of each state, at half the price.
    assert units <= (len(_STATES) - 1) * 16 + 4


def test_counts_are_those_of_the_days_and_of_what_is_asked_for(harness: Harness) -> None:
    begun = _time(_now_ms())
    before = _list(harness, **{"from": begun})["counts"]
    assert before["first_day"] == before["last_day"] == begun[:10]
    failed_before = _list(harness, verdict="fail", **{"from": begun})["counts"]
    dr = harness.dr(3, seed=2302, fail="screen_or_print")
    harness.upload(dr)
    harness.quiet(dr)
    verdict = harness.evaluate(dr)["verdict"]
    assert verdict == "fail"
    (one,) = _of(_when(harness, lambda found: len(_of(found, dr.number)) == 1, verdict="fail", **{"from": begun}), dr.number)
    after = _list(harness, verdict="fail", **{"from": begun})["counts"]
    assert after["fail"] >= failed_before["fail"] + 1
    assert (after["pass"], after["evaluations"]) == (0, after["fail"])
    whole = _list(harness, **{"from": begun})["counts"]
    assert whole["evaluations"] >= before["evaluations"] + 1
    assert whole["evaluations"] == sum(whole[name] for name in ("unfinished", "pass", "fail", "incomplete"))
    if one["flags"]:
        assert after["flagged"] > 0
    unsure = _list(harness, sort="least_certain", **{"from": begun})["counts"]
    assert unsure["unfinished"] == 0


def test_what_the_stream_says_twice_is_counted_once(harness: Harness) -> None:
    begun, dr = _time(_now_ms()), harness.dr(2, seed=2303)
    harness.upload(dr)
    evaluation = harness.evaluate(dr, "quick")["evaluation_id"]
    mine = lambda found: [one for one in found if one["evaluation_id"] == evaluation]  # noqa: E731
    _when(harness, lambda found: any(one["verdict"] for one in mine(found)), **{"from": begun})
    client, table = harness.stack.aws.client("dynamodb"), harness.stack.outputs["TableName"]
    key = {"pk": {"S": f"EVALUATION#{evaluation}"}, "sk": {"S": "META"}}
    item = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    begun = {name: value for name, value in item.items() if name not in ("verdict", "judgement", "completed_at")}
    images = [begun | {"revision": {"N": "0"}}, item]
    records = [
        {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": str(at), "NewImage": image, "OldImage": begun}}
        for at, image in enumerate(images)
    ]
    records[0]["dynamodb"].pop("OldImage")
    card = {"pk": {"S": f"CARDS#{dr.number}"}, "sk": {"S": f"CARD#{evaluation}"}}
    before = client.get_item(TableName=table, Key=card, ConsistentRead=True)["Item"]
    for _ in range(2):
        assert harness.invoke("notifier", {"Records": records}) == ({"batchItemFailures": []}, None)
    assert client.get_item(TableName=table, Key=card, ConsistentRead=True)["Item"] == before


def test_evaluations_from_before_there_was_a_list_are_put_into_it(harness: Harness) -> None:
    begun, dr = _time(_now_ms()), harness.dr(2, seed=2304)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)["evaluation_id"]
    is_there = lambda found: any(one["evaluation_id"] == evaluation and one["verdict"] for one in found)  # noqa: E731
    _when(harness, is_there, **{"from": begun})
    client, table = harness.stack.aws.client("dynamodb"), harness.stack.outputs["TableName"]
    for sk in (f"CARD#{evaluation}", f"CERTAINTY#{evaluation}"):
        client.delete_item(TableName=table, Key={"pk": {"S": f"CARDS#{dr.number}"}, "sk": {"S": sk}})
    assert not is_there(_all(harness, **{"from": begun}))
    assert relist.relist(client, table) > 0
    found = _when(harness, is_there, **{"from": begun})
    assert len([one for one in found if one["evaluation_id"] == evaluation]) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"verdict": "good"}, "unfinished"),
        ({"flagged": "maybe"}, "true or false"),
        ({"from": "yesterday"}, "2026-11-24T00:00:00Z"),
        ({"sort": "worst"}, "least_certain"),
        ({"limit": 101}, "1 to 100"),
        ({"cursor": "x"}, "next"),
        ({"cursor": "' OR 1=1"}, "next"),
        ({"cursor": "0512.01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d"}, "the same sort"),
        ({"cursor": "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d", "sort": "least_certain"}, "the same sort"),
    ],
)
def test_what_can_t_be_asked_for_is_refused_with_what_can(
    harness: Harness, query: dict[str, str | int], words: str
) -> None:
    told = problem(_ask(harness, **query), 400)
    assert words in told["detail"]
