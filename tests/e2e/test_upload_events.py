"""What S3 tells of uploads, in all its forms, and what keys may be like."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import truth
from faults import Faults
from harness import Dr, Harness

from stack import template

_NUMBERS = count(1)
_TEST = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b", "RequestId": "r", "HostId": "h"}


def _dr() -> Dr:
    """A DR without photos: what is told of it is noted all the same."""
    return Dr(f"EVT{next(_NUMBERS):05}", [], {})


def _later() -> datetime:
    """A time that nothing else has."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=next(_NUMBERS))


def _s3(*keys: str, at: datetime) -> dict[str, Any]:
    def record(key: str) -> dict[str, Any]:
        time = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {"eventName": "ObjectCreated:Put", "eventTime": time, "s3": {"object": {"key": key}}}

    return {"Records": [record(key) for key in keys]}


def _bridged(key: str, at: datetime, kind: str = "Object Created") -> dict[str, Any]:
    time, detail = at.strftime("%Y-%m-%dT%H:%M:%SZ"), {"bucket": {"name": "b"}, "object": {"key": key}}
    return {"version": "0", "detail-type": kind, "source": "aws.s3", "time": time, "detail": detail}


def _enveloped(event: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(event)}


def _noted(harness: Harness, dr: Dr, at: datetime, within_s: float = 120) -> None:
    """Waits until it is known that the DR was changed at this time."""
    deadline = time.monotonic() + within_s
    while (changed := harness.changed_at(dr)) != int(at.timestamp() * 1000):
        assert time.monotonic() < deadline, f"{dr.number}: {changed}"
        time.sleep(0.2)


@pytest.mark.parametrize("form", ["own", "enveloped", "event_bridge", "event_bridge_enveloped"])
def test_an_upload_is_noted_whichever_way_it_is_told(hurried: Harness, faults: Faults, form: str) -> None:
    dr, at = _dr(), _later()
    own, bridged = _s3(f"photos/{dr.number}/a+b.jpg", at=at), _bridged(f"photos/{dr.number}/a b.jpg", at)
    event = {
        "own": own,
        "enveloped": _enveloped(own),
        "event_bridge": bridged,
        "event_bridge_enveloped": _enveloped(bridged),
    }[form]
    faults.send("UploadsQueueUrl", json.dumps(event))
    _noted(hurried, dr, at)


@pytest.mark.parametrize("form", ["s3", "sns", "event_bridge"])
def test_an_upload_is_noted_where_the_function_is_invoked_without_a_queue(harness: Harness, form: str) -> None:
    dr, at = _dr(), _later()
    key = f"photos/{dr.number}/a.jpg"
    event = {
        "s3": _s3(key, at=at),
        "sns": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(_s3(key, at=at))}}]},
        "event_bridge": _bridged(key, at),
    }[form]
    assert harness.invoke("splitter", event) == (None, None)
    _noted(harness, dr, at)


def test_test_events_are_passed_over_in_every_form(hurried: Harness, faults: Faults) -> None:
    before = faults.held("UploadsDeadLetterQueueUrl")
    confirmation = {"Type": "SubscriptionConfirmation", "Message": "You have chosen …", "SubscribeURL": "https://x"}
    other = _bridged("photos/DR1/a.jpg", _later(), "Object Tags Added")
    events = [_TEST, _enveloped(_TEST), confirmation, other, _enveloped(other)]
    faults.send("UploadsQueueUrl", *map(json.dumps, events))
    dr, at = _dr(), _later()
    faults.send("UploadsQueueUrl", json.dumps(_s3(f"photos/{dr.number}/a.jpg", at=at)))
    _noted(hurried, dr, at)
    faults.wait_until_held("UploadsQueueUrl", 0)  # one that failed is held, hidden or not
    assert faults.held("UploadsDeadLetterQueueUrl") == before


def test_one_bad_key_in_an_event_costs_the_others_nothing(hurried: Harness, faults: Faults) -> None:
    first, second, at = _dr(), _dr(), _later()
    event = _s3(f"photos/{first.number}/a.jpg", "photos/DR1/%FF.jpg", "nowhere", f"photos/{second.number}/b.jpg", at=at)
    event["Records"].insert(1, {"eventName": "ObjectCreated:Put"})
    faults.send("UploadsQueueUrl", json.dumps(event))
    _noted(hurried, first, at)
    _noted(hurried, second, at)


