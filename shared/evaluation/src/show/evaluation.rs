//! An evaluation as the app sees it.
//!
//! # Invariants
//! - It is the same for whoever asks: nothing in it is for reviewers only (`super::evidence`).
//! - No position is shown, only distances; no camera's serial, and no other DR.

use std::collections::BTreeMap;

use crate::decide::evaluation::Evaluation;
use crate::decide::note::Note;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::sighting::look_alike;
use crate::decide::stale::StaleReason;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{EvaluationId, PhotoId, StepKey};
use crate::domain::judge::Judgement;
use crate::domain::outcome::{Facts, PhotoOutcome, ReasonCode};
use crate::domain::photo_rules::warning;
use crate::domain::reading::Flag;
use crate::domain::scope::Scope;
use photos::metadata::Metadata;
use serde_json::{Value, json};

/// Photos of the DR that are named as looking like another one.
pub const MOST_LOOKS: usize = 3;
/// Flags beside a judgement's that are shown.
pub const MOST_SINCE: usize = 200;

/// The evaluation as JSON, its photos by name; `flags` are those beside its judgement's, `metres` how far its photos are
/// from where the DR is expected to be, `stale_because` is what makes it stale, `notes` are its DR's.
pub fn view(
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    flags: &[Flag],
    metres: &BTreeMap<PhotoId, u64>,
    stale_because: &[StaleReason],
    catalogue: Option<&Catalogue>,
    notes: &[Note],
) -> Value {
    let mut photos: Vec<&PhotoRecord> = photos.iter().collect();
    photos.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    let judgement = evaluation.judgement.as_ref();
    let not_needed = |record: &&&PhotoRecord| {
        record
            .report
            .as_ref()
            .is_some_and(|report| report.outcome.is_not_needed())
    };
    let skipped: Vec<&str> = photos
        .iter()
        .filter(not_needed)
        .map(|record| record.photo.name.as_str())
        .collect();
    let waiting = evaluation
        .waiting_since
        .map(|since| json!({"since": since.to_string(), "reason": evaluation.waiting_reason}));
    let mut view = json!({
        "evaluation_id": evaluation.evaluation_id,
        "dr_number": evaluation.dr_number,
        "mode": evaluation.mode,
        "mode_note": evaluation.mode_note,
        "status": evaluation.status(),
        "waiting": waiting,
        "progress": {
            "photos_total": evaluation.photos_total,
            "photos_done": evaluation.photos_done(),
            "photos_pending": evaluation.pending.len(),
        },
        "stale": !stale_because.is_empty(),
        "stale_because": stale_because,
        "verdict": evaluation.verdict(),
        "average_score": judgement.and_then(|j| j.average_score),
        "certainty": judgement.and_then(Judgement::certainty),
        "flags": all_flags(judgement, flags),
        "flags_left_out": left_out(judgement, flags),
        "steps": judgement.map_or(&[][..], |j| j.steps.as_slice()),
        "notes": notes,
        "photos": photos.iter().map(|record| photo(record, &looks_like(record, &photos), metres)).collect::<Vec<_>>(),
        "photos_skipped": skipped,
        "steps_asked": evaluation.steps_asked,
        "steps_not_asked": not_asked(evaluation, catalogue),
        "revision": evaluation.revision,
        "superseded_by": evaluation.superseded_by,
        "continues": evaluation.continues,
        "trace_id": evaluation.trace_id,
        "created_at": evaluation.created_at.to_string(),
        "deadline_at": evaluation.deadline_at.to_string(),
        "completed_at": evaluation.completed_at.map(|at| at.to_string()),
        "expires_at": evaluation.expires_at.map(|at| at.to_string()),
        "timings": evaluation.timings,
        "cache": evaluation.cache,
        "usage": evaluation.usage,
        "links": {"self": format!("/evaluations/{}", evaluation.evaluation_id), "history": format!("/drs/{}/evaluations", evaluation.dr_number)},
    });
    if let Some(fields) = view.as_object_mut() {
        let versions = evaluation.versions.parts();
        fields
            .extend(versions.map(|(part, version)| (part.published_name().into(), version.into())));
    }
    view
}

/// What was flagged when it was judged, and what is known since.
fn all_flags(judgement: Option<&Judgement>, since: &[Flag]) -> Vec<Flag> {
    let judged = judgement.map_or(&[][..], |judgement| judgement.flags.as_slice());
    let all = judged.iter().chain(since.iter().take(MOST_SINCE));
    let mut flags: Vec<Flag> = all.cloned().map(Flag::for_everybody).collect();
    flags.sort();
    flags
}

/// How many flags are not shown.
fn left_out(judgement: Option<&Judgement>, since: &[Flag]) -> u64 {
    let judged = judgement.map_or(0, |judgement| judgement.flags_left_out as u64);
    judged.saturating_add(since.len().saturating_sub(MOST_SINCE) as u64)
}

