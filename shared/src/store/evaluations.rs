//! Reading evaluations, and putting a new one in place.
//!
//! # Invariants
//! - An evaluation's photos stand before the evaluation does, so whoever sees it sees them all.
//! - A fingerprint is pointed elsewhere only by one who saw where it pointed: of two who start the same question at
//!   once, one is refused and joins the other.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{Put, PutRequest, TransactWriteItem, Update, WriteRequest};
use serde::Deserialize;

use super::failure::applied;
use super::{Store, StoreError, attribute, evaluation_key, fingerprint_key, item, number, photo_key, read, text};
use crate::domain::ids::{EvaluationId, PhotoId};
use crate::domain::time::Timestamp;
use crate::protocol::evaluation::{Evaluation, PhotoRecord};
use crate::protocol::start::NewEvaluation;

/// DynamoDB's limit of one BatchWriteItem.
const ITEMS_PER_WRITE: usize = 25;
/// Rounds in which what BatchWriteItem left unprocessed is tried again.
const WRITE_ROUNDS: u32 = 6;

/// What became of an attempt to put a new evaluation in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It stands.
    Yes,
    /// Another one was faster: look again.
    Overtaken,
}

#[derive(Deserialize)]
struct Pointer {
    evaluation_id: EvaluationId,
}

impl Store {
    /// The evaluation of this id.
    pub async fn evaluation(&self, id: &EvaluationId) -> Result<Option<Evaluation>, StoreError> {
        self.get(evaluation_key(id)).await
    }

    /// The evaluation that this fingerprint points to.
    pub async fn current(&self, fingerprint: &str) -> Result<Option<Evaluation>, StoreError> {
        match self.get::<Pointer>(fingerprint_key(fingerprint)).await? {
            Some(pointer) => self.evaluation(&pointer.evaluation_id).await,
            None => Ok(None),
        }
    }

    /// One photo of an evaluation.
    pub async fn photo(&self, id: &EvaluationId, photo: &PhotoId) -> Result<Option<PhotoRecord>, StoreError> {
        self.get(photo_key(id, photo)).await
    }

