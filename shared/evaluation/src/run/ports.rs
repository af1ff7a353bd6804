//! What the steps of a function stand on: a table, queues, a clock, ids. The Lambdas put AWS behind it, the checks a
//! model.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{RunError, with_causes};
use crate::decide::card::Card;
use crate::decide::evaluation::Evaluation;
use crate::decide::message::Message;
use crate::decide::photo_record::PhotoRecord;
pub use crate::decide::queue::Queue;
use crate::decide::unfinished::{Page, Unfinished};
use crate::decide::update::{Key, Part, Put, Update};
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::published::{self, Published};
use crate::domain::time::Timestamp;
use crate::domain::trace::TraceId;
use crate::figures::Figure;

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateResult {
    /// It was done; the item as it then stands.
    Applied(Value),
    /// A guard was against it.
    Refused,
}

impl UpdateResult {
    /// Whether it was done.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }
}

/// What stands behind the steps. Each method is one step: it happens whole or not at all.
#[allow(
    async_fn_in_trait,
    reason = "the steps are run where they are made; nothing is spawned"
)]
pub trait Ports {
    /// The time.
    fn now(&self) -> Timestamp;
    /// A new id, for what happens at this time; later ones sort later.
    fn new_id(&self, now: Timestamp) -> EvaluationId;
    /// Reads an item.
    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, RunError>;
    /// Reads items, each by itself and in any order; they come in the order asked for.
    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, RunError> {
        let mut items = Vec::with_capacity(keys.len());
        for key in keys {
            items.push(self.get(key).await?);
        }
        Ok(items)
    }
    /// Reads all photos of an evaluation.
    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, RunError>;
    /// Reads all items of what people decided of a DR, in the order of their numbers.
    async fn reviews(&self, dr: &DrNumber) -> Result<Vec<Value>, RunError>;
    /// Reads the cards of a DR's last evaluations, the newest first.
    async fn cards_of(&self, dr: &DrNumber) -> Result<Vec<Card>, RunError>;
    /// Reads unfinished evaluations of a part, from behind one of them on.
    async fn unfinished(&self, part: u8, after: Option<&Unfinished>) -> Result<Page, RunError>;
    /// Changes an item.
    async fn update(&self, update: Update) -> Result<UpdateResult, RunError>;
    /// Does all parts or none; false if none.
    async fn transact(&self, parts: Vec<Part>) -> Result<bool, RunError>;
    /// Puts items, in any order, one by one.
    async fn put_all(&self, puts: Vec<Put>) -> Result<(), RunError>;
    /// Deletes items, in any order, one by one.
    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), RunError>;
    /// The trace that what is done now belongs to.
    fn trace(&self) -> Option<TraceId> {
        None
    }
    /// Notes what was measured. It can't fail: a figure less is no reason to lose anything else.
    fn note(&self, _figures: Vec<Figure>) {}
    /// The catalogue of this version, if this release knows it or an operator published it; each is read once.
    async fn catalogue(&self, version: &str) -> Result<Option<&'static Catalogue>, RunError> {
        if let Some(known) = published::known(version) {
            return Ok(Some(known));
        }
        // Whatever a caller names: no item can have been published under it.
        if !published::is_own_version(version) {
            return Ok(None);
        }
        let found: Option<Published> = self.get(Key::Catalogue(version.into())).await?;
        let read = |found| match published::read(version, &found) {
            Ok(catalogue) => Some(catalogue),
            Err(error) => {
                let error = with_causes(&error);
                tracing::error!(
                    catalogue.version = version,
                    error,
                    "a published catalogue can't be read"
                );
                None
            }
        };
        Ok(found.and_then(read))
    }
    /// Sends messages, to be received after the delay.
    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        delay: Duration,
    ) -> Result<(), RunError>;
}

/// Reads what an update returned, or an item, as what it should be.
pub(crate) fn read<T: DeserializeOwned>(item: Value) -> Result<T, RunError> {
    serde_json::from_value(item).map_err(|cause| RunError::bug("an item can't be read", cause))
}

/// Has what is logged from now on say which evaluation it is about, where a message did not.
pub(super) fn about(evaluation: &Evaluation) {
    let span = tracing::Span::current();
    span.record("dr_number", evaluation.dr_number.as_str());
    if let Some(trace) = &evaluation.trace_id {
        span.record("trace_id", trace.as_str());
    }
}

/// Notes what was seen, unless something was noted before: what then stands there; nothing if a guard was against it.
pub(crate) async fn noted<T: DeserializeOwned>(
    ports: &impl Ports,
    note: Update,
) -> Result<Option<T>, RunError> {
    match ports.update(note).await? {
        UpdateResult::Applied(item) => read(item).map(Some),
        UpdateResult::Refused => Ok(None),
    }
}

/// Reads an evaluation.
pub(crate) async fn evaluation(
    ports: &impl Ports,
    id: &EvaluationId,
) -> Result<Option<Evaluation>, RunError> {
    ports.get(Key::Evaluation(id.clone())).await
}
