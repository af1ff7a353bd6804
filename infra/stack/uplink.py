"""A phone's way to the bucket: one photo after another, through a line of so many bits a second.

The photos go where they always go, under their own names, so that a second run finds them there. (An address
of `POST /drs/{dr_number}/uploads` never replaces a photo: a second run would upload copies.)
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from . import stop
from .errors import StackError

#: So many bytes leave at once; below them a line can't be told from a slower one.
_PIECE = 8192


class Uplink:
    """A phone's line."""

    def __init__(self, s3: Any, bits: float, trust: str | None) -> None:
        self._s3 = s3
        self._bits = bits
        self._pool = urllib3.PoolManager(ca_certs=trust, retries=False, timeout=urllib3.Timeout(60))

    def put(self, bucket: str, key: str, photo: Path) -> None:
        """Uploads one photo; it takes as long as the line needs for it."""
        content = photo.read_bytes()
        where = {"Bucket": bucket, "Key": key, "ContentType": "image/jpeg"}
        url = self._s3.generate_presigned_url("put_object", Params=where)
        headers = {"content-type": "image/jpeg", "content-length": str(len(content))}
        body = Paced(content, self._bits / 8)
        reply = self._pool.request("PUT", url, body=body, headers=headers)
        if reply.status != 200:
            raise StackError(f"S3 refused {photo.name} with {reply.status}: {reply.data[:300]!r}")


class Paced(io.RawIOBase):
    """Bytes that are read as fast as a line carries them, and no faster."""

    def __init__(
        self, content: bytes, bytes_per_second: float, wait: Callable[[float], None] = stop.wait
    ) -> None:
        super().__init__()
        self._content = io.BytesIO(content)
        self._rate = bytes_per_second
        self._wait = wait
        self._begun = time.monotonic()

    def readable(self) -> bool:
        """It is read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next piece, once the line has carried those before."""
        piece = self._content.read(_PIECE if size < 0 else min(size, _PIECE))
        due = self._begun + self._content.tell() / self._rate
        self._wait(max(0.0, due - time.monotonic()))
        return piece
