//! When a photo of a DR was uploaded last; it only moves forward.

use serde::Deserialize;

use super::failure::applied;
use super::{KEPT_FOR_SECONDS, Store, StoreError, number, text};
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;

fn key(dr: &DrNumber) -> (String, String) {
    (format!("DR#{dr}"), "UPLOADS".into())
}

#[derive(Deserialize)]
struct Uploads {
    uploaded_at: Timestamp,
}

impl Store {
    /// Notes an upload, unless a later one is known.
    pub async fn note_upload(&self, dr: &DrNumber, at: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = key(dr);
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update =
            update.update_expression("SET uploaded_at = :at, #ttl = :ttl").expression_attribute_names("#ttl", "ttl");
        let update = update.condition_expression("attribute_not_exists(uploaded_at) OR uploaded_at < :at");
        let update = update.expression_attribute_values(":at", number(at.as_millis()));
        let update = update.expression_attribute_values(":ttl", number(at.as_seconds() + KEPT_FOR_SECONDS));
        applied("UpdateItem", update.send().await).map(|_| ())
    }

    /// When a photo of this DR was uploaded last.
    pub async fn last_upload(&self, dr: &DrNumber) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Uploads>(key(dr)).await?.map(|uploads| uploads.uploaded_at))
    }
}
