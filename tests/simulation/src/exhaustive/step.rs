//! The steps of a process, put up for whoever decides which is done next, and their replies.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use evaluation::decide::card::Card;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::{Batch, DeferralCause, Look, Message};
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::tell::Event;
use evaluation::decide::unfinished::{Page, Unfinished};
use evaluation::decide::update::{Key, Part, Put, Update};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, PhotoId};
use evaluation::domain::invalid::Invalid;
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use evaluation::run::batch::{AttemptResult, PhotoEvaluator};
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue, UpdateResult};
use evaluation::run::tell::{Announcer, Change};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ports::taken_from;
use crate::release::Release;
use crate::world::id_of_number;

/// What a process wants done.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads an item.
    Get(Key),
    /// Reads items.
    GetAll(Vec<Key>),
    /// Reads an evaluation's photos.
    Photos(EvaluationId),
    /// Reads which evaluations are unfinished.
    Unfinished,
    /// Deletes items.
    DeleteAll(Vec<Key>),
    /// Changes an item.
    Update(Update),
    /// Does all parts or none.
    Transact(Vec<Part>),
    /// Puts items.
    PutAll(Vec<Put>),
    /// Sends messages.
    Send(Queue, Vec<Message>),
    /// Asks the VLM about a photo, as this release does.
    Look(EvaluationId, PhotoId, Release),
    /// Tells of a completion.
    Publish(String),
}

/// How a step was answered.
#[derive(Debug, Clone, Hash)]
pub enum Reply {
    /// An item, if it is there.
    Item(Option<Arc<Value>>),
    /// Items.
    Items(Vec<Arc<Value>>),
    /// The item as it was written; nothing if a guard was against it.
    UpdateResult(Option<Value>),
    /// Whether it was done.
    Done(bool),
    /// Only a part was done.
    Busy,
    /// The VLM answered.
    Answered,
    /// The VLM is away.
    Away,
    /// The photo was deleted.
    Gone,
}

/// A flow that runs.
pub type Flow = Pin<Box<dyn Future<Output = Result<(), RunError>>>>;

/// Where a replayed flow puts its steps and takes their replies.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) now: Cell<Timestamp>,
    pub(super) id_base: u64,
    pub(super) ids: Cell<u64>,
    pub(super) tickets: Cell<u16>,
    pub(super) open: RefCell<BTreeMap<u16, Step>>,
    pub(super) replies: RefCell<BTreeMap<u16, Reply>>,
}

/// The ports of a replayed flow: of a function of this release.
#[derive(Debug, Clone)]
pub struct Replay(pub(super) Rc<Board>, pub(super) Release);

