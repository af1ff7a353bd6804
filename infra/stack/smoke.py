"""A look at a stack after a deploy: what it says of itself, and whether it evaluates a DR made up for this.

# Invariants
- What it made goes again, whatever it found: photos with all their versions, the evaluation, what was noted of the DR.
  What the model said of the photos stays a day, as any answer does, and where they were first seen as long as that of
  others; no real photo is like them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import releases, samples, stop
from .errors import StackError
from .evaluate import REFUSED
from .say import say, step
from .target import Target

_PHOTOS = 3
_LOOKS_EVERY_S = 1.0
#: S3's events of deleted photos come within seconds; what they write must be there before it is deleted.
_EVENTS_WITHIN_S = 60.0


class Smoke:
    """One such look."""

    def __init__(self, target: Target, within_s: float) -> None:
        self._target = target
        self._within_s = within_s
        #: Nobody's DR: no operator numbers theirs so, and it is another one each time.
        self.dr = f"SMOKE{int(time.time() * 1000) % 10**13:013}"
        self._s3 = target.client("s3")
        self._table = target.client("dynamodb")
        self._bucket = target.outputs["BucketName"]

    def run(self) -> dict[str, Any]:
        """What was found; raises with what is wrong."""
        with step("asked for its health"):
            health = self._health()
        with step("compared the functions' versions"):
            self._versions(health)
        started: str | None = None
        try:
            with step(f"uploaded {_PHOTOS} photos of {self.dr}"):
                self._upload()
            answer = self._target.api.start(self.dr, force=True)
            if answer.status != 202:
                raise StackError(f"POST /evaluations answered {answer.status}: {_said(answer.body)}")
            started = answer.body["evaluation_id"]
            with step("evaluated"):
                evaluation = self._completed(started, was_away=health["vlm"]["state"] == "away")
        finally:
            with step("cleaned up"):
                self._clean_up(started)
        return {"dr_number": self.dr, "health": health, "evaluation": evaluation}

    def _health(self) -> dict[str, Any]:
        answer = self._target.api.health()
        if answer.status != 200:
            raise StackError(
                f"GET /health answered {answer.status}: {_said(answer.body)}",
                "With 401 or 403: are you an operator? With JwtIssuer put an operator's token into API_TOKEN.",
            )
        vlm = answer.body["vlm"]
        if vlm["state"] != "available":
            say(f"The VLM is {vlm['state']} since {vlm['since']}: {vlm['reason']}")
        catalogue = answer.body["asks_with"]["catalogue_version"]
        if catalogue not in answer.body["knows"]["catalogue_versions"]:
            raise StackError(
                f"CatalogueVersion is {catalogue}, which no release ships and nobody published.",
                "infra/local catalogue publish FILE STACK, or another CatalogueVersion.",
            )
        return dict(answer.body)

    def _versions(self, health: dict[str, Any]) -> None:
        functions = releases.read(self._target.client("lambda"), self._target.outputs)
        if len(live := releases.live(functions)) != 1:
            shown = ", ".join(f"{name} {one.release}" for name, one in functions.items())
            raise StackError(
                f"Functions of {len(live)} releases are live: {shown}.", "Wait for the deploy's end, or deploy again."
            )
        if live != [health["release"]]:
            raise StackError(f"The API answers as release {health['release']}, but live is {live[0]}.")
        if late := releases.unpublished(functions):
            raise StackError(
                f"What was deployed last of {', '.join(late)} is not live: no version was made of it.",
                "Deploy again with a Release of another name.",
            )

    def _upload(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            seed = str(time.time_ns() % 1_000_000_007)
            arguments = ["--dr", self.dr, "--photos", str(_PHOTOS), "--seed", seed, "--megapixels", "1"]
            samples.make(Path(folder), *arguments)
            for photo in sorted((Path(folder) / self.dr).iterdir()):
                key = f"photos/{self.dr}/{photo.name}"
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=photo.read_bytes(), ContentType="image/jpeg")

    def _completed(self, evaluation_id: str, *, was_away: bool) -> dict[str, Any]:
        give_up_at, waits = time.monotonic() + self._within_s, ""
        while time.monotonic() < give_up_at:
            answer = self._target.api.evaluation(evaluation_id)
            if answer.status != 200:
                raise StackError(f"GET /evaluations/{evaluation_id} answered {answer.status}: {_said(answer.body)}")
            if answer.body["status"] == "completed":
                return _evaluated(answer.body)
            waits = str((answer.body["waiting"] or {}).get("reason", ""))
            # What was refused before the deploy may be right now: that shows when the VLM is asked again.
            if waits.startswith(REFUSED) and not was_away:
                raise StackError(f"{waits}.", "The batch function's log says what the VLM answered.")
            stop.wait(_LOOKS_EVERY_S)
        raise StackError(
            f"No verdict within {self._within_s:.0f} s.",
            f"It waits: {waits}." if waits else "Look at the alarms and the functions' logs.",
        )

    def _clean_up(self, evaluation_id: str | None) -> None:
        last_deleted_at = time.time()
        for version in list(self._photos()):
            last_deleted_at = time.time()
            self._s3.delete_object(Bucket=self._bucket, **version)
        self._wait_for_the_events(last_deleted_at)
        for key in list(self._items(evaluation_id)):
            deleted = self._table.delete_item(
                TableName=self._target.outputs["TableName"], Key=key, ReturnValues="ALL_OLD"
            )
            if key["sk"]["S"].startswith("CARD#"):
                self._count_no_more(deleted.get("Attributes", {}))

    def _count_no_more(self, card: dict[str, Any]) -> None:
        """The list across DRs counts evaluations by day and state."""
        if not card:
            return
        day = datetime.fromtimestamp(int(card["created_at"]["N"]) / 1000, UTC).date().isoformat()
        self._table.update_item(
            TableName=self._target.outputs["TableName"],
            Key={"pk": {"S": f"COUNTS#{day[:4]}"}, "sk": {"S": day}},
            UpdateExpression="ADD #state :one_less",
            ExpressionAttributeNames={"#state": card["gsi_list"]["S"].removeprefix("LISTED#")},
            ExpressionAttributeValues={":one_less": {"N": "-1"}},
        )

    def _photos(self) -> Iterator[dict[str, str]]:
        """The photos first, then their versions: the deletion of a photo is what events tell of."""
        pages = self._s3.get_paginator("list_object_versions")
        found = [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"photos/{self.dr}/")
            for kind in ("Versions", "DeleteMarkers")
            for one in page.get(kind, [])
        ]
        yield from found

    def _wait_for_the_events(self, since: float) -> None:
        """The splitter notes a deletion, and would note it after all was cleaned up."""
        give_up_at = time.monotonic() + _EVENTS_WITHIN_S
        while time.monotonic() < give_up_at:
            noted = self._get({"pk": {"S": f"DR#{self.dr}"}, "sk": {"S": "UPLOADS"}}).get("changed_at", {"N": "0"})
            if int(noted["N"]) >= since * 1000:
                break
            stop.wait(_LOOKS_EVERY_S / 4)

    def _items(self, evaluation_id: str | None) -> Iterator[dict[str, Any]]:
        """Keys of what the table keeps of the DR."""
        partitions = [f"DR#{self.dr}", f"CACHE#{self.dr}", f"CARDS#{self.dr}"]
        evaluations = {evaluation_id} if evaluation_id else set()
        evaluations |= {entry["evaluation_id"] for entry in self._history()}
        for one in evaluations:
            meta = self._get({"pk": {"S": f"EVALUATION#{one}"}, "sk": {"S": "META"}})
            self._wait_for_the_card(one, meta)
            partitions.append(f"EVALUATION#{one}")
            if "fingerprint" in meta:
                partitions.append(f"FINGERPRINT#{meta['fingerprint']['S']}")
        for partition in partitions:
            yield from self._keys(partition)

    def _wait_for_the_card(self, evaluation_id: str, meta: dict[str, Any]) -> None:
        """The notifier puts the evaluation on its card, and would after all was cleaned up."""
        if not meta:
            return
        stands = 2 * int(meta.get("revision", {"N": "0"})["N"]) + ("superseded_by" in meta)
        key = {"pk": {"S": f"CARDS#{self.dr}"}, "sk": {"S": f"CARD#{evaluation_id}"}}
        give_up_at = time.monotonic() + _EVENTS_WITHIN_S
        while time.monotonic() < give_up_at:
            if int(self._get(key).get("made_from", {"N": "-1"})["N"]) >= stands:
                break
            stop.wait(_LOOKS_EVERY_S / 4)

    def _history(self) -> list[dict[str, Any]]:
        with suppress(KeyError, TypeError):
            return list(self._target.api.history(self.dr).body["evaluations"])
        return []

    def _keys(self, partition: str) -> Iterator[dict[str, Any]]:
        pages = self._table.get_paginator("query").paginate(
            TableName=self._target.outputs["TableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ProjectionExpression="pk, sk",
        )
        for page in pages:
            yield from page["Items"]

    def _get(self, key: dict[str, Any]) -> dict[str, Any]:
        found = self._table.get_item(TableName=self._target.outputs["TableName"], Key=key, ConsistentRead=True)
        return dict(found.get("Item", {}))


def _evaluated(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Whatever the verdict on drawn photos is: each was looked at."""
    gaps = [photo for photo in evaluation["photos"] if photo["outcome"] != "evaluated"]
    if gaps:
        reasons = {str((photo.get("reason") or {}).get("message", photo["outcome"])) for photo in gaps}
        raise StackError(f"{len(gaps)} of {_PHOTOS} photos were not evaluated: {'; '.join(sorted(reasons))}")
    return evaluation


def _said(body: Any) -> str:
    return str(body.get("detail") or body.get("message") or body) if isinstance(body, dict) else str(body)
