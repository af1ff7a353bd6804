//! The one DynamoDB table. What is written here is conditional wherever a second writer, or the same one again,
//! could do harm; each method says its condition.
//!
//! | pk | sk | what | written by |
//! | --- | --- | --- | --- |
//! | `EVALUATION#{id}` | `META` | an evaluation | splitter, aggregator |
//! | `EVALUATION#{id}` | `PHOTO#{photo_id}` | one of its photos and its outcome | splitter, aggregator, sweeper (time of resending) |
//! | `FINGERPRINT#{hash}` | `CURRENT` | the evaluation that answers this question | splitter |
//! | `DR#{dr_number}` | `UPLOADS` | when a photo was uploaded last | splitter |
//! | `VLM` | `BREAKER` | what is known of the VLM | aggregator |
//!
//! Index `by_dr` (`gsi_dr`, `gsi_created`) lists a DR's evaluations; index `active` (`gsi_active`, `gsi_due`) holds
//! the unfinished ones only.

mod breaker;
mod evaluations;
mod failure;
mod history;
mod outcomes;
mod uploads;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::evaluations::Opened;
pub use self::failure::StoreError;
pub use self::history::{Cursor, HistoryPage};
use crate::domain::ids::{EvaluationId, PhotoId};

type Item = HashMap<String, AttributeValue>;

/// Items are deleted some time after this many days.
const KEPT_FOR_SECONDS: i64 = 90 * 24 * 60 * 60;

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    async fn get<T: DeserializeOwned>(&self, key: (String, String)) -> Result<Option<T>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = request.key("pk", text(key.0)).key("sk", text(key.1)).send().await;
        answer.map_err(|cause| StoreError::aws("GetItem", cause))?.item.map(read).transpose()
    }
}

fn evaluation_key(id: &EvaluationId) -> (String, String) {
    (format!("EVALUATION#{id}"), "META".into())
}

fn photo_key(id: &EvaluationId, photo: &PhotoId) -> (String, String) {
    (format!("EVALUATION#{id}"), format!("PHOTO#{photo}"))
}

fn fingerprint_key(fingerprint: &str) -> (String, String) {
    (format!("FINGERPRINT#{fingerprint}"), "CURRENT".into())
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(StoreError::corrupt)
}

/// A value as one attribute.
fn attribute<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(StoreError::corrupt)
}

/// A value as an item under this key, to be deleted when it is old.
fn item<T: Serialize>(value: &T, key: (String, String), now_seconds: i64) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(StoreError::corrupt)?;
    item.insert("pk".into(), text(key.0));
    item.insert("sk".into(), text(key.1));
    item.insert("ttl".into(), number(now_seconds.saturating_add(KEPT_FOR_SECONDS)));
    Ok(item)
}
