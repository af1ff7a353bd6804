//! The aggregator: the only writer of outcomes. Which message leads to what.

use super::error::RunError;
use super::ports::Ports;
use super::progress::note_progress;
use super::record::{record_first_look, record_outcome};
use super::{defer, look};
use crate::decide::message::{Batch, Message};
use crate::decide::updates;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::report::Report;

/// Handles a message of the results queue or of a dead-letter queue.
pub async fn handle(ports: &impl Ports, message: Message) -> Result<(), RunError> {
    match message {
        Message::Outcome(outcome) => {
            let (id, photo) = (&outcome.evaluation_id, &outcome.photo_id);
            record_outcome(ports, id, photo, &outcome.report).await?;
            // One that was no answer says nothing about the VLM: somebody else must ask.
            if let Some(probe) = outcome.probe() {
                defer::end_probe(ports, &probe).await?;
            }
            note_progress(ports, photo, outcome.received).await
        }
        Message::Deferral(note) => {
            defer::defer(ports, &note).await?;
            note_progress(ports, &note.photo.photo_id, note.received()).await
        }
        Message::Looked(looked) => look::record(ports, &looked).await,
        // Its time is over.
        Message::Look(_) => Ok(()),
        Message::Started(started) => ports
            .update(updates::started(&started.evaluation_id, started.at))
            .await
            .map(|_| ()),
        Message::Batch(batch) => dead_letter(ports, &batch).await,
        Message::QuietCheck(_) | Message::PlanAnew(_) => Err(RunError::misplaced(
            "a message of the uploads queue came to the aggregator",
        )),
    }
}

/// A batch that ended in the dead-letter queue: its photos get an outcome that says so. A late answer may still take
/// its place. Where only the closer look was still to come, what was seen first stands.
async fn dead_letter(ports: &impl Ports, batch: &Batch) -> Result<(), RunError> {
    if let Some(probe) = batch.probe() {
        defer::end_probe(ports, &probe).await?;
    }
    for photo in &batch.photos {
        if let Some(seen) = &batch.seen {
            record_first_look(ports, &batch.evaluation_id, &photo.photo_id, seen).await?;
            continue;
        }
        let message = "Processing this photo failed repeatedly. The photo may be fine; ask for the evaluation again.";
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::DeadLettered, message);
        tracing::error!(evaluation.id = %batch.evaluation_id, photo.name = %photo.name, "a photo ended in the dead-letter queue");
        record_outcome(
            ports,
            &batch.evaluation_id,
            &photo.photo_id,
            &Report::bare(outcome, ports.now()),
        )
        .await?;
    }
    Ok(())
}
