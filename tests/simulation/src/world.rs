//! The world behind the flows: table, queues, VLM, clock; and what goes wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evaluation::decide::message::{Batch, Look, Message};
use evaluation::decide::quick::CLAIMED_FOR;
use evaluation::decide::update::Key;
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::domain::outcome::PhotoOutcome;
use evaluation::domain::time::Timestamp;
use evaluation::run::ports::Queue;
use serde_json::Value;

use crate::chain::{Chain, Function};
use crate::invariants::{Sight, Violation};
use crate::random::Random;
use crate::release::Release;
use crate::table::Table;
use crate::telling::Telling;

/// SQS's largest message.
const MOST_BYTES: usize = 1 << 20;
/// SQS's longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// A queue, or a dead-letter queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A queue.
    Live(Queue),
    /// Its dead-letter queue.
    Dead(Queue),
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub struct Queued {
    /// Its identity.
    pub id: u64,
    /// Its body.
    pub body: String,
    /// From when on it can be received.
    pub visible_at: Timestamp,
    /// How often it was received.
    pub receives: u32,
    /// The calls that led to it.
    pub chain: Chain,
}

/// How often each kind of fault is to happen, in a million steps.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// A process ends between two steps.
    pub crash: u64,
    /// A message is delivered again although it was deleted.
    pub duplicate: u64,
    /// A message is delivered twice at the same time.
    pub twice: u64,
    /// A write is done twice, because the reply to the first was lost and the SDK tried again.
    pub repeated: u64,
    /// An evaluation is deleted in the midst of it, as an operator or the time-to-live might.
    pub purge: u64,
    /// The table or a queue is busy.
    pub throttle: u64,
    /// The cache is emptied by hand.
    pub emptied: u64,
    /// SendMessageBatch takes only a part, and the sender ends up with an error.
    pub partial_send: u64,
    /// The VLM says that it is busy.
    pub overloaded: u64,
    /// The VLM does not answer in time.
    pub timed_out: u64,
    /// The VLM answers after a minute or more.
    pub slow: u64,
    /// A photo was looked at, and the closer look at it must wait.
    pub closer_look: u64,
}

/// How long things take and last, in seconds; as in the template, or all short so that they meet.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// An evaluation's deadline.
    pub deadline: u64,
    /// Not heard of for so long: lost.
    pub lost_after: u64,
    /// How long a queue hides a message that was received.
    pub hidden: u64,
    /// A DR is taken to be complete when nothing was uploaded for so long.
    pub quiet: u64,
}

impl Spans {
    /// Those of the template's timing profile "standard".
    pub const STANDARD: Self = Self {
        deadline: 12 * 60 * 60,
        lost_after: 900,
        hidden: 720,
        quiet: 60,
    };
    /// So short that late answers, resent photos and redelivered messages meet.
    pub const SHORT: Self = Self {
        deadline: 90,
        lost_after: 20,
        hidden: 15,
        quiet: 5,
    };
}

/// The world.
#[derive(Debug)]
pub struct World {
    /// All chance.
    pub random: Random,
    /// The time.
    pub now: Timestamp,
    /// How far each process's clock may be off, in milliseconds.
    pub skew_ms: i64,
    /// The table.
    pub table: Table,
    /// Its stream, and what was told of it.
    pub telling: Telling,
    /// The queues.
    pub queues: BTreeMap<Place, Vec<Queued>>,
    /// What goes wrong.
    pub rates: Rates,
    /// How long things take.
    pub spans: Spans,
    /// When the VLM is away.
    pub outage: (Timestamp, Timestamp),
    /// The functions that allow recursion: those of the template.
    pub recursive: BTreeSet<Function>,
    /// From when on so many of a million processes are of the newer release; in order.
    pub deployed: Vec<(Timestamp, u64)>,
    /// Whether functions take themselves to know all versions: the check that the rule is needed.
    pub heedless: bool,
    /// When photos were sent for the first time, by whom, and through which queue.
    pub sent: BTreeMap<(EvaluationId, PhotoId, Function, Queue), Timestamp>,
    /// Whether photos are looked at as they are uploaded.
    pub looks: bool,
    /// Photos that looks were sent at.
    pub looked_at: BTreeSet<PhotoId>,
    /// Photos that were deleted.
    pub gone: BTreeSet<PhotoId>,
    /// What the model would say of a photo.
    pub truth: BTreeMap<PhotoId, PhotoOutcome>,
    /// Requests that the VLM has.
    pub in_flight: usize,
    /// The most it ever had.
    pub most_in_flight: usize,
    /// Times the VLM was asked, per photo of an evaluation.
    pub asked: BTreeMap<(EvaluationId, PhotoId), u64>,
    /// Photos that it answered about.
    pub answered: BTreeSet<(EvaluationId, PhotoId)>,
    /// Deliveries of messages that hold a photo.
    pub deliveries: BTreeMap<(EvaluationId, PhotoId), u64>,
    /// Updates of evaluations, and of photos.
    pub updates: (u64, u64),
    /// Faults that happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What can't be true and was.
    pub violations: Vec<Violation>,
    ids: u64,
}

