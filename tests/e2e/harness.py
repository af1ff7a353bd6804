"""What a test does with a stack: make DRs, upload them, ask, wait, and make the simulated VLM misbehave."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import truth as truths
import urllib3

from stack import redrive, releases, samples
from stack.api import Answer, Api
from stack.local_stack import LocalStack
from stack.strict.client import Strict

_NUMBERS = itertools.count(1)
#: Far above what any test needs on a busy machine of two cores.
_PATIENCE_S = 120.0
#: Several times what a function may take here, and what its lease lasts then.
_ANSWERED_WITHIN_S = 60.0
_ALWAYS = 1_000_000
#: How much longer the batch function may take than an answer of the VLM.
_BATCH_HAS_MORE_S = 12


@dataclass(frozen=True)
class Dr:
    """A DR with its photos on disk and their truth."""

    number: str
    photos: list[Path]
    truth: truths.Truth


class SimulatedVlm:
    """The routes by which the simulated VLM is told how to behave."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(retries=False)

    def reset(self) -> None:
        """No faults, the latency it was started with, counts at zero."""
        self._post("/simulation/reset", {})

    def fault(self, kind: str, dr: Dr, count: int = _ALWAYS) -> None:
        """Has the next `count` requests about this DR fail so; without a count all, until `recover`."""
        self._post("/simulation/faults", {"kind": kind, "count": count, "match": f"{dr.number}/"})

    def down(self, for_ms: int) -> None:
        """Takes it away: every connection is closed for so long."""
        self._post("/simulation/faults", {"kind": "down", "for_ms": for_ms})

    def recover(self) -> None:
        """No more faults."""
        self._pool.request("DELETE", f"{self._url}/simulation/faults")

    def wants(self, key: str | None) -> None:
        """Which key requests must bring from now on; None takes any."""
        self._post("/simulation/key", {"api_key": key})

    def takes_on(self, name: str) -> None:
        """Whose words and forms it has from now on, such as openai."""
        self._post("/simulation/as", {"name": name})

    def is_called(self, model: str) -> None:
        """The only model that it knows from now on."""
        self._post("/simulation/model", {"model": model})

    def wrong(self, setting: str, dr: Dr) -> None:
        """Has it say of each request about this DR that a setting is wrong, such as money, until `right`."""
        self._post("/simulation/wrong", {"setting": setting, "match": f"{dr.number}/"})

    def right(self) -> None:
        """No setting is wrong any more."""
        self._pool.request("DELETE", f"{self._url}/simulation/wrong")

    def knows(self, signer: dict[str, Any] | None) -> None:
        """Whose signature it takes instead of a key from now on."""
        self._post("/simulation/signer", signer)

    def sharpness(self, sharpness: float, match: str = "") -> None:
        """How sure the model is of its scores for photos whose name, as `DR1730550/3`, contains `match`."""
        self._post("/simulation/sharpness", {"sharpness": sharpness, "match": match})

    def latency(self, spec: str) -> None:
        """How long answers take, such as fixed:3000."""
        self._post("/simulation/latency", {"latency": spec})

    def stats(self) -> dict[str, Any]:
        """What it has counted."""
        return dict(json.loads(self._pool.request("GET", f"{self._url}/simulation/stats").data))

    def _post(self, path: str, body: dict[str, Any] | None) -> None:
        reply = self._pool.request("POST", self._url + path, json=body)
        assert reply.status < 300, f"{path}: {reply.status} {reply.data!r}"


class PatientApi(Api):
    """Asks again, as an app does, while functions have no answer in time: on a machine that is too busy."""

    def start(
        self, dr_number: str, mode: str = "full", *, force: bool = False, catalogue: str | None = None
    ) -> Answer:
        """Starts one evaluation, however often it must be asked for."""
        body = {"dr_number": dr_number, "mode": mode} | ({"catalogue": catalogue} if catalogue else {})
        path, key = "/evaluations/forced" if force else "/evaluations", str(uuid4())
        ask = lambda: self.request("POST", path, json.dumps(body).encode(), idempotency_key=key)  # noqa: E731
        return _at_last(ask, lambda answer: answer.status >= 500 or _is_being_answered(answer))

    def request(
        self, method: str, path: str, body: bytes | None = None, *, signed: bool = True, **headers: str
    ) -> Answer:
        """Any request; what only reads is repeated."""
        ask = lambda: super(PatientApi, self).request(method, path, body, signed=signed, **headers)  # noqa: E731
        return _at_last(ask, lambda answer: method == "GET" and answer.status in (502, 504))


