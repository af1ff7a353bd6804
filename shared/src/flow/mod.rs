//! The flows: what each function does with a message or a request, step by step, against whatever stands behind `Ports`.
//!
//! The Lambdas put AWS behind it, the checks a model. There is no second implementation of any of this.
//!
//! # Invariants
//! - A flow keeps nothing in memory that matters: it may end at any step, and be begun again with the same message.

pub mod aggregate;
pub mod batch;
mod cache;
pub mod defer;
mod quick;
pub mod settle;
pub mod split;
pub mod sweep;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::ids::EvaluationId;
use crate::domain::time::Timestamp;
use crate::protocol::evaluation::{Evaluation, PhotoRecord};
use crate::protocol::message::Message;
use crate::protocol::write::{Key, Part, Put, Write};

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// It was done; the item as it then stands.
    Applied(Value),
    /// A guard was against it.
    Refused,
}

impl Written {
    /// Whether it was done.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }
}

/// The queues, by what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    /// Photos to be evaluated.
    Batches,
    /// What became of photos.
    Results,
    /// Uploads, and later looks at them.
    Uploads,
}

/// A step that failed; for operators.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The same again later may work.
    #[error("{0}")]
    Busy(String),
    /// It was refused, or something can't be read.
    #[error("{0}")]
    Failed(String),
}

/// What stands behind the flows. Each method is one step: it happens whole or not at all.
#[allow(
    async_fn_in_trait,
    reason = "the flows are run where they are made; nothing is spawned"
)]
pub trait Ports {
    /// The time.
    fn now(&self) -> Timestamp;
    /// A new id; later ones sort later.
    fn new_id(&self) -> EvaluationId;
    /// Reads an item.
    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, Trouble>;
    /// Reads items, each by itself and in any order; they come in the order asked for.
    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, Trouble> {
        let mut items = Vec::with_capacity(keys.len());
        for key in keys {
            items.push(self.get(key).await?);
        }
        Ok(items)
    }
    /// Reads all photos of an evaluation.
    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, Trouble>;
    /// Reads the ids of all unfinished evaluations.
    async fn unfinished(&self) -> Result<Vec<EvaluationId>, Trouble>;
    /// Changes an item.
    async fn write(&self, write: Write) -> Result<Written, Trouble>;
    /// Does all parts or none; false if none.
    async fn transact(&self, parts: Vec<Part>) -> Result<bool, Trouble>;
    /// Puts items, in any order, one by one.
    async fn put_all(&self, puts: Vec<Put>) -> Result<(), Trouble>;
    /// Sends messages, to be received after the delay.
    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        delay: Duration,
    ) -> Result<(), Trouble>;
}

/// Reads an evaluation.
pub(crate) async fn evaluation(
    ports: &impl Ports,
    id: &EvaluationId,
) -> Result<Option<Evaluation>, Trouble> {
    ports.get(Key::Evaluation(id.clone())).await
}