/// The steps of the catalogue that quick mode does not ask about.
fn not_asked(evaluation: &Evaluation, catalogue: Option<&Catalogue>) -> Vec<StepKey> {
    let steps = catalogue.map(|catalogue| Scope::All.steps(catalogue));
    let asked = |step: &StepKey| evaluation.steps_asked.contains(step);
    steps
        .unwrap_or_default()
        .into_iter()
        .filter(|step| !asked(step))
        .collect()
}

/// The DR's other photos that are the same file or look the same.
fn looks_like<'a>(record: &PhotoRecord, photos: &[&'a PhotoRecord]) -> Vec<&'a str> {
    let quality = |record: &PhotoRecord| Some(record.report.as_ref()?.facts.as_ref()?.quality);
    let other = |photo: &&&PhotoRecord| photo.photo.photo_id != record.photo.photo_id;
    let same = |photo: &&&PhotoRecord| {
        let alike = quality(record)
            .zip(quality(photo))
            .is_some_and(|(one, other)| look_alike(&one, &other));
        alike || photo.content() == record.content()
    };
    photos
        .iter()
        .filter(other)
        .filter(same)
        .map(|photo| photo.photo.name.as_str())
        .collect()
}

/// A photo; of those that look like it the first few are named, or an answer would grow with the square of the photos.
fn photo(record: &PhotoRecord, looks_like: &[&str], metres: &BTreeMap<PhotoId, u64>) -> Value {
    let (outcome, findings, reason) = match record.report.as_ref().map(|report| &report.outcome) {
        None => ("pending", None, None),
        Some(PhotoOutcome::NotEvaluated { reason }) if reason.code == ReasonCode::NotNeeded => {
            ("skipped", None, Some(reason))
        }
        Some(PhotoOutcome::NotEvaluated { reason }) if reason.code == ReasonCode::SamePhoto => {
            ("same_photo", None, Some(reason))
        }
        Some(PhotoOutcome::NotEvaluated { reason }) if reason.code == ReasonCode::NotAPhoto => {
            ("not_a_photo", None, Some(reason))
        }
        Some(PhotoOutcome::Evaluated { findings }) => ("evaluated", Some(findings), None),
        Some(PhotoOutcome::NotEvaluated { reason }) => ("not_evaluated", None, Some(reason)),
    };
    let report = record.report.as_ref();
    let facts = report.and_then(|report| report.facts.as_ref());
    json!({
        "photo_id": record.photo.photo_id,
        "name": record.photo.name,
        "step_hint": record.photo.step_hint,
        "outcome": outcome,
        "reason": reason.map(|reason| json!({"code": reason.code, "message": reason.message})),
        "partial": report.is_some_and(|report| report.partial),
        "findings": findings.map_or(&[][..], Vec::as_slice),
        "asked": record.photo.scope,
        "reused_from": own_answers(record),
        "attempts": record.attempt + 1,
        "deferred_until": record.deferred_until.map(|until| until.to_string()),
        "timings": report.and_then(|r| r.timings),
        "image": report.and_then(|r| r.image),
        "usage": report.and_then(|r| r.usage),
        "facts": facts.map(without_whereabouts),
        "metres_from_expected": metres.get(&record.photo.photo_id),
        "looks_like": looks_like.get(..MOST_LOOKS).unwrap_or(looks_like),
        "looks_like_left_out": looks_like.len().saturating_sub(MOST_LOOKS),
        "warning": facts.and_then(|facts| warning(&facts.quality)),
        "tokens_per_second": report.and_then(|r| r.usage?.tokens_per_second(r.timings?.generation_ms?)),
    })
}

/// What everybody may see of a photo: where a customer lives is for reviewers.
fn without_whereabouts(facts: &Facts) -> Facts {
    let metadata = Metadata {
        camera_serial: None,
        position: None,
        ..facts.metadata.clone()
    };
    Facts {
        metadata,
        ..facts.clone()
    }
}

/// The same as `reused_from`, unless that leads to another DR.
fn own_answers(record: &PhotoRecord) -> Vec<&EvaluationId> {
    match record.also_in {
        Some(_) => Vec::new(),
        None => reused_from(record),
    }
}

/// The evaluations for which the answers were given that are used here; looks have none.
pub(super) fn reused_from(record: &PhotoRecord) -> Vec<&EvaluationId> {
    let earlier = record
        .reused
        .iter()
        .filter(|reused| !reused.answer.by_look)
        .map(|reused| &reused.answer.evaluation_id);
    let report = record.report.as_ref().filter(|report| !report.by_look);
    let by_content = report.and_then(|report| report.answered_for.as_ref());
    earlier.chain(by_content).collect()
}
