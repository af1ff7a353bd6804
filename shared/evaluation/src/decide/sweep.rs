//! What the sweeper does about an unfinished evaluation, each minute.
//!
//! # Invariants
//! - A photo that is still pending after the deadline gets an outcome, so that every evaluation ends.
//! - A photo is taken to be lost only when nothing was heard of it for longer than any message can be invisible, and
//!   its queue has come past it.

use std::time::Duration;

use super::batch::superseded;
use super::evaluation::Evaluation;
use super::message::{Batch, Message};
use super::photo_record::PhotoRecord;
use super::progress::Progress;
use super::quick;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;

/// Batches that never left the splitter (it crashed after writing the evaluation) are sent after this long.
const DISPATCH_GRACE: Duration = Duration::from_secs(60);

/// A release that knows an evaluation's versions is waited for so long at most: a deployment takes minutes.
const RELEASE_GRACE: Duration = Duration::from_secs(300);

/// What the sweeper goes by.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Not heard of for so long: lost.
    pub lost_after: Duration,
    /// How far the queue of what people wait for has come.
    pub batches: Option<Progress>,
    /// How far the queue of bulk work has come.
    pub bulk: Option<Progress>,
}

impl Round {
    /// Whether a message of this evaluation that was due then is lost.
    fn is_lost(&self, evaluation: &Evaluation, due: Timestamp, now: Timestamp) -> bool {
        let progress = if evaluation.bulk {
            self.bulk
        } else {
            self.batches
        };
        let past = progress.is_none_or(|queue| queue.is_past(due, self.lost_after, now));
        past && now >= due.after(self.lost_after)
    }
}

/// What to do about one pending photo.
#[derive(Debug, Clone, PartialEq)]
pub enum SweepAction {
    /// Send this message again, and note the time.
    Resend(Batch),
    /// Its time is up: send this outcome to the aggregator.
    End(Box<Message>),
}

/// Decides about every photo of an unfinished evaluation.
pub fn sweep(
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    round: &Round,
    now: Timestamp,
) -> Vec<SweepAction> {
    let pending = photos
        .iter()
        .filter(|record| evaluation.pending.contains(&record.photo.photo_id));
    let held = |record: &&PhotoRecord| evaluation.held.contains(&record.photo.photo_id);
    if ends_whatever_comes(evaluation, now) {
        return pending
            .map(|record| SweepAction::End(Box::new(end(evaluation, record, now))))
            .collect();
    }
    pending
        .filter(|record| !held(record) && is_lost(evaluation, record, round, now))
        .map(|r| SweepAction::Resend(again(evaluation, r, now)))
        .collect()
}

/// Whether an evaluation without pending photos was left unfinalised, by a crash between the two.
pub fn needs_finalising(evaluation: &Evaluation) -> bool {
    evaluation.completed_at.is_none() && evaluation.pending.is_empty()
}

/// Whether quick mode was kept, by a crash, from going on to its next photos.
pub fn needs_next_wave(evaluation: &Evaluation) -> bool {
    evaluation.completed_at.is_none() && quick::is_idle(evaluation)
}

/// Whether nobody was met for a while who knows the evaluation's versions: then the question is asked anew.
pub fn wants_planning_anew(evaluation: &Evaluation, lost_after: Duration, now: Timestamp) -> bool {
    let waited = |since: Timestamp| now >= since.after(RELEASE_GRACE.min(lost_after));
    let open = evaluation.completed_at.is_none() && evaluation.superseded_by.is_none();
    open && evaluation.unknown_since.is_some_and(waited)
}

/// How long an evaluation has been without a verdict, and without a reason for it: it does not wait for the VLM. What
/// comes in after an outage is no older than the VLM is back.
pub fn age(evaluation: &Evaluation, now: Timestamp) -> Duration {
    if evaluation.waiting_since.is_some() || evaluation.superseded_by.is_some() {
        return Duration::ZERO;
    }
    let back = evaluation.waited_until.unwrap_or(evaluation.created_at);
    now.since(back.max(evaluation.created_at))
}