def _is_being_answered(answer: Answer) -> bool:
    return answer.status == 409 and answer.body["type"].endswith("being-answered")


def _at_last(ask: Callable[[], Answer], is_none: Callable[[Answer], bool]) -> Answer:
    """The first answer that is one, or the last after a while."""
    deadline = time.monotonic() + _ANSWERED_WITHIN_S
    while is_none(answer := ask()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


class Harness:
    """A stack, its API and bucket, and DRs of its own for each test."""

    def __init__(self, stack: LocalStack, scratch: Path) -> None:
        self.stack = stack
        self.api = PatientApi.local(stack.aws, stack.outputs["ApiId"], token=stack.token())
        self.vlm = SimulatedVlm(stack.description.vlm_url)
        self.strict = Strict(stack.aws)
        self._s3 = stack.aws.client("s3")
        self._lambda = stack.aws.client("lambda")
        self._dynamodb = stack.aws.client("dynamodb")
        self._scratch = scratch
        #: How many blocks hold each event source; threads share them.
        self._holds: Counter[str] = Counter()
        self._holding = threading.Lock()

    def dr(
        self,
        photos: int = 10,
        *,
        seed: int = 1,
        megapixels: float = 1.0,
        serial: str | None = None,
        code: str | None = None,
        fail: str | None = None,
        catalogue: Path | None = None,
    ) -> Dr:
        """A new DR. The first ten photos show the ten steps, each well enough to pass.

        Its ONT has this serial if one is given; its bar code says `code`, if that is given. With `fail` the first photo
        does not pass, for the reason of that fail code. With a `catalogue` the photos show its steps.
        """
        number = f"E2E{next(_NUMBERS):05}"
        arguments = ["--dr", number, "--photos", str(photos), "--seed", str(seed), "--megapixels", str(megapixels)]
        arguments += ["--serial", serial] if serial else []
        arguments += ["--code", code] if code else []
        arguments += ["--fail", fail] if fail else []
        arguments += ["--catalogue", str(catalogue)] if catalogue else []
        samples.make(self._scratch, *arguments)
        return self._read(self._scratch, number)

    def sample(self, name: str) -> Dr:
        """One of the named sample DRs, in full size."""
        samples.named([name])
        return self._read(samples.SAMPLES, name)

    def hostile(self) -> dict[str, Path]:
        """Files that are no good photos, by name."""
        folder = self._scratch / "hostile"
        if not folder.is_dir():
            samples.make(self._scratch, "--hostile")
        return {path.name: path for path in sorted(folder.iterdir())}

    def upload(self, dr: Dr, *more: Path) -> None:
        """Puts a DR's photos, and more, where the app puts them. However long it takes, it stays one upload."""
        with self.held("UploadsQueueUrl"), ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(lambda path: self.put(dr.number, path.name, path.read_bytes()), [*dr.photos, *more]))

    def put(self, number: str, name: str, content: bytes, **how: str) -> None:
        """Puts one photo, perhaps in an archive or with a key."""
        self.put_key(f"photos/{number}/{name}", content, **how)

    def put_key(self, key: str, content: bytes, **how: str) -> None:
        """Puts an object anywhere."""
        self._s3.put_object(Bucket=self.stack.outputs["BucketName"], Key=key, Body=content, **how)

    def etag(self, number: str, name: str) -> str:
        """What S3 knows a photo's content by, without quotes."""
        where = {"Bucket": self.stack.outputs["BucketName"], "Key": f"photos/{number}/{name}"}
        return str(self._s3.head_object(**where)["ETag"]).strip('"')

    def put_in_parts(self, number: str, name: str, content: bytes) -> None:
        """Puts one photo as apps put large ones: its ETag is no hash of its bytes then."""
        where = {"Bucket": self.stack.outputs["BucketName"], "Key": f"photos/{number}/{name}"}
        upload = self._s3.create_multipart_upload(**where)["UploadId"]
        part = self._s3.upload_part(**where, UploadId=upload, PartNumber=1, Body=content)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        self._s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)

    def restore(self, number: str, name: str, within_s: float = _PATIENCE_S) -> None:
        """Has a photo restored from its archive, and waits for that."""
        where = {"Bucket": self.stack.outputs["BucketName"], "Key": f"photos/{number}/{name}"}
        self._s3.restore_object(**where, RestoreRequest={"Days": 1})
        deadline = time.monotonic() + within_s
        while 'ongoing-request="false"' not in self._s3.head_object(**where).get("Restore", ""):
            assert time.monotonic() < deadline, "not restored"
            time.sleep(0.5)

    def delete(self, number: str, name: str) -> None:
        """Deletes one photo."""
        self._s3.delete_object(Bucket=self.stack.outputs["BucketName"], Key=f"photos/{number}/{name}")

    def versions(self, number: str, name: str) -> list[str]:
        """The versions that the bucket keeps of a photo, the newest first."""
        key = f"photos/{number}/{name}"
        listed = self._s3.list_object_versions(Bucket=self.stack.outputs["BucketName"], Prefix=key)
        return [version["VersionId"] for version in listed.get("Versions", [])]

    def delete_version(self, number: str, name: str, version: str) -> None:
        """Deletes one version of a photo for good."""
        key = f"photos/{number}/{name}"
        self._s3.delete_object(Bucket=self.stack.outputs["BucketName"], Key=key, VersionId=version)

    def changed_at(self, dr: Dr) -> int:
        """When a DR's photos were changed last, as far as the splitter knows: milliseconds."""
        key = {"pk": {"S": f"DR#{dr.number}"}, "sk": {"S": "UPLOADS"}}
        item = self._dynamodb.get_item(TableName=self.stack.outputs["TableName"], Key=key, ConsistentRead=True)
        return int(item.get("Item", {}).get("changed_at", {"N": "0"})["N"])

    def kept_until(self, pk: str, sk: str) -> int:
        """When an item may be deleted: seconds since 1970."""
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        item = self._dynamodb.get_item(TableName=self.stack.outputs["TableName"], Key=key, ConsistentRead=True)
        return int(item["Item"]["ttl"]["N"])

    def certainty_orders(self, *, auroc: float, errors: int) -> None:
        """Has it be known how well certainty tells errors from the rest, as the sweeper would have worked it out."""
        found = {"cases": 100, "errors": errors, "auroc": auroc, "low": auroc - 0.1, "high": min(1.0, auroc + 0.1)}
        self._dynamodb.put_item(
            TableName=self.stack.outputs["TableName"],
            Item={
                "pk": {"S": "ACCURACY"},
                "sk": {"S": "LAST"},
                "worked_out_at": {"N": str(round(time.time() * 1000))},
                "days": {"N": "30"},
                "certainty": {"M": {name: {"N": str(round(value, 3))} for name, value in found.items()}},
            },
        )

    def keep_until(self, pk: str, sk: str, seconds: int) -> None:
        """Has an item deleted at another time."""
        self._dynamodb.update_item(
            TableName=self.stack.outputs["TableName"],
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET #ttl = :at",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={":at": {"N": str(seconds)}},
        )

    def redrive(self) -> dict[str, int]:
        """Puts dead letters back, as an operator does."""
        return redrive.redrive(self.stack.aws.client("sqs"), self.stack.outputs)

    def evaluate(self, dr: Dr, mode: str = "full", *, force: bool = False) -> dict[str, Any]:
        """Asks for an evaluation and waits for its end."""
        answer = self.api.start(dr.number, mode, force=force)
        assert answer.status in (200, 202), answer
        return self.completed(answer.body["evaluation_id"])

    def evidence(self, evaluation: dict[str, Any]) -> dict[str, Any]:
        """What only reviewers see of it."""
        answer = self.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/evidence")
        assert answer.status == 200, answer
        return dict(answer.body)

    def completed(self, evaluation_id: str, within_s: float = _PATIENCE_S) -> dict[str, Any]:
        """An evaluation, once it is completed."""
        return dict(self.when(evaluation_id, lambda seen: seen["status"] == "completed", within_s))

    def when(
        self, evaluation_id: str, arrived: Callable[[dict[str, Any]], bool], within_s: float = _PATIENCE_S
    ) -> dict[str, Any]:
        """An evaluation, once it has come so far; its progress must never go back on the way."""
        deadline, done, last = time.monotonic() + within_s, 0, None
        while time.monotonic() < deadline:
            answer = self.api.evaluation(evaluation_id)
            assert answer.status == 200, answer
            last = dict(answer.body)
            assert last["progress"]["photos_done"] >= done, "progress went back"
            done = last["progress"]["photos_done"]
            outcomes = sum(photo["outcome"] != "pending" for photo in last["photos"])
            assert outcomes >= done, "a photo that is said to be done is shown as pending"
            if arrived(last):
                return last
            assert "retry-after" in answer.headers
            time.sleep(0.2)
        raise AssertionError(f"not within {within_s} s: {json.dumps(last)[:2000]}")

    def quiet(self, dr: Dr, evaluations: int = 1) -> list[dict[str, Any]]:
        """A DR's history, once its uploads have led to so many completed evaluations."""
        deadline = time.monotonic() + _PATIENCE_S
        history: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            history = self.api.history(dr.number).body["evaluations"]
            if len(history) >= evaluations and all(entry["status"] == "completed" for entry in history):
                return history
            time.sleep(0.2)
        raise AssertionError(f"not quiet: {history}")

    @contextmanager
    def held(self, queue: str) -> Iterator[None]:
        """Functions receive nothing from a queue for as long as the block lasts."""
        name = self.stack.outputs[queue].rpartition("/")[2]
        sources = self._lambda.list_event_source_mappings()["EventSourceMappings"]
        (source,) = [one["UUID"] for one in sources if one["EventSourceArn"].rpartition(":")[2] == name]
        self._hold(source, 1)
        try:
            yield
        finally:
            self._hold(source, -1)

    def _hold(self, source: str, more: int) -> None:
        with self._holding:
            self._holds[source] += more
            self._lambda.update_event_source_mapping(UUID=source, Enabled=self._holds[source] == 0)

    def invoke(self, function: str, event: dict[str, Any]) -> tuple[Any, str | None]:
        """Invokes a function directly: its answer, and the kind of error if it was one."""
        name = self.stack.outputs[f"{function.capitalize()}FunctionName"]
        reply = self._lambda.invoke(FunctionName=name, Qualifier=releases.ALIAS, Payload=json.dumps(event).encode())
        return json.loads(reply["Payload"].read()), reply.get("FunctionError")

    @contextmanager
    def configured(self, function: str, **variables: str) -> Iterator[None]:
        """Has a function run with other settings for as long as the block lasts, as another release would."""
        name = self.stack.outputs[f"{function.capitalize()}FunctionName"]
        before = self._lambda.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        with self.released(function, Environment={"Variables": before | variables}):
            yield

    @contextmanager
    def released(self, function: str, **configuration: Any) -> Iterator[None]:
        """Has a version of a function's own, configured so, behind its alias for as long as the block lasts."""
        name = self.stack.outputs[f"{function.capitalize()}FunctionName"]
        alias = {"FunctionName": name, "Name": releases.ALIAS}
        before = self._lambda.get_alias(**alias)["FunctionVersion"]
        found = self._lambda.get_function_configuration(FunctionName=name)
        deployed = {key: found[key] for key in configuration}
        self._lambda.update_function_configuration(FunctionName=name, **configuration)
        # A version's description is its release.
        release = self._lambda.get_function_configuration(FunctionName=name, Qualifier=before)["Description"]
        published = self._lambda.publish_version(FunctionName=name, Description=release)["Version"]
        self._lambda.update_alias(**alias, FunctionVersion=published)
        try:
            yield
        finally:
            self._lambda.update_alias(**alias, FunctionVersion=before)
            self._lambda.update_function_configuration(FunctionName=name, **deployed)
            # What was deployed last has a version again, as after a deploy: `smoke` looks at that.
            self._lambda.publish_version(FunctionName=name, Description=release)

    @contextmanager
    def waiting_for_the_vlm(self, answer_s: int, first_token_s: int, stall_s: int) -> Iterator[None]:
        """Has the VLM so long for an answer, for the first token of it, and from one to the next."""
        variables = {
            "VLM_TIMEOUT_SECONDS": str(answer_s),
            "VLM_FIRST_TOKEN_SECONDS": str(first_token_s),
            "VLM_STALL_SECONDS": str(stall_s),
        }
        with self.configured("batch", **variables), self.released("batch", Timeout=answer_s + _BATCH_HAS_MORE_S):
            yield

    def _read(self, folder: Path, number: str) -> Dr:
        photos = sorted(path for path in (folder / number).iterdir() if path.is_file())
        return Dr(number, photos, truths.read(folder / f"{number}.truth.json"))


def copied(dr: Dr, folder: Path, names: dict[str, str]) -> Dr:
    """A DR with its photos under other names, in another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = [Path(shutil.copy(path, folder / names[path.name])) for path in dr.photos]
    return Dr(dr.number, photos, {names[name]: steps for name, steps in dr.truth.items()})


def problem(answer: Answer, status: int) -> dict[str, Any]:
    """The problem document of a refusal, checked."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= answer.body.keys()
    assert answer.body["status"] == status
    return dict(answer.body)