impl Replay {
    async fn step(&self, step: Step) -> Reply {
        let ticket = self.0.tickets.replace(self.0.tickets.get() + 1);
        self.0.open.borrow_mut().insert(ticket, step);
        poll_fn(|_| {
            self.0
                .replies
                .borrow_mut()
                .remove(&ticket)
                .map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

fn read<T: DeserializeOwned>(item: &Value) -> Result<T, RunError> {
    T::deserialize(item).map_err(|cause| RunError::bug("an item can't be read", cause))
}

impl Ports for Replay {
    fn now(&self) -> Timestamp {
        self.0.now.get()
    }

    fn new_id(&self, _: Timestamp) -> EvaluationId {
        let id = self.0.id_base + self.0.ids.replace(self.0.ids.get() + 1);
        id_of_number(id)
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, RunError> {
        match self.step(Step::Get(key)).await {
            Reply::Item(item) => item.as_deref().map(read).transpose(),
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, RunError> {
        // No backlog stands in these worlds, and the sweeper comes to its end: that is for the seeded days.
        if matches!(keys.first(), Some(Key::Progress(_) | Key::SweptTo(_))) {
            return Ok(keys.iter().map(|_| None).collect());
        }
        match self.step(Step::GetAll(keys)).await {
            Reply::Items(items) => items.iter().map(|item| read(item)).collect(),
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, RunError> {
        match self.step(Step::Photos(id.clone())).await {
            Reply::Items(items) => items.iter().map(|item| read(item)).collect(),
            _ => Err(RunError::contended("throttled")),
        }
    }

    /// Nobody decides anything in these worlds: `histories/reviews` has worlds of its own for that.
    async fn reviews(&self, _: &DrNumber) -> Result<Vec<Value>, RunError> {
        Ok(Vec::new())
    }

    async fn cards_of(&self, _: &DrNumber) -> Result<Vec<Card>, RunError> {
        Ok(Vec::new())
    }

    /// All of them stand in the first part.
    async fn unfinished(&self, part: u8, after: Option<&Unfinished>) -> Result<Page, RunError> {
        if part > 0 || after.is_some() {
            return Ok(Page::default());
        }
        let Reply::Items(items) = self.step(Step::Unfinished).await else {
            return Err(RunError::contended("throttled"));
        };
        let entries = items.iter().map(|item| read(item));
        Ok(Page {
            entries: entries.collect::<Result<_, _>>()?,
            more: false,
        })
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), RunError> {
        match self.step(Step::DeleteAll(keys)).await {
            Reply::Done(_) => Ok(()),
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn catalogue(&self, version: &str) -> Result<Option<&'static Catalogue>, RunError> {
        Ok(self.1.catalogue(version))
    }

    async fn update(&self, update: Update) -> Result<UpdateResult, RunError> {
        if matches!(update.key, Key::Progress(_)) {
            return Ok(UpdateResult::Applied(Value::Null));
        }
        match self.step(Step::Update(update)).await {
            Reply::UpdateResult(item) => {
                Ok(item.map_or(UpdateResult::Refused, UpdateResult::Applied))
            }
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn transact(&self, parts: Vec<Part>) -> Result<bool, RunError> {
        match self.step(Step::Transact(parts)).await {
            Reply::Done(done) => Ok(done),
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn put_all(&self, puts: Vec<Put>) -> Result<(), RunError> {
        match self.step(Step::PutAll(puts)).await {
            Reply::Done(_) => Ok(()),
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        _: Duration,
    ) -> Result<(), RunError> {
        match self.step(Step::Send(taken_from(queue), messages)).await {
            Reply::Done(_) => Ok(()),
            _ => Err(RunError::contended("some messages were not taken")),
        }
    }
}

impl Announcer for Replay {
    async fn publish(&self, event: &Event) -> Result<(), RunError> {
        match self.step(Step::Publish(event.to_body())).await {
            Reply::Done(_) => Ok(()),
            _ => Err(RunError::contended("the topic is busy")),
        }
    }

    /// Nobody decides anything in these worlds.
    fn alarm(&self, what: &str) {
        unreachable!("{what}");
    }

    async fn set_aside(&self, _: &Change, why: &Invalid) -> Result<(), RunError> {
        Err(RunError::bug("a completion can't be read", why.clone()))
    }
}

/// What evaluates photos for replayed steps: what a photo shows is the scenario's truth.
#[derive(Debug, Clone)]
pub struct ReplayEvaluator {
    /// Its ports.
    pub ports: Replay,
    /// Whether it takes itself to know all versions.
    pub heedless: bool,
    /// What photos show.
    pub truth: Arc<BTreeMap<PhotoId, PhotoOutcome>>,
}

impl PhotoEvaluator for ReplayEvaluator {
    async fn knows(&self, versions: &Versions) -> Result<bool, RunError> {
        Ok(self.heedless || self.ports.1.knows(versions))
    }

    async fn evaluate(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        _: Timestamp,
    ) -> Result<AttemptResult, RunError> {
        self.ask(&evaluation.evaluation_id, photo, batch.attempt)
            .await
    }

    async fn look(&self, look: &Look, _: Timestamp) -> Result<AttemptResult, RunError> {
        self.ask(&look.look_id, &look.photo, 0).await
    }
}

impl ReplayEvaluator {
    /// Asks the VLM about a photo, for an evaluation or a look of this id.
    async fn ask(
        &self,
        id: &EvaluationId,
        photo: &Photo,
        attempt: u32,
    ) -> Result<AttemptResult, RunError> {
        let step = Step::Look(id.clone(), photo.photo_id.clone(), self.ports.1);
        let outcome = match self.ports.step(step).await {
            Reply::Away => {
                let why = (DeferralCause::Unavailable, "away".to_owned());
                return Ok(AttemptResult::Deferred {
                    why,
                    retry_after: None,
                    seen: None,
                });
            }
            Reply::Gone => PhotoOutcome::not_evaluated(ReasonCode::PhotoGone, "gone"),
            _ => self
                .truth
                .get(&photo.photo_id)
                .cloned()
                .unwrap_or(PhotoOutcome::Evaluated {
                    findings: Vec::new(),
                }),
        };
        let report = Report {
            attempt,
            ..Report::bare(outcome, self.ports.now())
        };
        Ok(AttemptResult::Reported(Box::new(report)))
    }
}
