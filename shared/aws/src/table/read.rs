//! Reading, always consistently.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use evaluation::decide::look::LookRecord;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::update::Key;
use evaluation::domain::ids::{DrNumber, EvaluationId, PhotoId};
use evaluation::domain::review;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Item, Table, TableError, from_item, text};
use crate::rounds::until_nothing_is_left;

/// DynamoDB's limit of one BatchGetItem.
const KEYS_PER_CALL: usize = 100;
/// Rounds in which what BatchGetItem left unprocessed is asked for again.
const ROUNDS: u32 = 6;

impl Table {
    /// One item.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, TableError> {
        let (pk, sk) = key.parts();
        let request = self
            .client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true);
        let answer = request.key("pk", text(pk)).key("sk", text(sk)).send().await;
        answer
            .map_err(|cause| TableError::aws("GetItem", cause))?
            .item
            .map(from_item)
            .transpose()
    }

    /// Items, in the order of their keys. BatchGetItem may leave keys unprocessed and still succeed: they are asked
    /// for again.
    pub async fn get_all<T: DeserializeOwned>(
        &self,
        keys: &[Key],
    ) -> Result<Vec<Option<T>>, TableError> {
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
    ) -> Result<(), TableError> {
        let key = |(pk, sk): (String, String)| {
            Item::from([("pk".into(), text(pk)), ("sk".into(), text(sk))])
        };
        let keys: Vec<Item> = keys.into_iter().map(key).collect();
        let left = until_nothing_is_left(keys, ROUNDS, async |keys| {
            let (items, left) = self.batch_get(keys).await?;
            let keyed = |item| Some((keys_of(&item)?, item));
            found.extend(items.into_iter().filter_map(keyed));
            Ok(left)
        });
        match left.await?.len() {
            0 => Ok(()),
            left => Err(TableError::Unprocessed {
                operation: "BatchGetItem",
                left,
            }),
        }
    }

    /// The items of these keys, and the keys that were left unprocessed.
    async fn batch_get(&self, keys: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>), TableError> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys));
        let wanted = wanted.consistent_read(true).build();
        let wanted = wanted.map_err(TableError::corrupt)?;
        let request = self
            .client
            .batch_get_item()
            .request_items(&self.name, wanted);
        let answer = request.send().await;
        let answer = answer.map_err(|cause| TableError::aws("BatchGetItem", cause))?;
        let items = answer.responses.unwrap_or_default().remove(&self.name);
        let left = answer
            .unprocessed_keys
            .unwrap_or_default()
            .remove(&self.name);
        Ok((
            items.unwrap_or_default(),
            left.map(|left| left.keys).unwrap_or_default(),
        ))
    }

    /// All photos of an evaluation, by photo id.
    pub async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, TableError> {
        self.below(&Key::Evaluation(id.clone()), "PHOTO#").await
    }

    /// All looks at photos of a DR, by photo id.
    pub async fn looks(&self, dr: &DrNumber) -> Result<Vec<LookRecord>, TableError> {
        let any = PhotoId::of("", "");
        self.below(&Key::Look(dr.clone(), any), "LOOK#").await
    }

    /// All items of what people decided of a DR, in the order of their numbers.
    pub async fn reviews(&self, dr: &DrNumber) -> Result<Vec<Value>, TableError> {
        self.below(&Key::Review(dr.clone(), 0), review::PREFIX)
            .await
    }

    /// The items of a key's partition whose sort keys begin so.
    async fn below<T: DeserializeOwned>(
        &self,
        of: &Key,
        prefix: &str,
    ) -> Result<Vec<T>, TableError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
        let query = query.expression_attribute_values(":pk", text(of.parts().0));
        let mut items = query
            .expression_attribute_values(":prefix", text(prefix))
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            found.push(from_item(
                item.map_err(|cause| TableError::aws("Query", cause))?,
            )?);
        }
        Ok(found)
    }
}

fn keys_of(item: &Item) -> Option<(String, String)> {
    let part = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    Some((part("pk")?, part("sk")?))
}
