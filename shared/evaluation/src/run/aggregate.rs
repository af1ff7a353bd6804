//! The aggregator: the only writer of outcomes. Which message leads to what.

use super::defer;
use super::error::RunError;
use super::ports::Ports;
use super::record::record_outcome;
use crate::decide::message::{Batch, Message};
use crate::decide::updates;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::report::Report;

/// Handles a message of the results queue or of a dead-letter queue.
pub async fn handle(ports: &impl Ports, message: Message) -> Result<(), RunError> {
    match message {
        Message::Outcome(outcome) => {
            record_outcome(
                ports,
                &outcome.evaluation_id,
                &outcome.photo_id,
                &outcome.report,
            )
            .await
        }
        Message::Deferral(note) => defer::defer(ports, &note).await,
        Message::Started(started) => ports
            .update(updates::started(&started.evaluation_id, started.at))
            .await
            .map(|_| ()),
        Message::Batch(batch) => dead_letter(ports, &batch).await,
        Message::QuietCheck(_) => Err(RunError::misplaced(
            "a message of the uploads queue came to the aggregator",
        )),
    }
}

/// A batch that ended in the dead-letter queue: its photos get an outcome that says so. A late answer may still take
/// its place.
async fn dead_letter(ports: &impl Ports, batch: &Batch) -> Result<(), RunError> {
    for photo in &batch.photos {
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
