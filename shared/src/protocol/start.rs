//! Starting or joining an evaluation.
//!
//! # Invariants
//! - The same question asked while it is being answered is joined, never asked twice (unless by force).
//! - An incomplete verdict is never served as a cached result, nor any verdict older than 24 hours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::evaluation::{Evaluation, PhotoRecord};
use super::message::{Batch, Message};
use super::miss::{CacheFigures, LastAsked, Miss};
use super::sighting::Elsewhere;
use super::verdict::Known;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::plan::{Mode, Photo, Plan, Versions, batches};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// A finished evaluation answers the same question for this long.
pub const CACHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A request for an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The DR.
    pub dr_number: DrNumber,
    /// How much of it.
    pub mode: Mode,
    /// Which answers that there are will do.
    pub reuse: Reuse,
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
    Settled,
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

/// Decides, given the evaluation that the question's fingerprint points to. What was asked before `valid_from` was
/// invalidated by hand: it is not returned, but while it runs it is joined.
pub fn decide(
    current: Option<Evaluation>,
    reuse: Reuse,
    valid_from: Timestamp,
    now: Timestamp,
) -> NextAction {
    let Some(current) = current else {
        return NextAction::Start {
            seen: None,
            supersedes: None,
        };
    };
    let seen = Some(current.evaluation_id.clone());
    match current.completed_at {
        None if reuse == Reuse::Nothing => NextAction::Start {
            supersedes: seen.clone(),
            seen,
        },
        None if current.superseded_by.is_none() => NextAction::Join(Box::new(current)),
        Some(at) if current.created_at > valid_from && will_do(&current, at, reuse, now) => {
            NextAction::ReturnCached(Box::new(current))
        }
        _ => NextAction::Start {
            seen,
            supersedes: None,
        },
    }
}

/// Whether an evaluation that ended then will do as an answer.
fn will_do(evaluation: &Evaluation, completed_at: Timestamp, reuse: Reuse, now: Timestamp) -> bool {
    let expires_at = evaluation
        .expires_at
        .unwrap_or(completed_at.after(CACHED_FOR));
    let settled = evaluation.is_settled() && now < expires_at;
    match reuse {
        Reuse::Settled => settled,
        Reuse::AskedSince(moment) => settled || evaluation.created_at >= moment,
        Reuse::Nothing => false,
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
}

/// What is known from before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
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
    before: Before,
    now: Timestamp,
) -> NewEvaluation {
    let asked = LastAsked::of(&evaluation_id, &plan, &versions);
    let Before {
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
        ..Message::batch(&evaluation_id, &request.dr_number, photos, now)
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
        catalogue_version: versions.catalogue,
        model: versions.model,
        prompt_version: versions.prompt,
        size_policy_version: versions.size_policy,
        created_at: now,
        dispatched_at: None,
        started_at: None,
        deadline_at: now.after(limits.deadline),
        waiting_since: None,
        waiting_reason: None,
        continues: continued(request.mode, &photos),
        superseded_by: None,
        revision: 0,
        completed_at: None,
        expires_at: None,
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
    }
}

