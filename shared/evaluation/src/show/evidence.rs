//! What only reviewers see of an evaluation: where its photos were taken, by which cameras, and which other DRs have to do
//! with it.
//!
//! # Invariants
//! - What is here is shown nowhere else: not with the evaluation, nor in a checklist, to who watches, or in an event.

use std::collections::BTreeMap;

use photos::metadata::Position;
use serde::Serialize;
use utoipa::ToSchema;

use super::evaluation::MOST_SINCE;
use super::path_of;
use super::photo::reused_from;
use crate::decide::cameras::{CameraSeen, Meeting};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::serials::{SerialOnPhoto, SerialSeen};
use crate::decide::sighting::Elsewhere;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::outcome::{Finding, PhotoOutcome};
use crate::domain::reading::Flag;
use crate::domain::serial::ProvenBy;
use crate::domain::time::Moment;
use crate::run::evidence::Evidence;
use crate::run::show::Shown;

/// What only reviewers see of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// How often it was finalised.
    pub revision: u32,
    /// Where the DR is expected to be, if somebody said so.
    pub expected_position: Option<Position>,
    /// What people should look at, with the DRs and photos that it is about.
    pub flags: Vec<Flag>,
    /// How many flags are not shown.
    pub flags_left_out: u64,
    /// Its photos, by name.
    pub photos: Vec<PhotoEvidence>,
    /// Its serials that are on photos of other DRs, too.
    pub serials: Vec<SerialEvidence>,
    /// Its cameras that were in other DRs, too far away for the time between.
    pub cameras: Vec<CameraEvidence>,
    /// Where more is to be had.
    pub links: EvidenceLinks,
}

/// Where more is to be had: paths below the API's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EvidenceLinks {
    /// The evidence itself.
    #[serde(rename = "self")]
    pub itself: String,
    /// The evaluation.
    pub evaluation: String,
}

/// What only reviewers see of a photo.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PhotoEvidence {
    /// Its identity.
    pub photo_id: PhotoId,
    /// Its name.
    pub name: String,
    /// When it was uploaded.
    pub uploaded_at: Option<Moment>,
    /// When it was taken, by the camera's clock, as the camera wrote it.
    pub captured_at: Option<String>,
    /// The camera's maker and model.
    pub camera: Option<String>,
    /// The camera's serial number.
    pub camera_serial: Option<String>,
    /// Where it was taken.
    pub position: Option<Position>,
    /// How far from where the DR is expected to be that is.
    pub metres_from_expected: Option<u64>,
    /// Another DR in which it was used before.
    pub also_in: Option<Elsewhere>,
    /// The bar codes on it.
    pub codes: Vec<DecodedCode>,
    /// The evaluations, of other DRs as well, for which answers were given that are used here.
    pub reused_from: Vec<EvaluationId>,
}

/// A bar code that the program decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DecodedCode {
    /// The step that shows it.
    pub step: StepKey,
    /// What it says.
    pub code: String,
    /// What the model read there.
    pub reading: Option<String>,
}

/// A serial that is on photos of other DRs, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SerialEvidence {
    /// The serial.
    pub serial: String,
    /// The step that shows it.
    pub step: StepKey,
    /// The photo that shows it.
    pub photo: String,
    /// What says so.
    pub proven_by: ProvenBy,
    /// Where else it was seen.
    pub also_on: Vec<SerialSeen>,
}

/// A camera that was in another DR, too far away for the time between.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CameraEvidence {
    /// Where it was here.
    pub own: CameraPlace,
    /// Where it was in the other DR.
    pub other: CameraPlace,
    /// How far these are from each other.
    pub kilometres: u64,
    /// How long it was between the two.
    pub minutes: u64,
}

/// Where a camera was.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CameraPlace {
    /// The DR.
    pub dr_number: DrNumber,
    /// The photo.
    pub photo: String,
    /// When, by the camera's clock; that of the place, unless the camera wrote a time zone.
    pub at: Moment,
    /// Where.
    pub position: Position,
}

