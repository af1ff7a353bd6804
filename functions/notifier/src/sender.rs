//! Sending to connections.
//!
//! # Invariants
//! - A client costs nobody else anything: each has a bounded time, and whoever does not take a message in it is
//!   disconnected.

use std::time::Duration;

use aws::SdkConfig;
use aws::configuration::{ConfigError, required, seconds};
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::config::Builder;
use aws_sdk_apigatewaymanagement::config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use serde_json::Value;
use tokio::time::timeout;

use crate::connections::Connections;

/// The connections' other ends.
pub(crate) struct Sender {
    client: Client,
    connections: Connections,
    /// What takes longer hangs.
    within: Duration,
}

impl Sender {
    /// By the address in `EVENTS_ENDPOINT`, each within `SEND_WITHIN_SECONDS`. Nothing is tried again: the client notices the gap and asks.
    pub(crate) fn from_env(
        config: &SdkConfig,
        connections: Connections,
    ) -> Result<Self, ConfigError> {
        let built = Builder::from(config).endpoint_url(required("EVENTS_ENDPOINT")?);
        let built = built.retry_config(RetryConfig::disabled()).build();
        Ok(Self {
            client: Client::from_conf(built),
            connections,
            within: seconds("SEND_WITHIN_SECONDS")?,
        })
    }

    /// Sends messages to a connection, one after another. One that is gone, or too slow, is forgotten.
    pub(crate) async fn send(&self, id: &str, messages: &[Value]) {
        for message in messages {
            let data = Blob::new(message.to_string());
            let post = self
                .client
                .post_to_connection()
                .connection_id(id)
                .data(data);
            match timeout(self.within, post.send()).await {
                Ok(Ok(_)) => (),
                Ok(Err(error))
                    if error
                        .as_service_error()
                        .is_some_and(|error| error.is_gone_exception()) =>
                {
                    return self.forget(id).await;
                }
                Ok(Err(error)) => {
                    let error = evaluation::run::error::with_causes(&error);
                    tracing::warn!(connection.id = id, error, "a message was not taken");
                    return;
                }
                Err(_) => {
                    tracing::warn!(
                        connection.id = id,
                        "a client is too slow, and is disconnected"
                    );
                    return self.disconnect(id).await;
                }
            }
        }
    }

    /// Ends a connection.
    pub(crate) async fn disconnect(&self, id: &str) {
        let end = self.client.delete_connection().connection_id(id).send();
        if !matches!(timeout(self.within, end).await, Ok(Ok(_))) {
            tracing::info!(
                connection.id = id,
                "a connection could not be ended; it is forgotten"
            );
        }
        self.forget(id).await;
    }

    async fn forget(&self, id: &str) {
        if let Err(error) = self.connections.close(id).await {
            tracing::warn!(connection.id = id, error = %error.with_causes(), "a connection was not forgotten; it expires");
        }
    }
}
