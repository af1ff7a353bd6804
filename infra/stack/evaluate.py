"""Evaluates DRs on a stack as the app would: uploads, follows the checklist, asks the API, polls until the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from . import live, stop
from .api import Answer
from .board import Board
from .errors import StackError
from .follow import Checklist, Follower
from .live import Live, Message
from .local_stack import LocalStack
from .photos import Dr
from .uplink import Uplink
from .vlm import shown
from .workers import Workers, at_once

#: Uploads at once, of all DRs together; a phone or an office line would not carry more.
_UPLOADS = 8
_LOOKS_AT_LEAST_EVERY_S = 5.0
#: An evaluation that waits for such a reason waits in vain.
REFUSED = "The VLM refuses our requests"


@dataclass(frozen=True)
class Wish:
    """How to evaluate."""

    mode: str = "full"
    force: bool = False
    #: Bits a second of the phone's line, one for each DR; without it photos go up at once.
    uplink: float | None = None
    give_up_after_s: float = 600.0


@dataclass
class Evaluated:
    """A DR's evaluation, and what it looked like from outside."""

    dr: Dr
    evaluation: dict[str, Any]
    joined: bool
    cached: bool
    upload_ms: int
    api_ms: int
    seen_ms: int
    #: From the last photo's upload to when the verdict stood; none if it was known already.
    verdict_after_ms: int | None = None
    followed_by: str = "polling"
    checklist: Checklist | None = None


class Evaluator:
    """Evaluates DRs, all at once."""

    def __init__(self, stack: LocalStack, wish: Wish) -> None:
        self._stack = stack
        self._wish = wish
        self._s3 = stack.aws.client("s3")
        self._api = stack.api()
        self._uploads = Workers(_UPLOADS)
        self.board = Board()

    def evaluate(self, drs: list[Dr]) -> list[Evaluated]:
        """All of them; a failure of one is raised at once, for nothing is shown without it."""
        try:
            return at_once(self._one, drs)
        finally:
            self._uploads.close()
            self.board.close()

    def _one(self, dr: Dr) -> Evaluated:
        tell = lambda seen: self.board.checklist(dr.number, seen)  # noqa: E731
        with Follower(self._api, dr.number, tell, self._connect) as follower:
            return self._followed(dr, follower)

    def _connect(self, dr_number: str, told: Callable[[Message], None]) -> Live | None:
        url = live.address(self._stack.aws, self._stack.outputs)
        return Live(url, self._stack.aws.trust, dr_number, told, self._stack.token()) if url else None

    def _followed(self, dr: Dr, follower: Follower) -> Evaluated:
        begun = time.monotonic()
        self.upload(dr)
        uploaded, uploaded_at = time.monotonic(), time.time()
        answer = self._api.start(dr.number, self._wish.mode, force=self._wish.force)
        if answer.status not in (200, 202):
            raise StackError(_refusal(dr, answer))
        evaluation = self.wait(dr, answer, follower.wait_for_a_verdict)
        seen = time.monotonic()
        return Evaluated(
            dr=dr,
            evaluation=evaluation,
            joined=answer.body["joined"],
            cached=answer.body["cached"],
            upload_ms=round((uploaded - begun) * 1000),
            api_ms=answer.took_ms,
            seen_ms=round((seen - uploaded) * 1000),
            verdict_after_ms=_after(uploaded_at, evaluation),
            followed_by="websocket" if follower.is_told else "polling",
            checklist=follower.end(),
        )

    def upload(self, dr: Dr) -> None:
        """Puts a DR's photos where the app puts them: at once, or as a phone does."""
        if self._wish.uplink:
            self._upload_slowly(dr, self._wish.uplink)
            return
        bucket = self._stack.outputs["BucketName"]

        def put(photo: Path) -> None:
            self._s3.put_object(
                Bucket=bucket, Key=_key(dr, photo), Body=photo.read_bytes(), ContentType="image/jpeg"
            )

        waiting = [self._uploads.submit(put, photo) for photo in dr.photos]
        for done, future in enumerate(waiting, start=1):
            future.result()
            self.board.show(dr.number, "uploading", done, len(waiting))

    def _upload_slowly(self, dr: Dr, bits: float) -> None:
        uplink = Uplink(self._s3, bits, self._stack.aws.trust)
        bucket = self._stack.outputs["BucketName"]
        for done, photo in enumerate(dr.photos, start=1):
            uplink.put(bucket, _key(dr, photo), photo)
            self.board.show(dr.number, "uploading", done, len(dr.photos))

    def wait(
        self, dr: Dr, answer: Answer, pause: Callable[[float], None] = stop.wait
    ) -> dict[str, Any]:
        """What becomes of an evaluation that was asked for; a VLM that refuses all requests is an error."""
        evaluation_id = answer.body["evaluation_id"]
        give_up_at = time.monotonic() + self._wish.give_up_after_s
        while time.monotonic() < give_up_at:
            look = self._api.evaluation(evaluation_id)
            if look.status != 200:
                raise StackError(_refusal(dr, look))
            self._show(dr, look.body)
            if look.body["status"] == "completed":
                return dict(look.body)
            self._raise_if_refused(dr, look.body["waiting"])
            self._stack.check()
            pause(min(_LOOKS_AT_LEAST_EVERY_S, float(look.headers.get("retry-after", 1))))
        raise StackError(
            f"{dr.number} was not evaluated within {self._wish.give_up_after_s:.0f} s.",
            f"The functions' logs are in {self._stack.folder.path / 'logs'}.",
        )

    def _raise_if_refused(self, dr: Dr, waiting: dict[str, Any] | None) -> None:
        if waiting and str(waiting["reason"]).startswith(REFUSED):
            about = self._stack.description
            said = self._stack.logs.last_detail("batch", REFUSED)
            raise StackError(
                f"{dr.number} can't be evaluated. {waiting['reason']}. It is at {shown(about.vlm_url)}"
                f" and is asked for the model {about.vlm_model}{f'; {said}' if said else ''}.",
                "Check --vlm-url, --vlm-model and VLM_API_KEY.",
            )

    def _show(self, dr: Dr, evaluation: dict[str, Any]) -> None:
        progress, waiting = evaluation["progress"], evaluation["waiting"]
        note = f"(waiting: {waiting['reason']})" if waiting else ""
        self.board.show(
            dr.number, "evaluating", progress["photos_done"], progress["photos_total"], note
        )


def _key(dr: Dr, photo: Path) -> str:
    return f"photos/{dr.number}/{photo.name}"


def _after(uploaded_at: float, evaluation: dict[str, Any]) -> int | None:
    """How long after the upload the verdict stood, by the functions' clock, which is this machine's."""
    stood_at = datetime.fromisoformat(evaluation["completed_at"]).timestamp()
    return round((stood_at - uploaded_at) * 1000) if stood_at >= uploaded_at else None


def _refusal(dr: Dr, answer: Answer) -> str:
    detail = (
        answer.body.get("detail") or answer.body.get("message")
        if isinstance(answer.body, dict)
        else answer.body
    )
    return f"The API refused {dr.number} with {answer.status}: {detail}"
