"""Links to an evaluation's photos: to the very content that the verdict is about, for some minutes, as a picture."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from faults import Faults
from harness import Dr, Harness, problem

from stack.api import Answer
from stack.paths import REPO

_POLICIES = REPO / "shared" / "photos" / "src" / "size_policies"


def _link(harness: Harness, evaluation: dict[str, Any], name: str, shown_as: str = "") -> Answer:
    (photo,) = [one for one in evaluation["photos"] if one["name"] == name]
    query = f"?as={shown_as}" if shown_as else ""
    return harness.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/photos/{photo['photo_id']}{query}")


def _fetch(harness: Harness, link: Answer) -> Any:
    assert link.status == 200, link
    pool = urllib3.PoolManager(ca_certs=harness.stack.aws.trust)
    return pool.request("GET", link.body["url"])


def _sent_as(link: Answer) -> tuple[str, str]:
    """What S3 is to send it as. The signature covers that; the emulator does not heed it."""
    query = parse_qs(urlsplit(link.body["url"]).query)
    (content_type,), (disposition,) = query["response-content-type"], query["response-content-disposition"]
    return content_type, disposition


def test_a_photo_is_shown_as_it_was_evaluated_also_when_it_was_replaced_or_deleted(harness: Harness) -> None:
    dr, other = harness.dr(2, seed=2320), harness.dr(1, seed=2321)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    for path in dr.photos:
        link = _link(harness, evaluation, path.name)
        shown = _fetch(harness, link)
        assert (shown.status, shown.data) == (200, path.read_bytes())
        assert _sent_as(link) == (link.body["content_type"], "inline") == ("image/jpeg", "inline")
        assert (link.body["name"], link.body["is_current"]) == (path.name, True)
        good_for = datetime.fromisoformat(link.body["expires_at"]).timestamp() - time.time()
        assert 200 < good_for <= 301
        assert "X-Amz-Expires=300" in link.body["url"]
    replaced, deleted = dr.photos
    harness.put(dr.number, replaced.name, other.photos[0].read_bytes())
    harness.delete(dr.number, deleted.name)
    for path in (replaced, deleted):
        link = _link(harness, evaluation, path.name)
        assert link.body["is_current"] is False
        assert _fetch(harness, link).data == path.read_bytes(), "what the verdict is about"


def test_a_photo_that_is_kept_no_more_is_said_to_be_gone(harness: Harness) -> None:
    dr = harness.dr(2, seed=2322)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    name = dr.photos[0].name
    for version in harness.versions(dr.number, name):
        harness.delete_version(dr.number, name, version)
    told = problem(_link(harness, evaluation, name), 410)
    assert told["type"].endswith("photo-gone")
    assert _link(harness, evaluation, dr.photos[1].name).status == 200


def test_a_file_that_is_no_photo_is_never_taken_for_a_page(harness: Harness) -> None:
    dr = harness.dr(1, seed=2323)
    harness.upload(dr)
    page = b"<html><script>alert(1)</script></html>"
    for name in ("page.html", "page.jpg"):
        harness.put(dr.number, name, page, ContentType="text/html")
    evaluation = harness.evaluate(dr)
    assert _sent_as(_link(harness, evaluation, "page.html")) == ("application/octet-stream", "attachment")
    assert _sent_as(_link(harness, evaluation, "page.jpg")) == ("image/jpeg", "inline")
    assert _fetch(harness, _link(harness, evaluation, "page.jpg")).data == page


def test_names_with_any_character_are_found(harness: Harness) -> None:
    dr = harness.dr(1, seed=2324)
    names = ["a b+c&d=é.jpg", "a b+c&d=é.jpg2", "Folder/ß%20.jpg"]
    for name in names:
        harness.put(dr.number, name, dr.photos[0].read_bytes() + name.encode())
    evaluation = harness.evaluate(dr)
    for name in names:
        assert _fetch(harness, _link(harness, evaluation, name)).data.endswith(name.encode()), name


def test_what_there_is_not_is_not_found(harness: Harness) -> None:
    dr = harness.dr(1, seed=2325)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    for photo in ("0123456789abcdef", "x", "0123456789ABCDEF"):
        problem(harness.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/photos/{photo}"), 404)
    (photo,) = evaluation["photos"]
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    problem(harness.api.request("GET", f"/evaluations/{unknown}/photos/{photo['photo_id']}"), 404)


def _pictures(harness: Harness, dr: Dr) -> list[str]:
    """The versions of all pictures of a DR's photos: one that is made again is another one."""
    s3 = harness.stack.aws.client("s3")
    listed = s3.list_object_versions(Bucket=harness.stack.outputs["BucketName"], Prefix=f"seen/{dr.number}/")
    return sorted(f"{version['Key']} {version['VersionId']}" for version in listed.get("Versions", []))


