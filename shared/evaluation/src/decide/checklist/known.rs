//! What is known of a DR's photos, as their judgement wants it.
//!
//! # Invariants
//! - A photo whose kept answers say all that a full evaluation asks is known by them, as the evaluation would know it.
//! - Of one that was asked about some of its steps, what it shows of those counts, and it stays open.
//! - Any other is unreadable, by a reason that is of the photo itself and not of the moment, or it is open.

use std::collections::BTreeMap;

use photos::quality::Quality;

use crate::decide::cache::{Known, merged};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::sighting::Elsewhere;
use crate::domain::catalogue::Catalogue;
use crate::domain::checks::checked;
use crate::domain::ids::{DrNumber, PhotoId, StepKey};
use crate::domain::judge::PhotoResult;
use crate::domain::outcome::{Finding, PhotoOutcome, Reason, ReasonCode};
use crate::domain::plan::{Photo, Plan};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;

/// How it stands with a photo that no kept answer is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// Somebody was asked to look at it.
    Asked,
    /// It could not be looked at.
    Ended(Reason),
}

/// What is kept about a DR's photos.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// Earlier answers.
    pub known: BTreeMap<PhotoId, Known>,
    /// Where photos of which all is known were used before.
    pub seen: BTreeMap<PhotoId, Elsewhere>,
    /// How it stands with others.
    pub unanswered: BTreeMap<PhotoId, Unanswered>,
}

/// A DR's photos.
pub(super) struct KnownPhotos {
    /// The steps asked.
    asked: Vec<StepKey>,
    /// All of them; an open one has no report.
    pub(super) records: Vec<PhotoRecord>,
    /// The names of those that are looked at instead of their copies.
    pub(super) originals: BTreeMap<PhotoId, String>,
    /// How it stands with open ones.
    pub(super) unanswered: BTreeMap<PhotoId, Unanswered>,
    /// What photos show, by name, once what was read was checked.
    pub(super) findings: BTreeMap<String, Vec<Finding>>,
}

impl KnownPhotos {
    /// The photos of a plan.
    pub(super) fn of(catalogue: &Catalogue, dr: &DrNumber, plan: Plan, kept: Kept) -> Self {
        let copies = plan.copies.iter();
        let originals = copies.map(|copy| (copy.photo.photo_id.clone(), copy.of.clone()));
        let photos = Self {
            asked: plan.steps.clone(),
            originals: originals.collect(),
            unanswered: kept.unanswered.clone(),
            records: records(plan, kept),
            findings: BTreeMap::new(),
        };
        let (answers, _) = checked(catalogue, dr, photos.answers());
        let shown = |answer: PhotoResult| match answer.outcome {
            PhotoOutcome::Evaluated { findings } => Some((answer.name, findings)),
            PhotoOutcome::NotEvaluated { .. } => None,
        };
        Self {
            findings: answers.into_iter().filter_map(shown).collect(),
            ..photos
        }
    }

    fn results(&self) -> impl Iterator<Item = PhotoResult> {
        let partly = self.records.iter().filter_map(|record| self.partly(record));
        let whole = self.records.iter().flat_map(PhotoRecord::results);
        whole.chain(partly)
    }

    /// What an open photo shows of the steps that it was asked about.
    fn partly(&self, record: &PhotoRecord) -> Option<PhotoResult> {
        let is_partly = record.report.is_none() && !record.reused.is_empty();
        let findings = || merged(&self.asked, &[], &record.reused);
        is_partly.then(|| PhotoResult {
            name: record.photo.name.clone(),
            outcome: PhotoOutcome::Evaluated {
                findings: findings(),
            },
        })
    }

    /// What is judged: each photo that nobody has looked at is a gap.
    pub(super) fn with_gaps(&self) -> Vec<PhotoResult> {
        let open = self.open().into_iter().map(gap);
        self.results().chain(open).collect()
    }

    /// What is judged of the photos that are known.
    pub(super) fn answers(&self) -> Vec<PhotoResult> {
        let known = self.results().filter(|result| !result.outcome.is_gap());
        known.collect()
    }

