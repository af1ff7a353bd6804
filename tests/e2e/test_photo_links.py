"""Links to an evaluation's photos: to the very content that the verdict is about, for some minutes, as a picture."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import urllib3
from harness import Harness, problem

from stack.api import Answer


def _link(harness: Harness, evaluation: dict[str, Any], name: str) -> Answer:
    (photo,) = [one for one in evaluation["photos"] if one["name"] == name]
    return harness.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/photos/{photo['photo_id']}")


def _fetch(harness: Harness, link: Answer) -> Any:
    assert link.status == 200, link
    pool = urllib3.PoolManager(ca_certs=harness.stack.aws.trust)
    return pool.request("GET", link.body["url"])


def test_a_photo_is_shown_as_it_was_evaluated_also_when_it_was_replaced_or_deleted(harness: Harness) -> None:
    dr, other = harness.dr(2, seed=2320), harness.dr(1, seed=2321)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)
    for path in dr.photos:
        link = _link(harness, evaluation, path.name)
        shown = _fetch(harness, link)
        assert (shown.status, shown.data) == (200, path.read_bytes())
        assert shown.headers["content-type"] == link.body["content_type"] == "image/jpeg"
        assert shown.headers["content-disposition"] == "inline"
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
    stored = _fetch(harness, _link(harness, evaluation, "page.html"))
    assert (stored.headers["content-type"], stored.headers["content-disposition"]) == (
        "application/octet-stream",
        "attachment",
    )
    picture = _fetch(harness, _link(harness, evaluation, "page.jpg"))
    assert picture.headers["content-type"] == "image/jpeg"


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
