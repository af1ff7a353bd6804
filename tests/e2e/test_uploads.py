"""Uploads by the app: the API gives an address for each photo, and the bucket takes it there."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import truth
import urllib3
from harness import Harness, problem

from stack.api import Answer

_HTTP = urllib3.PoolManager()


def _ask(harness: Harness, number: str, *photos: dict[str, Any]) -> Answer:
    body = json.dumps({"photos": list(photos)}).encode()
    return harness.api.request("POST", f"/drs/{number}/uploads", body)


def _photo(path: Path, name: str | None = None, *, hashed: bool = False) -> dict[str, Any]:
    content = path.read_bytes()
    photo: dict[str, Any] = {"name": name or path.name, "content_type": "image/jpeg", "size": len(content)}
    return {**photo, "sha256": hashlib.sha256(content).hexdigest()} if hashed else photo


def _put(address: dict[str, Any], content: bytes) -> int:
    return int(_HTTP.request(address["method"], address["url"], body=content, headers=address["headers"]).status)


def _number() -> str:
    return f"UPL{time.time_ns() % 10**9:09}"


def test_photos_go_to_the_addresses_and_the_evaluation_follows_by_itself(harness: Harness) -> None:
    dr = harness.dr(10, seed=1901)
    answer = _ask(harness, dr.number, *(_photo(path, hashed=True) for path in dr.photos))
    assert answer.status == 201, answer.body
    given = answer.body["photos"]
    assert [address["name"] for address in given] == [path.name for path in dr.photos]
    for address in given:
        assert "X-Amz-Signature=" in address["url"] and f"/photos/{dr.number}/" in address["url"]
        assert address["headers"]["if-none-match"] == "*"
        # AWS refuses what differs from what was signed; the emulator does not look.
        signed = parse_qs(urlsplit(address["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
        assert {"content-length", "content-type", "host", "if-none-match", "x-amz-checksum-sha256"} <= set(signed)
    with harness.held("UploadsQueueUrl"):
        for address, path in zip(given, dr.photos, strict=True):
            assert _put(address, path.read_bytes()) == 200
    (evaluation,) = harness.quiet(dr)
    shown = harness.completed(evaluation["evaluation_id"])
    assert truth.seen(shown) == truth.verdict(dr.truth)


def test_the_same_name_twice_or_one_that_is_there_replaces_nothing_and_keeps_its_hint(harness: Harness) -> None:
    dr = harness.dr(2, seed=1902)
    number, (one, other) = dr.number, dr.photos
    slot = f"{number}_ph_powm1_1.jpg"
    first, second = _ask(harness, number, _photo(one, slot), _photo(other, slot)).body["photos"]
    assert (first["name"], second["name"]) == (slot, f"2_{slot}")
    assert _put(first, one.read_bytes()) == 200 and _put(second, other.read_bytes()) == 200
    (third,) = _ask(harness, number, _photo(one, slot)).body["photos"]
    assert third["name"] == f"3_{slot}"
    assert _put(first, one.read_bytes()) == 412, "what is stored is stored once"
    evaluation = harness.evaluate(dr)
    hints = {photo["name"]: photo["step_hint"] for photo in evaluation["photos"]}
    assert hints == {slot: "power_meter", f"2_{slot}": "power_meter"}


def test_names_with_paths_and_control_characters_are_made_safe(harness: Harness) -> None:
    dr = harness.dr(1, seed=1903)
    (path,) = dr.photos
    names = ["../../other/DR9_ph_house_1.jpg", "C:\\fakepath\\a b.jpg", "x\ny\t.jpg", "é" * 1000 + ".jpg"]
    given = _ask(harness, dr.number, *(_photo(path, name) for name in names)).body["photos"]
    stored = [address["name"] for address in given]
    assert stored[:3] == ["DR9_ph_house_1.jpg", "a b.jpg", "x_y_.jpg"]
    assert stored[3].endswith(".jpg") and len(stored[3].encode()) <= 160
    assert all(_put(address, path.read_bytes()) == 200 for address in given)
    listed = {photo["name"] for photo in harness.evaluate(dr)["photos"]}
    assert listed == set(stored)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ({"name": "a.gif", "content_type": "image/gif", "size": 1}, "content_type"),
        ({"name": "a.jpg", "content_type": "image/jpeg", "size": 0}, "size"),
        ({"name": "a.jpg", "content_type": "image/jpeg", "size": 50_000_001}, "size"),
        ({"name": "a.jpg", "content_type": "image/jpeg"}, "size"),
        ({"name": "a" * 5000, "content_type": "image/jpeg", "size": 1}, "4096"),
        ({"name": "a.jpg", "content_type": "image/jpeg", "size": 1, "sha256": "0"}, "sha256"),
    ],
)
def test_what_can_t_be_a_photo_gets_no_address(photo: dict[str, Any], words: str, harness: Harness) -> None:
    good = {"name": "b.jpg", "content_type": "image/jpeg", "size": 1}
    told = problem(_ask(harness, _number(), good, photo), 400)
    assert words in told["detail"]


def test_none_and_too_many_are_refused_with_how_many_may_be(harness: Harness) -> None:
    number = _number()
    assert "1 to 200" in problem(_ask(harness, number), 400)["detail"]
    photo = {"name": "a.jpg", "content_type": "image/jpeg", "size": 1}
    assert "201" in problem(_ask(harness, number, *[photo] * 201), 400)["detail"]
    assert len(_ask(harness, number, *[photo] * 200).body["photos"]) == 200
    harness.put(number, "there.jpg", b"no photo")
    told = problem(_ask(harness, number, *[photo] * 200), 422)
    assert "has 1 photos, and may have 200" in told["detail"]
    assert problem(harness.api.request("POST", "/drs/D-1/uploads", b"{}"), 400)["type"].endswith("bad-dr-number")


def test_an_upload_that_never_comes_costs_nothing(harness: Harness) -> None:
    dr = harness.dr(2, seed=1904)
    given = _ask(harness, dr.number, *(_photo(path) for path in dr.photos)).body["photos"]
    assert _put(given[0], dr.photos[0].read_bytes()) == 200
    evaluation = harness.evaluate(dr)
    assert [photo["name"] for photo in evaluation["photos"]] == [given[0]["name"]]
