//! An evaluation as the app sees it.
//!
//! # Invariants
//! - It is the same for whoever asks: nothing in it is for reviewers only (`super::evidence`).
//! - No position is shown, only distances; no camera's serial, and no other DR.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::Links;
use super::photo::{self, PhotoView};
use super::review::{ReviewsOfEvaluation, of_evaluation};
use crate::decide::evaluation::{Evaluation, Status, Timings};
use crate::decide::miss::CacheFigures;
use crate::decide::note::Note;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::review::{Reviews, contents};
use crate::decide::stale::StaleReason;
use crate::domain::catalogue::Catalogue;
use crate::domain::certainty::Certainty;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::judge::{Judgement, StepVerdict, Verdict};
use crate::domain::outcome::Usage;
use crate::domain::plan::Mode;
use crate::domain::reading::Flag;
use crate::domain::reviewed::{Subject, reviewed_verdict, standing};
use crate::domain::scope::Scope;
use crate::domain::time::Moment;
use crate::domain::trace::TraceId;
use crate::domain::versions::ShownVersions;
use crate::run::show::Shown;

/// Flags beside a judgement's that are shown.
pub const MOST_SINCE: usize = 200;

/// An evaluation as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Evaluation)]
pub struct EvaluationView {
    /// Its identity.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// As asked.
    pub mode: Mode,
    /// Why quick mode looked at everything, if it did.
    pub mode_note: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Since when it waits for the VLM, and why; null if it does not.
    pub waiting: Option<Waiting>,
    /// How far it has come.
    pub progress: Progress,
    /// Whether the same question would be answered anew now.
    pub stale: bool,
    /// Why it would.
    pub stale_because: Vec<StaleReason>,
    /// The verdict, once there is one.
    pub verdict: Option<Verdict>,
    /// The verdict with people's decisions put in, by the same rules; null if nobody's stands.
    pub reviewed_verdict: Option<Verdict>,
    /// The mean of the asked steps' best scores, a missing step counting 0; null while a step is not evaluated.
    #[schema(minimum = 0, maximum = 10)]
    pub average_score: Option<f64>,
    /// The least certainty of its rows; null where nothing is known of it.
    pub certainty: Option<Certainty>,
    /// What people should look at.
    pub flags: Vec<Flag>,
    /// How many flags are not shown.
    pub flags_left_out: u64,
    /// A row for each step, once there is a verdict.
    pub steps: Vec<StepVerdict>,
    /// What technicians said of the DR's steps.
    pub notes: Vec<Note>,
    /// What people decided.
    pub reviews: ReviewsOfEvaluation,
    /// Its photos, by name.
    pub photos: Vec<PhotoView>,
    /// The names of photos that quick mode did not need.
    pub photos_skipped: Vec<String>,
    /// The steps asked.
    pub steps_asked: Vec<StepKey>,
    /// The steps that quick mode does not ask about.
    pub steps_not_asked: Vec<StepKey>,
    /// How often it was finalised.
    pub revision: u32,
    /// The evaluation that took its place.
    pub superseded_by: Option<EvaluationId>,
    /// The quick evaluation that it goes on from.
    pub continues: Option<EvaluationId>,
    /// The thread through all that came of the request or upload that started it.
    pub trace_id: Option<TraceId>,
    /// When it was asked for.
    pub created_at: Moment,
    /// When it ends, complete or not.
    pub deadline_at: Moment,
    /// When it was finalised last.
    pub completed_at: Option<Moment>,
    /// From when on it is not returned to the same question any more.
    pub expires_at: Option<Moment>,
    /// Where the time went, once there is a verdict.
    pub timings: Option<Timings>,
    /// What the cache did for it.
    pub cache: CacheFigures,
    /// Tokens that were spent on it, once there is a verdict.
    pub usage: Option<Usage>,
    /// Where more is to be had.
    pub links: Links,
    /// What it was asked with.
    #[serde(flatten)]
    pub versions: ShownVersions,
}

/// That an evaluation waits for the VLM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    /// Since when.
    pub since: Moment,
    /// Why.
    pub reason: Option<String>,
}

/// How far an evaluation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// Its photos.
    pub photos_total: usize,
    /// Those with an outcome.
    pub photos_done: usize,
    /// Those without.
    pub photos_pending: usize,
}