    /// All photos of an evaluation, by photo id.
    pub async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, StoreError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :photo)");
        let query = query
            .expression_attribute_values(":pk", text(evaluation_key(id).0))
            .expression_attribute_values(":photo", text("PHOTO#"));
        let mut pages = query.into_paginator().items().send();
        let mut photos = Vec::new();
        while let Some(found) = pages.next().await {
            photos.push(read(found.map_err(|cause| StoreError::aws("Query", cause))?)?);
        }
        Ok(photos)
    }

    /// Puts a new evaluation in place, on the condition that its fingerprint points where it was seen to point.
    pub async fn open(
        &self,
        new: &NewEvaluation,
        seen: Option<&EvaluationId>,
        supersedes: Option<&EvaluationId>,
    ) -> Result<Opened, StoreError> {
        self.put_photos(new).await?;
        let mut writes = vec![self.put_evaluation(&new.evaluation)?, self.put_pointer(&new.evaluation, seen)?];
        if let Some(old) = supersedes {
            writes.push(self.supersede(old, &new.evaluation.evaluation_id)?);
        }
        let result = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        match result {
            Ok(_) => Ok(Opened::Yes),
            Err(error) if error.as_service_error().and_then(|e| e.code()) == Some("TransactionCanceledException") => {
                tracing::info!(cause = %error.as_service_error().and_then(|e| e.message()).unwrap_or_default(), "another evaluation was faster");
                Ok(Opened::Overtaken)
            }
            Err(error) => Err(StoreError::aws("TransactWriteItems", error)),
        }
    }

    async fn put_photos(&self, new: &NewEvaluation) -> Result<(), StoreError> {
        let id = &new.evaluation.evaluation_id;
        let now = new.evaluation.created_at.as_seconds();
        for chunk in new.photos.chunks(ITEMS_PER_WRITE) {
            let mut writes = Vec::with_capacity(chunk.len());
            for record in chunk {
                let item = item(record, photo_key(id, &record.photo.photo_id), now)?;
                let put = PutRequest::builder().set_item(Some(item)).build().map_err(StoreError::corrupt)?;
                writes.push(WriteRequest::builder().put_request(put).build());
            }
            self.write_all(writes).await?;
        }
        Ok(())
    }

    /// BatchWriteItem may leave items unprocessed and still succeed: they are tried again.
    async fn write_all(&self, mut writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        for round in 0..WRITE_ROUNDS {
            let answer = self.client.batch_write_item().request_items(&self.table, writes).send().await;
            let answer = answer.map_err(|cause| StoreError::aws("BatchWriteItem", cause))?;
            writes = answer.unprocessed_items.unwrap_or_default().remove(&self.table).unwrap_or_default();
            if writes.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50 << round)).await;
        }
        Err(StoreError::Busy {
            operation: "BatchWriteItem",
            cause: format!("{} items stayed unprocessed", writes.len()),
        })
    }

    fn put_evaluation(&self, evaluation: &Evaluation) -> Result<TransactWriteItem, StoreError> {
        let mut item = item(evaluation, evaluation_key(&evaluation.evaluation_id), evaluation.created_at.as_seconds())?;
        item.insert("gsi_dr".into(), text(evaluation.dr_number.as_str()));
        item.insert("gsi_created".into(), text(evaluation.evaluation_id.as_str()));
        item.insert("gsi_active".into(), text("active"));
        item.insert("gsi_due".into(), text(evaluation.deadline_at.to_string()));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)");
        Ok(TransactWriteItem::builder().put(put.build().map_err(StoreError::corrupt)?).build())
    }

    fn put_pointer(
        &self,
        evaluation: &Evaluation,
        seen: Option<&EvaluationId>,
    ) -> Result<TransactWriteItem, StoreError> {
        let value = std::collections::HashMap::from([("evaluation_id", &evaluation.evaluation_id)]);
        let item = item(&value, fingerprint_key(&evaluation.fingerprint), evaluation.created_at.as_seconds())?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(id) => put
                .condition_expression("evaluation_id = :seen")
                .expression_attribute_values(":seen", text(id.as_str())),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(StoreError::corrupt)?).build())
    }

    /// Marks a running evaluation as replaced; refused when it has ended meanwhile.
    fn supersede(&self, old: &EvaluationId, new: &EvaluationId) -> Result<TransactWriteItem, StoreError> {
        let (pk, sk) = evaluation_key(old);
        let update = Update::builder().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update
            .update_expression("SET superseded_by = :new")
            .condition_expression("attribute_not_exists(completed_at)");
        let update =
            update.expression_attribute_values(":new", text(new.as_str())).build().map_err(StoreError::corrupt)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Notes that all batches stand in the queue.
    pub async fn mark_dispatched(&self, id: &EvaluationId, at: Timestamp) -> Result<(), StoreError> {
        self.mark(id, "SET dispatched_at = if_not_exists(dispatched_at, :at)", at).await
    }

    /// Notes that a batch function has begun.
    pub async fn mark_started(&self, id: &EvaluationId, at: Timestamp) -> Result<(), StoreError> {
        self.mark(id, "SET started_at = if_not_exists(started_at, :at)", at).await
    }

    async fn mark(&self, id: &EvaluationId, expression: &str, at: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = evaluation_key(id);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update.update_expression(expression).condition_expression("attribute_exists(pk)");
        let update = update.expression_attribute_values(":at", number(at.as_millis()));
        applied("UpdateItem", update.send().await).map(|_| ())
    }

    /// Notes that the sweeper is about to send a photo again; false if it has an outcome or was sent again meanwhile.
    pub async fn mark_resent(
        &self,
        id: &EvaluationId,
        record: &PhotoRecord,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (pk, sk) = photo_key(id, &record.photo.photo_id);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update =
            update.update_expression("SET resent_at = :at").expression_attribute_values(":at", number(at.as_millis()));
        let update = match record.resent_at {
            None => update.condition_expression(
                "attribute_exists(pk) AND attribute_not_exists(report) AND attribute_not_exists(resent_at)",
            ),
            Some(seen) => update
                .condition_expression("attribute_not_exists(report) AND resent_at = :seen")
                .expression_attribute_values(":seen", attribute(&seen)?),
        };
        applied("UpdateItem", update.send().await).map(|output| output.is_some())
    }
}
