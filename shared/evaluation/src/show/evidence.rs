//! What only reviewers see of an evaluation: where its photos were taken, by which cameras, and which other DRs have to do
//! with it.
//!
//! # Invariants
//! - What is here is shown nowhere else: not with the evaluation, nor in a checklist, to who watches, or in an event.

use std::collections::BTreeMap;

use photos::metadata::Position;
use serde::Serialize;
use serde_json::{Value, json};

use super::evaluation::{MOST_SINCE, reused_from};
use crate::decide::cameras::{CameraSeen, Meeting};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::serials::{SerialOnPhoto, SerialSeen};
use crate::decide::sighting::Elsewhere;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::outcome::{Finding, PhotoOutcome};
use crate::domain::reading::Flag;
use crate::domain::serial::ProvenBy;
use crate::run::evidence::Evidence;
use crate::run::show::Shown;

/// What only reviewers see of an evaluation.
#[derive(Debug, Serialize)]
pub struct EvidenceView<'a> {
    /// The evaluation.
    evaluation_id: &'a EvaluationId,
    /// Its DR.
    dr_number: &'a DrNumber,
    /// How often it was judged.
    revision: u64,
    /// Where the DR is expected to be, if somebody said so.
    expected_position: Option<Position>,
    /// All flags, with the DRs and photos that they are about.
    flags: Vec<&'a Flag>,
    /// Flags that are not shown.
    flags_left_out: u64,
    /// Its photos, by name.
    photos: Vec<PhotoEvidence<'a>>,
    /// Its serials that are on photos of other DRs, too.
    serials: Vec<SerialEvidence<'a>>,
    /// Its cameras that were in other DRs, too far away at about the same time.
    cameras: Vec<CameraEvidence<'a>>,
    /// Addresses.
    links: Value,
}

/// One photo.
#[derive(Debug, Serialize)]
struct PhotoEvidence<'a> {
    photo_id: &'a PhotoId,
    name: &'a str,
    uploaded_at: Option<String>,
    /// By the camera's clock, as it wrote it.
    captured_at: Option<&'a str>,
    camera: Option<&'a str>,
    camera_serial: Option<&'a str>,
    position: Option<Position>,
    metres_from_expected: Option<u64>,
    /// Another DR that used it before.
    also_in: Option<&'a Elsewhere>,
    /// The bar codes that the program decoded, beside what the model read there.
    codes: Vec<Code<'a>>,
    /// The evaluations for which the answers were given that are used here.
    reused_from: Vec<&'a EvaluationId>,
}

#[derive(Debug, Serialize)]
struct Code<'a> {
    step: &'a StepKey,
    code: &'a str,
    reading: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct SerialEvidence<'a> {
    serial: &'a str,
    step: &'a StepKey,
    photo: &'a str,
    proven_by: ProvenBy,
    also_on: Vec<&'a SerialSeen>,
}

#[derive(Debug, Serialize)]
struct CameraEvidence<'a> {
    #[serde(flatten)]
    own: Seen<'a>,
    other: Seen<'a>,
    kilometres: u64,
    minutes: u64,
}

#[derive(Debug, Serialize)]
struct Seen<'a> {
    dr_number: &'a DrNumber,
    photo: &'a str,
    /// By the camera's clock.
    at: String,
    position: Position,
}

impl<'a> From<&'a CameraSeen> for Seen<'a> {
    fn from(seen: &'a CameraSeen) -> Self {
        Self {
            dr_number: &seen.dr_number,
            photo: &seen.photo,
            at: seen.was.at.to_string(),
            position: seen.was.position,
        }
    }
}

/// The evidence of an evaluation.
pub fn view(evidence: &Evidence) -> EvidenceView<'_> {
    let shown = &evidence.shown;
    let Evaluation {
        evaluation_id,
        dr_number,
        revision,
        ..
    } = &shown.evaluation;
    let mut records: Vec<&PhotoRecord> = shown.photos.iter().collect();
    records.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    let (flags, flags_left_out) = flags(shown);
    let photo = |record| of_photo(record, &shown.metres);
    EvidenceView {
        evaluation_id,
        dr_number,
        revision: u64::from(*revision),
        expected_position: shown.expected,
        flags,
        flags_left_out,
        photos: records.into_iter().map(photo).collect(),
        serials: evidence.serials.iter().map(of_serial).collect(),
        cameras: evidence.cameras.iter().map(of_camera).collect(),
        links: json!({
            "self": format!("/evaluations/{evaluation_id}/evidence"),
            "evaluation": format!("/evaluations/{evaluation_id}"),
        }),
    }
}

fn flags(shown: &Shown) -> (Vec<&Flag>, u64) {
    let judgement = shown.evaluation.judgement.as_ref();
    let judged = judgement.map_or(&[][..], |judgement| judgement.flags.as_slice());
    let since = shown.flags.iter().take(MOST_SINCE);
    let mut flags: Vec<&Flag> = judged.iter().chain(since).collect();
    flags.sort();
    let left_out = judgement.map_or(0, |judgement| judgement.flags_left_out as u64);
    let since = shown.flags.len().saturating_sub(MOST_SINCE) as u64;
    (flags, left_out.saturating_add(since))
}

fn of_photo<'a>(record: &'a PhotoRecord, metres: &BTreeMap<PhotoId, u64>) -> PhotoEvidence<'a> {
    let metadata = record.metadata();
    let text = |of: Option<&'a String>| of.map(String::as_str);
    PhotoEvidence {
        photo_id: &record.photo.photo_id,
        name: &record.photo.name,
        uploaded_at: record.photo.uploaded_at.map(|at| at.to_string()),
        captured_at: text(metadata.and_then(|it| it.captured_at.as_ref())),
        camera: text(metadata.and_then(|it| it.camera.as_ref())),
        camera_serial: text(metadata.and_then(|it| it.camera_serial.as_ref())),
        position: metadata.and_then(|it| it.position),
        metres_from_expected: metres.get(&record.photo.photo_id).copied(),
        also_in: record.also_in.as_ref(),
        codes: codes(record),
        reused_from: reused_from(record),
    }
}

fn codes(record: &PhotoRecord) -> Vec<Code<'_>> {
    let outcome = record.report.as_ref().map(|report| &report.outcome);
    let Some(PhotoOutcome::Evaluated { findings }) = outcome else {
        return Vec::new();
    };
    let decoded = findings.iter().filter_map(decoded);
    decoded.collect()
}

fn decoded(finding: &Finding) -> Option<Code<'_>> {
    Some(Code {
        step: &finding.step,
        code: finding.code.as_deref()?,
        reading: finding.reading.as_deref(),
    })
}

fn of_serial((on, also_on): &(SerialOnPhoto, Vec<SerialSeen>)) -> SerialEvidence<'_> {
    SerialEvidence {
        serial: &on.serial,
        step: &on.step,
        photo: &on.photo,
        proven_by: on.by,
        also_on: also_on.iter().collect(),
    }
}

fn of_camera(meeting: &Meeting) -> CameraEvidence<'_> {
    CameraEvidence {
        own: (&meeting.own).into(),
        other: (&meeting.other).into(),
        kilometres: meeting.kilometres,
        minutes: meeting.minutes,
    }
}
