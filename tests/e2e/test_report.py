"""Reports: what a dispute or an invoice needs, as JSON and as PDF, the same each time, and no more than the role may see."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from harness import Dr, Harness, problem
from pypdf import PdfReader

from stack.api import Answer

_PDF = "application/pdf"
_STEP = "house_photo"


def _report(harness: Harness, evaluation: str, *, whole: bool = True, **headers: str) -> Answer:
    return harness.api.request("GET", f"/evaluations/{evaluation}{'/evidence' if whole else ''}/report", **headers)


def _pdf(harness: Harness, evaluation: str, *, whole: bool = True) -> tuple[Answer, PdfReader, str]:
    """The PDF, and its text without line breaks, as who copies or searches it finds it."""
    answer = _report(harness, evaluation, whole=whole, accept=_PDF)
    assert (answer.status, answer.headers["content-type"]) == (200, _PDF), answer
    reader = PdfReader(io.BytesIO(answer.data))
    return answer, reader, " ".join(" ".join(page.extract_text() for page in reader.pages).split())


def _pictures(reader: PdfReader) -> list[tuple[int, int]]:
    objects = (page["/Resources"].get("/XObject", {}).values() for page in reader.pages)
    images = [found.get_object() for each in objects for found in each]
    return [(image["/Width"], image["/Height"]) for image in images if image["/Subtype"] == "/Image"]


def _decide(harness: Harness, evaluation: str, **said: Any) -> None:
    body = json.dumps(said).encode()
    assert harness.api.request("POST", f"/evaluations/{evaluation}/reviews", body).status == 201


@pytest.fixture(scope="module")
def decided(shared: Harness) -> tuple[Dr, dict[str, Any]]:
    """A DR of which a person decided something, withdrew it, and decided again."""
    dr = shared.dr(10, seed=2510)
    shared.upload(dr)
    evaluation = shared.evaluate(dr)["evaluation_id"]
    _decide(shared, evaluation, step=_STEP, decision="pass", reason="It is the house.")
    assert shared.api.request("DELETE", f"/evaluations/{evaluation}/reviews/1").status == 200
    _decide(shared, evaluation, step=_STEP, decision="fail", reason="Élévation of another house – 屋")
    return dr, shared.api.evaluation(evaluation).body


def test_a_report_says_what_is_known_of_an_evaluation(harness: Harness, decided: tuple[Dr, dict[str, Any]]) -> None:
    dr, evaluation = decided
    report = _report(harness, evaluation["evaluation_id"]).body
    for same in ("dr_number", "verdict", "reviewed_verdict", "average_score", "flags", "completed_at", "model", "revision"):
        assert report[same] == evaluation[same], same
    assert (report["verdict"], report["reviewed_verdict"], report["reviews_until"]) == ("pass", "fail", 3)
    rows = [{key: value for key, value in step.items() if key != "decided"} for step in report["steps"]]
    assert rows == evaluation["steps"]
    (said,) = [step["decided"] for step in report["steps"] if step["decided"]]
    assert (said["number"], said["decision"], said["by"][:8]) == (3, "fail", "arn:aws:")
    listed = harness.api.request("GET", f"/evaluations/{evaluation['evaluation_id']}/reviews").body
    assert (report["reviews"], report["chain"]) == (listed["reviews"], listed["chain"])
    assert [one["state"]["state"] for one in report["reviews"]] == ["withdrawn", "withdraws", "stands"]
    assert [photo["name"] for photo in report["photos"]] == sorted(path.name for path in dr.photos)
    for photo in report["photos"]:
        assert photo["content"] == harness.etag(dr.number, photo["name"])
        assert photo["kept"] == {
            "version_id": harness.versions(dr.number, photo["name"])[0], "is_current": True, "is_archived": False,
        }
    deciding = {step["photo"] for step in report["steps"] if step["photo"]}
    assert {photo["name"] for photo in report["photos"] if photo["decides"]} == deciding


def test_the_pdf_has_real_text_and_the_deciding_photos_and_is_the_same_each_time(
    harness: Harness, decided: tuple[Dr, dict[str, Any]]
) -> None:
    dr, evaluation = decided
    report = _report(harness, evaluation["evaluation_id"]).body
    answer, reader, text = _pdf(harness, evaluation["evaluation_id"])
    assert answer.headers["vary"] == "accept" and f"{dr.number}-" in answer.headers["content-disposition"]
    assert reader.metadata is not None and reader.metadata.title == f"Report on {dr.number}"
    assert "/StructTreeRoot" in reader.trailer["/Root"], "tagged"
    for said in (dr.number, "FAIL", evaluation["model"], "Élévation of another house – �", "records of reviews up to #3"):
        assert said in text, said
    squeezed = text.replace(" ", "")
    for photo in report["photos"]:
        assert photo["name"] in squeezed and photo["content"] in squeezed, photo
    for step in report["steps"]:
        assert step["label"].replace(" ", "") in squeezed
    sizes = _pictures(reader)
    assert len(sizes) == sum(bool(photo["decides"]) for photo in report["photos"])
    assert {max(size) for size in sizes} == {320}
    again, _, _ = _pdf(harness, evaluation["evaluation_id"])
    assert again.data == answer.data
    known = _report(harness, evaluation["evaluation_id"], accept=_PDF, if_none_match=answer.headers["etag"])
    assert (known.status, known.data) == (304, b"")


def test_a_report_for_everybody_has_no_pictures_and_no_evidence(
    harness: Harness, decided: tuple[Dr, dict[str, Any]]
) -> None:
    _, evaluation = decided
    whole, everybody = (_report(harness, evaluation["evaluation_id"], whole=whole).body for whole in (True, False))
    assert whole["evidence"]["photos"] and "evidence" not in everybody
    assert {key: value for key, value in whole.items() if key != "evidence"} == everybody
    _, reader, text = _pdf(harness, evaluation["evaluation_id"], whole=False)
    assert "Élévation" in text and "Evidence" not in text and _pictures(reader) == []


def test_a_photo_that_is_gone_is_said_to_be_gone_and_what_there_is_not_is_not_found(harness: Harness) -> None:
    dr = harness.dr(2, seed=2511)
    harness.upload(dr)
    evaluation = harness.evaluate(dr)["evaluation_id"]
    before = len(_pictures(_pdf(harness, evaluation)[1]))
    name = dr.photos[0].name
    for version in harness.versions(dr.number, name):
        harness.delete_version(dr.number, name, version)
    (gone,) = [photo for photo in _report(harness, evaluation).body["photos"] if photo["name"] == name]
    assert gone["kept"] is None and gone["decides"]
    _, reader, text = _pdf(harness, evaluation)
    assert "kept no more" in text and len(_pictures(reader)) == before - 1
    for whole in (True, False):
        problem(_report(harness, "01890a5d-ac96-774b-bcce-b302099a8057", whole=whole), 404)
    slow = harness.dr(1, seed=2512)
    harness.vlm.fault("status_503", slow)
    harness.upload(slow)
    running = harness.api.start(slow.number).body["evaluation_id"]
    unjudged = problem(_report(harness, running), 409)
    assert unjudged["type"].endswith("not-judged")
    harness.vlm.recover()
    harness.completed(running)
