"""What was found out is not asked again, and never used when it is not current any more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from harness import Dr, Harness


def _asked(harness: Harness, *drs: Dr) -> list[tuple[str, str]]:
    """What the VLM was asked: photo and step, for every step of every request."""
    numbers = tuple(f"{dr.number}/" for dr in drs)
    recent = harness.vlm.stats()["recent"]
    return [(one["photo"], step) for one in recent if one["photo"].startswith(numbers) for step in one["asked"]]


def _requests(harness: Harness, *drs: Dr) -> int:
    numbers = tuple(f"{dr.number}/" for dr in drs)
    return sum(one["photo"].startswith(numbers) for one in harness.vlm.stats()["recent"])


def _becomes_stale(harness: Harness, evaluation_id: str, reason: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = harness.api.evaluation(evaluation_id).body
        assert seen["stale"] == bool(seen["stale_because"])
        if reason in seen["stale_because"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"never stale: {seen['stale_because']}")


def test_of_sixteen_photos_one_is_replaced_and_one_is_asked_about(harness: Harness) -> None:
    dr, other = harness.dr(16), harness.dr(1, seed=2)
    harness.upload(dr)
    (first,) = harness.quiet(dr)
    assert _requests(harness, dr, other) == 16
    harness.put(dr.number, dr.photos[0].name, other.photos[0].read_bytes())
    evaluation = harness.evaluate(dr)
    assert evaluation["evaluation_id"] != first["evaluation_id"]
    assert _requests(harness, dr, other) == 17
    assert evaluation["cache"]["photos_reused"] == 15
    assert evaluation["cache"]["tokens_saved"] > 0
    assert evaluation["cache"]["missed_because"] == ["photos"]
    harness.quiet(dr, evaluations=2)
    assert _requests(harness, dr, other) == 17, "the upload's own evaluation joined"


def test_quick_then_full_asks_nothing_twice(harness: Harness) -> None:
    dr = harness.dr(12)
    harness.upload(dr)
    quick = harness.evaluate(dr, "quick")
    full = harness.evaluate(dr)
    harness.quiet(dr, evaluations=2)
    twice = [question for question, times in Counter(_asked(harness, dr)).items() if times > 1]
    assert twice == []
    assert full["continues"] == quick["evaluation_id"]
    assert [photo["outcome"] for photo in full["photos"]] == ["evaluated"] * 12
    before = _requests(harness, dr)
    again = harness.api.start(dr.number, "quick")
    assert (again.body["cached"], _requests(harness, dr)) == (True, before)


def test_full_then_quick_asks_nothing_and_is_judged_all_the_same(harness: Harness) -> None:
    dr = harness.dr(10)
    harness.upload(dr)
    harness.quiet(dr)
    before = _requests(harness, dr)
    quick = harness.evaluate(dr, "quick")
    assert quick["verdict"] == "pass"
    assert _requests(harness, dr) == before
    assert quick["cache"]["photos_reused"] == 10


def test_a_renamed_photo_is_another_question_but_not_for_the_vlm(harness: Harness) -> None:
    dr = harness.dr(3)
    harness.upload(dr)
    (first,) = harness.quiet(dr)
    before = _requests(harness, dr)
    name = dr.photos[0].name
    harness.put(dr.number, name.replace(".jpg", "0.jpg"), dr.photos[0].read_bytes())
    harness.delete(dr.number, name)
    evaluation = harness.evaluate(dr)
    assert evaluation["evaluation_id"] != first["evaluation_id"]
    assert _requests(harness, dr) == before


def test_an_emptied_cache_answers_nothing(harness: Harness) -> None:
    dr = harness.dr(2)
    harness.upload(dr)
    (first,) = harness.quiet(dr)
    answer = harness.api.empty_cache(dr.number)
    assert answer.status == 200
    assert answer.body["dr_number"] == dr.number
    _becomes_stale(harness, first["evaluation_id"], "emptied")
    before = _requests(harness, dr)
    evaluation = harness.evaluate(dr)
    assert evaluation["cache"]["missed_because"] == ["emptied"]
    assert not evaluation["stale"]
    assert _requests(harness, dr) == before + 2
    assert harness.api.start(dr.number).body["cached"] is True
    assert harness.api.empty_cache().status == 200
    assert harness.api.start(dr.number).body["cached"] is False


def test_a_result_says_when_it_is_not_current_any_more(harness: Harness) -> None:
    dr, other = harness.dr(3), harness.dr(1, seed=2)
    harness.upload(dr)
    (first,) = harness.quiet(dr)
    shown = harness.api.evaluation(first["evaluation_id"]).body
    assert (shown["stale"], shown["stale_because"]) == (False, [])
    harness.delete(dr.number, dr.photos[0].name)
    _becomes_stale(harness, first["evaluation_id"], "photos")
    second = harness.evaluate(dr)
    assert second["progress"]["photos_total"] == 2
    assert not second["stale"]
    harness.put(dr.number, "IMG-1.jpg", other.photos[0].read_bytes())
    _becomes_stale(harness, second["evaluation_id"], "photos")
    newest = harness.quiet(dr, evaluations=3)[0]
    assert newest["photos_total"] == 3
    assert not harness.api.evaluation(newest["evaluation_id"]).body["stale"]


def _after(harness: Harness, dr: Dr, change: Callable[[], None]) -> None:
    """Makes a change and waits until the splitter has been told of it."""
    before = harness.changed_at(dr)
    change()
    deadline = time.monotonic() + 60
    while harness.changed_at(dr) == before:
        assert time.monotonic() < deadline, "nobody was told"
        time.sleep(0.1)


def test_a_result_whose_question_is_the_same_is_not_stale_whatever_came(harness: Harness) -> None:
    dr, other = harness.dr(2), harness.dr(1, seed=2)
    name, content = dr.photos[0].name, dr.photos[0].read_bytes()
    harness.upload(dr)
    (first,) = harness.quiet(dr)

    def because() -> list[str]:
        return list(harness.api.evaluation(first["evaluation_id"]).body["stale_because"])

    harness.put(dr.number, ".DS_Store", b"no photo")
    _after(harness, dr, lambda: harness.put(dr.number, name, content))
    assert because() == [], "the same bytes once more"
    old = harness.versions(dr.number, name)[-1]
    _after(harness, dr, lambda: harness.delete_version(dr.number, name, old))
    assert because() == [], "an old version deleted"
    _after(harness, dr, lambda: harness.put(dr.number, "more.jpg", content))
    assert because() == ["photos"], "a photo more"
    _after(harness, dr, lambda: harness.delete(dr.number, "more.jpg"))
    assert because() == [], "a photo added and deleted again"
    _after(harness, dr, lambda: harness.put(dr.number, name, other.photos[0].read_bytes()))
    assert because() == ["photos"], "a photo replaced"
    _after(harness, dr, lambda: harness.put(dr.number, name, content))
    assert because() == [], "and put back"
    _after(harness, dr, lambda: harness.delete(dr.number, name))
    assert because() == ["photos"], "a photo deleted"
    _after(harness, dr, lambda: harness.put(dr.number, name, content))
    assert because() == [], "and uploaded again"


def test_a_hidden_file_starts_nothing(harness: Harness) -> None:
    hidden, dr = harness.dr(1), harness.dr(1)
    harness.put(hidden.number, ".DS_Store", b"no photo")
    harness.put(hidden.number, "thumbs/.cache", b"no photo")
    harness.upload(dr)
    harness.quiet(dr)
    assert harness.changed_at(hidden) == 0
