"""Says of a version of an object that it was restored from its archive, as S3 does (`x-amz-restore`): the emulator says
so of an object only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Headers = dict[str, str]


def install() -> None:
    """Puts itself before what the emulator says of objects."""
    from ministack.services import s3

    s3._object_response_headers = _of_versions(s3._object_response_headers, s3._ensure_bucket)


def _of_versions(headers: Callable[..., Headers], bucket_of: Callable[[str], Any]) -> Callable[..., Headers]:
    def of_versions(found: dict[str, Any], bucket_name: str = "", key: str = "", *more: Any, **named: Any) -> Headers:
        objects = (bucket_of(bucket_name) or {}).get("objects", {}) if bucket_name else {}
        current = objects.get(key) or {}
        if current.get("version_id") == found.get("version_id"):
            found = {**found, "restore": current.get("restore")}
        return headers(found, bucket_name, key, *more, **named)

    return of_versions
