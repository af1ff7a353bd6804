//! Starting or joining an evaluation.
//!
//! # Invariants
//! - The same question asked while it is being answered is joined, never asked twice (unless by force).
//! - An incomplete verdict is never served as a cached result, nor any verdict older than 24 hours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cache::{CACHED_FOR, Known};
use super::evaluation::Evaluation;
use super::message::Batch;
use super::miss::{CacheFigures, LastAsked, Miss, QuestionDigest};
use super::photo_record::PhotoRecord;
use super::sighting::Elsewhere;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
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
    let current = evaluation.is_final() && now < expires_at;
    match reuse {
        Reuse::Final => current,
        Reuse::AskedSince(moment) => current || evaluation.created_at >= moment,
        Reuse::Nothing => false,
    }
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
            () if current.is_final() => Miss::Expired,
            () => Miss::Incomplete,
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, id, photo};
    use crate::domain::catalogue::Catalogue;
    use crate::domain::judge::{Judgement, Verdict};
    use crate::domain::plan::plan;
    use crate::domain::versions::VersionPart;

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
            decide(None, Reuse::Final, NEVER, now),
            NextAction::Start {
                seen: None,
                supersedes: None
            }
        );
        assert!(matches!(
            decide(Some(evaluation_of(&["a.jpg"])), Reuse::Final, NEVER, now),
            NextAction::Join(_)
        ));
    }

    #[test]
    fn a_final_verdict_is_served_for_24_hours_and_no_millisecond_longer() {
        let day = CACHED_FOR.as_millis() as i64;
        for verdict in [Verdict::Pass, Verdict::Fail] {
            let at = |now| {
                decide(
                    Some(completed(verdict, 1000)),
                    Reuse::Final,
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
                Reuse::Final,
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
        old.superseded_by = Some(crate::decide::fixtures::id(7));
        assert!(matches!(
            decide(Some(old), Reuse::Final, NEVER, Timestamp::from_millis(1)),
            NextAction::Start {
                supersedes: None,
                ..
            }
        ));
    }

    #[test]
    fn what_was_asked_before_the_cache_was_emptied_is_joined_while_it_runs_but_not_returned() {
        let now = Timestamp::from_millis(50);
        let of = |evaluation| decide(Some(evaluation), Reuse::Final, Timestamp::default(), now);
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

    fn asked(names: &[&str], versions: &Versions) -> QuestionDigest {
        let photos = names.iter().map(|name| photo(name)).collect();
        let plan = plan(
            photos,
            Mode::Full,
            Catalogue::shipped("v1").unwrap(),
            versions,
        );
        QuestionDigest::of(&plan, versions)
    }

    #[test]
    fn what_changed_since_the_last_question_is_named() {
        let versions = evaluation_of(&["a.jpg"]).versions;
        let one = asked(&["a.jpg"], &versions);
        let after = |question: Option<QuestionDigest>| {
            let last = question.map(|question| LastAsked {
                last_evaluation_id: id(3),
                question,
            });
            missed_because(None, &one, last.as_ref(), Reuse::Final, Timestamp::MIN)
        };
        assert_eq!(after(None), [Miss::First]);
        let more = asked(&["a.jpg", "b.jpg"], &versions);
        assert_eq!(after(Some(more)), [Miss::Photos]);
        for part in VersionPart::ALL {
            let question = QuestionDigest {
                versions: versions.with(*part, "another"),
                ..one.clone()
            };
            assert_eq!(after(Some(question)), [Miss::Version(*part)]);
        }
    }

    #[test]
    fn an_answer_that_is_there_and_not_used_says_missed_because() {
        let evaluation = evaluation_of(&["a.jpg"]);
        let one = asked(&["a.jpg"], &evaluation.versions);
        let verdict = |verdict| Evaluation {
            judgement: Some(Judgement {
                verdict,
                average_score: None,
                steps: vec![],
                flags: vec![],
            }),
            ..evaluation.clone()
        };
        let of = |current: &Evaluation, reuse, valid_from| {
            missed_because(Some(current), &one, None, reuse, valid_from)
        };
        assert_eq!(
            of(&verdict(Verdict::Pass), Reuse::Nothing, Timestamp::MIN),
            [Miss::Forced]
        );
        assert_eq!(
            of(&verdict(Verdict::Pass), Reuse::Final, Timestamp::MIN),
            [Miss::Expired]
        );
        assert_eq!(
            of(&verdict(Verdict::Pass), Reuse::Final, evaluation.created_at),
            [Miss::Emptied]
        );
        assert_eq!(
            of(&verdict(Verdict::Incomplete), Reuse::Final, Timestamp::MIN),
            [Miss::Incomplete]
        );
    }
}
