//! A state of the bounded world, and what changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use evaluation::decide::message::Message;
use evaluation::decide::update::{Key, Update, UpdateAction};
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::Class;
use evaluation::run::ports::{Queue, UpdateResult};
use serde_json::{Value, json};

use super::process::Process;
use super::scenario::{Ask, Begun, Faults, Scenario};
use super::step::{Reply, Step};
use super::stream::Stream;
use crate::invariants::{self, Sight, Violation};
use crate::table::Table;
use crate::world::Place;

/// A photo that was put off so often comes again within seconds.
const SOON: u32 = 1;
/// A state. What is not hashed follows from what is.
#[derive(Debug, Clone)]
pub struct State {
    /// The table.
    pub table: Table,
    /// Messages that may be delivered, in any order, and how many of each.
    pub messages: BTreeMap<(Place, Arc<str>), u8>,
    /// What runs, in the order of the digests.
    pub processes: Vec<Process>,
    /// Questions that were not asked yet.
    pub unasked: BTreeSet<usize>,
    /// An index of the scenario's times.
    pub clock: usize,
    /// Rounds of the sweeper since anything else happened.
    pub idle_sweeps: u8,
    /// Faults that may still happen.
    pub left: Faults,
    /// Photos that the VLM answered about.
    pub answered: BTreeSet<(EvaluationId, PhotoId)>,
    /// The table's stream, if completions are told here.
    pub stream: Stream,
    /// What can't be true and was.
    pub violations: Vec<Violation>,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.table.hash(state);
        self.messages.hash(state);
        self.processes
            .iter()
            .for_each(|process| process.digest.hash(state));
        (
            &self.unasked,
            self.clock,
            self.idle_sweeps,
            self.left,
            &self.answered,
            &self.stream,
        )
            .hash(state);
        self.violations.len().hash(state);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        super::digest_of(self) == super::digest_of(other)
    }
}

impl State {
    /// The first state.
    pub fn new(scenario: &Scenario, table: Table) -> Self {
        let mut table = table;
        if scenario.failures > 0 {
            let actions = vec![
                UpdateAction::Set("failures", json!(scenario.failures)),
                UpdateAction::Set("reason", json!("away")),
            ];
            table.update(&Update {
                key: Key::Breaker,
                guards: Vec::new(),
                actions,
            });
        }
        Self {
            table,
            messages: BTreeMap::new(),
            processes: Vec::new(),
            unasked: (0..scenario.asks.len()).collect(),
            clock: 0,
            idle_sweeps: 0,
            left: scenario.faults,
            answered: BTreeSet::new(),
            stream: Stream::default(),
            violations: Vec::new(),
        }
    }

    /// The time.
    pub fn now(&self, scenario: &Scenario) -> Timestamp {
        scenario.time(self.clock)
    }

    /// Whether nothing runs and nothing is to be delivered or asked.
    pub fn is_quiet(&self, scenario: &Scenario) -> bool {
        let mut deliverable = self.deliverable(scenario.often);
        let idle = self.processes.is_empty() && self.unasked.is_empty();
        idle && deliverable.next().is_none() && self.stream.batch().is_none()
    }

    /// The messages that may be delivered next. A photo that was put off twice waits for minutes: until nothing else
    /// is going on, and then for those that were put off less often; and one that was put off many times until time
    /// has passed. Without this a photo that is put off while a probe is on its way would be put off without end.
    pub fn deliverable(&self, often: u32) -> impl Iterator<Item = &(Place, Arc<str>)> {
        let least = self
            .messages
            .keys()
            .map(|(place, body)| attempt(*place, body))
            .min()
            .unwrap_or(0);
        let patient = if self.processes.is_empty() {
            least.max(SOON)
        } else {
            SOON
        };
        let most = patient.min(SOON + often * (1 + self.clock as u32));
        self.messages
            .keys()
            .filter(move |(place, body)| attempt(*place, body) <= most)
    }

    /// Whether an evaluation has no verdict.
    pub fn is_unfinished(&self) -> bool {
        self.table.unfinished().next().is_some()
    }

    /// Begins a process.
    pub fn begin(&mut self, scenario: &Scenario, begun: Begun) {
        let process = Process::new(scenario, begun, self.now(scenario));
        self.put_back(scenario, process);
    }

