//! An evaluation as the app sees it.

use serde_json::{Value, json};
use shared::domain::outcome::PhotoOutcome;
use shared::protocol::current::Change;
use shared::protocol::evaluation::{Evaluation, PhotoRecord};

/// The evaluation as JSON, its photos by name; `changes` are what makes it stale.
pub(crate) fn view(evaluation: &Evaluation, photos: &[PhotoRecord], changes: &[Change]) -> Value {
    let mut photos: Vec<&PhotoRecord> = photos.iter().collect();
    photos.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    let judgement = evaluation.judgement.as_ref();
    let waiting =
        evaluation.waiting_since.map(|since| json!({"since": since.to_string(), "reason": evaluation.waiting_reason}));
    json!({
        "evaluation_id": evaluation.evaluation_id, "dr_number": evaluation.dr_number,
        "mode": evaluation.mode, "mode_note": evaluation.mode_note,
        "status": evaluation.status(), "waiting": waiting,
        "progress": {
            "photos_total": evaluation.photos_total, "photos_done": evaluation.photos_done(), "photos_pending": evaluation.pending.len(),
        },
        "stale": !changes.is_empty(), "stale_because": changes,
        "verdict": evaluation.verdict(), "average_score": judgement.and_then(|j| j.average_score),
        "steps": judgement.map_or(&[][..], |j| j.steps.as_slice()),
        "photos": photos.into_iter().map(photo).collect::<Vec<_>>(), "photos_skipped": evaluation.photos_skipped,
        "catalogue_version": evaluation.catalogue_version, "model": evaluation.model,
        "prompt_version": evaluation.prompt_version, "size_policy_version": evaluation.size_policy_version,
        "revision": evaluation.revision, "superseded_by": evaluation.superseded_by,
        "created_at": evaluation.created_at.to_string(), "deadline_at": evaluation.deadline_at.to_string(),
        "completed_at": evaluation.completed_at.map(|at| at.to_string()), "expires_at": evaluation.expires_at.map(|at| at.to_string()),
        "timings": evaluation.timings,
        "links": {"self": format!("/evaluations/{}", evaluation.evaluation_id), "history": format!("/drs/{}/evaluations", evaluation.dr_number)},
    })
}

fn photo(record: &PhotoRecord) -> Value {
    let (outcome, findings, reason) = match record.report.as_ref().map(|report| &report.outcome) {
        None => ("pending", None, None),
        Some(PhotoOutcome::Evaluated { findings }) => ("evaluated", Some(findings), None),
        Some(PhotoOutcome::NotEvaluated { reason }) => ("not_evaluated", None, Some(reason)),
    };
    let report = record.report.as_ref();
    json!({
        "photo_id": record.photo.photo_id, "name": record.photo.name, "step_hint": record.photo.step_hint,
        "outcome": outcome, "reason": reason, "findings": findings.map_or(&[][..], Vec::as_slice),
        "asked": record.photo.scope, "reused_from": record.reused.iter().map(|reused| &reused.verdict.evaluation_id).collect::<Vec<_>>(),
        "attempts": record.attempt + 1, "deferred_until": record.deferred_until.map(|until| until.to_string()),
        "timings": report.and_then(|r| r.timings), "image": report.and_then(|r| r.image), "usage": report.and_then(|r| r.usage),
    })
}
