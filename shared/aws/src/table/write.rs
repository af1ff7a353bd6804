//! Carrying out writes.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    self, AttributeValue, PutRequest, ReturnValue, TransactWriteItem, WriteRequest,
};
use evaluation::decide::update::{Part, Put, Update};
use evaluation::run::ports::UpdateResult;
use serde_json::Value;

use super::expression::Expressions;
use super::failure::applied;
use super::{Item, Table, TableError, from_item, text};
use crate::rounds::until_nothing_is_left;

/// DynamoDB's limit of one BatchWriteItem.
const ITEMS_PER_CALL: usize = 25;
/// Rounds in which what BatchWriteItem left unprocessed is tried again.
const ROUNDS: u32 = 6;

impl Table {
    /// Changes an item, unless a guard is against it.
    pub async fn update(&self, update: &Update) -> Result<UpdateResult, TableError> {
        let (pk, sk) = update.key.parts();
        let expressions = Expressions::of(&update.guards, &update.actions)?;
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", text(pk))
            .key("sk", text(sk));
        let request = request
            .update_expression(&expressions.update)
            .set_condition_expression(expressions.condition.clone())
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .return_values(ReturnValue::AllNew);
        match applied("UpdateItem", request.send().await)? {
            None => Ok(UpdateResult::Refused),
            Some(output) => output
                .attributes
                .map(from_item)
                .transpose()
                .map(|after| UpdateResult::Applied(after.unwrap_or(Value::Null))),
        }
    }

    /// Does all parts or none; false if a guard, or another transaction at the same time, was against it.
    pub async fn transact(&self, parts: &[Part]) -> Result<bool, TableError> {
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
            Err(error) => Err(TableError::aws("TransactWriteItems", error)),
        }
    }

    fn part(&self, part: &Part) -> Result<TransactWriteItem, TableError> {
        match part {
            Part::Put(put) => {
                let expressions = Expressions::of(&put.guards, &[])?;
                let put = types::Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(item(put)?));
                let put = put
                    .set_condition_expression(expressions.condition.clone())
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values());
                Ok(TransactWriteItem::builder()
                    .put(put.build().map_err(TableError::corrupt)?)
                    .build())
            }
            Part::Update(update) => {
                let (pk, sk) = update.key.parts();
                let expressions = Expressions::of(&update.guards, &update.actions)?;
                let request = types::Update::builder()
                    .table_name(&self.name)
                    .key("pk", text(pk))
                    .key("sk", text(sk));
                let request = request
                    .update_expression(&expressions.update)
                    .set_condition_expression(expressions.condition.clone())
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values());
                Ok(TransactWriteItem::builder()
                    .update(request.build().map_err(TableError::corrupt)?)
                    .build())
            }
        }
    }

    /// Puts items that need no guard. BatchWriteItem may leave some unprocessed and still succeed: they are tried
    /// again.
    pub async fn put_all(&self, puts: &[Put]) -> Result<(), TableError> {
        for chunk in puts.chunks(ITEMS_PER_CALL) {
            let mut writes = Vec::with_capacity(chunk.len());
            for put in chunk {
                let put = PutRequest::builder()
                    .set_item(Some(item(put)?))
                    .build()
                    .map_err(TableError::corrupt)?;
                writes.push(WriteRequest::builder().put_request(put).build());
            }
            self.put_chunk(writes).await?;
        }
        Ok(())
    }

    async fn put_chunk(&self, writes: Vec<WriteRequest>) -> Result<(), TableError> {
        let left = until_nothing_is_left(writes, ROUNDS, async |writes| {
            let request = self
                .client
                .batch_write_item()
                .request_items(&self.name, writes);
            let answer = request.send().await;
            let answer = answer.map_err(|cause| TableError::aws("BatchWriteItem", cause))?;
            let left = answer
                .unprocessed_items
                .unwrap_or_default()
                .remove(&self.name);
            Ok(left.unwrap_or_default())
        });
        match left.await?.len() {
            0 => Ok(()),
            left => Err(TableError::Unprocessed {
                operation: "BatchWriteItem",
                left,
            }),
        }
    }
}

/// Attributes that are sets, so that members can be taken out.
const SETS: [&str; 2] = ["pending", "held"];

/// A put's item, with its keys.
fn item(put: &Put) -> Result<Item, TableError> {
    let (pk, sk) = put.key.parts();
    let mut item: Item = serde_dynamo::to_item(&put.item).map_err(TableError::corrupt)?;
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

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "size_tests.rs"]
mod size_tests;
