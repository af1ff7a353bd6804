//! The reviewed verdict: what the model's verdict becomes with people's decisions put in, by the same rules.
//!
//! # Invariants
//! - It follows from the judgement, the photos' contents and the DR's records alone: nothing of it is stored that could
//!   differ. The model's verdict stays as it was.
//! - Of the decisions of a step that hold, the last one stands; a withdrawal uncovers the one before it.
//! - A decision holds for the evaluation that was looked at, and for later ones while what it rests on is there: a pass
//!   with its photo, a fail with its photo while the model decides by that, anything else while there is nothing else to
//!   see. What holds no longer is named, with the reason.
//! - What a person decided is closed: a photo that could not be evaluated leaves only the other rows open.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::hash::hex_of;
use super::ids::{EvaluationId, StepKey};
use super::judge::{Judgement, KnownRow, StepOutcome, Verdict, drawn};
use super::plan::Mode;
use super::review::{Decided, DecidingPhoto, Decision, ReviewRecord, Said};

/// What is reviewed: a judgement, and what its photos are.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The evaluation; none if it is a DR as it stands now.
    pub evaluation_id: Option<&'a EvaluationId>,
    /// As asked.
    pub mode: Mode,
    /// What the model's findings led to.
    pub judgement: &'a Judgement,
    /// What the photos' bytes are, by their names.
    pub contents: &'a BTreeMap<String, String>,
}

impl Subject<'_> {
    /// All that there is to see, as a hash: of the photos for a step, of photos, steps and mode for the whole.
    pub fn seen(&self, of_the_whole: bool) -> String {
        let mut contents: Vec<&str> = self.contents.values().map(String::as_str).collect();
        contents.sort_unstable();
        contents.dedup();
        let mut parts = vec!["photos"];
        parts.extend(contents);
        if of_the_whole {
            parts.extend(["asked", self.mode.as_str()]);
            parts.extend(self.judgement.steps.iter().map(|row| row.step.as_str()));
        }
        hex_of(&parts)
    }

    /// The photo by which the model decided a step.
    pub fn deciding(&self, step: &StepKey) -> Option<DecidingPhoto> {
        let row = self.judgement.steps.iter().find(|row| &row.step == step)?;
        self.photo(row.photo.as_deref()?)
    }

    /// The photo of this name.
    pub fn photo(&self, name: &str) -> Option<DecidingPhoto> {
        let (name, content) = self.contents.get_key_value(name)?;
        Some(DecidingPhoto {
            name: name.clone(),
            content: content.clone(),
        })
    }

    fn has(&self, photo: &DecidingPhoto) -> bool {
        self.contents
            .values()
            .any(|content| content == &photo.content)
    }

    fn asks(&self, step: &StepKey) -> bool {
        self.judgement.steps.iter().any(|row| &row.step == step)
    }
}

/// Why a decision holds no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// It is of a later evaluation.
    OfALaterEvaluation,
    /// The step is not asked here.
    StepNotAsked,
    /// The photo that it rests on is not there.
    PhotoGone,
    /// Another photo decides the step now.
    AnotherPhotoDecides,
    /// There are other photos to see now.
    PhotosChanged,
    /// Only a later release knows what it says.
    Unknown,
}

/// How it stands with a record, for one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = ReviewState)]
pub enum State {
    /// A decision that stands.
    Stands,
    /// A decision that a later one of the same step stands before.
    Covered {
        /// The number of that one.
        by: u32,
    },
    /// A decision that was withdrawn.
    Withdrawn {
        /// The number of the withdrawal.
        by: u32,
    },
    /// A decision that holds no longer.
    Lapsed {
        /// Why.
        because: Lapse,
    },
    /// A withdrawal.
    Withdraws,
}

/// Which of a DR's records stand for an evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing<'a> {
    /// The decision of the whole.
    pub whole: Option<&'a ReviewRecord>,
    /// The decisions of steps.
    pub steps: BTreeMap<StepKey, &'a ReviewRecord>,
    /// How it stands with each record, by number.
    pub states: BTreeMap<u32, State>,
}

impl<'a> Standing<'a> {
    /// The decision that stands for a step, or for the whole.
    pub fn of(&self, step: Option<&StepKey>) -> Option<&'a ReviewRecord> {
        match step {
            Some(step) => self.steps.get(step).copied(),
            None => self.whole,
        }
    }

    /// Whether nobody's decision stands.
    pub fn is_empty(&self) -> bool {
        self.whole.is_none() && self.steps.is_empty()
    }
}

/// Which of a DR's records, in the order of their numbers, stand for this subject.
pub fn standing<'a>(records: &'a [ReviewRecord], subject: &Subject<'_>) -> Standing<'a> {
    let withdrawn = withdrawn(records);
    let mut standing = Standing::default();
    for record in records.iter().rev() {
        let state = match (&record.said, withdrawn.get(&record.number)) {
            (Said::Withdrawal { .. }, _) => State::Withdraws,
            (Said::Unknown, _) => lapsed(Lapse::Unknown),
            (Said::Decision(_), Some(by)) => State::Withdrawn { by: *by },
            (Said::Decision(decided), None) => match lapse(record, decided, subject) {
                Some(because) => lapsed(because),
                None => placed(&mut standing, record, decided),
            },
        };
        standing.states.insert(record.number, state);
    }
    standing
}

