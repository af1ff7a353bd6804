//! An evaluation's report: what a dispute or an invoice needs, all in one.
//!
//! # Invariants
//! - It says what it is made of: the evaluation's revision and the DR's records of people's decisions until a number. Of
//!   the same it is the same, whenever it is asked for: nothing in it is of the time or the caller.
//! - What only reviewers see is in `evidence`, and nowhere else (`super::evidence`).

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::evaluation::{EvaluationView, seen};
use super::evidence::EvidenceView;
use super::path_of;
use super::photo::{PhotoView, ShownOutcome};
use super::review::{ReviewSaid, ReviewView, of_record};
use crate::decide::note::Note;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::review::contents;
use crate::domain::catalogue::Catalogue;
use crate::domain::certainty::Certainty;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, Score, StepKey};
use crate::domain::judge::{StepVerdict, Verdict};
use crate::domain::plan::Mode;
use crate::domain::reading::Flag;
use crate::domain::review_chain::Chain;
use crate::domain::reviewed::{Subject, standing};
use crate::domain::time::Moment;
use crate::domain::versions::ShownVersions;
use crate::run::show::Shown;

/// The report of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = EvaluationReport)]
pub struct ReportView {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// How often the evaluation was finalised: its verdict is that of the last time.
    pub revision: u32,
    /// The number of the last record of people's decisions that it knows of; 0 if there is none.
    pub reviews_until: u32,
    /// As asked.
    pub mode: Mode,
    /// The model's verdict.
    pub verdict: Verdict,
    /// The verdict with people's decisions put in, by the same rules; null if nobody's stands.
    pub reviewed_verdict: Option<Verdict>,
    /// The mean of the asked steps' best scores, a missing step counting 0; null while a step is not evaluated.
    #[schema(minimum = 0, maximum = 10)]
    pub average_score: Option<f64>,
    /// The least certainty of its rows; null where nothing is known of it.
    pub certainty: Option<Certainty>,
    /// The lowest score that passes a step, if the catalogue is known.
    pub pass_mark: Option<Score>,
    /// The percentage of the steps that must pass, if the catalogue is known.
    pub pass_percent: Option<u8>,
    /// When it was asked for.
    pub created_at: Moment,
    /// When it was finalised last.
    pub completed_at: Option<Moment>,
    /// What it was asked with.
    #[serde(flatten)]
    pub versions: ShownVersions,
    /// A row for each step, in the catalogue's order.
    pub steps: Vec<ReportedStep>,
    /// The steps that quick mode does not ask about.
    pub steps_not_asked: Vec<StepKey>,
    /// What people should look at.
    pub flags: Vec<Flag>,
    /// How many flags are not in it.
    pub flags_left_out: u64,
    /// What technicians said of the DR's steps.
    pub notes: Vec<Note>,
    /// Everything that people decided of the DR, in its order, and how it stands with each record for this evaluation.
    pub reviews: Vec<ReviewView>,
    /// Whether these records are all there, as they were written.
    pub chain: Chain,
    /// All photos, by name.
    pub photos: Vec<ReportedPhoto>,
    /// What only reviewers see; absent in the report for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceView>,
    /// Where more is to be had.
    pub links: ReportLinks,
}

/// Where more is to be had: paths below the API's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportLinks {
    /// The evaluation.
    pub evaluation: String,
    /// What people decided.
    pub reviews: String,
}

/// A step of a report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportedStep {
    /// What the model's findings led to.
    #[serde(flatten)]
    pub row: StepVerdict,
    /// What a person decided of it that stands; null if nothing does.
    pub decided: Option<ReviewSaid>,
}

/// A photo of a report.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReportedPhoto {
    /// Its identity: name and content.
    pub photo_id: PhotoId,
    /// Its name.
    pub name: String,
    /// What its bytes are: their MD5, or, of a photo that was put in parts and never fetched, S3's ETag.
    pub content: String,
    /// Its size in bytes, if that is known.
    pub size: Option<u64>,
    /// When it was uploaded, if that is known.
    pub uploaded_at: Option<Moment>,
    /// When it was taken, by the camera's clock, as the camera wrote it.
    pub captured_at: Option<String>,
    /// What became of it.
    pub outcome: ShownOutcome,
    /// Why it was not evaluated.
    pub reason: Option<String>,
    /// The steps that it decides: by the model, or as people decided.
    pub decides: Vec<StepKey>,
    /// The version of it that the bucket keeps; null if it is kept no more.
    pub kept: Option<KeptPhoto>,
}

/// What the bucket keeps of a photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeptPhoto {
    /// The version's id.
    pub version_id: String,
    /// Whether it still is the DR's photo of that name: false once it was replaced or deleted.
    pub is_current: bool,
    /// Whether it must be restored from an archive before it can be looked at.
    pub is_archived: bool,
}

