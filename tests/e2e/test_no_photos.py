"""What lies beside photos and is none: listed, and no gap."""

from __future__ import annotations

from typing import Any

import pytest
import truth
from harness import Dr, Harness

#: What phones, messengers and computers put beside photos, and what people are told of it.
_NO_PHOTOS = {
    "IMG_0042.MOV": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(2000), "a video"),
    "IMG_E0042.AAE": (b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"></plist>', "an XML document"),
    "Thumbs.db": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "Thumbs.db"),
    "plan.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    "notes.txt": ("Der Kunde war nicht da. Grüße".encode(), "a text"),
    "scan.jpg": (b"%PDF-1.4\n" + bytes(3000), "a PDF"),
    "unknown.mov": (b"\x01\x02\x03\xff" * 500, "a video"),
}


def _uploaded(harness: Harness, photos: int) -> Dr:
    dr = harness.dr(photos, seed=920)
    harness.upload(dr)
    for name, (content, _) in _NO_PHOTOS.items():
        harness.put(dr.number, name, content)
    return dr


def _checked(evaluation: dict[str, Any]) -> None:
    outcomes = {photo["name"]: photo for photo in evaluation["photos"]}
    for name, (_, what) in _NO_PHOTOS.items():
        photo = outcomes[name]
        assert photo["outcome"] == "not_a_photo", photo
        assert photo["reason"]["code"] == "not_a_photo"
        assert what in photo["reason"]["message"]


@pytest.mark.parametrize("photos", [5, 10])
def test_what_is_no_photo_is_listed_and_the_dr_passes_fails_and_is_cached_with_it(
    harness: Harness, photos: int
) -> None:
    dr = _uploaded(harness, photos)
    evaluation = harness.evaluate(dr)
    _checked(evaluation)
    assert truth.seen(evaluation) == truth.verdict(dr.truth)
    assert evaluation["verdict"] == ("pass" if photos == 10 else "fail")
    assert evaluation["progress"]["photos_total"] == photos + len(_NO_PHOTOS)
    assert harness.api.start(dr.number).body["cached"]


def test_quick_mode_goes_on_over_what_is_no_photo(harness: Harness) -> None:
    dr = _uploaded(harness, 10)
    truth.check_quick(harness.evaluate(dr, "quick"), dr.truth)
