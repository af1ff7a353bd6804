"""Uses the client that was made from the contract: uploads photos, asks, polls, and prints what came of it."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

_PATIENCE_S = 120


def _client(package: str) -> Any:
    made = importlib.import_module(package)
    trust = os.environ["TRUST"] or True
    headers = {"authorization": os.environ["CONTRACT_AUTHORIZATION"]}
    return made.Client(base_url=os.environ["API"], headers=headers, verify_ssl=trust, raise_on_unexpected_status=True)


def main(package: str, number: str, folder: str) -> None:
    """Each call by the client's functions and types."""
    client = _client(package)
    models = importlib.import_module(f"{package}.models")

    def call(tag: str, operation: str) -> Any:
        return importlib.import_module(f"{package}.api.{tag}.{operation}").sync

    photos = sorted(Path(folder).glob("*.jpg"))
    wanted = [
        models.WantedUpload(name=photo.name, content_type="image/jpeg", size=photo.stat().st_size) for photo in photos
    ]
    addresses = call("drs", "ask_for_uploads")(number, client=client, body=models.UploadsRequest(photos=wanted))
    with httpx.Client(verify=os.environ["TRUST"] or True) as s3:
        for photo, address in zip(photos, addresses.photos, strict=True):
            sent = s3.request(
                address.method, address.url, content=photo.read_bytes(), headers=address.headers.additional_properties
            )
            sent.raise_for_status()
    request = models.EvaluationRequest(dr_number=number)
    started = call("evaluations", "start_evaluation")(client=client, body=request, idempotency_key=f"client-{number}")
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        evaluation = call("evaluations", "get_evaluation")(started.evaluation_id, client=client)
        if evaluation.status == models.Status.COMPLETED:
            break
        assert time.monotonic() < deadline, evaluation
        time.sleep(0.3)
    history = call("drs", "list_evaluations_of_dr")(number, client=client, limit=5)
    print(
        json.dumps(
            {
                "verdict": str(evaluation.verdict),
                "photos": len(evaluation.photos),
                "history": len(history.evaluations),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
