//! Starting or joining an evaluation.
//!
//! # Invariants
//! - The same question asked while it is being answered is joined, never asked twice (unless by force).
//! - An incomplete verdict is never served as a cached result, nor one that rests on an answer older than 24
//!   hours; nor is one joined that does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cache::Known;
use super::evaluation::Evaluation;
use super::message::Batch;
use super::miss::{CacheFigures, LastAsked, Miss, QuestionDigest};
use super::photo_record::PhotoRecord;
use super::sighting::Elsewhere;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::judge::Verdict;
use crate::domain::plan::{Mode, Photo, Plan, batches};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

/// A request for an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The DR.
    pub dr_number: DrNumber,
    /// How much of it.
    pub mode: Mode,
    /// Which answers that there are will do.
    pub reuse: Reuse,
    /// The catalogue that it names, if it does not leave that to the rules.
    pub catalogue: Option<String>,
}

impl Request {
    /// Whether nobody waits for the answer: uploads ask by themselves.
    pub fn is_bulk(&self) -> bool {
        matches!(self.reuse, Reuse::AskedSince(_))
    }
}

/// Which answers to the same question will do. One that is being worked out is joined, except by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// A pass or fail of the last 24 hours.
    Final,
    /// That, and any answer to a question asked since this moment, an incomplete one too: uploads start an evaluation
    /// once, and not again because it ended with a gap.
    AskedSince(Timestamp),
    /// None: start anew, by force.
    Nothing,
}

/// What to do about a request.
#[derive(Debug, Clone, PartialEq)]
pub enum NextAction {
    /// Nobody is answering this question: start.
    Start {
        /// The evaluation that the fingerprint points to now, if any: the start is conditional on that.
        seen: Option<EvaluationId>,
        /// The running evaluation whose place the new one takes.
        supersedes: Option<EvaluationId>,
    },
    /// The question is being answered.
    Join(Box<Evaluation>),
    /// The question was answered lately.
    ReturnCached(Box<Evaluation>),
}

/// Where a question's fingerprint points.
#[derive(Debug, Clone, PartialEq)]
pub enum Pointer {
    /// The question was not asked before, or long ago.
    Nowhere,
    /// To an evaluation that is gone: deleted by its time to live, or by an operator.
    Gone(EvaluationId),
    /// To this one.
    At(Box<Evaluation>),
}

impl Pointer {
    /// The evaluation that it points to.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match self {
            Self::At(evaluation) => Some(evaluation),
            Self::Nowhere | Self::Gone(_) => None,
        }
    }
}

/// Decides, given where the question's fingerprint points. What was asked before `valid_from` was invalidated by hand:
/// it is not returned, but while it runs it is joined.
pub fn decide(
    pointer: &Pointer,
    reuse: Reuse,
    valid_from: Timestamp,
    now: Timestamp,
) -> NextAction {
    let anew = |seen| NextAction::Start {
        seen,
        supersedes: None,
    };
    let current = match pointer {
        Pointer::Nowhere => return anew(None),
        Pointer::Gone(id) => return anew(Some(id.clone())),
        Pointer::At(evaluation) => evaluation,
    };
    let seen = Some(current.evaluation_id.clone());
    match current.completed_at {
        None if reuse == Reuse::Nothing || is_outdated(current, now) => NextAction::Start {
            supersedes: seen.clone(),
            seen,
        },
        None if current.superseded_by.is_none() => NextAction::Join(current.clone()),
        Some(_) if current.created_at > valid_from && will_do(current, reuse, now) => {
            NextAction::ReturnCached(current.clone())
        }
        _ => anew(seen),
    }
}

/// Whether an evaluation that has ended will do as an answer. One that doesn't say how old it is does not.
fn will_do(evaluation: &Evaluation, reuse: Reuse, now: Timestamp) -> bool {
    let young = evaluation.expires_at.is_some_and(|at| now < at);
    let current = evaluation.is_final() && young;
    match reuse {
        Reuse::Final => current,
        Reuse::AskedSince(moment) => current || evaluation.created_at >= moment,
        Reuse::Nothing => false,
    }
}

/// Whether one that still runs, since an outage say, rests on an earlier answer that is too old by now.
fn is_outdated(running: &Evaluation, now: Timestamp) -> bool {
    running.superseded_by.is_none() && running.expires_at.is_some_and(|at| now >= at)
}

/// Why the question is asked anew, given the evaluation that answered the same one and the question asked last.
pub fn missed_because(
    current: Option<&Evaluation>,
    asked: &QuestionDigest,
    last: Option<&LastAsked>,
    reuse: Reuse,
    valid_from: Timestamp,
) -> Vec<Miss> {
    if reuse == Reuse::Nothing {
        return vec![Miss::Forced];
    }
    if let Some(current) = current {
        return vec![match () {
            () if current.created_at <= valid_from => Miss::Emptied,
            () if current.verdict() == Some(Verdict::Incomplete) => Miss::Incomplete,
            () => Miss::Expired,
        }];
    }
    let differences = last
        .map(|last| asked.differences(&last.question))
        .unwrap_or_default();
    if differences.is_empty() {
        vec![Miss::First]
    } else {
        differences
    }
}

