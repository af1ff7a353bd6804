//! One photo of a checklist: how it stands with it, what it shows, and what its photographer should know.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::known::{KnownPhotos, Unanswered};
use super::warning::Warning;
use crate::decide::photo_record::PhotoRecord;
use crate::domain::catalogue::Catalogue;
use crate::domain::certainty::Certainty;
use crate::domain::ids::{PhotoId, Score, StepKey};
use crate::domain::outcome::{Finding, PhotoOutcome, ReasonCode};

/// What is known of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhotoState {
    /// The model looked at it.
    LookedAt,
    /// Somebody was asked to, and there is no answer yet.
    BeingLookedAt,
    /// It can't be looked at.
    Unreadable,
    /// Nobody was asked about it yet, or what was answered is not used any more.
    NotLookedAt,
}

/// Why a photo can't be looked at, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownReason {
    /// The class.
    pub code: ReasonCode,
    /// In words.
    pub message: String,
}

/// A step that a photo shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownStep {
    /// The step.
    pub step: StepKey,
    /// Whether it is shown well enough.
    pub passes: bool,
    /// How well, once what was read was checked.
    pub score: Score,
    /// The model's remark.
    pub comment: String,
    /// The small print read.
    pub reading: Option<String>,
    /// The code of the reason for a low score.
    pub fail_code: Option<String>,
    /// How sure the model was.
    pub certainty: Option<Certainty>,
}

/// One photo of a checklist.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ChecklistPhoto {
    /// Its identity: name and content.
    pub photo_id: PhotoId,
    /// Its name.
    pub name: String,
    /// The step that its name promises.
    pub step_hint: Option<StepKey>,
    /// When it was uploaded.
    #[schema(format = DateTime)]
    pub uploaded_at: Option<String>,
    /// What is known of it.
    pub state: PhotoState,
    /// Why it can't be looked at.
    pub reason: Option<ShownReason>,
    /// The photo that is the same file, and is looked at instead: its state and what it shows are this one's.
    pub same_photo_as: Option<String>,
    /// The steps that it shows.
    pub shows: Vec<ShownStep>,
    /// What its photographer should know.
    pub warnings: Vec<Warning>,
}

/// The photos, by name; `warnings` are theirs, by name.
pub(super) fn photos(
    catalogue: &Catalogue,
    known: &KnownPhotos,
    mut warnings: BTreeMap<String, Vec<Warning>>,
) -> Vec<ChecklistPhoto> {
    let by_name: BTreeMap<&str, &PhotoRecord> = known
        .records
        .iter()
        .map(|record| (record.photo.name.as_str(), record))
        .collect();
    let photo = |(name, record): (&&str, &&PhotoRecord)| {
        let original = known.originals.get(&record.photo.photo_id);
        let looked_at = original.and_then(|original| by_name.get(original.as_str()));
        ChecklistPhoto {
            same_photo_as: original.cloned(),
            warnings: warnings.remove(*name).unwrap_or_default(),
            ..bare(catalogue, known, record, looked_at.unwrap_or(record))
        }
    };
    by_name.iter().map(photo).collect()
}

/// A photo as `looked_at`, itself or the same file, was seen.
fn bare(
    catalogue: &Catalogue,
    known: &KnownPhotos,
    record: &PhotoRecord,
    looked_at: &PhotoRecord,
) -> ChecklistPhoto {
    let (state, reason) = state(known, looked_at);
    let findings = known.findings.get(&looked_at.photo.name);
    let findings = findings.map(Vec::as_slice).unwrap_or_default();
    let photo = &record.photo;
    ChecklistPhoto {
        photo_id: photo.photo_id.clone(),
        name: photo.name.clone(),
        step_hint: photo.step_hint.clone(),
        uploaded_at: photo.uploaded_at.map(|at| at.to_string()),
        state,
        reason,
        same_photo_as: None,
        shows: findings.iter().map(|one| shown(catalogue, one)).collect(),
        warnings: Vec::new(),
    }
}

fn state(known: &KnownPhotos, record: &PhotoRecord) -> (PhotoState, Option<ShownReason>) {
    match record.report.as_ref().map(|report| &report.outcome) {
        Some(PhotoOutcome::Evaluated { .. }) => (PhotoState::LookedAt, None),
        Some(PhotoOutcome::NotEvaluated { reason }) => {
            let (code, message) = (reason.code, reason.message.clone());
            let reason = ShownReason { code, message };
            (PhotoState::Unreadable, Some(reason))
        }
        None => match known.unanswered.get(&record.photo.photo_id) {
            Some(Unanswered::Asked) => (PhotoState::BeingLookedAt, None),
            Some(Unanswered::Ended(_)) | None => (PhotoState::NotLookedAt, None),
        },
    }
}

fn shown(catalogue: &Catalogue, finding: &Finding) -> ShownStep {
    ShownStep {
        step: finding.step.clone(),
        passes: finding.score >= catalogue.pass_score,
        score: finding.score,
        comment: finding.comment.clone(),
        reading: finding.reading.clone(),
        fail_code: finding.fail_code.clone(),
        certainty: finding.certainty,
    }
}