    /// Takes a message from where it lies.
    pub fn take(&mut self, place: Place, body: &Arc<str>) {
        let key = (place, Arc::clone(body));
        if let Some(count) = self.messages.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.messages.remove(&key);
            }
        }
    }

    /// Puts a message somewhere.
    pub fn put(&mut self, place: Place, body: Arc<str>) {
        *self.messages.entry((place, body)).or_default() += 1;
        self.idle_sweeps = 0;
    }

    /// A process ends where it stands: its message will be delivered again.
    pub fn crash(&mut self, scenario: &Scenario, at: usize) {
        let process = self.processes.remove(at);
        match &*process.begun {
            Begun::Handle(place, body, _) => self.put(*place, Arc::clone(body)),
            // S3 says an upload again; whoever posts sees an error.
            Begun::Ask(index, _) if scenario.asks.get(*index) == Some(&Ask::Upload) => {
                _ = self.unasked.insert(*index);
            }
            Begun::Ask(..) | Begun::Sweep | Begun::Tell(_) => (),
        }
    }

    /// Does a step of a process and tells it so.
    pub fn step(&mut self, scenario: &Scenario, at: usize, ticket: u16, reply: Reply) {
        let process = self.processes.remove(at);
        let process = process.answered(ticket, reply, self.now(scenario));
        self.put_back(scenario, process);
    }

    /// A process goes on, or has ended; then its message is done with, or comes again.
    fn put_back(&mut self, scenario: &Scenario, process: Process) {
        let ended = process.wants(scenario).ended;
        if ended == Some(Err(Class::Bug)) {
            let what = format!("what should not happen did: {:?}", process.begun);
            self.violations.push(Violation(what));
        }
        match (ended, &*process.begun) {
            (None, _) => {
                let at = self
                    .processes
                    .partition_point(|other| other.digest < process.digest);
                self.processes.insert(at, process);
            }
            (Some(Ok(())), Begun::Tell(batch)) => self.stream.is_through(batch),
            (Some(Err(_)), Begun::Handle(place, body, _)) => self.put(*place, Arc::clone(body)),
            (Some(_), _) => (),
        }
    }

    /// Carries out what a process wants, as if nothing went wrong.
    pub fn carry_out(&mut self, scenario: &Scenario, step: &Step) -> Reply {
        match step {
            Step::Get(key) => Reply::Item(self.table.get(key)),
            Step::GetAll(keys) => Reply::Items(
                keys.iter()
                    .map(|key| self.table.get(key).unwrap_or_default())
                    .collect(),
            ),
            Step::Photos(id) => Reply::Items(
                self.table
                    .query(&Key::Evaluation(id.clone()).parts().0, "PHOTO#"),
            ),
            Step::Unfinished => {
                let entries = self.table.unfinished().map(|item| {
                    let of = |name: &str| item.get(name).cloned().unwrap_or_default();
                    json!({"due_at": of("deadline_at"), "evaluation_id": of("evaluation_id")})
                });
                Reply::Items(entries.map(Arc::new).collect())
            }
            Step::Update(update) => Reply::UpdateResult(self.update(scenario, update)),
            Step::Transact(parts) => {
                self.check(scenario, |sight| {
                    invariants::before_transaction(sight, parts)
                });
                Reply::Done(self.table.transact(parts))
            }
            Step::PutAll(puts) => Reply::Done(puts.iter().all(|put| self.table.put(put))),
            Step::DeleteAll(keys) => {
                // Here two functions with the same message make up the same id: its photos are not left over then.
                let stands = |key: &&Key| {
                    let partition = key.parts().0;
                    !self.table.query(&partition, "META").is_empty()
                };
                let left_over: Vec<&Key> = keys.iter().filter(|key| !stands(key)).collect();
                left_over.into_iter().for_each(|key| self.table.delete(key));
                Reply::Done(true)
            }
            Step::Send(queue, messages) => self.send(*queue, messages),
            Step::Publish(body) => {
                self.violations.extend(self.stream.published(body));
                Reply::Done(true)
            }
            Step::Look(_, photo, _) if scenario.gone.contains(photo) => Reply::Gone,
            Step::Look(id, photo, release) => {
                self.check(scenario, |sight| invariants::on_asking(sight, id, *release));
                self.answered.insert((id.clone(), photo.clone()));
                Reply::Answered
            }
        }
    }

    /// Writes, and checks what that did.
    pub fn update(&mut self, scenario: &Scenario, update: &Update) -> Option<Value> {
        let before = self.table.get(&update.key);
        let written = self.table.update(update);
        self.check(scenario, |sight| {
            invariants::after_write(sight, &update.key, before.as_deref())
        });
        match written {
            UpdateResult::Applied(item) => {
                if scenario.tells && matches!(update.key, Key::Evaluation(_)) {
                    self.stream.written(before.as_deref(), Some(&item));
                }
                Some(item)
            }
            UpdateResult::Refused => None,
        }
    }

    /// Sends messages.
    pub fn send(&mut self, queue: Queue, messages: &[Message]) -> Reply {
        for message in messages {
            self.put(Place::Live(queue), message.to_body().into());
        }
        Reply::Done(true)
    }

    fn check(&mut self, scenario: &Scenario, check: impl FnOnce(&mut Sight<'_>)) {
        let mut violations = std::mem::take(&mut self.violations);
        check(&mut Sight {
            table: &self.table,
            now: self.now(scenario),
            skew_ms: 0,
            truth: &scenario.truth,
            gone: &scenario.gone,
            answered: &self.answered,
            violations: &mut violations,
        });
        self.violations = violations;
    }
}

/// How often the photos of a message were put off.
pub(super) fn attempt(place: Place, body: &str) -> u32 {
    let of_photos = matches!(place, Place::Live(Queue::Batches));
    let after = of_photos
        .then(|| body.split_once("\"attempt\":"))
        .flatten()
        .map(|(_, after)| after);
    let digits = after.map(|after| {
        after
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap_or_default()
    });
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
