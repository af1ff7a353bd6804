//! AWS behind the steps of a function.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use evaluation::decide::card::Card;
use evaluation::decide::known::{Known, LISTED, MOST_KNOWN};
use evaluation::decide::list::{Part as CardPart, Reading};
use evaluation::decide::message::Message;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::queue::Queue;
use evaluation::decide::unfinished::{Page, Unfinished};
use evaluation::decide::update::{Key, Part, Put, Update};
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::time::Timestamp;
use evaluation::domain::trace::TraceId;
use evaluation::figures::Figure;
use evaluation::run::accuracy::Lists;
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, UpdateResult};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::clock;
use crate::configuration::{ConfigError, required};
use crate::queues::{QueueError, Queues};
use crate::table::{Table, TableError};
use crate::{telemetry, trace};

/// The table and the queues.
#[derive(Debug, Clone)]
pub struct AwsPorts {
    table: Table,
    queues: Queues,
    urls: BTreeMap<Queue, String>,
}

impl AwsPorts {
    /// The table named by `TABLE_NAME`, and the queues that a function sends to: each is named by a variable of its
    /// own.
    pub fn from_env(config: &SdkConfig, sends_to: &[Queue]) -> Result<Self, ConfigError> {
        let url = |queue: &Queue| Ok((*queue, required(&variable(*queue))?));
        Ok(Self {
            table: Table::from_env(config)?,
            queues: Queues::new(aws_sdk_sqs::Client::new(config)),
            urls: sends_to
                .iter()
                .map(url)
                .collect::<Result<_, ConfigError>>()?,
        })
    }
}

/// The setting that says where a queue is.
fn variable(queue: Queue) -> String {
    format!("{}_QUEUE_URL", queue.as_str().to_uppercase())
}

impl Ports for AwsPorts {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn new_id(&self, now: Timestamp) -> EvaluationId {
        clock::new_evaluation_id(now)
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, RunError> {
        Ok(self.table.get(&key).await?)
    }

    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, RunError> {
        Ok(self.table.get_all(&keys).await?)
    }

    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, RunError> {
        Ok(self.table.photos(id).await?)
    }

    async fn reviews(&self, dr: &DrNumber) -> Result<Vec<Value>, RunError> {
        Ok(self.table.reviews(dr).await?)
    }

    async fn cards_of(&self, dr: &DrNumber) -> Result<Vec<Card>, RunError> {
        Ok(self.table.cards_of(dr).await?)
    }

    async fn unfinished(&self, part: u8, after: Option<&Unfinished>) -> Result<Page, RunError> {
        Ok(self.table.unfinished(part, after).await?)
    }

    async fn update(&self, update: Update) -> Result<UpdateResult, RunError> {
        Ok(self.table.update(&update).await?)
    }

    async fn transact(&self, parts: Vec<Part>) -> Result<bool, RunError> {
        Ok(self.table.transact(&parts).await?)
    }

    async fn put_all(&self, puts: Vec<Put>) -> Result<(), RunError> {
        Ok(self.table.put_all(&puts).await?)
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), RunError> {
        Ok(self.table.delete_all(&keys).await?)
    }

    fn trace(&self) -> Option<TraceId> {
        trace::current()
    }

    fn note(&self, figures: Vec<Figure>) {
        telemetry::emit(&figures);
    }

    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        delay: Duration,
    ) -> Result<(), RunError> {
        let missing = || RunError::bug("sending", ConfigError::Missing(variable(queue)));
        let url = self.urls.get(&queue).ok_or_else(missing)?;
        Ok(self.queues.send_all(url, &messages, delay).await?)
    }
}

impl Lists for AwsPorts {
    async fn cards(&self, reading: &Reading) -> Result<CardPart, RunError> {
        Ok(self.table.cards(reading).await?)
    }

    async fn counts(&self, from: &str, to: &str) -> Result<Vec<Map<String, Value>>, RunError> {
        Ok(self.table.counts(from, to).await?)
    }

    async fn known(&self, low: &str, high: &str) -> Result<Vec<Known>, RunError> {
        let reading = Reading {
            list: LISTED.into(),
            low: low.into(),
            high: high.into(),
            backward: true,
            most: MOST_KNOWN,
        };
        Ok(self.table.listed(&reading).await?.0)
    }
}

impl From<TableError> for RunError {
    fn from(error: TableError) -> Self {
        Self::of(error.class(), "the table", error)
    }
}

impl From<QueueError> for RunError {
    fn from(error: QueueError) -> Self {
        Self::retry("a queue", error)
    }
}