/// A new evaluation: what is written and what is sent for it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvaluation {
    /// The evaluation.
    pub evaluation: Evaluation,
    /// Its photos.
    pub photos: Vec<PhotoRecord>,
    /// The messages to send once both stand in the table.
    pub batches: Vec<Batch>,
    /// The question, to be compared with the next one.
    pub asked: LastAsked,
    /// All that is written may be deleted so long after the evaluation's creation.
    pub kept_for: Duration,
}

/// What is known from before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FromCache {
    /// Of the photos.
    pub known: BTreeMap<PhotoId, Known>,
    /// Where photos of which all is known were used before.
    pub seen: BTreeMap<PhotoId, Elsewhere>,
    /// Why no earlier evaluation will do.
    pub missed_because: Vec<Miss>,
}

/// Makes a new evaluation out of a plan and what is known of its photos.
pub fn open(
    evaluation_id: EvaluationId,
    request: &Request,
    plan: Plan,
    versions: Versions,
    limits: &Limits,
    before: FromCache,
    now: Timestamp,
) -> NewEvaluation {
    let asked = LastAsked {
        last_evaluation_id: evaluation_id.clone(),
        question: QuestionDigest::of(&plan, &versions),
    };
    let FromCache {
        mut known,
        mut seen,
        missed_because,
    } = before;
    let mut begin = |photo: Photo| {
        let known = known.remove(&photo.photo_id).unwrap_or(Known {
            reused: Vec::new(),
            open: Some(photo.scope),
        });
        let also_in = seen.remove(&photo.photo_id);
        PhotoRecord {
            also_in,
            ..PhotoRecord::begin(photo, known, &plan.steps, now)
        }
    };
    let mut photos: Vec<PhotoRecord> = plan.selected.into_iter().map(&mut begin).collect();
    let unknown = open_of(&photos);
    let bulk = request.is_bulk();
    let message = |photos| Batch {
        bulk,
        ..Batch::new(&evaluation_id, &request.dr_number, photos, now)
    };
    let batches = batches(&unknown, limits.photos_per_batch)
        .into_iter()
        .map(message)
        .collect();
    let held: Vec<PhotoRecord> = plan.held.into_iter().map(begin).collect();
    let held_open = open_of(&held);
    photos.extend(held);
    photos.extend(
        plan.copies
            .into_iter()
            .map(|copy| PhotoRecord::copy(copy, now)),
    );
    let misnamed = plan.misnamed.into_iter();
    photos.extend(misnamed.map(|photo| PhotoRecord::misnamed(photo, now)));
    let ids = |photos: &[Photo]| {
        photos
            .iter()
            .map(|photo| photo.photo_id.clone())
            .collect::<BTreeSet<_>>()
    };
    let held = ids(&held_open);
    let pending = ids(&unknown).union(&held).cloned().collect();
    let evaluation = Evaluation {
        evaluation_id: evaluation_id.clone(),
        dr_number: request.dr_number.clone(),
        mode: request.mode,
        bulk,
        mode_note: plan.mode_note,
        fingerprint: plan.fingerprint,
        steps_asked: plan.steps,
        photos_total: photos.len(),
        photos_per_batch: u8::try_from(limits.photos_per_batch).unwrap_or(u8::MAX),
        held,
        pending,
        versions,
        trace_id: None,
        catalogue_named: request.catalogue.is_some(),
        created_at: now,
        dispatched_at: None,
        started_at: None,
        deadline_at: now.after(limits.deadline),
        waiting_since: None,
        waiting_reason: None,
        waited_until: None,
        unknown_since: None,
        promoted_at: None,
        round: 0,
        continues: continued(request.mode, &photos),
        superseded_by: None,
        revision: 0,
        completed_at: None,
        expires_at: photos.iter().flat_map(PhotoRecord::answers_expire_at).min(),
        cache: CacheFigures::of(&photos, missed_because),
        usage: None,
        judgement: None,
        timings: None,
    };
    NewEvaluation {
        evaluation,
        photos,
        batches,
        asked,
        kept_for: limits.kept_for,
    }
}

/// The quick evaluation that a full one goes on from: that which asked last.
fn continued(mode: Mode, photos: &[PhotoRecord]) -> Option<EvaluationId> {
    let reused = photos
        .iter()
        .flat_map(|photo| &photo.reused)
        .filter(|reused| reused.scope == Scope::Critical);
    let last = reused
        .map(|reused| &reused.answer)
        .max_by_key(|verdict| verdict.asked_at);
    last.filter(|_| mode == Mode::Full)
        .map(|verdict| verdict.evaluation_id.clone())
}

/// The photos of which nothing is known.
fn open_of(photos: &[PhotoRecord]) -> Vec<Photo> {
    photos
        .iter()
        .filter(|record| record.report.is_none())
        .map(|record| record.photo.clone())
        .collect()
}

/// The settings that shape an evaluation.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Photos of one batch message.
    pub photos_per_batch: usize,
    /// An evaluation ends after this long, complete or not.
    pub deadline: Duration,
    /// An evaluation may be deleted this long after its creation.
    pub kept_for: Duration,
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
