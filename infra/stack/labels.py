"""Writes the DRs on which people decided as a folder that `bench accuracy` reads: photos, and a labels.json for each DR.

A label follows from what the model found and from what people decided of it: where they agree, the model's score stays;
where they don't, the photo that the decision rests on gets a clear score, and no other one a better.

# Invariants
- A DR's folder is there whole or not at all: it is filled under another name. What is there and still says what people
  decided is not fetched again, so that who was interrupted goes on.
- What nobody decided is no truth: `decided` names what is, and nothing else counts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from .api import Api
from .errors import StackError

#: Scores that are clear in any catalogue.
_PASSES, _FAILS = 9, 3
_FILE = "labels.json"
#: Photos that are fetched at once.
_AT_ONCE = 8
#: Files that are no photo of their own.
_NO_PHOTO = ("not_a_photo", "same_photo")

Shows = dict[str, dict[str, dict[str, Any]]]


class Left(Exception):
    """Why a DR can't be written."""


@dataclass
class Written:
    """What became of it."""

    written: list[str] = field(default_factory=list)
    #: Those that were there already.
    kept: list[str] = field(default_factory=list)
    #: Those that could not be written, and why.
    left_out: dict[str, str] = field(default_factory=dict)


def write(
    api: Api, folder: Path, span: dict[str, str], trust: str | None, tell: Callable[[str], None]
) -> Written:
    """Writes the DRs of a span on which people decided, each by its last such evaluation."""
    drs = _reviewed(api, span)
    folder.mkdir(parents=True, exist_ok=True)
    done = Written()
    pool = urllib3.PoolManager(maxsize=_AT_ONCE, retries=urllib3.Retry(3, backoff_factor=0.5), ca_certs=trust)
    for at, (number, evaluation_id) in enumerate(drs.items(), start=1):
        try:
            fetched = _write_dr(api, pool, folder / number, evaluation_id)
            (done.written if fetched else done.kept).append(number)
            tell(f"{at} of {len(drs)}: {number}" + ("" if fetched else " is there"))
        except Left as why:
            done.left_out[number] = str(why)
            tell(f"{at} of {len(drs)}: {number} is left out: {why}")
    return done


def _reviewed(api: Api, span: dict[str, str]) -> dict[str, str]:
    """DRs, with the last evaluation on which people decided."""
    drs: dict[str, str] = {}
    cursor: dict[str, str] = {}
    while True:
        query = urlencode({"reviewed": "true", "limit": "100", **span, **cursor})
        page = _get(api, f"/evaluations?{query}")
        for one in page["evaluations"]:
            drs.setdefault(one["dr_number"], one["evaluation_id"])
        if page["next"] is None:
            return drs
        cursor = {"cursor": page["next"]}


def _get(api: Api, path: str) -> Any:
    answer = api.request("GET", path)
    if answer.status == 200:
        return answer.body
    detail = answer.body.get("detail", answer.body) if isinstance(answer.body, dict) else answer.body
    if answer.status in (401, 403):
        raise StackError(
            f"GET {path} is refused ({answer.status}: {detail}).",
            "It takes a reviewer: sign as one, or put a reviewer's token into API_TOKEN.",
        )
    if answer.status in (404, 409, 410, 422):
        raise Left(str(detail))
    raise StackError(f"GET {path} says {answer.status}: {detail}.", "Start it again: it goes on where it ended.")