fn lapsed(because: Lapse) -> State {
    State::Lapsed { because }
}

/// Which records were withdrawn, and by which. Only what was said before can be withdrawn, and once.
fn withdrawn(records: &[ReviewRecord]) -> BTreeMap<u32, u32> {
    let mut all = BTreeMap::new();
    for record in records {
        if let Said::Withdrawal { withdraws } = record.said
            && withdraws < record.number
        {
            all.entry(withdraws).or_insert(record.number);
        }
    }
    all
}

/// Puts a decision in place, unless a later one of the same step stands there.
fn placed<'a>(standing: &mut Standing<'a>, record: &'a ReviewRecord, decided: &Decided) -> State {
    if let Some(later) = standing.of(decided.step.as_ref()) {
        return State::Covered { by: later.number };
    }
    match &decided.step {
        Some(step) => drop(standing.steps.insert(step.clone(), record)),
        None => standing.whole = Some(record),
    }
    State::Stands
}

/// Why a decision does not hold here; none if it does.
fn lapse(record: &ReviewRecord, decided: &Decided, subject: &Subject<'_>) -> Option<Lapse> {
    if decided.decision == Decision::Unknown {
        return Some(Lapse::Unknown);
    }
    if decided
        .step
        .as_ref()
        .is_some_and(|step| !subject.asks(step))
    {
        return Some(Lapse::StepNotAsked);
    }
    if let Some(here) = subject.evaluation_id {
        if here == &record.evaluation_id {
            return None;
        }
        if here < &record.evaluation_id {
            return Some(Lapse::OfALaterEvaluation);
        }
    }
    lapse_of_what_it_rests_on(decided, subject)
}

fn lapse_of_what_it_rests_on(decided: &Decided, subject: &Subject<'_>) -> Option<Lapse> {
    let is_same = || subject.seen(decided.step.is_none()) == decided.seen;
    let (Some(step), Some(photo)) = (&decided.step, &decided.photo) else {
        return (!is_same()).then_some(Lapse::PhotosChanged);
    };
    if !subject.has(photo) {
        return Some(Lapse::PhotoGone);
    }
    let decides = subject.deciding(step);
    let still_decides = decides.is_some_and(|now| now.content == photo.content);
    let holds = decided.decision == Decision::Pass || still_decides || is_same();
    (!holds).then_some(Lapse::AnotherPhotoDecides)
}

/// The verdict with people's decisions put in; none if nobody's stands, or if the rules are not known and nobody
/// decided the whole. `pass_percent` is the catalogue's.
pub fn reviewed_verdict(
    judgement: &Judgement,
    pass_percent: Option<u8>,
    standing: &Standing<'_>,
) -> Option<Verdict> {
    if let Some(decided) = standing.whole.and_then(ReviewRecord::decided) {
        return Some(match decided.decision {
            Decision::Pass => Verdict::Pass,
            Decision::Fail | Decision::Missing | Decision::Unknown => Verdict::Fail,
        });
    }
    if standing.steps.is_empty() {
        return None;
    }
    let may_be_better = judgement.has_gaps();
    let rows = judgement.steps.iter().map(|row| {
        let decided = standing.steps.get(&row.step).copied();
        let decided = decided.and_then(ReviewRecord::decided);
        let outcome = decided.and_then(|decided| decided.decision.outcome());
        KnownRow {
            critical: row.critical,
            outcome: outcome.unwrap_or(row.outcome),
            may_be_better: outcome.is_none() && may_be_better,
        }
    });
    pass_percent.map(|percent| drawn(&rows.collect::<Vec<_>>(), percent))
}

/// Whether people's decisions settle the verdict by themselves, whatever the model's rows of other steps say.
pub fn is_settled(
    judgement: &Judgement,
    pass_percent: Option<u8>,
    standing: &Standing<'_>,
) -> bool {
    if standing.whole.is_some() {
        return true;
    }
    let rows = judgement.steps.iter().map(|row| KnownRow {
        critical: row.critical,
        outcome: reviewed_outcome(standing, &row.step).unwrap_or(StepOutcome::NotEvaluated),
        may_be_better: false,
    });
    let rows: Vec<_> = rows.collect();
    pass_percent.is_some_and(|percent| drawn(&rows, percent) != Verdict::Incomplete)
}

/// What a step's row says with people's decisions put in.
pub fn reviewed_outcome(standing: &Standing<'_>, step: &StepKey) -> Option<StepOutcome> {
    let decided = standing.steps.get(step)?.decided()?;
    decided.decision.outcome()
}

#[cfg(test)]
#[path = "reviewed_tests.rs"]
mod tests;