/// Whether an evaluation ends now, whatever comes: its place was taken, or its time is up.
pub fn ends_whatever_comes(evaluation: &Evaluation, now: Timestamp) -> bool {
    evaluation.superseded_by.is_some() || now >= evaluation.deadline_at
}

/// Whether something may have to be done about a photo: else none of them need be read.
pub fn may_need_action(evaluation: &Evaluation, round: &Round, now: Timestamp) -> bool {
    ends_whatever_comes(evaluation, now) || is_silent(evaluation, None, round, now)
}

fn is_lost(evaluation: &Evaluation, record: &PhotoRecord, round: &Round, now: Timestamp) -> bool {
    let heard = record.deferred_until.max(record.resent_at);
    is_silent(evaluation, heard, round, now)
}

/// Whether nothing was heard for too long, of a photo that was heard of last then, or else when all were sent.
fn is_silent(
    evaluation: &Evaluation,
    heard: Option<Timestamp>,
    round: &Round,
    now: Timestamp,
) -> bool {
    match heard.max(evaluation.dispatched_at.max(evaluation.promoted_at)) {
        Some(heard) => round.is_lost(evaluation, heard, now),
        None => now >= evaluation.created_at.after(DISPATCH_GRACE),
    }
}

fn again(evaluation: &Evaluation, record: &PhotoRecord, now: Timestamp) -> Batch {
    let batch = Batch::new(
        &evaluation.evaluation_id,
        &evaluation.dr_number,
        vec![record.photo.clone()],
        now,
    );
    Batch {
        attempt: record.attempt,
        bulk: evaluation.bulk,
        ..batch
    }
}

/// The outcome of a photo that nobody is to be asked about any more.
fn end(evaluation: &Evaluation, record: &PhotoRecord, now: Timestamp) -> Message {
    let outcome = match evaluation.superseded_by {
        Some(_) => superseded(),
        None => expired(evaluation),
    };
    let id = &evaluation.evaluation_id;
    Message::outcome(id, &record.photo.photo_id, Report::bare(outcome, now))
}

