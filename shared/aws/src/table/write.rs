//! Carrying out writes.
//!
//! # Invariants
//! - "Another was faster" is said of a condition that failed, and of nothing else.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    self, AttributeValue, DeleteRequest, PutRequest, ReturnValue, TransactWriteItem, WriteRequest,
};
use evaluation::decide::update::{Key, Part, Put, Update};
use evaluation::run::ports::UpdateResult;
use serde_json::Value;

use super::cancellation::{Cancelled, in_words};
use super::expression::Expressions;
use super::failure::{applied, is_conflict};
use super::{Item, Table, TableError, from_item, text};
use crate::rounds::{Round, until_nothing_is_left, until_settled};

/// DynamoDB's limit of one BatchWriteItem.
const ITEMS_PER_CALL: usize = 25;
/// Rounds in which what BatchWriteItem left unprocessed, or another transaction was in the way of, is tried again.
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
        let applied = until_settled(ROUNDS, async || match request.clone().send().await {
            Err(error) if is_conflict(&error) => {
                Ok(Round::Again(TableError::aws("UpdateItem", error)))
            }
            result => applied("UpdateItem", result).map(Round::Settled),
        });
        match applied.await? {
            None => Ok(UpdateResult::Refused),
            Some(output) => output
                .attributes
                .map(from_item)
                .transpose()
                .map(|after| UpdateResult::Applied(after.unwrap_or(Value::Null))),
        }
    }

    /// Does all parts or none; false if a guard was against it.
    pub async fn transact(&self, parts: &[Part]) -> Result<bool, TableError> {
        let items = parts
            .iter()
            .map(|part| self.part(part))
            .collect::<Result<Vec<_>, _>>()?;
        until_settled(ROUNDS, async || {
            let request = self.client.transact_write_items();
            let request = request.set_transact_items(Some(items.clone()));
            match request.send().await {
                Ok(_) => Ok(Round::Settled(true)),
                Err(error) => cancelled(error),
            }
        })
        .await
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

    /// Deletes items, those that are there. BatchWriteItem may leave some undone, as with puts.
    pub async fn delete_all(&self, keys: &[Key]) -> Result<(), TableError> {
        for chunk in keys.chunks(ITEMS_PER_CALL) {
            let deletes = chunk.iter().map(delete).collect::<Result<_, _>>()?;
            self.put_chunk(deletes).await?;
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

fn delete(key: &Key) -> Result<WriteRequest, TableError> {
    let (pk, sk) = key.parts();
    let delete = DeleteRequest::builder().key("pk", text(pk));
    let delete = delete.key("sk", text(sk)).build();
    let delete = delete.map_err(TableError::corrupt)?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}

const TRANSACT: &str = "TransactWriteItems";

/// What a transaction that was not done means: a refusal is an answer, a conflict is tried again.
///
/// What the SDK tries again by itself (throttling of the whole call) is not tried once more here.
fn cancelled(
    error: SdkError<TransactWriteItemsError>,
) -> Result<Round<bool, TableError>, TableError> {
    if is_conflict(&error) {
        return Ok(Round::Again(TableError::aws(TRANSACT, error)));
    }
    let Some(TransactWriteItemsError::TransactionCanceledException(why)) = error.as_service_error()
    else {
        return Err(TableError::aws(TRANSACT, error));
    };
    let (means, words) = (
        Cancelled::of(why.cancellation_reasons()),
        in_words(why.cancellation_reasons()),
    );
    match means {
        Cancelled::Refused => {
            tracing::info!(cause = words, "another writer was faster");
            Ok(Round::Settled(false))
        }
        Cancelled::Later => Ok(Round::Again(TableError::Busy {
            operation: TRANSACT,
            cause: words.into(),
        })),
        Cancelled::Wrong => Err(TableError::Failed {
            operation: TRANSACT,
            cause: words.into(),
        }),
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
            let members: Vec<String> = members
                .iter()
                .filter_map(|member| member.as_s().ok().cloned())
                .collect();
            // DynamoDB refuses an empty set; an absent one is empty.
            if members.is_empty() {
                item.remove(name);
            } else {
                item.insert(name.into(), AttributeValue::Ss(members));
            }
        }
    }
    Ok(item)
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "write_tests.rs"]
mod write_tests;

#[cfg(test)]
#[path = "size_tests.rs"]
mod size_tests;