def _size(jpeg: bytes) -> tuple[int, int]:
    """Width and height, as the frame's header of a baseline JPEG says."""
    at = jpeg.index(b"\xff\xc0")
    return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")


def test_a_photo_is_shown_as_the_vlm_saw_it_and_small_and_neither_is_made_twice(harness: Harness) -> None:
    dr = harness.dr(8, seed=2500, megapixels=2.0)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    Faults(harness).wait_until_held("UploadsQueueUrl", 0)
    changed = harness.changed_at(dr)
    policy = json.loads((_POLICIES / f"{evaluation['size_policy_version']}.json").read_text())
    edges = set()
    for photo in evaluation["photos"]:
        seen = _link(harness, evaluation, photo["name"], "seen")
        assert (seen.body["shown_as"], seen.body["content_type"]) == ("seen", "image/jpeg")
        jpeg, sent = _fetch(harness, seen).data, photo["image"]
        assert (len(jpeg), *_size(jpeg)) == (sent["sent_bytes"], sent["width"], sent["height"]), "what was sent"
        edges.add(max(_size(jpeg)))
        small = _fetch(harness, _link(harness, evaluation, photo["name"], "thumbnail")).data
        assert max(_size(small)) == 320 and len(small) < len(jpeg)
    assert edges == {policy["long_edge"], policy["small_print_long_edge"]}, "some show small print"
    made = _pictures(harness, dr)
    assert len(made) == 2 * len(dr.photos)
    for photo in evaluation["photos"]:
        assert _link(harness, evaluation, photo["name"], "seen").status == 200
        assert _link(harness, evaluation, photo["name"], "thumbnail").status == 200
    assert _pictures(harness, dr) == made, "made once"
    Faults(harness).wait_until_held("UploadsQueueUrl", 0)
    assert harness.changed_at(dr) == changed, "no picture is an upload"
    harness.put(dr.number, dr.photos[0].name, dr.photos[1].read_bytes())
    replaced = _link(harness, evaluation, dr.photos[0].name, "seen")
    assert replaced.status == 200 and replaced.body["is_current"] is False
    for version in harness.versions(dr.number, dr.photos[1].name):
        harness.delete_version(dr.number, dr.photos[1].name, version)
    problem(_link(harness, evaluation, dr.photos[1].name, "seen"), 410)


def test_what_has_no_picture_says_why(harness: Harness) -> None:
    dr = harness.dr(1, seed=2501)
    harness.upload(dr)
    harness.put(dr.number, "page.jpg", b"<html><script>alert(1)</script></html>" * 99)
    outside = f"/photos/{dr.number}/a.jpg"
    harness.put_key(outside, dr.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    for shown_as in ("", "thumbnail"):
        refused = problem(_link(harness, evaluation, outside, shown_as), 422)
        assert refused["type"].endswith("no-picture") and "slash" in refused["detail"], refused
    refused = problem(_link(harness, evaluation, "page.jpg", "thumbnail"), 422)
    assert refused["type"].endswith("no-picture") and "not a photo" in refused["detail"], refused
    unseen = problem(_link(harness, evaluation, "page.jpg", "seen"), 409)
    assert unseen["type"].endswith("photo-not-seen")
    problem(_link(harness, evaluation, dr.photos[0].name, "large"), 400)
    assert len(_pictures(harness, dr)) == 0
