//! Putting a photo off: when it is asked about again, and when it is given up.

use std::time::Duration;

use super::backoff;
use super::breaker::{self, Breaker, ProbeId, ProbeLease};
use super::evaluation::Evaluation;
use super::message::{Batch, Deferral, DeferralCause};
use super::photo_record::PhotoRecord;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;

/// So many failures at a photo, each right after others were answered, are the photo's own.
const FAULTS_TO_GIVE_UP: u32 = 3;

/// What to do with a deferral that arrived.
#[derive(Debug, Clone, PartialEq)]
pub enum DeferralAction {
    /// The photo has an outcome, or this deferral was recorded before.
    Ignore,
    /// Ask about the photo again later.
    Resend(Resend),
    /// The VLM answers others and keeps failing at this photo: it gets this outcome.
    GiveUp(Report),
    /// It is not asked about any more, and was looked at: only the closer look failed, or would come too late.
    FirstLookStands(Report),
}

/// How a photo is sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct Resend {
    /// The message to send.
    pub batch: Batch,
    /// Its delay, at most SQS's 15 minutes.
    pub delay: Duration,
    /// When it is due.
    pub until: Timestamp,
    /// For a probe: its lease. Claim it with a conditional write before sending; if that is refused, send the message,
    /// and not as a probe.
    pub probe_lease: Option<ProbeLease>,
}

/// Decides about a deferral.
///
/// A photo that failed as a probe is not the next probe: were it the photo's fault, no other would ever be asked.
pub fn on_deferral(
    evaluation: &Evaluation,
    record: &PhotoRecord,
    note: &Deferral,
    breaker: &Breaker,
    now: Timestamp,
) -> DeferralAction {
    if !evaluation.pending.contains(&note.photo.photo_id) || record.attempt > note.attempt {
        return DeferralAction::Ignore;
    }
    let faults = note
        .faults
        .saturating_add(u32::from(is_photos_fault(note.cause, breaker)));
    if faults >= FAULTS_TO_GIVE_UP {
        let first = note.seen.clone();
        let stands = first.map(|seen| DeferralAction::FirstLookStands(*seen));
        return stands.unwrap_or_else(|| DeferralAction::GiveUp(given_up(note, now)));
    }
    let photo = &note.photo.photo_id;
    let delay = if evaluation.bulk && note.cause == DeferralCause::BreakerOpen {
        backoff::delay_of_bulk(photo, note.attempt)
    } else {
        backoff::delay(photo, note.attempt, note.retry_after())
    };
    let (probe_delay, until) = breaker::probe(delay, note.retry_after(), now);
    let of = ProbeId::of(&note.evaluation_id, photo, note.attempt.saturating_add(1));
    let probes = breaker.wants_probe(&of, now) && !note.probe && !is_unknown(note.cause);
    let delay = if probes { probe_delay } else { delay };
    if let Some(seen) = &note.seen
        && now.after(delay) >= evaluation.deadline_at
    {
        return DeferralAction::FirstLookStands(Report::clone(seen));
    }
    let mut batch = again(evaluation, note, faults, now.after(delay));
    batch.probe = probes;
    DeferralAction::Resend(Resend {
        until: batch.due_at,
        batch,
        delay,
        probe_lease: probes.then_some(ProbeLease { of, until }),
    })
}

/// What was put off together is asked about together, after the wait of the first: else each invocation would ask about
/// one photo only once the VLM is back. A probe goes alone.
pub fn together(resends: Vec<Resend>) -> Vec<Resend> {
    let mut joined: Vec<Resend> = Vec::new();
    for resend in resends {
        let fits = |to: &&mut Resend| {
            let kind = |of: &Resend| (of.batch.bulk, of.batch.faults, of.batch.attempt);
            let alone = |of: &Resend| of.batch.probe || of.batch.seen.is_some();
            !alone(to) && !alone(&resend) && kind(to) == kind(&resend)
        };
        match joined.iter_mut().find(fits) {
            Some(to) => to.batch.photos.extend(resend.batch.photos),
            None => joined.push(resend),
        }
    }
    joined
}

/// The message with which a photo is sent again.
fn again(evaluation: &Evaluation, note: &Deferral, faults: u32, due_at: Timestamp) -> Batch {
    let (id, dr, photos) = (
        &note.evaluation_id,
        &note.dr_number,
        vec![note.photo.clone()],
    );
    Batch {
        attempt: note.attempt.saturating_add(1),
        // Not as in the note: a person may have joined meanwhile.
        bulk: evaluation.bulk,
        faults,
        seen: note.seen.clone(),
        ..Batch::new(id, dr, photos, due_at)
    }
}

/// The photo of a resent bulk message once more, without the rest of bulk work: a person joined meanwhile. Its attempt is
/// later than any that whoever joined can have read.
pub fn brought_forward(resend: &Resend, note: &Deferral, now: Timestamp) -> Resend {
    let delay = backoff::delay(&note.photo.photo_id, note.attempt, note.retry_after());
    let until = now.after(delay);
    let batch = Batch {
        attempt: resend.batch.attempt.saturating_add(1),
        due_at: until,
        bulk: false,
        probe: false,
        ..resend.batch.clone()
    };
    Resend {
        batch,
        delay,
        until,
        probe_lease: None,
    }
}

/// Whether a failure speaks against the photo: the VLM failed at it, and nothing had failed since its last answer. In
/// an outage that is true of the first failure only.
fn is_photos_fault(cause: DeferralCause, breaker: &Breaker) -> bool {
    cause == DeferralCause::Failed && breaker.failures == 0
}

fn given_up(note: &Deferral, now: Timestamp) -> Report {
    let message = "The model's server failed at this photo again and again, and answered others. Take the photo again.";
    let outcome = PhotoOutcome::not_evaluated(ReasonCode::Refused, message);
    Report {
        attempt: note.attempt,
        ..Report::bare(outcome, now)
    }
}

/// Whether a deferral says something that the evaluation does not say yet. In an outage photos are put off again and
/// again for one reason, and each write to an evaluation is paid for.
pub fn is_news(evaluation: &Evaluation, note: &Deferral) -> bool {
    evaluation.waiting_since.is_none()
        || evaluation.waiting_reason.as_deref() != Some(note.reason.as_str())
        || evaluation.unknown_since.is_some() != is_unknown(note.cause)
}

/// Whether a photo was put off because nobody was met who knows its evaluation's versions.
pub fn is_unknown(cause: DeferralCause) -> bool {
    cause == DeferralCause::AnotherRelease
}

/// Whether a deferral counts as a failure of the VLM.
pub fn counts_as_failure(cause: DeferralCause) -> bool {
    matches!(cause, DeferralCause::Unavailable | DeferralCause::Failed)
}

#[cfg(test)]
#[path = "defer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "defer_law_tests.rs"]
mod laws;
