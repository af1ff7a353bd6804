//! Putting photos off: sent again with a delay, and written down so that the evaluation says that it waits and why.
//!
//! # Invariants
//! - A probe's lease ends before anything else is done with a word on it: also where the photo is not waited for any more.
//! - The photo is sent again before the deferral is written down: a crash in between sends it twice, never not at all.
//! - What a person joins is not left to its bulk messages, which are passed over: after a deferral of bulk work was
//!   written down, the evaluation is read once more. Whoever joins first claims it and then reads the photos; so one
//!   of the two sees the other.

use super::error::RunError;
use super::ports::{Ports, evaluation};
use super::record::{known, record_first_look, record_outcome};
use crate::decide::breaker::{Breaker, ProbeId};
use crate::decide::defer::{
    DeferralAction, Resend, brought_forward, counts_as_failure, is_news, is_unknown, on_deferral,
    together,
};
use crate::decide::evaluation::Evaluation;
use crate::decide::message::{Deferral, Message};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::ids::EvaluationId;
use crate::figures;

/// Handles a note that photos must be asked about later.
pub(super) async fn defer(ports: &impl Ports, note: &Deferral) -> Result<(), RunError> {
    if let Some(probe) = note.probe() {
        end_probe(ports, &probe).await?;
    }
    let breaker = ports.get::<Breaker>(Key::Breaker).await?;
    let mut breaker = breaker.unwrap_or_default();
    let (mut resends, mut waits) = (Vec::new(), None);
    for alone in note.each() {
        let (id, photo) = (&alone.evaluation_id, &alone.photo.photo_id);
        let Some((evaluation, record)) = known(ports, id, photo).await? else {
            continue;
        };
        match on_deferral(&evaluation, &record, &alone, &breaker, ports.now()) {
            DeferralAction::Ignore => continue,
            DeferralAction::Resend(resend) => {
                if let Some(lease) = &resend.probe_lease {
                    breaker = breaker.claimed(lease);
                }
                resends.push(resend);
            }
            DeferralAction::GiveUp(report) => {
                tracing::error!(evaluation.id = %id, photo.name = %alone.photo.name, "the VLM keeps failing at a photo; given up");
                record_outcome(ports, id, photo, &report).await?;
            }
            DeferralAction::FirstLookStands(report) => {
                tracing::warn!(evaluation.id = %id, photo.name = %alone.photo.name, "no closer look at a photo; the first stands");
                record_first_look(ports, id, photo, &report).await?;
            }
        }
        waits = Some(evaluation);
    }
    match waits {
        Some(evaluation) if !resends.is_empty() => {
            wait(ports, note, &evaluation, together(resends)).await
        }
        _ => Ok(()),
    }
}

/// Sends photos again, and writes down that their evaluation waits.
async fn wait(
    ports: &impl Ports,
    note: &Deferral,
    evaluation: &Evaluation,
    resends: Vec<Resend>,
) -> Result<(), RunError> {
    let id = &note.evaluation_id;
    if counts_as_failure(note.cause) {
        let failure = updates::failure(&note.reason, note.at);
        ports.update(failure).await?;
    }
    for resend in &resends {
        put_off(ports, resend).await?;
        if resend.batch.bulk && !is_bulk_still(ports, id).await? {
            put_off(ports, &brought_forward(resend, note, ports.now())).await?;
        }
        let photos = &resend.batch.photos;
        ports.note(figures::of_deferral(note.cause, photos.len() as u64));
        for photo in photos {
            tracing::info!(
                evaluation.id = %id, photo.name = %photo.name, photo.attempt = resend.batch.attempt,
                retry.delay_ms = resend.delay.as_millis(), retry.reason = %note.reason, "a photo waits"
            );
        }
    }
    if is_news(evaluation, note) {
        let unknown = is_unknown(note.cause);
        let waiting = updates::waiting(id, note.at, &note.reason, unknown);
        ports.update(waiting).await?;
    }
    Ok(())
}

/// Ends a probe's lease, whatever became of it, so that another may be sent. That of another probe is left to it: a word
/// may be late, or be said twice.
pub(super) async fn end_probe(ports: &impl Ports, probe: &ProbeId) -> Result<(), RunError> {
    ports.update(updates::probe_ended(probe)).await.map(drop)
}

/// Sends a photo again, and writes down when it is due.
async fn put_off(ports: &impl Ports, resend: &Resend) -> Result<(), RunError> {
    send_again(ports, resend).await?;
    let id = &resend.batch.evaluation_id;
    for photo in &resend.batch.photos {
        let (attempt, until) = (resend.batch.attempt, resend.until);
        let deferred = updates::deferred(id, &photo.photo_id, attempt, until);
        ports.update(deferred).await?;
    }
    Ok(())
}

async fn is_bulk_still(ports: &impl Ports, id: &EvaluationId) -> Result<bool, RunError> {
    let now = evaluation(ports, id).await?;
    Ok(now.is_none_or(|evaluation| evaluation.bulk))
}

/// Sends a photo again; as a probe only if nobody else has claimed that.
async fn send_again(ports: &impl Ports, resend: &Resend) -> Result<(), RunError> {
    let mut batch = resend.batch.clone();
    if let Some(lease) = &resend.probe_lease {
        batch.probe = ports
            .update(updates::probe(lease, ports.now()))
            .await?
            .is_applied();
    }
    ports
        .send(batch.queue(), vec![Message::Batch(batch)], resend.delay)
        .await
}
