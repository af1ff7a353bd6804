//! What a DR's photos show so far, step by step, and what is left to do: for whoever stands in front of the house.
//!
//! # Invariants
//! - It has no rules of its own: a step is seen exactly if its row of a judgement passes, and what is to be done about
//!   it is what the row says.
//! - All that is left is said at once, critical steps first.

use serde::Serialize;
use utoipa::ToSchema;

use super::catalogue::{Catalogue, Step};
use super::certainty::Certainty;
use super::ids::{Score, StepKey};
use super::judge::{Judgement, Remedy, StepOutcome, StepVerdict};
use super::reading::Extracted;
use super::serial::ProvenBy;

/// Photos that may show a step are named up to so many.
const MOST_NAMED: usize = 3;

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// No photo that was looked at shows it.
    NotSeen,
    /// A photo shows it, below the pass mark.
    Weak,
    /// A photo shows it well enough.
    Seen,
}

impl From<StepOutcome> for StepState {
    fn from(outcome: StepOutcome) -> Self {
        match outcome {
            StepOutcome::Pass => Self::Seen,
            StepOutcome::Fail => Self::Weak,
            StepOutcome::Missing | StepOutcome::NotEvaluated => Self::NotSeen,
        }
    }
}

/// One step of a checklist.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ChecklistStep {
    /// The step.
    pub step: StepKey,
    /// Its position in the list that people use.
    pub number: u8,
    /// Its name for people.
    pub label: String,
    /// Whether an evaluation can't pass without it.
    pub critical: bool,
    /// What a photo must show.
    pub passes_when: String,
    /// How far it has come.
    pub state: StepState,
    /// The best score.
    pub score: Option<Score>,
    /// The photo with that score.
    pub photo: Option<String>,
    /// The small print read on it.
    pub reading: Option<String>,
    /// What the reading says, as a value.
    pub extracted: Option<Extracted>,
    /// What says so, if that is a serial.
    pub proven_by: Option<ProvenBy>,
    /// The model's remark on that photo.
    pub comment: Option<String>,
    /// How sure the model was.
    pub certainty: Option<Certainty>,
    /// Why it is weak.
    pub reason: Option<String>,
    /// The code of that reason, one of the catalogue's.
    pub fail_code: Option<String>,
    /// What is to be done about it.
    pub remedy: Option<Remedy>,
    /// Photos that nobody has looked at yet and that may show it, by their names.
    pub may_be_on: Vec<String>,
}

/// Something that is left to do.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ToDo {
    /// The step; none if a photo can't be read.
    pub step: Option<StepKey>,
    /// Whether the DR can't pass without it.
    pub critical: bool,
    /// The photo that is to be taken again, or whose work is to be mended.
    pub photo: Option<String>,
    /// What is to be done.
    pub remedy: Remedy,
    /// That in words, with the reason.
    pub message: String,
    /// Photos that nobody has looked at yet and that may spare it.
    pub may_be_on: Vec<String>,
}

/// The rows of a judgement as steps of a checklist. `code_of` is the fail code with which a photo failed a step;
/// `may_be_on` are the photos that nobody has looked at yet and that may show a step.
pub fn steps(
    catalogue: &Catalogue,
    judgement: &Judgement,
    code_of: impl Fn(&str, &StepKey) -> Option<String>,
    may_be_on: impl Fn(&StepKey, StepState) -> Vec<String>,
) -> Vec<ChecklistStep> {
    let rows = judgement.steps.iter();
    let known = rows.filter_map(|row| Some((row, catalogue.step(&row.step)?)));
    let step = |(row, step): (&StepVerdict, &Step)| {
        let state = StepState::from(row.outcome);
        let code = || code_of(row.photo.as_deref()?, &row.step);
        let open = || may_be_on(&row.step, state);
        of_row(
            row,
            step,
            (state == StepState::Weak).then(code).flatten(),
            (state != StepState::Seen).then(open).unwrap_or_default(),
        )
    };
    known.map(step).collect()
}

fn of_row(
    row: &StepVerdict,
    step: &Step,
    fail_code: Option<String>,
    may_be_on: Vec<String>,
) -> ChecklistStep {
    let state = StepState::from(row.outcome);
    let remedy = match state {
        StepState::NotSeen => Some(Remedy::Take),
        StepState::Weak | StepState::Seen => row.remedy,
    };
    ChecklistStep {
        step: row.step.clone(),
        number: row.number,
        label: row.label.clone(),
        critical: row.critical,
        passes_when: step.passes_when.clone(),
        state,
        score: row.score,
        photo: row.photo.clone(),
        reading: row.reading.clone(),
        extracted: row.extracted.clone(),
        proven_by: row.proven_by,
        comment: row.comment.clone(),
        certainty: row.certainty,
        reason: row.reason.clone().filter(|_| state == StepState::Weak),
        fail_code,
        remedy,
        may_be_on,
    }
}

/// What is left to do about these steps: critical ones first, each in the order that people know.
pub fn to_do(steps: &[ChecklistStep]) -> Vec<ToDo> {
    let mut open: Vec<&ChecklistStep> = steps
        .iter()
        .filter(|step| step.state != StepState::Seen)
        .collect();
    open.sort_by_key(|step| (!step.critical, step.number));
    open.into_iter().map(of_step).collect()
}

fn of_step(step: &ChecklistStep) -> ToDo {
    let remedy = step.remedy.unwrap_or(Remedy::Retake);
    ToDo {
        step: Some(step.step.clone()),
        critical: step.critical,
        photo: step.photo.clone(),
        remedy,
        message: message(step, remedy),
        may_be_on: step.may_be_on.clone(),
    }
}

/// What is to be done, in the catalogue's own words.
fn message(step: &ChecklistStep, remedy: Remedy) -> String {
    let (label, shows) = (&step.label, &step.passes_when);
    let reason = step.reason.as_deref().unwrap_or_default();
    let wait = may_show(&step.may_be_on);
    match remedy {
        Remedy::Take => match wait {
            Some(photos) => format!(
                "{label}: {photos} may show it, and nobody has looked yet. If not, take a photo that shows {shows}."
            ),
            None => format!("{label}: take a photo that shows {shows}."),
        },
        Remedy::Mend => match wait {
            Some(photos) => format!(
                "{label}: {reason}. {photos} may show it mended, and nobody has looked yet. If not, mend that, then take \
                 the photo again."
            ),
            None => format!("{label}: {reason}. Mend that, then take the photo again."),
        },
        Remedy::Retake | Remedy::Unknown => match wait {
            Some(photos) => format!(
                "{label}: {reason}. {photos} may show it better, and nobody has looked yet. If not, take the photo again; \
                 it must show {shows}."
            ),
            None => format!("{label}: {reason}. Take the photo again; it must show {shows}."),
        },
    }
}

fn may_show(photos: &[String]) -> Option<String> {
    let named = photos.get(..MOST_NAMED).unwrap_or(photos).join(", ");
    let more = photos.len().saturating_sub(MOST_NAMED);
    match (photos.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named),
        (false, more) => Some(format!("{named} and {more} more")),
    }
}
