//! Quick mode goes in waves: the photos that promise most are asked about first, the others only while they may still
//! change the verdict.
//!
//! # Invariants
//! - A photo that nobody was asked about gets the outcome `not_needed`, and only then: the evaluation has passed, or each
//!   step that does not pass was seen on a photo. So no step is said to be missing while photos were not looked at.
//! - Every wave holds at least one photo, so the waves come to an end.

use super::evaluation::{Evaluation, PhotoRecord};
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::StepKey;
use crate::domain::judge::{PhotoResult, StepOutcome, Verdict, judge};
use crate::domain::plan::{Photo, wave};

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Photos are being asked about, and the verdict may still change.
    Wait,
    /// Ask about these too.
    Ask(Vec<Photo>),
    /// Nothing that is left can change the verdict: what is pending is not needed.
    End,
}

/// Decides how an unfinished evaluation in quick mode goes on.
pub fn next(evaluation: &Evaluation, photos: &[PhotoRecord], catalogue: &Catalogue) -> Next {
    let judgement = judge(catalogue, &evaluation.steps_asked, &results(photos), 0);
    if judgement.verdict == Verdict::Pass {
        return Next::End;
    }
    let waits = |photo: &PhotoRecord| photo.report.is_none();
    if photos.iter().any(|photo| waits(photo) && !evaluation.held.contains(&photo.photo.photo_id)) {
        return Next::Wait;
    }
    let held: Vec<&Photo> = photos.iter().filter(|photo| waits(photo)).map(|record| &record.photo).collect();
    let unresolved = judgement.steps.iter().filter(|step| step.outcome != StepOutcome::Pass);
    let (seen, unseen): (Vec<_>, Vec<_>) = unresolved.partition(|step| step.outcome == StepOutcome::Fail);
    let steps: Vec<&StepKey> = seen.iter().chain(&unseen).map(|step| &step.step).collect();
    let mut wave = wave(&steps, held.iter().copied());
    if wave.is_empty() && !unseen.is_empty() {
        wave = held;
    }
    if wave.is_empty() { Next::End } else { Next::Ask(wave.into_iter().cloned().collect()) }
}

/// Whether all that is pending is held back: then nothing is on its way that would bring the evaluation on.
pub fn is_idle(evaluation: &Evaluation) -> bool {
    !evaluation.pending.is_empty() && evaluation.pending.iter().all(|photo| evaluation.held.contains(photo))
}

fn results(photos: &[PhotoRecord]) -> Vec<PhotoResult> {
    let result = |record: &PhotoRecord| {
        let outcome = record.report.as_ref()?.outcome.clone();
        Some(PhotoResult { name: record.photo.name.clone(), outcome })
    };
    photos.iter().filter_map(result).collect()
}
