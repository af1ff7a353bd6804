//! A process as an automaton: the flow itself, run again from the log of what its steps were answered.
//!
//! A future can't be cloned, but a flow is a function of its message and of the answers to its steps. So a process is
//! its message and its log, and what it wants next is found by replaying them. That is remembered: the same log is
//! replayed once, however many states it occurs in.
//!
//! # Invariants
//! - Equal digests mean equal processes: the digest covers the scenario, what was begun, every answer and every clock.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use evaluation::domain::time::Timestamp;
use evaluation::run::error::Class;

use super::scenario::{Begun, Scenario};
use super::step::{Board, Flow, Replay, Reply, Step};

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
    /// Whether it ended, and if not well, of which class its failure is.
    pub ended: Option<Result<(), Class>>,
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
        let board = Rc::new(Board {
            now: Cell::new(self.clock),
            id_base: self.begun.id_base(),
            ..Board::default()
        });
        let mut future =
            scenario.flow(&self.begun, Replay(Rc::clone(&board), self.begun.release()));
        let mut ended = poll(&mut future);
        for entry in entries.into_iter().rev() {
            board.now.set(entry.clock);
            board.open.borrow_mut().remove(&entry.ticket);
            board
                .replies
                .borrow_mut()
                .insert(entry.ticket, entry.reply.clone());
            ended = poll(&mut future);
        }
        let steps = board
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

fn poll(future: &mut Flow) -> Option<Result<(), Class>> {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => Some(result.map_err(|error| error.class())),
        Poll::Pending => None,
    }
}
