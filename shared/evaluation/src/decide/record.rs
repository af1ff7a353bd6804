//! Recording what became of photos, and finalising: the aggregator's decisions.
//!
//! # Invariants
//! - The first outcome of a photo stays, except that an answer of the model replaces a provisional one (deadline,
//!   dead letter) while the evaluation is not final.
//! - No result outlives an answer that it rests on: 24 hours count from the oldest of them.
//! - Whoever sees no photo pending finalises; the write is conditional on the revision, so it happens once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::cache::CACHED_FOR;
use super::evaluation::{Evaluation, Timings};
use super::photo_record::PhotoRecord;
use crate::domain::catalogue::Catalogue;
use crate::domain::checks::{checked, flagged};
use crate::domain::ids::{DrNumber, StepKey};
use crate::domain::judge::{Judgement, PhotoResult, Verdict, judge};
use crate::domain::outcome::{PhotoOutcome, Usage};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;

/// What to do with an outcome that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeAction {
    /// Update it, unless an outcome stands already, and take the photo off the pending set.
    Record,
    /// Update it in place of the provisional outcome, then judge again.
    Upgrade,
    /// An outcome stands already: take the photo off the pending set all the same (the last writer may have crashed
    /// in between), and finalise if that was all that was missing.
    RemoveFromPending,
    /// Nothing may change any more.
    Ignore,
}

/// Decides about `report` for the photo `record` of `evaluation`.
pub fn on_outcome(evaluation: &Evaluation, record: &PhotoRecord, report: &Report) -> OutcomeAction {
    let is_answer = matches!(report.outcome, PhotoOutcome::Evaluated { .. });
    match &record.report {
        _ if evaluation.is_final() => OutcomeAction::Ignore,
        None => OutcomeAction::Record,
        Some(old) if old.outcome.is_provisional() && is_answer => OutcomeAction::Upgrade,
        Some(_) => OutcomeAction::RemoveFromPending,
    }
}

/// Whether the evaluation, as it stands now, is to be judged (again).
///
/// An incomplete one is judged again whenever an outcome is repeated: the function that upgraded an outcome may have
/// crashed before it judged. `finalise` writes nothing when the judgement is the same.
pub fn is_due(evaluation: &Evaluation) -> bool {
    evaluation.pending.is_empty() && !evaluation.is_final()
}

/// The final state of an evaluation: what a conditional write puts in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Finalisation {
    /// The revision that the write demands to find.
    pub expected_revision: u32,
    /// The verdict.
    pub judgement: Judgement,
    /// Where the time went.
    pub timings: Timings,
    /// Now.
    pub completed_at: Timestamp,
    /// From when on the same question is answered anew.
    pub expires_at: Timestamp,
    /// Tokens that were spent on it.
    pub usage: Usage,
    /// What people's earlier decisions make of the verdict, if any of them holds for it.
    pub carried: Option<Verdict>,
}

/// What people's decisions made of a verdict when it was given. It is kept for whoever is told of the verdict: what they
/// decide later is told by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Which of the evaluation's verdicts: a release that knows nothing of this replaces a verdict without it.
    pub revision: u32,
    /// The verdict with people's decisions.
    pub verdict: Verdict,
}

/// Judges an evaluation by all its photos. `None` while a photo lacks an outcome, or if this is the judgement it has.
/// Without its catalogue, which nobody may know any more, it can't be judged and is incomplete.
pub fn finalise(
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    catalogue: Option<&Catalogue>,
    now: Timestamp,
) -> Option<Finalisation> {
    let all = photos.len() == evaluation.photos_total;
    if !all || photos.iter().any(|photo| photo.report.is_none()) {
        return None;
    }
    let results = photos.iter().flat_map(PhotoRecord::results).collect();
    let (dr, asked) = (&evaluation.dr_number, &evaluation.steps_asked);
    let judged = |catalogue| judged(catalogue, dr, asked, photos, results);
    let judgement = catalogue.map_or_else(Judgement::impossible, judged);
    if evaluation.judgement.as_ref() == Some(&judgement) {
        return None;
    }
    Some(Finalisation {
        expected_revision: evaluation.revision,
        judgement,
        timings: timings(evaluation, photos, now),
        completed_at: now,
        expires_at: expires_at(photos, now),
        usage: usage(photos),
        carried: None,
    })
}

/// The judgement of a DR's steps by what became of its photos, readings checked, with what people should look at.
pub(super) fn judged(
    catalogue: &Catalogue,
    dr: &DrNumber,
    asked: &[StepKey],
    photos: &[PhotoRecord],
    results: Vec<PhotoResult>,
) -> Judgement {
    let (results, flags) = checked(catalogue, dr, results);
    let elsewhere = photos
        .iter()
        .filter_map(|photo| Some(photo.also_in.as_ref()?.flag(&photo.photo.name)));
    let flags = flags
        .into_iter()
        .chain(elsewhere)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    flagged(judge(catalogue, asked, &results), flags)
}

fn usage(photos: &[PhotoRecord]) -> Usage {
    let all = photos
        .iter()
        .filter_map(|photo| photo.report.as_ref()?.usage);
    all.fold(Usage::default(), |sum, usage| Usage {
        prompt_tokens: sum.prompt_tokens + usage.prompt_tokens,
        completion_tokens: sum.completion_tokens + usage.completion_tokens,
    })
}

/// 24 hours from the oldest answer that it rests on. Between that and the completion there may lie an outage.
fn expires_at(photos: &[PhotoRecord], now: Timestamp) -> Timestamp {
    photos
        .iter()
        .flat_map(PhotoRecord::answers_expire_at)
        .chain([now.after(CACHED_FOR)])
        .min()
        .unwrap_or(now)
}

/// The way of the photo that was asked about and ended last: its parts add up to the total.
fn timings(evaluation: &Evaluation, photos: &[PhotoRecord], now: Timestamp) -> Timings {
    let reports = photos.iter().filter_map(|photo| photo.report.as_ref());
    // One that nobody was asked about (quick mode did not need it) has no way to show.
    let last = reports.max_by_key(|report| (report.timings.is_some(), report.at));
    let total_ms = now.millis_since(evaluation.created_at);
    let split_ms = evaluation
        .dispatched_at
        .map_or(0, |at| at.millis_since(evaluation.created_at))
        .min(total_ms);
    let Some(last) = last else {
        return Timings {
            split_ms,
            total_ms,
            ..Timings::default()
        };
    };
    let parts = last.timings.unwrap_or_default();
    let merge_ms = now.millis_since(last.at).min(total_ms);
    let worked = parts.fetch_ms + parts.compress_ms + parts.vlm_ms;
    Timings {
        split_ms,
        queue_ms: total_ms.saturating_sub(split_ms + worked + merge_ms),
        fetch_ms: parts.fetch_ms,
        compress_ms: parts.compress_ms,
        vlm_ms: parts.vlm_ms,
        merge_ms,
        total_ms,
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