fn expired(evaluation: &Evaluation) -> PhotoOutcome {
    let why = evaluation
        .waiting_reason
        .as_deref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    PhotoOutcome::not_evaluated(
        ReasonCode::Deadline,
        format!(
            "No answer came before the deadline{why}. \
             The photo is fine as far as is known; ask for the evaluation again."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, photo};

    const LOST: Round = Round {
        lost_after: Duration::from_secs(900),
        batches: None,
        bulk: None,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn dispatched() -> (Evaluation, PhotoRecord) {
        let evaluation = Evaluation {
            dispatched_at: Some(at(1)),
            ..evaluation_of(&["a.jpg"])
        };
        (evaluation, PhotoRecord::new(photo("a.jpg")))
    }

    #[test]
    fn what_merely_queues_behind_a_backlog_is_not_sent_again() {
        let (evaluation, record) = dispatched();
        let evaluation = Evaluation {
            deadline_at: at(43_200),
            ..evaluation
        };
        let progress = |due_at| {
            Some(Progress {
                due_at: at(due_at),
                seen_at: at(7200),
            })
        };
        let resent = |evaluation: &Evaluation, round: Round| {
            sweep(evaluation, std::slice::from_ref(&record), &round, at(7230)).len()
        };
        let behind = |due_at| Round {
            batches: progress(due_at),
            ..LOST
        };
        assert_eq!(resent(&evaluation, behind(0)), 0, "its turn has not come");
        assert_eq!(
            resent(&evaluation, behind(901)),
            1,
            "its turn came long ago"
        );
        let bulk = Evaluation {
            bulk: true,
            ..evaluation
        };
        assert_eq!(resent(&bulk, behind(0)), 1, "that is another queue");
    }

    #[test]
    fn an_evaluation_whose_place_was_taken_ends_at_once() {
        let (evaluation, record) = dispatched();
        let replaced = Evaluation {
            superseded_by: Some(evaluation.evaluation_id.clone()),
            ..evaluation
        };
        let actions = sweep(&replaced, &[record], &LOST, at(2));
        assert!(matches!(actions.as_slice(), [SweepAction::End(_)]));
        assert!(!wants_planning_anew(&replaced, LOST.lost_after, at(9999)));
    }

    #[test]
    fn a_question_is_planned_anew_when_no_release_knew_its_versions_for_minutes() {
        let (evaluation, _) = dispatched();
        let unknown = Evaluation {
            unknown_since: Some(at(100)),
            ..evaluation.clone()
        };
        let wanted = |evaluation: &Evaluation, now| {
            wants_planning_anew(evaluation, LOST.lost_after, at(now))
        };
        assert!(!wanted(&evaluation, 9999));
        assert_eq!(
            (wanted(&unknown, 399), wanted(&unknown, 400)),
            (false, true)
        );
    }

    #[test]
    fn a_photo_is_sent_again_only_when_nothing_was_heard_of_it_for_long_enough() {
        let (evaluation, record) = dispatched();
        let sweep = |record: &PhotoRecord, now| {
            sweep(&evaluation, std::slice::from_ref(record), &LOST, at(now)).len()
        };
        assert_eq!((sweep(&record, 900), sweep(&record, 901)), (0, 1));
        let deferred = PhotoRecord {
            deferred_until: Some(at(1000)),
            ..record.clone()
        };
        assert_eq!((sweep(&deferred, 1899), sweep(&deferred, 1900)), (0, 1));
        let resent = PhotoRecord {
            resent_at: Some(at(1500)),
            ..deferred
        };
        assert_eq!((sweep(&resent, 2399), sweep(&resent, 2400)), (0, 1));
    }

    #[test]
    fn batches_that_never_left_the_splitter_are_sent_within_two_minutes() {
        let (mut evaluation, record) = dispatched();
        evaluation.dispatched_at = None;
        assert!(sweep(&evaluation, std::slice::from_ref(&record), &LOST, at(59)).is_empty());
        assert_eq!(sweep(&evaluation, &[record], &LOST, at(60)).len(), 1);
    }

    #[test]
    fn what_a_crash_left_without_its_verdict_or_its_next_photos_is_gone_on_with() {
        let (pending, _) = dispatched();
        let done = Evaluation {
            pending: [].into(),
            ..pending.clone()
        };
        let ended = Evaluation {
            completed_at: Some(at(5)),
            ..done.clone()
        };
        let of = |what: fn(&Evaluation) -> bool| [&pending, &done, &ended].map(what);
        assert_eq!(of(needs_finalising), [false, true, false]);
        let held = Evaluation {
            held: pending.pending.clone(),
            ..pending.clone()
        };
        let held_and_ended = Evaluation {
            completed_at: Some(at(5)),
            ..held.clone()
        };
        assert!(
            needs_next_wave(&held)
                && !needs_next_wave(&pending)
                && !needs_next_wave(&held_and_ended)
        );
    }

    #[test]
    fn an_evaluation_grows_old_only_while_nothing_says_why_it_has_no_verdict() {
        let (evaluation, _) = dispatched();
        let created = evaluation.created_at;
        let now = created.after(Duration::from_secs(3 * 3600));
        let hours = |evaluation: &Evaluation| age(evaluation, now).as_secs() / 3600;
        let waits = Evaluation {
            waiting_since: Some(created),
            ..evaluation.clone()
        };
        let back = Evaluation {
            waited_until: Some(created.after(Duration::from_secs(2 * 3600))),
            ..evaluation.clone()
        };
        assert_eq!([&evaluation, &waits, &back].map(hours), [3, 0, 1]);
    }

    #[test]
    fn at_the_deadline_every_pending_photo_gets_a_reason_and_no_score() {
        let (mut evaluation, record) = dispatched();
        evaluation.waiting_reason = Some("the VLM is away".into());
        let done = PhotoRecord::new(photo("b.jpg"));
        let actions = sweep(&evaluation, &[record, done], &LOST, at(3600));
        let [SweepAction::End(message)] = actions.as_slice() else {
            panic!("{actions:?}")
        };
        let Message::Outcome(outcome) = &**message else {
            panic!("{message:?}")
        };
        assert!(outcome.report.outcome.is_provisional());
        assert!(
            serde_json::to_string(&outcome.report)
                .unwrap()
                .contains("the VLM is away")
        );
    }
}