impl From<&CameraSeen> for CameraPlace {
    fn from(seen: &CameraSeen) -> Self {
        Self {
            dr_number: seen.dr_number.clone(),
            photo: seen.photo.clone(),
            at: seen.was.at.into(),
            position: seen.was.position,
        }
    }
}

/// The evidence as it is shown.
pub fn view(evidence: &Evidence) -> EvidenceView {
    let shown = &evidence.shown;
    let id = &shown.evaluation.evaluation_id;
    let mut records: Vec<&PhotoRecord> = shown.photos.iter().collect();
    records.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    let (flags, flags_left_out) = flags(shown);
    let photo = |record| of_photo(record, &shown.metres);
    EvidenceView {
        evaluation_id: id.clone(),
        dr_number: shown.evaluation.dr_number.clone(),
        revision: shown.evaluation.revision,
        expected_position: shown.expected,
        flags,
        flags_left_out,
        photos: records.into_iter().map(photo).collect(),
        serials: evidence.serials.iter().map(of_serial).collect(),
        cameras: evidence.cameras.iter().map(of_camera).collect(),
        links: EvidenceLinks {
            itself: format!("{}/evidence", path_of(id)),
            evaluation: path_of(id),
        },
    }
}

fn flags(shown: &Shown) -> (Vec<Flag>, u64) {
    let judgement = shown.evaluation.judgement.as_ref();
    let judged = judgement.map_or(&[][..], |judgement| judgement.flags.as_slice());
    let since = shown.flags.iter().take(MOST_SINCE);
    let mut flags: Vec<Flag> = judged.iter().chain(since).cloned().collect();
    flags.sort();
    let left_out = judgement.map_or(0, |judgement| judgement.flags_left_out as u64);
    let since = shown.flags.len().saturating_sub(MOST_SINCE) as u64;
    (flags, left_out.saturating_add(since))
}

fn of_photo(record: &PhotoRecord, metres: &BTreeMap<PhotoId, u64>) -> PhotoEvidence {
    let metadata = record.metadata();
    PhotoEvidence {
        photo_id: record.photo.photo_id.clone(),
        name: record.photo.name.clone(),
        uploaded_at: record.photo.uploaded_at.map(Moment),
        captured_at: metadata.and_then(|it| it.captured_at.clone()),
        camera: metadata.and_then(|it| it.camera.clone()),
        camera_serial: metadata.and_then(|it| it.camera_serial.clone()),
        position: metadata.and_then(|it| it.position),
        metres_from_expected: metres.get(&record.photo.photo_id).copied(),
        also_in: record.also_in.clone(),
        codes: codes(record),
        reused_from: reused_from(record),
    }
}

fn codes(record: &PhotoRecord) -> Vec<DecodedCode> {
    let outcome = record.report.as_ref().map(|report| &report.outcome);
    let Some(PhotoOutcome::Evaluated { findings }) = outcome else {
        return Vec::new();
    };
    findings.iter().filter_map(decoded).collect()
}

fn decoded(finding: &Finding) -> Option<DecodedCode> {
    Some(DecodedCode {
        step: finding.step.clone(),
        code: finding.code.clone()?,
        reading: finding.reading.clone(),
    })
}

fn of_serial((on, also_on): &(SerialOnPhoto, Vec<SerialSeen>)) -> SerialEvidence {
    SerialEvidence {
        serial: on.serial.clone(),
        step: on.step.clone(),
        photo: on.photo.clone(),
        proven_by: on.by,
        also_on: also_on.clone(),
    }
}

fn of_camera(meeting: &Meeting) -> CameraEvidence {
    CameraEvidence {
        own: (&meeting.own).into(),
        other: (&meeting.other).into(),
        kilometres: meeting.kilometres,
        minutes: meeting.minutes,
    }
}
