//! Quick mode: the next wave is sent, or what is not needed any more is let go.
//!
//! # Invariants
//! - Whoever sends a round has claimed it before, so that of two outcomes that end a round at once only one sends the
//!   next.
//! - A round stands in the queue before its photos are no longer held back: if this ends between the two, it is sent
//!   again once the claim has run out, and whoever has been asked about is not asked about twice.
//! - The outcome `not_needed` stands before its photo leaves the pending set, like any other.

use std::time::Duration;

use super::error::RunError;
use super::ports::{Ports, Queue, UpdateResult, read};
use crate::decide::evaluation::Evaluation;
use crate::decide::message::{Batch, Message};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::quick::{CLAIMED_FOR, Next, next};
use crate::decide::update::Members;
use crate::decide::updates;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::PhotoId;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::plan::{Photo, batches};
use crate::domain::report::Report;

/// Brings an evaluation on, after an outcome; the evaluation as it then stands, if that changed it.
pub(super) async fn go_on(
    ports: &impl Ports,
    evaluation: &Evaluation,
    catalogue: &Catalogue,
) -> Result<Option<Evaluation>, RunError> {
    let mut photos = ports.photos(&evaluation.evaluation_id).await?;
    photos.sort_by(|a, b| a.photo.name.cmp(&b.photo.name));
    match next(evaluation, &photos, catalogue) {
        Next::Wait => Ok(None),
        Next::Ask(wave) => send(ports, evaluation, &wave).await.map(|()| None),
        Next::End => not_needed(ports, evaluation, &photos).await,
    }
}

async fn send(ports: &impl Ports, evaluation: &Evaluation, wave: &[Photo]) -> Result<(), RunError> {
    let (id, now) = (&evaluation.evaluation_id, ports.now());
    let Some(sent) = Members::of(wave.iter().map(|photo| &photo.photo_id)) else {
        return Ok(());
    };
    let until = now.after(CLAIMED_FOR);
    let claim = updates::round_claimed(id, evaluation.round, until, now);
    if !ports.update(claim).await?.is_applied() {
        return Ok(());
    }
    let message =
        |photos| Message::Batch(Batch::new(id, &evaluation.dr_number, photos, ports.now()));
    let batches = batches(wave, usize::from(evaluation.photos_per_batch))
        .into_iter()
        .map(message)
        .collect();
    ports.send(Queue::Batches, batches, Duration::ZERO).await?;
    ports.update(updates::released(id, sent)).await?;
    tracing::info!(evaluation.id = %id, photos.sent = wave.len(), "quick mode looks at more photos");
    Ok(())
}

/// Photos without an outcome get one that says that they were not needed.
async fn not_needed(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
) -> Result<Option<Evaluation>, RunError> {
    let id = &evaluation.evaluation_id;
    let outcome = PhotoOutcome::not_evaluated(
        ReasonCode::NotNeeded,
        "Quick mode did not look at this photo: the verdict stood without it.",
    );
    let report = Report::bare(outcome, ports.now());
    let open: Vec<PhotoId> = photos
        .iter()
        .filter(|photo| photo.report.is_none())
        .map(|record| record.photo.photo_id.clone())
        .collect();
    for photo in &open {
        ports
            .update(updates::outcome(id, photo, &report, None))
            .await?;
    }
    // Those whose outcomes stand leave the pending set with whoever wrote them.
    let Some(let_go) = Members::of(&open) else {
        return Ok(None);
    };
    tracing::info!(evaluation.id = %id, photos.not_needed = open.len(), "quick mode needs no more photos");
    match ports.update(updates::not_needed(id, let_go)).await? {
        UpdateResult::Applied(item) => read(item).map(Some),
        UpdateResult::Refused => Ok(None),
    }
}