impl World {
    /// A world without anything in it.
    pub fn new(seed: u64, rates: Rates, spans: Spans) -> Self {
        Self {
            random: Random::new(seed),
            now: Timestamp::from_millis(1_800_000_000_000),
            skew_ms: 0,
            table: Table::default(),
            telling: Telling::default(),
            queues: BTreeMap::new(),
            rates,
            spans,
            outage: (Timestamp::default(), Timestamp::default()),
            recursive: BTreeSet::from([Function::Batch, Function::Aggregator]),
            deployed: Vec::new(),
            heedless: false,
            sent: BTreeMap::new(),
            looks: true,
            looked_at: BTreeSet::new(),
            gone: BTreeSet::new(),
            truth: BTreeMap::new(),
            in_flight: 0,
            most_in_flight: 0,
            asked: BTreeMap::new(),
            answered: BTreeSet::new(),
            deliveries: BTreeMap::new(),
            updates: (0, 0),
            faults: BTreeMap::new(),
            violations: Vec::new(),
            ids: 0,
        }
    }

    /// An id made up of a counter: later ones sort later.
    pub fn new_id(&mut self) -> EvaluationId {
        self.ids += 1;
        id_of_number(self.ids)
    }

    /// Whether a fault of this kind happens now; counts it.
    pub fn fault(&mut self, kind: &'static str, per_million: u64) -> bool {
        let happens = self.random.chance(per_million);
        if happens {
            *self.faults.entry(kind).or_default() += 1;
        }
        happens
    }

    /// Deletes an evaluation.
    pub fn purge(&mut self, id: &EvaluationId) {
        self.table.purge(&Key::Evaluation(id.clone()).parts().0);
    }

    /// Puts a message into a queue.
    pub fn enqueue(&mut self, place: Place, message: &Message, delay: Duration, chain: Chain) {
        let body = message.to_body();
        if body.len() > MOST_BYTES || delay > LONGEST_DELAY {
            self.violation("SQS refuses this message");
        }
        self.put(place, body, self.now.after(delay), chain);
    }

    /// Puts a message that died elsewhere into a dead-letter queue.
    pub fn enqueue_body(&mut self, place: Place, body: String, chain: Chain) {
        self.put(place, body, self.now, chain);
    }

    fn put(&mut self, place: Place, body: String, visible_at: Timestamp, chain: Chain) {
        self.ids += 1;
        let queued = Queued {
            id: self.ids,
            body,
            visible_at,
            receives: 0,
            chain,
        };
        self.queues.entry(place).or_default().push(queued);
    }

    /// The release of a process that begins now.
    pub fn release(&mut self) -> Release {
        let now = self.now;
        let newer = self.deployed.iter().rfind(|(from, _)| *from <= now);
        let newer = newer.map_or(0, |(_, newer)| *newer);
        if newer > 0 && self.random.chance(newer) {
            Release::Newer
        } else {
            Release::Older
        }
    }

    /// Notes that a batch was sent for the first time. The photos of one are sent once by whoever has claimed that, and
    /// again only when the claim has run out.
    pub fn sent_first(&mut self, batch: &Batch, by: Function) {
        let claimed =
            CLAIMED_FOR.saturating_sub(Duration::from_millis(self.skew_ms.unsigned_abs() * 2));
        for photo in &batch.photos {
            let (id, photo) = (batch.evaluation_id.clone(), photo.photo_id.clone());
            let before = self.sent.insert((id, photo, by, batch.queue()), self.now);
            let again = before
                .is_some_and(|before| by == Function::Splitter || self.now < before.after(claimed));
            if again {
                self.violation("4: photos were sent twice for one reason");
            }
        }
    }

    /// Notes that a message with photos was delivered.
    pub fn note_delivery(&mut self, message: &Message) {
        let (id, photos) = match message {
            Message::Batch(batch) => (&batch.evaluation_id, batch.photos.as_slice()),
            Message::Look(look) => (&look.look_id, std::slice::from_ref(&look.photo)),
            _ => return,
        };
        for photo in photos {
            let about = (id.clone(), photo.photo_id.clone());
            *self.deliveries.entry(about).or_default() += 1;
        }
    }

    /// Notes that a look was sent: one at a photo.
    pub fn look_sent(&mut self, look: &Look) {
        *self.faults.entry("look_sent").or_default() += 1;
        if !self.looked_at.insert(look.photo.photo_id.clone()) {
            self.violation("4: a photo is looked at twice");
        }
    }

    /// Deletes a message.
    pub fn take(&mut self, place: Place, id: u64) {
        if let Some(messages) = self.queues.get_mut(&place) {
            messages.retain(|message| message.id != id);
        }
    }

    /// Notes what can't be true.
    pub fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(Violation(what.into()));
    }

    /// What the checks look at.
    pub fn sight(&mut self) -> Sight<'_> {
        Sight {
            table: &self.table,
            now: self.now,
            skew_ms: self.skew_ms,
            truth: &self.truth,
            gone: &self.gone,
            answered: &self.answered,
            violations: &mut self.violations,
        }
    }

    /// An evaluation or a note was written: the stream hands that on, late if this is such a day.
    pub fn streamed(&mut self, key: &Key, old: Option<&Value>) {
        if !matches!(key, Key::Evaluation(_) | Key::Notes(_)) {
            return;
        }
        let rate = self.rates.duplicate;
        let late = if self.fault("stream_late", rate) {
            self.random.below(30_000)
        } else {
            0
        };
        let new = self.table.get(key);
        let (now, late) = (self.now, Duration::from_millis(late));
        self.telling.written(old, new.as_deref(), now, late);
    }

    /// Whether the VLM is away.
    pub fn is_vlm_away(&self) -> bool {
        (self.outage.0..self.outage.1).contains(&self.now)
    }
}

/// The id of this number; those of larger numbers sort later.
pub fn id_of_number(number: u64) -> EvaluationId {
    let [_, _, low @ ..] = number.to_be_bytes();
    let [a, b, c, d, e, f] = low;
    EvaluationId::from_parts(Timestamp::from_millis(0), [0, 0, 0, 0, a, b, c, d, e, f])
}