def test_a_folder_in_small_letters_is_the_dr_that_it_means(harness: Harness) -> None:
    dr = harness.dr(3, seed=940)
    with harness.held("UploadsQueueUrl"):
        for at, path in enumerate(dr.photos):
            number = [dr.number, dr.number.lower(), dr.number.capitalize()][at % 3]
            harness.put(number, path.name, path.read_bytes())
    (entry,) = harness.quiet(dr)
    evaluation = harness.completed(entry["evaluation_id"])
    assert [photo["name"] for photo in evaluation["photos"]] == sorted(dr.truth)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)


def test_what_is_known_of_a_drs_photos_outlives_photos_and_verdicts(harness: Harness) -> None:
    dr = harness.dr(1, seed=2659)
    harness.upload(dr)
    deadline = time.monotonic() + 60
    while not harness.changed_at(dr):
        assert time.monotonic() < deadline, "the upload is not noted"
        time.sleep(0.3)
    parameters = template.load()["Parameters"]
    longest = sum(parameters[name]["MaxValue"] for name in ("PhotoRetentionDays", "VerdictRetentionDays"))
    kept_for_s = harness.kept_until(f"DR#{dr.number}", "UPLOADS") - time.time()
    # An evaluation may be asked for on a photo's last day.
    assert kept_for_s > (longest - 1) * 86_400


def test_names_that_nobody_should_use_are_refused_and_shown(harness: Harness) -> None:
    dr = harness.dr(2, seed=941)
    harness.upload(dr)
    photo = dr.photos[0].read_bytes()
    refused = {
        f"photos/{dr.number}/../DR2/a.jpg": ("../DR2/a.jpg", ".."),
        f"photos/{dr.number}/sub//b.jpg": ("sub//b.jpg", "two slashes"),
        f"photos/{dr.number}/c\x01d.jpg": ("c%01d.jpg", "control character"),
        f"/photos/{dr.number}/e.jpg": (f"/photos/{dr.number}/e.jpg", "begins with a slash"),
    }
    for key in refused:
        harness.put_key(key, photo)
    evaluation = harness.evaluate(dr)
    outcomes = {one["name"]: one for one in evaluation["photos"]}
    for name, words in refused.values():
        assert outcomes[name]["reason"]["code"] == "name_refused", outcomes.keys()
        assert words in outcomes[name]["reason"]["message"]
    assert {outcomes[name]["outcome"] for name in dr.truth} == {"evaluated"}


def test_names_that_people_use_are_taken(harness: Harness) -> None:
    dr = harness.dr(5, seed=942)
    names = ["Foto 1+2 (100%).jpg", "Z\u00e4hler & Co.jpg", "a%20b.jpg", "\u5bb6.jpg", "x..y'\".jpg"]
    for name, path in zip(names, dr.photos, strict=True):
        harness.put(dr.number, name, path.read_bytes())
    evaluation = harness.evaluate(dr)
    assert {photo["name"]: photo["outcome"] for photo in evaluation["photos"]} == dict.fromkeys(names, "evaluated")


def test_names_are_compared_as_people_read_them(harness: Harness) -> None:
    dr = harness.dr(2, seed=943)
    composed, apart = "Caf\u00e9.jpg", "Cafe\u0301.jpg"
    harness.put(dr.number, apart, dr.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    assert [photo["name"] for photo in evaluation["photos"]] == [composed]
    harness.put(dr.number, composed, dr.photos[0].read_bytes())
    harness.delete(dr.number, apart)
    assert harness.api.start(dr.number).body["cached"], "the name is the same"
    harness.put(dr.number, apart, dr.photos[1].read_bytes())
    both = harness.evaluate(dr)
    assert {photo["name"] for photo in both["photos"]} == {composed, f"{dr.number}/{apart}"}
    assert {photo["outcome"] for photo in both["photos"]} == {"evaluated"}
