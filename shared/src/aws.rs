//! AWS behind the flows. The clients are built once when a function starts.

use std::time::Duration;

pub use aws_config::SdkConfig;
use serde::de::DeserializeOwned;

use crate::config::{ConfigError, optional, required};
use crate::domain::ids::EvaluationId;
use crate::domain::time::Timestamp;
use crate::flow::{Ports, Queue, Trouble, Written};
use crate::protocol::evaluation::PhotoRecord;
use crate::protocol::message::Message;
use crate::protocol::write::{Key, Part, Put, Write};
use crate::queues::{QueueError, Queues};
use crate::store::{Store, StoreError};

/// Region and credentials from the environment.
pub async fn load() -> SdkConfig {
    aws_config::load_from_env().await
}

/// The table named by `TABLE_NAME`.
pub fn store(config: &SdkConfig) -> Result<Store, ConfigError> {
    Ok(Store::new(
        aws_sdk_dynamodb::Client::new(config),
        required("TABLE_NAME")?,
    ))
}

/// The bucket's client. Path style, where the endpoint is a number (a local emulator), is the SDK's own choice.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(config)
}

/// The batches queue of what nobody waits for; without one, everything goes through the batches queue.
const BULK_VARIABLE: &str = "BULK_QUEUE_URL";

/// The table and the queues.
#[derive(Debug, Clone)]
pub struct AwsPorts {
    store: Store,
    queues: Queues,
    batches: Option<String>,
    bulk: Option<String>,
    results: Option<String>,
    uploads: Option<String>,
}

impl AwsPorts {
    /// The table named by `TABLE_NAME`, the queues named by those of `BATCHES_QUEUE_URL`, `RESULTS_QUEUE_URL` and
    /// `UPLOADS_QUEUE_URL` that are set. `needed` ones must be.
    pub fn from_env(config: &SdkConfig, needed: &[Queue]) -> Result<Self, ConfigError> {
        for queue in needed {
            required(variable(*queue))?;
        }
        let url = |queue| optional(variable(queue));
        Ok(Self {
            store: store(config)?,
            queues: Queues::new(aws_sdk_sqs::Client::new(config)),
            batches: url(Queue::Batches),
            bulk: optional(BULK_VARIABLE),
            results: url(Queue::Results),
            uploads: url(Queue::Uploads),
        })
    }
}

fn variable(queue: Queue) -> &'static str {
    match queue {
        Queue::Batches => "BATCHES_QUEUE_URL",
        Queue::Results => "RESULTS_QUEUE_URL",
        Queue::Uploads => "UPLOADS_QUEUE_URL",
    }
}

impl Ports for AwsPorts {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn new_id(&self) -> EvaluationId {
        EvaluationId::generate()
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, Trouble> {
        Ok(self.store.get(&key).await?)
    }

    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, Trouble> {
        Ok(self.store.get_all(&keys).await?)
    }

    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, Trouble> {
        Ok(self.store.photos(id).await?)
    }

    async fn unfinished(&self) -> Result<Vec<EvaluationId>, Trouble> {
        Ok(self.store.unfinished().await?)
    }

    async fn write(&self, write: Write) -> Result<Written, Trouble> {
        Ok(self.store.write(&write).await?)
    }

    async fn transact(&self, parts: Vec<Part>) -> Result<bool, Trouble> {
        Ok(self.store.transact(&parts).await?)
    }

    async fn put_all(&self, puts: Vec<Put>) -> Result<(), Trouble> {
        Ok(self.store.put_all(&puts).await?)
    }

    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        delay: Duration,
    ) -> Result<(), Trouble> {
        let bulk = messages.iter().any(Message::is_bulk);
        let url = match queue {
            Queue::Batches if bulk && self.bulk.is_some() => &self.bulk,
            Queue::Batches => &self.batches,
            Queue::Results => &self.results,
            Queue::Uploads => &self.uploads,
        };
        let url = url
            .as_ref()
            .ok_or_else(|| Trouble::Failed(ConfigError::Missing(variable(queue)).to_string()))?;
        Ok(self.queues.send_all(url, &messages, delay).await?)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        if error.is_busy() {
            Self::Busy(error.to_string())
        } else {
            Self::Failed(with_causes(&error))
        }
    }
}

impl From<QueueError> for Trouble {
    fn from(error: QueueError) -> Self {
        Self::Busy(error.to_string())
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