    /// The photos that somebody has still to look at.
    pub(super) fn open(&self) -> Vec<&Photo> {
        let open = self.records.iter().filter(|record| record.report.is_none());
        open.map(|record| &record.photo).collect()
    }

    /// The photos that can't be looked at and may show what is not known, and why.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = (&str, &str)> {
        self.records.iter().filter_map(|record| {
            let outcome = &record.report.as_ref()?.outcome;
            let PhotoOutcome::NotEvaluated { reason } = outcome else {
                return None;
            };
            let why = (record.photo.name.as_str(), reason.message.as_str());
            outcome.is_gap().then_some(why)
        })
    }

    /// The code with which a photo failed a step.
    pub(super) fn fail_code(&self, photo: &str, step: &StepKey) -> Option<String> {
        let findings = self.findings.get(photo)?.iter();
        let mut of_step = findings.filter(|finding| &finding.step == step);
        of_step.next()?.fail_code.clone()
    }
}

/// How sharp and bright a photo is, where that is known.
pub(super) fn quality(record: &PhotoRecord) -> Option<Quality> {
    Some(record.report.as_ref()?.facts.as_ref()?.quality)
}

fn records(plan: Plan, kept: Kept) -> Vec<PhotoRecord> {
    let Kept {
        mut known,
        mut seen,
        unanswered,
    } = kept;
    let now = Timestamp::MIN;
    let begin = |photo: Photo| {
        let known = known.remove(&photo.photo_id).unwrap_or(Known {
            reused: Vec::new(),
            open: Some(photo.scope),
        });
        let look = unanswered.get(&photo.photo_id);
        let also_in = seen.remove(&photo.photo_id);
        let record = PhotoRecord {
            also_in,
            ..PhotoRecord::begin(photo, known, &plan.steps, now)
        };
        let ended = || look.and_then(ended);
        PhotoRecord {
            report: record.report.clone().or_else(ended),
            ..record
        }
    };
    let looked_for = plan.selected.into_iter().chain(plan.held).map(begin);
    let copies = plan.copies.into_iter();
    let copies = copies.map(|copy| PhotoRecord::copy(copy, now));
    let misnamed = plan.misnamed.into_iter();
    let misnamed = misnamed.map(|photo| PhotoRecord::misnamed(photo, now));
    looked_for.chain(copies).chain(misnamed).collect()
}

/// What became of a photo that could not be looked at, if it could not be looked at again either.
fn ended(look: &Unanswered) -> Option<Report> {
    let Unanswered::Ended(reason) = look else {
        return None;
    };
    let outcome = PhotoOutcome::NotEvaluated {
        reason: reason.clone(),
    };
    is_of_photo(reason.code).then(|| Report::bare(outcome, Timestamp::MIN))
}

/// Whether a reason stays as long as the photo does. The others pass: nobody answered, or not yet.
fn is_of_photo(code: ReasonCode) -> bool {
    match code {
        ReasonCode::NotAnImage
        | ReasonCode::TooLarge
        | ReasonCode::Unfit
        | ReasonCode::InvalidAnswer
        | ReasonCode::NameTooLong
        | ReasonCode::NotAPhoto
        | ReasonCode::Archived
        | ReasonCode::NoAccess
        | ReasonCode::NameRefused
        | ReasonCode::Unknown => true,
        ReasonCode::PhotoGone
        | ReasonCode::PhotoChanged
        | ReasonCode::Refused
        | ReasonCode::Deadline
        | ReasonCode::DeadLettered
        | ReasonCode::Superseded
        | ReasonCode::NotNeeded
        | ReasonCode::SamePhoto => false,
    }
}

fn gap(photo: &Photo) -> PhotoResult {
    PhotoResult {
        name: photo.name.clone(),
        outcome: PhotoOutcome::not_evaluated(ReasonCode::Deadline, "Nobody has looked at it yet."),
    }
}