/// The report of what is shown; none while there is no verdict.
pub fn view(
    shown: &Shown,
    catalogue: Option<&Catalogue>,
    kept: &BTreeMap<PhotoId, KeptPhoto>,
    evidence: Option<EvidenceView>,
) -> Option<ReportView> {
    let evaluation = &shown.evaluation;
    let judgement = evaluation.judgement.as_ref()?;
    let seen = seen(shown, &[], catalogue);
    let id = &evaluation.evaluation_id;
    let reviews = records(shown);
    Some(ReportView {
        evaluation_id: id.clone(),
        dr_number: evaluation.dr_number.clone(),
        revision: evaluation.revision,
        reviews_until: shown.reviews.last(),
        mode: evaluation.mode,
        verdict: judgement.verdict,
        reviewed_verdict: seen.reviewed_verdict,
        average_score: seen.average_score,
        certainty: seen.certainty,
        pass_mark: catalogue.map(|catalogue| catalogue.pass_score),
        pass_percent: catalogue.map(|catalogue| catalogue.pass_percent),
        created_at: seen.created_at,
        completed_at: seen.completed_at,
        steps: seen
            .steps
            .iter()
            .map(|row| step(row, &seen, &reviews))
            .collect(),
        photos: photos(shown, &seen, kept),
        reviews,
        chain: shown.reviews.chain(),
        versions: seen.versions,
        steps_not_asked: seen.steps_not_asked,
        flags: seen.flags,
        flags_left_out: seen.flags_left_out,
        notes: seen.notes,
        evidence,
        links: ReportLinks {
            evaluation: path_of(id),
            reviews: format!("{}/reviews", path_of(id)),
        },
    })
}

fn step(row: &StepVerdict, seen: &EvaluationView, records: &[ReviewView]) -> ReportedStep {
    let of_step = |said: &&ReviewSaid| said.step.as_ref() == Some(&row.step);
    let stands = seen.reviews.standing.iter().find(of_step);
    // An evaluation does not say who decided, a record does.
    let named = |stands: &ReviewSaid| {
        let mut said = records.iter().map(|record| &record.said);
        said.find(|said| said.number == stands.number).cloned()
    };
    ReportedStep {
        row: row.clone(),
        decided: stands.and_then(named),
    }
}

/// All records, the newest last.
fn records(shown: &Shown) -> Vec<ReviewView> {
    let evaluation = &shown.evaluation;
    let id = &evaluation.evaluation_id;
    let contents = contents(&shown.photos);
    let subject = evaluation.judgement.as_ref().map(|judgement| Subject {
        evaluation_id: Some(id),
        mode: evaluation.mode,
        judgement,
        contents: &contents,
    });
    let all = shown.reviews.records();
    let standing = subject.map(|subject| standing(all, &subject));
    let standing = standing.unwrap_or_default();
    all.iter()
        .map(|record| of_record(record, id, &shown.reviews, &standing))
        .collect()
}

fn photos(
    shown: &Shown,
    seen: &EvaluationView,
    kept: &BTreeMap<PhotoId, KeptPhoto>,
) -> Vec<ReportedPhoto> {
    let records: BTreeMap<&PhotoId, &PhotoRecord> = shown
        .photos
        .iter()
        .map(|record| (&record.photo.photo_id, record))
        .collect();
    let of = |view: &PhotoView| {
        let record = records.get(&view.photo_id)?;
        Some(photo(record, view, seen, kept.get(&view.photo_id)))
    };
    seen.photos.iter().filter_map(of).collect()
}

fn photo(
    record: &PhotoRecord,
    view: &PhotoView,
    seen: &EvaluationView,
    kept: Option<&KeptPhoto>,
) -> ReportedPhoto {
    let metadata = record.metadata();
    ReportedPhoto {
        photo_id: view.photo_id.clone(),
        name: view.name.clone(),
        content: record.content().trim_matches('"').to_owned(),
        size: record.photo.size,
        uploaded_at: record.photo.uploaded_at.map(Moment),
        captured_at: metadata.and_then(|it| it.captured_at.clone()),
        outcome: view.outcome,
        reason: view.reason.as_ref().map(|reason| reason.message.clone()),
        decides: decided_by(&view.name, seen),
        kept: kept.cloned(),
    }
}

/// The steps that a photo decides.
fn decided_by(name: &str, seen: &EvaluationView) -> Vec<StepKey> {
    let by_people = |step: &StepKey| {
        let standing = &seen.reviews.standing;
        let of_step = standing
            .iter()
            .find(|said| said.step.as_ref() == Some(step));
        of_step.is_some_and(|said| said.photo.as_deref() == Some(name))
    };
    let decides = |row: &&StepVerdict| row.photo.as_deref() == Some(name) || by_people(&row.step);
    let rows = seen.steps.iter().filter(decides);
    rows.map(|row| row.step.clone()).collect()
}
