//! What the sweeper does about an unfinished evaluation, each minute.
//!
//! # Invariants
//! - A photo that is still pending after the deadline gets an outcome, so that every evaluation ends.
//! - A photo is taken to be lost only when nothing was heard of it for longer than any message can be invisible.

use std::time::Duration;

use super::evaluation::Evaluation;
use super::message::{Batch, Message};
use super::photo_record::PhotoRecord;
use super::quick;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;

/// Batches that never left the splitter (it crashed after writing the evaluation) are sent after this long.
const DISPATCH_GRACE: Duration = Duration::from_secs(60);

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
    lost_after: Duration,
    now: Timestamp,
) -> Vec<SweepAction> {
    let pending = photos
        .iter()
        .filter(|record| evaluation.pending.contains(&record.photo.photo_id));
    let held = |record: &&PhotoRecord| evaluation.held.contains(&record.photo.photo_id);
    if now >= evaluation.deadline_at {
        return pending
            .map(|record| SweepAction::End(Box::new(expired(evaluation, record, now))))
            .collect();
    }
    pending
        .filter(|record| !held(record) && is_lost(evaluation, record, lost_after, now))
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

fn is_lost(
    evaluation: &Evaluation,
    record: &PhotoRecord,
    lost_after: Duration,
    now: Timestamp,
) -> bool {
    let last_heard = [record.deferred_until, record.resent_at]
        .into_iter()
        .flatten()
        .max();
    match (last_heard, evaluation.dispatched_at) {
        (Some(heard), _) => now >= heard.after(lost_after),
        (None, Some(sent)) => now >= sent.after(lost_after),
        (None, None) => now >= evaluation.created_at.after(DISPATCH_GRACE),
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

fn expired(evaluation: &Evaluation, record: &PhotoRecord, now: Timestamp) -> Message {
    let why = evaluation
        .waiting_reason
        .as_deref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let outcome = PhotoOutcome::not_evaluated(
        ReasonCode::Deadline,
        format!(
            "No answer came before the deadline{why}. \
             The photo is fine as far as is known; ask for the evaluation again."
        ),
    );
    Message::outcome(
        &evaluation.evaluation_id,
        &record.photo.photo_id,
        Report::bare(outcome, now),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::{evaluation_of, photo};

    const LOST: Duration = Duration::from_secs(900);

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
    fn a_photo_is_sent_again_only_when_nothing_was_heard_of_it_for_long_enough() {
        let (evaluation, record) = dispatched();
        let sweep = |record: &PhotoRecord, now| {
            sweep(&evaluation, std::slice::from_ref(record), LOST, at(now)).len()
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
        assert!(sweep(&evaluation, std::slice::from_ref(&record), LOST, at(59)).is_empty());
        assert_eq!(sweep(&evaluation, &[record], LOST, at(60)).len(), 1);
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
    fn at_the_deadline_every_pending_photo_gets_a_reason_and_no_score() {
        let (mut evaluation, record) = dispatched();
        evaluation.waiting_reason = Some("the VLM is away".into());
        let done = PhotoRecord::new(photo("b.jpg"));
        let actions = sweep(&evaluation, &[record, done], LOST, at(3600));
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
