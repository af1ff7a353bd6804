//! A DR's checklist: what is known of each photo that lies in the bucket, of each step, and what is left to do.
//!
//! # Invariants
//! - It is a pure function of the DR's listing and of what is kept about its photos, and of people's
//!   decisions; nothing is stored for it.
//! - It is safe to leave exactly if an evaluation would pass although nobody looks at the photos that are still open:
//!   each of those counts as a gap. The same code judges both.

mod decision;
mod known;
mod photo;
mod warning;

use photos::metadata::Position;
use serde::Serialize;
use utoipa::ToSchema;

pub use self::decision::ShownDecision;
pub use self::known::{Kept, Unanswered};
pub use self::photo::{ChecklistPhoto, PhotoState, ShownReason, ShownStep};
pub use self::warning::{Warning, WarningCode};

use self::known::KnownPhotos;
use super::note::Note;
use super::record::judged;
use super::review::contents;
use crate::domain::catalogue::Catalogue;
use crate::domain::checklist::{ChecklistStep, StepState, ToDo, steps, to_do};
use crate::domain::ids::{DrNumber, StepKey};
use crate::domain::judge::{Remedy, Verdict};
use crate::domain::plan::{Mode, Photo, Plan};
use crate::domain::review::ReviewRecord;
use crate::domain::reviewed::Subject;

/// Photos of which it is said that they may show a step.
const MOST_MAYBE: usize = 10;

/// What people said of a DR.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// Where it is.
    pub expected: Option<Position>,
    /// What technicians noted.
    pub notes: Vec<Note>,
    /// What people decided.
    pub reviews: Vec<ReviewRecord>,
}

/// A DR's checklist.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Checklist {
    /// The DR.
    pub dr_number: DrNumber,
    /// The list of steps.
    pub catalogue_version: String,
    /// Whether the DR would pass as it stands, whatever the photos show that nobody has looked at yet.
    pub safe_to_leave: bool,
    /// What an evaluation would say if it had to end now.
    pub verdict_so_far: Verdict,
    /// How many photos lie there.
    pub photos_total: usize,
    /// How many of them somebody has still to look at.
    pub photos_open: usize,
    /// What is left to do: critical steps first, then the others, then photos that can't be read.
    pub to_do: Vec<ToDo>,
    /// The steps, in the order that people know.
    pub steps: Vec<ChecklistStep>,
    /// The photos, by name.
    pub photos: Vec<ChecklistPhoto>,
    /// How many warnings about photos are not shown.
    pub warnings_left_out: usize,
    /// What technicians said of steps, in the order in which they said it.
    pub notes: Vec<Note>,
    /// What the verdict so far becomes with people's decisions put in; none if nobody's stands.
    pub reviewed_verdict: Option<Verdict>,
    /// People's decisions that stand for the photos that lie there.
    pub decisions: Vec<ShownDecision>,
}

/// The checklist of a DR with these photos.
pub fn checklist(
    catalogue: &Catalogue,
    dr: &DrNumber,
    plan: Plan,
    kept: Kept,
    said: Said,
) -> Checklist {
    let asked = plan.steps.clone();
    let photos = KnownPhotos::of(catalogue, dr, plan, kept);
    let judged = |results| judged(catalogue, dr, &asked, &photos.records, results);
    let so_far = judged(photos.with_gaps());
    let verdict = so_far.verdict;
    // What could not be looked at is said of the photos, and is no reason that a step has.
    let rows = judged(photos.answers());
    let open = photos.open();
    let steps = steps(
        catalogue,
        &rows,
        |photo, step| photos.fail_code(photo, step),
        |step, state| may_be_on(&open, step, state),
    );
    let contents = contents(&photos.records);
    let subject = Subject {
        evaluation_id: None,
        mode: Mode::Full,
        judgement: &so_far,
        contents: &contents,
    };
    let (reviewed_verdict, decisions) = decision::shown(&said.reviews, &subject, catalogue);
    let (warnings, left_out) = warning::warnings(catalogue, &photos, &rows.flags, said.expected);
    Checklist {
        dr_number: dr.clone(),
        catalogue_version: catalogue.version.clone(),
        safe_to_leave: verdict == Verdict::Pass,
        verdict_so_far: verdict,
        photos_total: photos.records.len(),
        photos_open: open.len(),
        to_do: [to_do(&steps), unreadable(&photos)].concat(),
        steps,
        photos: photo::photos(catalogue, &photos, warnings),
        warnings_left_out: left_out + rows.flags_left_out,
        notes: said.notes,
        reviewed_verdict,
        decisions,
    }
}

/// The photos that nobody has looked at yet and that may show a step: those whose names promise it, then those whose
/// names promise nothing; what was seen already is shown better only by what promises it.
fn may_be_on(open: &[&Photo], step: &StepKey, state: StepState) -> Vec<String> {
    let promise = open
        .iter()
        .filter(|photo| photo.step_hint.as_ref() == Some(step));
    let silent = open
        .iter()
        .filter(|photo| photo.step_hint.is_none() && state == StepState::NotSeen);
    let all = promise.chain(silent).take(MOST_MAYBE);
    all.map(|photo| photo.name.clone()).collect()
}

/// What is to be done about photos that can't be looked at and may show what is not known.
fn unreadable(photos: &KnownPhotos) -> Vec<ToDo> {
    let to_do = |(name, message): (&str, &str)| ToDo {
        step: None,
        critical: false,
        photo: Some(name.to_owned()),
        remedy: Remedy::Retake,
        message: format!("{name}: {message}"),
        may_be_on: Vec::new(),
    };
    photos.unreadable().map(to_do).collect()
}

#[cfg(test)]
mod tests;
