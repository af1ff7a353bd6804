//! The circuit breaker's item: counted up by failures, removed by an answer, its probe claimed conditionally.

use super::failure::applied;
use super::{Store, StoreError, number, text};
use crate::domain::time::Timestamp;
use crate::protocol::breaker::Breaker;

fn key() -> (String, String) {
    ("VLM".into(), "BREAKER".into())
}

impl Store {
    /// What is known of the VLM.
    pub async fn breaker(&self) -> Result<Breaker, StoreError> {
        Ok(self.get(key()).await?.unwrap_or_default())
    }

    /// Counts a failure.
    pub async fn count_failure(&self, reason: &str, at: Timestamp) -> Result<(), StoreError> {
        let (pk, sk) = key();
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update =
            update.update_expression("SET reason = :reason, since = if_not_exists(since, :at) ADD failures :one");
        let update =
            update.expression_attribute_values(":reason", text(reason)).expression_attribute_values(":one", number(1));
        let update = update.expression_attribute_values(":at", number(at.as_millis()));
        update.send().await.map(|_| ()).map_err(|cause| StoreError::aws("UpdateItem", cause))
    }

    /// Notes that the VLM answered: nothing is held against it any more.
    pub async fn close_breaker(&self) -> Result<(), StoreError> {
        let (pk, sk) = key();
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update.update_expression("REMOVE failures, since, reason, probe_until");
        update.send().await.map(|_| ()).map_err(|cause| StoreError::aws("UpdateItem", cause))
    }

    /// Notes that the probe came back without an answer, so that another one may be sent.
    pub async fn release_probe(&self) -> Result<(), StoreError> {
        let (pk, sk) = key();
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        update
            .update_expression("REMOVE probe_until")
            .send()
            .await
            .map(|_| ())
            .map_err(|cause| StoreError::aws("UpdateItem", cause))
    }

    /// Claims the probe until `until`; false if another one is on its way.
    pub async fn claim_probe(&self, until: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let (pk, sk) = key();
        let update = self.client.update_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let update = update.update_expression("SET probe_until = :until");
        let update = update.condition_expression(
            "attribute_exists(failures) AND (attribute_not_exists(probe_until) OR probe_until <= :now)",
        );
        let update = update.expression_attribute_values(":until", number(until.as_millis()));
        let update = update.expression_attribute_values(":now", number(now.as_millis()));
        applied("UpdateItem", update.send().await).map(|output| output.is_some())
    }
}