/// The quick evaluation that a full one goes on from: that which asked last.
fn continued(mode: Mode, photos: &[PhotoRecord]) -> Option<EvaluationId> {
    let reused = photos
        .iter()
        .flat_map(|photo| &photo.reused)
        .filter(|reused| reused.scope == Scope::Critical);
    let last = reused
        .map(|reused| &reused.verdict)
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::judge::{Judgement, Verdict};
    use crate::protocol::record::tests::evaluation_of;

    /// Nothing was invalidated by hand.
    const NEVER: Timestamp = Timestamp::MIN;

    fn completed(verdict: Verdict, at: i64) -> Evaluation {
        let mut evaluation = evaluation_of(&["a.jpg"]);
        evaluation.completed_at = Some(Timestamp::from_millis(at));
        evaluation.judgement = Some(Judgement {
            verdict,
            average_score: None,
            steps: vec![],
            flags: vec![],
        });
        evaluation
    }

    #[test]
    fn an_unknown_question_starts_and_a_running_one_is_joined() {
        let now = Timestamp::from_millis(0);
        assert_eq!(
            decide(None, Reuse::Settled, NEVER, now),
            NextAction::Start {
                seen: None,
                supersedes: None
            }
        );
        assert!(matches!(
            decide(Some(evaluation_of(&["a.jpg"])), Reuse::Settled, NEVER, now),
            NextAction::Join(_)
        ));
    }

    #[test]
    fn a_settled_verdict_is_served_for_24_hours_and_no_millisecond_longer() {
        let day = CACHED_FOR.as_millis() as i64;
        for verdict in [Verdict::Pass, Verdict::Fail] {
            let at = |now| {
                decide(
                    Some(completed(verdict, 1000)),
                    Reuse::Settled,
                    NEVER,
                    Timestamp::from_millis(now),
                )
            };
            assert!(matches!(at(1000 + day - 1), NextAction::ReturnCached(_)));
            assert!(matches!(
                at(1000 + day),
                NextAction::Start {
                    supersedes: None,
                    ..
                }
            ));
        }
    }

    #[test]
    fn never_again_a_stale_fallback_result_is_served_as_if_it_were_real() {
        let incomplete = completed(Verdict::Incomplete, 0);
        assert!(matches!(
            decide(
                Some(incomplete),
                Reuse::Settled,
                NEVER,
                Timestamp::from_millis(1)
            ),
            NextAction::Start { seen: Some(_), .. }
        ));
    }

    #[test]
    fn never_again_re_evaluate_returns_the_stored_result() {
        let now = Timestamp::from_millis(1);
        assert!(matches!(
            decide(
                Some(completed(Verdict::Pass, 0)),
                Reuse::Nothing,
                NEVER,
                now
            ),
            NextAction::Start {
                supersedes: None,
                ..
            }
        ));
        let running = evaluation_of(&["a.jpg"]);
        let id = running.evaluation_id.clone();
        assert_eq!(
            decide(Some(running), Reuse::Nothing, NEVER, now),
            NextAction::Start {
                seen: Some(id.clone()),
                supersedes: Some(id)
            }
        );
    }

    #[test]
    fn a_superseded_evaluation_is_not_joined() {
        let mut old = evaluation_of(&["a.jpg"]);
        old.superseded_by = Some(EvaluationId::generate());
        assert!(matches!(
            decide(Some(old), Reuse::Settled, NEVER, Timestamp::from_millis(1)),
            NextAction::Start {
                supersedes: None,
                ..
            }
        ));
    }

    #[test]
    fn what_was_asked_before_the_cache_was_emptied_is_joined_while_it_runs_but_not_returned() {
        let now = Timestamp::from_millis(50);
        let of = |evaluation| decide(Some(evaluation), Reuse::Settled, Timestamp::default(), now);
        assert!(matches!(
            of(completed(Verdict::Pass, 40)),
            NextAction::Start {
                supersedes: None,
                ..
            }
        ));
        assert!(matches!(of(evaluation_of(&["a.jpg"])), NextAction::Join(_)));
        let later = Evaluation {
            created_at: Timestamp::from_millis(1),
            ..completed(Verdict::Pass, 40)
        };
        assert!(matches!(of(later), NextAction::ReturnCached(_)));
    }

    #[test]
    fn uploads_start_one_evaluation_even_if_it_ends_with_a_gap() {
        let now = Timestamp::from_millis(50);
        let since = |moment| {
            decide(
                Some(completed(Verdict::Incomplete, 40)),
                Reuse::AskedSince(Timestamp::from_millis(moment)),
                NEVER,
                now,
            )
        };
        assert!(
            matches!(since(0), NextAction::ReturnCached(_)),
            "asked at 0, uploaded at 0"
        );
        assert!(
            matches!(since(1), NextAction::Start { .. }),
            "uploaded after it was asked"
        );
    }
}
