"""Photos as another camera, at another time and place, would have written them: their EXIF data anew."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
_ORIENTATION, _EXIF, _GPS = 0x0112, 0x8769, 0x8825
_Entry = tuple[int, int, int, bytes]


@dataclass(frozen=True)
class Taken:
    """When, where and by which camera a photo was taken."""

    #: By the camera's clock: `2026:01:14 10:15:02`.
    time: str
    #: Degrees north and east; none if the camera does not know.
    position: tuple[float, float] | None = None
    camera_serial: str | None = None


def retake(photo: Path, taken: Taken) -> None:
    """Has a sample photo say that it was taken so; its pixels and its orientation stay."""
    jpeg = photo.read_bytes()
    head, length = jpeg[:4], int.from_bytes(jpeg[4:6], "big")
    assert head == b"\xff\xd8\xff\xe1", "sample photos begin with their EXIF data"
    segment = b"Exif\0\0" + _tiff(taken, _orientation(jpeg[12 : 4 + length]))
    photo.write_bytes(head + struct.pack(">H", len(segment) + 2) + segment + jpeg[4 + length :])


def _orientation(tiff: bytes) -> int:
    (count,) = struct.unpack_from(">H", tiff, 8)
    entries = [struct.unpack_from(">HHIHH", tiff, 10 + 12 * number) for number in range(count)]
    (orientation,) = [value for tag, _, _, value, _ in entries if tag == _ORIENTATION]
    return int(orientation)


def _tiff(taken: Taken, orientation: int) -> bytes:
    def first(exif_at: int, gps_at: int) -> list[_Entry]:
        entries = [
            _text(0x010F, "Sample"),
            _text(0x0110, "Drawn phone"),
            (_ORIENTATION, _SHORT, 1, struct.pack(">H", orientation)),
            (_EXIF, _LONG, 1, struct.pack(">I", exif_at)),
        ]
        return entries + ([(_GPS, _LONG, 1, struct.pack(">I", gps_at))] if taken.position else [])

    exif_at = 8 + len(_directory(first(0, 0), 8))
    exif = [_text(0x9003, taken.time)] + ([_text(0xA431, taken.camera_serial)] if taken.camera_serial else [])
    gps_at = exif_at + len(_directory(exif, exif_at))
    gps = _gps(*taken.position) if taken.position else []
    parts = [b"MM\0*\0\0\0\x08", _directory(first(exif_at, gps_at), 8), _directory(exif, exif_at)]
    return b"".join([*parts, _directory(gps, gps_at) if gps else b""])


def _gps(north: float, east: float) -> list[_Entry]:
    return [
        _text(1, "N" if north >= 0 else "S"),
        (2, _RATIONAL, 3, _degrees(abs(north))),
        _text(3, "E" if east >= 0 else "W"),
        (4, _RATIONAL, 3, _degrees(abs(east))),
    ]


def _degrees(value: float) -> bytes:
    return struct.pack(">IIIIII", round(value * 1_000_000), 1_000_000, 0, 1, 0, 1)


def _text(tag: int, text: str) -> _Entry:
    data = text.encode() + b"\0"
    return tag, _ASCII, len(data), data


def _directory(entries: list[_Entry], offset: int) -> bytes:
    head, tail = struct.pack(">H", len(entries)), b""
    data_at = offset + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in entries:
        head += struct.pack(">HHI", tag, kind, count)
        if len(data) <= 4:
            head += data.ljust(4, b"\0")
        else:
            head += struct.pack(">I", data_at + len(tail))
            tail += data
    return head + b"\0\0\0\0" + tail
