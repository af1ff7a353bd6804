//! Reading, always consistently.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Store, StoreError, from_item, text};
use crate::domain::ids::EvaluationId;
use crate::protocol::evaluation::{Evaluation, PhotoRecord};
use crate::protocol::write::Key;

#[derive(Deserialize)]
struct Listed {
    evaluation_id: EvaluationId,
}

impl Store {
    /// One item.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let (pk, sk) = key.parts();
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = request.key("pk", text(pk)).key("sk", text(sk)).send().await;
        answer.map_err(|cause| StoreError::aws("GetItem", cause))?.item.map(from_item).transpose()
    }

    /// The evaluation of this id.
    pub async fn evaluation(&self, id: &EvaluationId) -> Result<Option<Evaluation>, StoreError> {
        self.get(&Key::Evaluation(id.clone())).await
    }

    /// All photos of an evaluation, by photo id.
    pub async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, StoreError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :photo)");
        let query = query.expression_attribute_values(":pk", text(Key::Evaluation(id.clone()).parts().0));
        let mut items = query.expression_attribute_values(":photo", text("PHOTO#")).into_paginator().items().send();
        let mut photos = Vec::new();
        while let Some(item) = items.next().await {
            photos.push(from_item(item.map_err(|cause| StoreError::aws("Query", cause))?)?);
        }
        Ok(photos)
    }

    /// The ids of all unfinished evaluations, the earliest deadline first.
    pub async fn unfinished(&self) -> Result<Vec<EvaluationId>, StoreError> {
        let query = self.client.query().table_name(&self.table).index_name("active");
        let query = query.key_condition_expression("gsi_active = :active");
        let mut items = query.expression_attribute_values(":active", text("active")).into_paginator().items().send();
        let mut ids = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|cause| StoreError::aws("Query", cause))?;
            ids.push(from_item::<Listed>(item)?.evaluation_id);
        }
        Ok(ids)
    }
}
