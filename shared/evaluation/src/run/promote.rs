//! Bringing bulk work forward: a person has asked what uploads had asked already.
//!
//! # Invariants
//! - Whoever claims it sends what has no outcome, once; bulk messages that are met afterwards are passed over. So a
//!   photo is asked about once more at most: if its bulk message was being worked on.
//! - If this ends between claiming and sending, the sweeper sends what it does not hear of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::error::RunError;
use super::ports::{Ports, Queue, UpdateResult, read};
use crate::decide::evaluation::Evaluation;
use crate::decide::message::{Batch, Message};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::updates;
use crate::domain::plan::{Photo, batches};

/// Sends what an evaluation waits for through the queue of what people wait for, if it is bulk work.
pub(super) async fn promote(
    ports: &impl Ports,
    evaluation: Box<Evaluation>,
) -> Result<Box<Evaluation>, RunError> {
    if !evaluation.bulk {
        return Ok(evaluation);
    }
    let id = &evaluation.evaluation_id;
    let claim = ports.update(updates::promoted(id, ports.now())).await?;
    let UpdateResult::Applied(item) = claim else {
        // Somebody else has.
        return Ok(Box::new(Evaluation {
            bulk: false,
            ..*evaluation
        }));
    };
    let promoted: Evaluation = read(item)?;
    let photos = ports.photos(id).await?;
    let messages = messages(ports, &promoted, &photos);
    let sent = messages.len();
    ports.send(Queue::Batches, messages, Duration::ZERO).await?;
    tracing::info!(evaluation.id = %id, batches.sent = sent, "a person waits for what uploads had asked");
    Ok(Box::new(promoted))
}

/// Photos that were put off equally often travel together.
fn messages(ports: &impl Ports, evaluation: &Evaluation, photos: &[PhotoRecord]) -> Vec<Message> {
    let waits = |record: &&PhotoRecord| {
        let id = &record.photo.photo_id;
        evaluation.pending.contains(id) && !evaluation.held.contains(id)
    };
    let mut by_attempt: BTreeMap<u32, Vec<Photo>> = BTreeMap::new();
    for record in photos.iter().filter(waits) {
        let equals = by_attempt.entry(record.attempt).or_default();
        equals.push(record.photo.clone());
    }
    let (id, dr) = (&evaluation.evaluation_id, &evaluation.dr_number);
    let message = |attempt, photos| {
        let batch = Batch::new(id, dr, photos, ports.now());
        Message::Batch(Batch { attempt, ..batch })
    };
    let size = usize::from(evaluation.photos_per_batch);
    by_attempt
        .into_iter()
        .flat_map(|(attempt, photos)| {
            let batches = batches(&photos, size).into_iter();
            batches.map(move |photos| message(attempt, photos))
        })
        .collect()
}
