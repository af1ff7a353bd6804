//! One round of sweeping.

use std::time::Duration;

use serde::Serialize;

use super::error::RunError;
use super::ports::{Ports, Queue, evaluation};
use crate::decide::evaluation::Evaluation;
use crate::decide::message::{Batch, Message};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::sweep::{SweepAction, needs_finalising, needs_next_wave, sweep};
use crate::decide::updates;
use crate::domain::ids::EvaluationId;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Evaluations looked at.
    pub unfinished: usize,
    /// Photos sent again.
    pub resent: usize,
    /// Photos whose time was up.
    pub ended: usize,
    /// Evaluations whose verdict was asked for again.
    pub repeated: usize,
    /// Evaluations that could not be looked at.
    pub failed: usize,
}

/// Looks at every unfinished evaluation. One that fails does not keep the others from being looked at.
pub async fn run(ports: &impl Ports, lost_after: Duration) -> Result<Swept, RunError> {
    let unfinished = ports.unfinished().await?;
    let mut swept = Swept {
        unfinished: unfinished.len(),
        ..Swept::default()
    };
    for id in &unfinished {
        if let Err(error) = look(ports, id, lost_after, &mut swept).await {
            tracing::error!(evaluation.id = %id, error = %error.with_causes(), "an evaluation could not be swept");
            swept.failed += 1;
        }
    }
    Ok(swept)
}

async fn look(
    ports: &impl Ports,
    id: &EvaluationId,
    lost_after: Duration,
    swept: &mut Swept,
) -> Result<(), RunError> {
    let Some(evaluation) = evaluation(ports, id).await? else {
        return Ok(());
    };
    let photos = ports.photos(id).await?;
    if needs_finalising(&evaluation) {
        swept.repeated += 1;
        return repeat_outcome(ports, &evaluation, &photos).await;
    }
    if needs_next_wave(&evaluation) && ports.now() < evaluation.deadline_at {
        swept.repeated += 1;
        return repeat_outcome(ports, &evaluation, &photos).await;
    }
    for action in sweep(&evaluation, &photos, lost_after, ports.now()) {
        match action {
            SweepAction::End(outcome) => {
                ports
                    .send(Queue::Results, vec![*outcome], Duration::ZERO)
                    .await?;
                swept.ended += 1;
            }
            SweepAction::Resend(batch) => {
                resend(ports, &evaluation, batch, &photos).await?;
                swept.resent += 1;
            }
        }
    }
    Ok(())
}

/// Says a recorded outcome again, so that the aggregator finishes what it was kept from finishing.
async fn repeat_outcome(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
) -> Result<(), RunError> {
    let recorded = photos
        .iter()
        .find_map(|photo| Some((&photo.photo.photo_id, photo.report.clone()?)));
    let Some((photo_id, report)) = recorded else {
        return Ok(());
    };
    let message = Message::outcome(&evaluation.evaluation_id, photo_id, report);
    ports
        .send(Queue::Results, vec![message], Duration::ZERO)
        .await
}

async fn resend(
    ports: &impl Ports,
    evaluation: &Evaluation,
    batch: Batch,
    photos: &[PhotoRecord],
) -> Result<(), RunError> {
    let sent = batch.photos.first().map(|photo| photo.photo_id.clone());
    let Some(record) = photos
        .iter()
        .find(|record| Some(&record.photo.photo_id) == sent.as_ref())
    else {
        return Ok(());
    };
    ports
        .send(batch.queue(), vec![Message::Batch(batch)], Duration::ZERO)
        .await?;
    ports
        .update(updates::resent(
            &evaluation.evaluation_id,
            record,
            ports.now(),
        ))
        .await?;
    tracing::warn!(evaluation.id = %evaluation.evaluation_id, photo.name = %record.photo.name, "a photo not heard of was sent again");
    Ok(())
}