/// An evaluation as everybody sees it, with what people decided of it.
pub fn seen(
    shown: &Shown,
    stale_because: &[StaleReason],
    catalogue: Option<&Catalogue>,
) -> EvaluationView {
    let (evaluation, photos) = (&shown.evaluation, &shown.photos);
    let model = view(
        evaluation,
        photos,
        &shown.flags,
        &shown.metres,
        stale_because,
        catalogue,
        &shown.notes,
    );
    with_reviews(model, evaluation, photos, catalogue, &shown.reviews)
}

/// The evaluation as it is shown, its photos by name; `flags` are those beside its judgement's, `metres` how far its
/// photos are from where the DR is expected to be, `stale_because` is what makes it stale, `notes` are its DR's.
pub fn view(
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    flags: &[Flag],
    metres: &BTreeMap<PhotoId, u64>,
    stale_because: &[StaleReason],
    catalogue: Option<&Catalogue>,
    notes: &[Note],
) -> EvaluationView {
    let mut photos: Vec<&PhotoRecord> = photos.iter().collect();
    photos.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    let judgement = evaluation.judgement.as_ref();
    let shown = |record: &&PhotoRecord| photo::view(&evaluation.dr_number, record, &photos, metres);
    EvaluationView {
        evaluation_id: evaluation.evaluation_id.clone(),
        dr_number: evaluation.dr_number.clone(),
        mode: evaluation.mode,
        mode_note: evaluation.mode_note.clone(),
        status: evaluation.status(),
        waiting: waiting(evaluation),
        progress: progress(evaluation),
        stale: !stale_because.is_empty(),
        stale_because: stale_because.to_vec(),
        verdict: evaluation.verdict(),
        reviewed_verdict: None,
        average_score: judgement.and_then(|j| j.average_score),
        certainty: judgement.and_then(Judgement::certainty),
        flags: all_flags(judgement, flags),
        flags_left_out: left_out(judgement, flags),
        steps: judgement.map(|j| j.steps.clone()).unwrap_or_default(),
        notes: notes.to_vec(),
        reviews: ReviewsOfEvaluation::none(),
        photos: photos.iter().map(shown).collect(),
        photos_skipped: skipped(&photos),
        steps_asked: evaluation.steps_asked.clone(),
        steps_not_asked: not_asked(evaluation, catalogue),
        revision: evaluation.revision,
        superseded_by: evaluation.superseded_by.clone(),
        continues: evaluation.continues.clone(),
        trace_id: evaluation.trace_id.clone(),
        created_at: evaluation.created_at.into(),
        deadline_at: evaluation.deadline_at.into(),
        completed_at: evaluation.completed_at.map(Moment),
        expires_at: evaluation.expires_at.map(Moment),
        timings: evaluation.timings,
        cache: evaluation.cache.clone(),
        usage: evaluation.usage,
        links: Links::of_evaluation(&evaluation.evaluation_id, &evaluation.dr_number),
        versions: (&evaluation.versions).into(),
    }
}

/// The same, with what people decided of it.
fn with_reviews(
    mut view: EvaluationView,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    catalogue: Option<&Catalogue>,
    reviews: &Reviews,
) -> EvaluationView {
    let contents = contents(photos);
    let id = &evaluation.evaluation_id;
    let subject = evaluation.judgement.as_ref().map(|judgement| Subject {
        evaluation_id: Some(id),
        mode: evaluation.mode,
        judgement,
        contents: &contents,
    });
    let records = reviews.records();
    let standing = subject.map(|subject| standing(records, &subject));
    let standing = standing.unwrap_or_default();
    let percent = catalogue.map(|catalogue| catalogue.pass_percent);
    let judgement = evaluation.judgement.as_ref();
    let verdict = |judgement| reviewed_verdict(judgement, percent, &standing);
    view.reviewed_verdict = judgement.and_then(verdict);
    view.reviews = of_evaluation(reviews, &standing, id);
    view
}

fn waiting(evaluation: &Evaluation) -> Option<Waiting> {
    evaluation.waiting_since.map(|since| Waiting {
        since: since.into(),
        reason: evaluation.waiting_reason.clone(),
    })
}

fn progress(evaluation: &Evaluation) -> Progress {
    Progress {
        photos_total: evaluation.photos_total,
        photos_done: evaluation.photos_done(),
        photos_pending: evaluation.pending.len(),
    }
}

/// The names of photos that quick mode did not need.
fn skipped(photos: &[&PhotoRecord]) -> Vec<String> {
    let not_needed = |record: &&&PhotoRecord| {
        let report = record.report.as_ref();
        report.is_some_and(|report| report.outcome.is_not_needed())
    };
    let skipped = photos.iter().filter(not_needed);
    skipped.map(|record| record.photo.name.clone()).collect()
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