def _write_dr(api: Api, pool: urllib3.PoolManager, folder: Path, evaluation_id: str) -> bool:
    """Writes a DR's folder; whether there was anything to do."""
    evaluation = _get(api, f"/evaluations/{evaluation_id}")
    labels = labels_of(evaluation)
    if not labels["decided"]["steps"] and labels["decided"]["verdict"] is None:
        raise Left("nothing that was decided still stands, or says what a photo shows")
    if _is_there(folder, labels):
        return False
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    # A name that is refused is no key that a link could be made of.
    named = [photo for photo in evaluation["photos"] if (photo["reason"] or {}).get("code") != "name_refused"]
    photos = [photo for photo in named if photo["outcome"] not in _NO_PHOTO]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(lambda photo: _fetch(api, pool, evaluation_id, photo, part), photos))
    (part / _FILE).write_text(json.dumps(labels, indent=2, ensure_ascii=False) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return True


def _is_there(folder: Path, labels: dict[str, Any]) -> bool:
    try:
        return bool(json.loads((folder / _FILE).read_text()) == labels)
    except (OSError, ValueError):
        return False


def _fetch(api: Api, pool: urllib3.PoolManager, evaluation_id: str, photo: dict[str, Any], part: Path) -> None:
    link = _get(api, f"/evaluations/{evaluation_id}/photos/{photo['photo_id']}")
    fetched = pool.request("GET", link["url"])
    if fetched.status != 200:
        raise StackError(
            f"The photo {photo['name']} can't be fetched: S3 says {fetched.status}.",
            "Start it again: it goes on where it ended.",
        )
    (part / _file_name(photo["name"])).write_bytes(fetched.data)


def _file_name(name: str) -> str:
    """A photo's name as that of a file: one that lies in a folder keeps that as a part of it."""
    return name.replace("/", "__").lstrip(".") or "photo"


def labels_of(evaluation: dict[str, Any]) -> dict[str, Any]:
    """The labels of an evaluation on which people decided."""
    shows: Shows = {
        photo["name"]: {
            finding["step"]: {name: finding[name] for name in ("score", "reading") if finding.get(name) is not None}
            for finding in photo["findings"]
        }
        for photo in evaluation["photos"]
        if photo["outcome"] not in _NO_PHOTO
    }
    rows = {row["step"]: row for row in evaluation["steps"]}
    said = [one for one in evaluation["reviews"]["standing"] if one["kind"] == "decision"]
    steps = [one for one in said if one["step"] in rows and _put(shows, rows[one["step"]], one)]
    return {
        "dr_number": evaluation["dr_number"],
        "evaluation_id": evaluation["evaluation_id"],
        "revision": evaluation["revision"],
        "catalogue": evaluation["catalogue_version"],
        "reviews": sorted(one["number"] for one in said),
        "decided": {"verdict": _verdict(evaluation, said), "steps": sorted(one["step"] for one in steps)},
        "photos": {_file_name(name): {"steps": steps} for name, steps in shows.items()},
    }


def _put(shows: Shows, row: dict[str, Any], said: dict[str, Any]) -> bool:
    """Puts a decision of a step into what the photos show; whether they can show it."""
    step, decision, photo = row["step"], said["decision"], said["photo"]
    agrees = (row["outcome"] == "pass") == (decision == "pass")
    if decision == "missing":
        for of_photo in shows.values():
            of_photo.pop(step, None)
        return True
    if decision == "pass" and not agrees:
        if photo not in shows:
            return False
        shows[photo].setdefault(step, {})["score"] = _PASSES
    elif decision == "fail" and not agrees:
        for finding in _of(shows, step):
            finding["score"] = min(finding["score"], _FAILS)
    if said.get("reading") and photo in shows and step in shows[photo]:
        shows[photo][step]["reading"] = said["reading"]
    return decision in ("pass", "fail")


def _of(shows: Shows, step: str) -> Iterator[dict[str, Any]]:
    return (of_photo[step] for of_photo in shows.values() if step in of_photo)


def _verdict(evaluation: dict[str, Any], said: list[dict[str, Any]]) -> str | None:
    """The verdict, if people decided the whole: as such, by all steps, or by some so that it became another one."""
    verdict = evaluation["reviewed_verdict"]
    steps = {one["step"] for one in said}
    is_whole = None in steps or steps >= {row["step"] for row in evaluation["steps"]}
    known = verdict in ("pass", "fail") and (is_whole or verdict != evaluation["verdict"])
    return verdict if known else None
