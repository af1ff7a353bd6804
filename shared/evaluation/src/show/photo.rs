//! A photo of an evaluation as the app sees it.
//!
//! # Invariants
//! - No position is shown, only distances; no camera's serial, and no other DR (`super::evidence`).

use std::collections::BTreeMap;

use photos::metadata::Metadata;
use serde::Serialize;
use utoipa::ToSchema;

use crate::decide::checklist::ShownReason;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::sighting::look_alike;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::outcome::{
    Facts, Finding, ImageFigures, PhotoOutcome, PhotoTimings, ReasonCode, Usage,
};
use crate::domain::photo_rules::warning;
use crate::domain::scope::Scope;
use crate::domain::time::Moment;

/// Photos of the DR that are named as looking like another one.
pub const MOST_LOOKS: usize = 3;

/// What became of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShownOutcome {
    /// Nothing yet.
    Pending,
    /// The model looked.
    Evaluated,
    /// The model's judgement could not be had.
    NotEvaluated,
    /// Quick mode did not need it.
    Skipped,
    /// It is the same file as another photo.
    SamePhoto,
    /// The file is no photo.
    NotAPhoto,
}

/// A photo of an evaluation as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = EvaluatedPhoto)]
pub struct PhotoView {
    /// Its identity.
    pub photo_id: PhotoId,
    /// Its name.
    pub name: String,
    /// The step that its name promises.
    pub step_hint: Option<StepKey>,
    /// What became of it.
    pub outcome: ShownOutcome,
    /// Why it was not evaluated.
    pub reason: Option<ShownReason>,
    /// Whether the model's answer was broken, so that it may show more than was found.
    pub partial: bool,
    /// The steps that it shows.
    pub findings: Vec<Finding>,
    /// Which steps it was asked about.
    pub asked: Scope,
    /// The DR's evaluations for which answers were given that are used here.
    pub reused_from: Vec<EvaluationId>,
    /// How often it was sent.
    pub attempts: u32,
    /// Until when it is put off.
    pub deferred_until: Option<Moment>,
    /// How long its way took.
    pub timings: Option<PhotoTimings>,
    /// What was sent to the model.
    pub image: Option<ImageFigures>,
    /// Tokens that were spent on it.
    pub usage: Option<Usage>,
    /// What it tells itself. Positions and the camera's serial number are left out.
    pub facts: Option<Facts>,
    /// How far from where the DR is expected to be it was taken.
    pub metres_from_expected: Option<u64>,
    /// Photos of the DR that are the same file or look the same.
    pub looks_like: Vec<String>,
    /// How many more there are.
    pub looks_like_left_out: usize,
    /// What is wrong with the picture.
    pub warning: Option<String>,
    /// How fast the model wrote.
    pub tokens_per_second: Option<f64>,
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

/// A photo of this DR, one of these; of those that look like it the first few are named, or an answer would grow with the square of the photos.
pub(super) fn view(
    dr: &DrNumber,
    record: &PhotoRecord,
    photos: &[&PhotoRecord],
    metres: &BTreeMap<PhotoId, u64>,
) -> PhotoView {
    let looks_like = looks_like(record, photos);
    let report = record.report.as_ref();
    let (outcome, findings, reason) = outcome(report.map(|report| &report.outcome));
    let facts = report.and_then(|report| report.facts.as_ref());
    let named = looks_like.iter().take(MOST_LOOKS);
    PhotoView {
        photo_id: record.photo.photo_id.clone(),
        name: record.photo.name.clone(),
        step_hint: record.photo.step_hint.clone(),
        outcome,
        reason,
        partial: report.is_some_and(|report| report.partial),
        findings,
        asked: record.photo.scope,
        reused_from: own_answers(dr, record),
        attempts: record.attempt + 1,
        deferred_until: record.deferred_until.map(Moment),
        timings: report.and_then(|r| r.timings),
        image: report.and_then(|r| r.image),
        usage: report.and_then(|r| r.usage),
        facts: facts.map(without_whereabouts),
        metres_from_expected: metres.get(&record.photo.photo_id).copied(),
        looks_like: named.map(|name| (*name).to_owned()).collect(),
        looks_like_left_out: looks_like.len().saturating_sub(MOST_LOOKS),
        warning: facts
            .and_then(|facts| warning(&facts.quality))
            .map(Into::into),
        tokens_per_second: report
            .and_then(|r| r.usage?.tokens_per_second(r.timings?.generation_ms?)),
    }
}

/// What became of a photo: in a word, what it shows, and why it was not evaluated.
fn outcome(outcome: Option<&PhotoOutcome>) -> (ShownOutcome, Vec<Finding>, Option<ShownReason>) {
    let reason = match outcome {
        None => return (ShownOutcome::Pending, Vec::new(), None),
        Some(PhotoOutcome::Evaluated { findings }) => {
            return (ShownOutcome::Evaluated, findings.clone(), None);
        }
        Some(PhotoOutcome::NotEvaluated { reason }) => reason,
    };
    let word = match reason.code {
        ReasonCode::NotNeeded => ShownOutcome::Skipped,
        ReasonCode::SamePhoto => ShownOutcome::SamePhoto,
        ReasonCode::NotAPhoto => ShownOutcome::NotAPhoto,
        _ => ShownOutcome::NotEvaluated,
    };
    let (code, message) = (reason.code, reason.message.clone());
    (word, Vec::new(), Some(ShownReason { code, message }))
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

/// The same as `reused_from`, but for what leads to another DR, or may: where a photo was seen first does not tell
/// which DR's answer is used.
fn own_answers(dr: &DrNumber, record: &PhotoRecord) -> Vec<EvaluationId> {
    let own = answers(record).filter(|(_, asked_in)| *asked_in == Some(dr));
    own.map(|(id, _)| id.clone()).collect()
}

/// The evaluations for which the answers were given that are used here; looks have none.
pub(super) fn reused_from(record: &PhotoRecord) -> Vec<EvaluationId> {
    answers(record).map(|(id, _)| id.clone()).collect()
}

/// The same, each with its DR, as far as that is known.
fn answers(record: &PhotoRecord) -> impl Iterator<Item = (&EvaluationId, Option<&DrNumber>)> {
    let earlier = record.reused.iter().map(|reused| &reused.answer);
    let earlier = earlier.filter(|answer| !answer.by_look);
    let earlier = earlier.map(|answer| (&answer.evaluation_id, answer.asked_in.as_ref()));
    let report = record.report.as_ref().filter(|report| !report.by_look);
    let by_content = report.and_then(|report| {
        let id = report.answered_for.as_ref()?;
        Some((id, report.answered_in.as_ref()))
    });
    earlier.chain(by_content)
}
