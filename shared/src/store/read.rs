//! Reading, always consistently.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Item, Store, StoreError, from_item, text};
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::time::Timestamp;
use crate::protocol::current::Standing;
use crate::protocol::evaluation::{Evaluation, PhotoRecord};
use crate::protocol::write::Key;

/// DynamoDB's limit of one BatchGetItem.
const KEYS_PER_CALL: usize = 100;
/// Rounds in which what BatchGetItem left unprocessed is asked for again.
const ROUNDS: u32 = 6;

#[derive(Deserialize)]
struct Times {
    #[serde(default)]
    changed_at: Option<Timestamp>,
    #[serde(default)]
    valid_from: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Listed {
    evaluation_id: EvaluationId,
}

impl Store {
    /// One item.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let (pk, sk) = key.parts();
        let request = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true);
        let answer = request.key("pk", text(pk)).key("sk", text(sk)).send().await;
        answer
            .map_err(|cause| StoreError::aws("GetItem", cause))?
            .item
            .map(from_item)
            .transpose()
    }

    /// Items, in the order of their keys. BatchGetItem may leave keys unprocessed and still succeed: they are asked for again.
    pub async fn get_all<T: DeserializeOwned>(
        &self,
        keys: &[Key],
    ) -> Result<Vec<Option<T>>, StoreError> {
        let mut wanted: Vec<(String, String)> = keys.iter().map(Key::parts).collect();
        let order = wanted.clone();
        wanted.sort();
        wanted.dedup();
        let mut found = HashMap::new();
        for chunk in wanted.chunks(KEYS_PER_CALL) {
            self.get_chunk(chunk.to_vec(), &mut found).await?;
        }
        order
            .iter()
            .map(|key| found.get(key).cloned().map(from_item).transpose())
            .collect()
    }

    async fn get_chunk(
        &self,
        keys: Vec<(String, String)>,
        found: &mut HashMap<(String, String), Item>,
    ) -> Result<(), StoreError> {
        let key = |(pk, sk): (String, String)| {
            Item::from([("pk".into(), text(pk)), ("sk".into(), text(sk))])
        };
        let mut left: Vec<Item> = keys.into_iter().map(key).collect();
        for round in 0..ROUNDS {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(true)
                .build();
            let wanted = wanted.map_err(StoreError::corrupt)?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, wanted)
                .send()
                .await;
            let mut answer = answer.map_err(|cause| StoreError::aws("BatchGetItem", cause))?;
            let items = answer
                .responses
                .as_mut()
                .and_then(|tables| tables.remove(&self.table))
                .unwrap_or_default();
            found.extend(
                items
                    .into_iter()
                    .filter_map(|item| Some((keys_of(&item)?, item))),
            );
            left = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table)
                .map(|k| k.keys)
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50 << round)).await;
        }
        Err(StoreError::Busy {
            operation: "BatchGetItem",
            cause: format!("{} keys stayed unprocessed", left.len()),
        })
    }

    /// The evaluation of this id.
    pub async fn evaluation(&self, id: &EvaluationId) -> Result<Option<Evaluation>, StoreError> {
        self.get(&Key::Evaluation(id.clone())).await
    }

    /// How things stand with a DR: when its photos were changed last, and since when answers may be used.
    pub async fn standing(&self, dr: &DrNumber) -> Result<Standing, StoreError> {
        let keys = [
            Key::Uploads(dr.clone()),
            Key::Cache(Some(dr.clone())),
            Key::Cache(None),
        ];
        let found: Vec<Times> = self.get_all(&keys).await?.into_iter().flatten().collect();
        let latest = |times: fn(&Times) -> Option<Timestamp>| found.iter().filter_map(times).max();
        Ok(Standing {
            changed_at: latest(|times| times.changed_at).unwrap_or(Timestamp::MIN),
            valid_from: latest(|times| times.valid_from).unwrap_or(Timestamp::MIN),
        })
    }

    /// All photos of an evaluation, by photo id.
    pub async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :photo)");
        let query =
            query.expression_attribute_values(":pk", text(Key::Evaluation(id.clone()).parts().0));
        let mut items = query
            .expression_attribute_values(":photo", text("PHOTO#"))
            .into_paginator()
            .items()
            .send();
        let mut photos = Vec::new();
        while let Some(item) = items.next().await {
            photos.push(from_item(
                item.map_err(|cause| StoreError::aws("Query", cause))?,
            )?);
        }
        Ok(photos)
    }

    /// The ids of all unfinished evaluations, the earliest deadline first.
    pub async fn unfinished(&self) -> Result<Vec<EvaluationId>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("active");
        let query = query.key_condition_expression("gsi_active = :active");
        let mut items = query
            .expression_attribute_values(":active", text("active"))
            .into_paginator()
            .items()
            .send();
        let mut ids = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|cause| StoreError::aws("Query", cause))?;
            ids.push(from_item::<Listed>(item)?.evaluation_id);
        }
        Ok(ids)
    }
}

fn keys_of(item: &Item) -> Option<(String, String)> {
    let part = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some((part("pk")?, part("sk")?))
}
