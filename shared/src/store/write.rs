//! Carrying out writes.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    self, AttributeValue, PutRequest, ReturnValue, TransactWriteItem, WriteRequest,
};
use serde_json::Value;

use super::expression::Expressions;
use super::failure::applied;
use super::{Item, Store, StoreError, from_item, text};
use crate::flow::Written;
use crate::protocol::write::{Part, Put, Write};

/// DynamoDB's limit of one BatchWriteItem.
const ITEMS_PER_CALL: usize = 25;
/// Rounds in which what BatchWriteItem left unprocessed is tried again.
const ROUNDS: u32 = 6;

impl Store {
    /// Changes an item, unless a guard is against it.
    pub async fn write(&self, write: &Write) -> Result<Written, StoreError> {
        let (pk, sk) = write.key.parts();
        let expressions = Expressions::of(&write.guards, &write.changes)?;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk));
        let update = update
            .update_expression(&expressions.update)
            .set_condition_expression(expressions.condition.clone())
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values(ReturnValue::AllNew);
        match applied("UpdateItem", update.send().await)? {
            None => Ok(Written::Refused),
            Some(output) => output
                .attributes
                .map(from_item)
                .transpose()
                .map(|after| Written::Applied(after.unwrap_or(Value::Null))),
        }
    }

    /// Does all parts or none; false if a guard, or another transaction at the same time, was against it.
    pub async fn transact(&self, parts: &[Part]) -> Result<bool, StoreError> {
        let items = parts
            .iter()
            .map(|part| self.part(part))
            .collect::<Result<Vec<_>, _>>()?;
        let result = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        match result {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().and_then(|e| e.code())
                    == Some("TransactionCanceledException") =>
            {
                let cause = error
                    .as_service_error()
                    .and_then(|e| e.message())
                    .unwrap_or_default();
                tracing::info!(cause, "another writer was faster");
                Ok(false)
            }
            Err(error) => Err(StoreError::aws("TransactWriteItems", error)),
        }
    }

    fn part(&self, part: &Part) -> Result<TransactWriteItem, StoreError> {
        match part {
            Part::Put(put) => {
                let expressions = Expressions::of(&put.guards, &[])?;
                let put = types::Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(item(put)?));
                let put = put
                    .set_condition_expression(expressions.condition.clone())
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values());
                Ok(TransactWriteItem::builder()
                    .put(put.build().map_err(StoreError::corrupt)?)
                    .build())
            }
            Part::Write(write) => {
                let (pk, sk) = write.key.parts();
                let expressions = Expressions::of(&write.guards, &write.changes)?;
                let update = types::Update::builder()
                    .table_name(&self.table)
                    .key("pk", text(pk))
                    .key("sk", text(sk));
                let update = update
                    .update_expression(&expressions.update)
                    .set_condition_expression(expressions.condition.clone())
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values());
                Ok(TransactWriteItem::builder()
                    .update(update.build().map_err(StoreError::corrupt)?)
                    .build())
            }
        }
    }

    /// Puts items that need no guard. BatchWriteItem may leave some unprocessed and still succeed: they are tried again.
    pub async fn put_all(&self, puts: &[Put]) -> Result<(), StoreError> {
        for chunk in puts.chunks(ITEMS_PER_CALL) {
            let mut writes = Vec::with_capacity(chunk.len());
            for put in chunk {
                let put = PutRequest::builder()
                    .set_item(Some(item(put)?))
                    .build()
                    .map_err(StoreError::corrupt)?;
                writes.push(WriteRequest::builder().put_request(put).build());
            }
            self.put_chunk(writes).await?;
        }
        Ok(())
    }

    async fn put_chunk(&self, mut writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        for round in 0..ROUNDS {
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.table, writes)
                .send()
                .await;
            let answer = answer.map_err(|cause| StoreError::aws("BatchWriteItem", cause))?;
            writes = answer
                .unprocessed_items
                .unwrap_or_default()
                .remove(&self.table)
                .unwrap_or_default();
            if writes.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50 << round)).await;
        }
        Err(StoreError::Busy {
            operation: "BatchWriteItem",
            cause: format!("{} items stayed unprocessed", writes.len()),
        })
    }
}

/// Attributes that are sets, so that members can be taken out.
const SETS: [&str; 2] = ["pending", "held"];

/// A put's item, with its keys.
fn item(put: &Put) -> Result<Item, StoreError> {
    let (pk, sk) = put.key.parts();
    let mut item: Item = serde_dynamo::to_item(&put.item).map_err(StoreError::corrupt)?;
    item.insert("pk".into(), text(pk));
    item.insert("sk".into(), text(sk));
    for name in SETS {
        if let Some(AttributeValue::L(members)) = item.get(name) {
            let members = members
                .iter()
                .filter_map(|member| member.as_s().ok().cloned())
                .collect();
            item.insert(name.into(), AttributeValue::Ss(members));
        }
    }
    Ok(item)
}
