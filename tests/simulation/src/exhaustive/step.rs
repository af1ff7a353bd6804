//! A process as an automaton: the flow itself, run again from the log of what its steps were answered.
//!
//! A future can't be cloned, but a flow is a function of its message and of the answers to its steps. So a process is its
//! message and its log, and what it wants next is found by replaying them. That is remembered: the same log is
//! replayed once, however many states it occurs in.
//!
//! # Invariants
//! - Equal digests mean equal processes: the digest covers the scenario, what was begun, every answer and every clock.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evaluation::decide::batch::AskedWith;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::{Batch, DeferralCause, Message};
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::update::{Key, Part, Put, Update};
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::run::batch::{AttemptResult, PhotoEvaluator};
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue, UpdateResult};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::scenario::{Begun, Scenario};
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
    /// Changes an item.
    Update(Update),
    /// Does all parts or none.
    Transact(Vec<Part>),
    /// Puts items.
    PutAll(Vec<Put>),
    /// Sends messages.
    Send(Queue, Vec<Message>),
    /// Asks the VLM about a photo.
    Look(EvaluationId, PhotoId),
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

#[derive(Debug)]
struct Entry {
    ticket: u16,
    reply: Reply,
    clock: Timestamp,
    before: Option<Arc<Entry>>,
}

/// A process.
#[derive(Debug, Clone)]
pub struct Process {
    /// What it was begun for.
    pub begun: Arc<Begun>,
    /// Identifies it and all it has seen.
    pub digest: u64,
    clock: Timestamp,
    log: Option<Arc<Entry>>,
    steps_done: u16,
}

/// What a process wants next.
#[derive(Debug, Default)]
pub struct Wants {
    /// Its steps, by ticket: any of them may be done next.
    pub steps: Vec<(u16, Step)>,
    /// Whether it ended, and well.
    pub ended: Option<bool>,
}

impl Process {
    /// A process that begins now.
    pub fn new(scenario: &Scenario, begun: Begun, clock: Timestamp) -> Self {
        let mut hasher = DefaultHasher::new();
        (scenario.name, &begun, clock).hash(&mut hasher);
        Self {
            begun: Arc::new(begun),
            digest: hasher.finish(),
            clock,
            log: None,
            steps_done: 0,
        }
    }

    /// The same process after one of its steps was answered.
    pub fn answered(&self, ticket: u16, reply: Reply, clock: Timestamp) -> Self {
        let mut hasher = DefaultHasher::new();
        (self.digest, ticket, &reply, clock).hash(&mut hasher);
        let log = Some(Arc::new(Entry {
            ticket,
            reply,
            clock,
            before: self.log.clone(),
        }));
        Self {
            begun: Arc::clone(&self.begun),
            digest: hasher.finish(),
            clock: self.clock,
            log,
            steps_done: self.steps_done + 1,
        }
    }

    /// How many of its steps were answered.
    pub fn steps_done(&self) -> u16 {
        self.steps_done
    }

    /// What it wants next.
    pub fn wants(&self, scenario: &Scenario) -> Arc<Wants> {
        thread_local! {
            static KNOWN: RefCell<HashMap<u64, Arc<Wants>>> = RefCell::default();
        }
        let known = KNOWN.with_borrow(|known| known.get(&self.digest).cloned());
        known.unwrap_or_else(|| {
            let wants = Arc::new(self.replay(scenario));
            KNOWN.with_borrow_mut(|known| known.insert(self.digest, Arc::clone(&wants)));
            wants
        })
    }

    fn replay(&self, scenario: &Scenario) -> Wants {
        let mut entries = Vec::new();
        let mut at = self.log.as_ref();
        while let Some(entry) = at {
            entries.push(entry);
            at = entry.before.as_ref();
        }
        let desk = Rc::new(Api {
            now: Cell::new(self.clock),
            id_base: self.begun.id_base(),
            ..Api::default()
        });
        let mut future = scenario.flow(&self.begun, Replay(Rc::clone(&desk)));
        let mut ended = poll(&mut future);
        for entry in entries.into_iter().rev() {
            desk.now.set(entry.clock);
            desk.open.borrow_mut().remove(&entry.ticket);
            desk.replies
                .borrow_mut()
                .insert(entry.ticket, entry.reply.clone());
            ended = poll(&mut future);
        }
        let steps = desk
            .open
            .borrow()
            .iter()
            .map(|(ticket, step)| (*ticket, step.clone()))
            .collect();
        Wants {
            steps: if ended.is_some() { Vec::new() } else { steps },
            ended,
        }
    }
}

/// A flow that runs.
pub type Flow = Pin<Box<dyn Future<Output = Result<(), RunError>>>>;

fn poll(future: &mut Flow) -> Option<bool> {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => Some(result.is_ok()),
        Poll::Pending => None,
    }
}

/// Where a replayed flow puts its steps and takes their replies.
#[derive(Debug, Default)]
struct Api {
    now: Cell<Timestamp>,
    id_base: u64,
    ids: Cell<u64>,
    tickets: Cell<u16>,
    open: RefCell<BTreeMap<u16, Step>>,
    replies: RefCell<BTreeMap<u16, Reply>>,
}

/// The ports of a replayed flow.
#[derive(Debug, Clone)]
pub struct Replay(Rc<Api>);

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

    fn new_id(&self) -> EvaluationId {
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

    async fn unfinished(&self) -> Result<Vec<EvaluationId>, RunError> {
        match self.step(Step::Unfinished).await {
            Reply::Items(items) => items.iter().map(|item| read(item)).collect(),
            _ => Err(RunError::contended("throttled")),
        }
    }

    async fn update(&self, update: Update) -> Result<UpdateResult, RunError> {
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
        match self.step(Step::Send(queue, messages)).await {
            Reply::Done(_) => Ok(()),
            _ => Err(RunError::contended("some messages were not taken")),
        }
    }
}

/// What evaluates photos for replayed steps: what a photo shows is the scenario's truth.
#[derive(Debug, Clone)]
pub struct ReplayEvaluator {
    /// Its ports.
    pub ports: Replay,
    /// What the deployment asks.
    pub asked_with: AskedWith,
    /// What photos show.
    pub truth: Arc<BTreeMap<PhotoId, PhotoOutcome>>,
}

impl PhotoEvaluator for ReplayEvaluator {
    fn asked_with(&self) -> &AskedWith {
        &self.asked_with
    }

    async fn evaluate(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        _: Timestamp,
    ) -> Result<AttemptResult, RunError> {
        let step = Step::Look(evaluation.evaluation_id.clone(), photo.photo_id.clone());
        let outcome = match self.ports.step(step).await {
            Reply::Away => {
                let why = (DeferralCause::Unavailable, "away".to_owned());
                return Ok(AttemptResult::Deferred {
                    why,
                    retry_after: None,
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
            attempt: batch.attempt,
            ..Report::bare(outcome, self.ports.now())
        };
        Ok(AttemptResult::Reported(Box::new(report)))
    }
}
