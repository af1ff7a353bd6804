//! The model behind the flows. Every step waits for its turn first, so that the schedule decides what happens between
//! two steps: another process's step, time passing, or the end of the process.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use evaluation::decide::card::Card;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::{Batch, DeferralCause, Look, Message};
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::tell::Event;
use evaluation::decide::unfinished::{Page, Unfinished, key_of};
use evaluation::decide::update::{Key, Part, Put, Update};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::invalid::Invalid;
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::review;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use evaluation::run::batch::{AttemptResult, PhotoEvaluator};
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue, UpdateResult};
use evaluation::run::tell::{Announcer, Change};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::chain::{Chain, Function};
use crate::invariants;
use crate::release::Release;
use crate::world::{Place, World};

/// Entries of a page: few, so that there are several.
const PAGE: usize = 8;
/// An answer takes 1 to 6 seconds.
const ANSWER_MS: (u64, u64) = (1_000, 5_000);
/// A VLM that is away is noticed after the connect time-out.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// The client's time-out.
const TIMED_OUT_AFTER: Duration = Duration::from_secs(60);

/// One process's view of the world.
#[derive(Clone)]
pub struct ModelPorts {
    world: Rc<RefCell<World>>,
    skew_ms: i64,
    function: Function,
    chain: Chain,
    /// The release that it is of.
    pub release: Release,
    /// Until when the process sleeps.
    pub wakes_at: Rc<Cell<Timestamp>>,
}

impl ModelPorts {
    /// A process of this function, with a clock of its own, called at the end of this chain.
    pub fn new(world: &Rc<RefCell<World>>, function: Function, chain: Chain) -> Self {
        let bound = world.borrow().skew_ms;
        let skew_ms = world
            .borrow_mut()
            .random
            .below(2 * bound.unsigned_abs() + 1) as i64
            - bound;
        Self {
            world: Rc::clone(world),
            skew_ms,
            function,
            chain,
            release: world.borrow_mut().release(),
            wakes_at: Rc::default(),
        }
    }

    /// Waits for its turn; then the table or a queue may be busy.
    async fn step(&self) -> Result<(), RunError> {
        Turn(false).await;
        let mut world = self.world.borrow_mut();
        let rate = world.rates.throttle;
        if world.fault("throttle", rate) {
            Err(RunError::contended("throttled"))
        } else {
            Ok(())
        }
    }

    fn read<T: DeserializeOwned>(item: &Value) -> Result<T, RunError> {
        T::deserialize(item).map_err(|cause| RunError::bug("an item can't be read", cause))
    }

    /// Whether the SDK does a write again, because the reply to the first was lost; then other processes come in
    /// between.
    async fn again(&self) -> bool {
        let rate = self.world.borrow().rates.repeated;
        let again = self.world.borrow_mut().fault("repeated_write", rate);
        if again {
            Turn(false).await;
        }
        again
    }

    fn write_once(&self, update: &Update) -> UpdateResult {
        let mut world = self.world.borrow_mut();
        match update.key {
            Key::Evaluation(_) => world.updates.0 += 1,
            Key::Photo(..) => world.updates.1 += 1,
            _ => (),
        }
        let before = world.table.get(&update.key);
        let written = world.table.update(update);
        invariants::after_write(&mut world.sight(), &update.key, before.as_deref());
        if written.is_applied() {
            world.streamed(&update.key, before.as_deref());
        }
        written
    }

    fn published(&self, event: &Event) {
        let mut world = self.world.borrow_mut();
        let now = world.now;
        let wrong = world.telling.published(&event.to_body(), now);
        world.violations.extend(wrong);
    }

    async fn sleep(&self, span: Duration) {
        let until = self.world.borrow().now.after(span);
        Sleep { ports: self, until }.await;
    }
}

struct Turn(bool);

impl Future for Turn {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

struct Sleep<'a> {
    ports: &'a ModelPorts,
    until: Timestamp,
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.ports.world.borrow().now >= self.until {
            return Poll::Ready(());
        }
        let earliest = self.ports.wakes_at.get();
        let awake = earliest <= self.ports.world.borrow().now;
        self.ports.wakes_at.set(if awake {
            self.until
        } else {
            earliest.min(self.until)
        });
        Poll::Pending
    }
}

impl Ports for ModelPorts {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.world.borrow().now.as_millis() + self.skew_ms)
    }

    fn new_id(&self, _: Timestamp) -> EvaluationId {
        self.world.borrow_mut().new_id()
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, RunError> {
        self.step().await?;
        let item = self.world.borrow().table.get(&key);
        // An item without anything in it, as an update that only removes leaves it, reads as its default.
        item.as_deref().map(Self::read).transpose()
    }

    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, RunError> {
        let mut items = Vec::with_capacity(keys.len());
        for (at, key) in keys.into_iter().enumerate() {
            // Nobody is in the way of the sweeper's notes, and nobody says anything of a DR: they are read in one step.
            if at == 0 || !matches!(key, Key::Progress(_) | Key::SweptTo(_) | Key::Notes(_)) {
                self.step().await?;
            }
            let item = self.world.borrow().table.get(&key);
            items.push(item.as_deref().map(Self::read).transpose()?);
        }
        Ok(items)
    }

    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, RunError> {
        self.step().await?;
        let items = self
            .world
            .borrow()
            .table
            .query(&Key::Evaluation(id.clone()).parts().0, "PHOTO#");
        items.iter().map(|item| Self::read(item)).collect()
    }

    async fn reviews(&self, dr: &DrNumber) -> Result<Vec<Value>, RunError> {
        self.step().await?;
        let partition = Key::Review(dr.clone(), 0).parts().0;
        let items = self.world.borrow().table.query(&partition, review::PREFIX);
        Ok(items.iter().map(|item| (**item).clone()).collect())
    }

    async fn cards_of(&self, dr: &DrNumber) -> Result<Vec<Card>, RunError> {
        self.step().await?;
        let any = EvaluationId::from_parts(Timestamp::default(), [0; 10]);
        let partition = Key::Card(dr.clone(), any).parts().0;
        let items = self.world.borrow().table.query(&partition, "CARD#");
        let cards = items.iter().rev().map(|item| Self::read(item));
        cards.collect()
    }

    async fn unfinished(&self, part: u8, after: Option<&Unfinished>) -> Result<Page, RunError> {
        self.step().await?;
        let world = self.world.borrow();
        let key = Value::from(key_of(part));
        let items = world.table.unfinished();
        let items = items.filter(|item| item.get("gsi_active") == Some(&key));
        let entries = items.map(|item| {
            let of = |name: &str| item.get(name).cloned().unwrap_or_default();
            Self::read(&json!({"due_at": of("deadline_at"), "evaluation_id": of("evaluation_id")}))
        });
        let mut entries = entries.collect::<Result<Vec<Unfinished>, _>>()?;
        entries.retain(|entry| Some(entry) > after);
        entries.sort();
        let more = entries.len() > PAGE;
        entries.truncate(PAGE);
        Ok(Page { entries, more })
    }

    async fn catalogue(&self, version: &str) -> Result<Option<&'static Catalogue>, RunError> {
        if self.world.borrow().heedless {
            return Ok(Catalogue::shipped(version).ok());
        }
        Ok(self.release.catalogue(version))
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), RunError> {
        for key in &keys {
            self.step().await?;
            self.world.borrow_mut().table.delete(key);
        }
        Ok(())
    }

    async fn update(&self, update: Update) -> Result<UpdateResult, RunError> {
        self.step().await?;
        let written = self.write_once(&update);
        Ok(if self.again().await {
            self.write_once(&update)
        } else {
            written
        })
    }

    async fn transact(&self, parts: Vec<Part>) -> Result<bool, RunError> {
        self.step().await?;
        let mut world = self.world.borrow_mut();
        invariants::before_transaction(&mut world.sight(), &parts);
        let before = parts.iter().map(|part| world.table.get(part.key()));
        let before: Vec<_> = before.collect();
        let done = world.table.transact(&parts);
        for (part, before) in parts.iter().zip(before) {
            invariants::lawful(&mut world.sight(), part.key());
            if matches!(part.key(), Key::Review(..)) {
                invariants::after_write(&mut world.sight(), part.key(), before.as_deref());
            }
            if done {
                world.streamed(part.key(), before.as_deref());
            }
        }
        Ok(done)
    }

    async fn put_all(&self, puts: Vec<Put>) -> Result<(), RunError> {
        for put in &puts {
            self.step().await?;
            let mut world = self.world.borrow_mut();
            world.table.put(put);
            invariants::lawful(&mut world.sight(), &put.key);
        }
        Ok(())
    }

    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        delay: Duration,
    ) -> Result<(), RunError> {
        self.step().await?;
        let mut world = self.world.borrow_mut();
        let rate = world.rates.partial_send;
        let part = messages.len() > 1 && world.fault("partial_send", rate);
        let taken = if part {
            world.random.index(messages.len())
        } else {
            messages.len()
        };
        messages.iter().take(taken).for_each(|message| {
            if let Message::Look(look) = message {
                world.look_sent(look);
            }
            if let Message::Batch(batch) = message
                && batch.attempt == 0
                && self.function != Function::Sweeper
            {
                world.sent_first(batch, self.function);
            }
            world.enqueue(Place::Live(queue), message, delay, self.chain);
        });
        if part {
            Err(RunError::contended("some messages were not taken"))
        } else {
            Ok(())
        }
    }
}

impl Announcer for ModelPorts {
    async fn publish(&self, event: &Event) -> Result<(), RunError> {
        self.step().await?;
        self.published(event);
        if self.again().await {
            self.published(event);
        }
        Ok(())
    }

    fn alarm(&self, what: &str) {
        let what = format!("a review was changed: {what}");
        self.world.borrow_mut().violation(what);
    }

    async fn set_aside(&self, _: &Change, why: &Invalid) -> Result<(), RunError> {
        let what = format!("11: a completion can't be read: {why}");
        self.world.borrow_mut().violation(what);
        Ok(())
    }
}

/// In small worlds, which messages of the two queues of batches come first is for the schedule to say: they lie in one
/// heap.
pub(crate) fn taken_from(queue: Queue) -> Queue {
    match queue {
        Queue::Bulk => Queue::Batches,
        other => other,
    }
}

/// Counts a request as in flight until it is answered or its asker has ended.
struct InFlight<'a>(&'a ModelPorts);

impl<'a> InFlight<'a> {
    fn new(ports: &'a ModelPorts) -> Self {
        let mut world = ports.world.borrow_mut();
        world.in_flight += 1;
        world.most_in_flight = world.most_in_flight.max(world.in_flight);
        drop(world);
        Self(ports)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.world.borrow_mut().in_flight -= 1;
    }
}

impl PhotoEvaluator for ModelPorts {
    async fn knows(&self, versions: &Versions) -> Result<bool, RunError> {
        Ok(self.world.borrow().heedless || self.release.knows(versions))
    }

    async fn evaluate(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        _: Timestamp,
    ) -> Result<AttemptResult, RunError> {
        self.check_wanted(evaluation, photo);
        self.ask(
            &evaluation.evaluation_id,
            photo,
            batch.attempt,
            batch.seen.is_none(),
        )
        .await
    }

    async fn look(&self, look: &Look, _: Timestamp) -> Result<AttemptResult, RunError> {
        if !self.release.knows(&look.versions) {
            let what = "12: a photo is looked at by a release that does not know its versions";
            self.world.borrow_mut().violation(what);
        }
        let result = self.ask(&look.look_id, &look.photo, 0, false).await;
        let world = &mut self.world.borrow_mut();
        if world
            .asked
            .get(&(look.look_id.clone(), look.photo.photo_id.clone()))
            > Some(&1)
        {
            world.violation("4: a look asks twice");
        }
        result
    }
}

impl ModelPorts {
    fn check_wanted(&self, evaluation: &Evaluation, photo: &Photo) {
        if evaluation.superseded_by.is_some() || !evaluation.pending.contains(&photo.photo_id) {
            self.world
                .borrow_mut()
                .violation("4: a photo is asked about that is known not to be wanted");
        }
        let id = &evaluation.evaluation_id;
        invariants::on_asking(&mut self.world.borrow_mut().sight(), id, self.release);
    }

    /// Asks the VLM about a photo, for an evaluation or a look of this id.
    async fn ask(
        &self,
        id: &EvaluationId,
        photo: &Photo,
        attempt: u32,
        may_look_closer: bool,
    ) -> Result<AttemptResult, RunError> {
        Turn(false).await;
        if self.world.borrow().gone.contains(&photo.photo_id) {
            let outcome = PhotoOutcome::not_evaluated(ReasonCode::PhotoGone, "gone");
            return Ok(AttemptResult::Reported(Box::new(Report::bare(
                outcome,
                self.now(),
            ))));
        }
        let _in_flight = InFlight::new(self);
        let about = (id.clone(), photo.photo_id.clone());
        *self
            .world
            .borrow_mut()
            .asked
            .entry(about.clone())
            .or_default() += 1;
        if self.world.borrow().is_vlm_away() {
            *self
                .world
                .borrow_mut()
                .faults
                .entry("vlm_away")
                .or_default() += 1;
            self.sleep(AWAY_AFTER).await;
            return Ok(put_off(DeferralCause::Unavailable, None));
        }
        let (overloaded, timed_out) = (
            self.world.borrow().rates.overloaded,
            self.world.borrow().rates.timed_out,
        );
        if self.world.borrow_mut().fault("vlm_overloaded", overloaded) {
            return Ok(put_off(
                DeferralCause::Overloaded,
                Some(Duration::from_secs(3)),
            ));
        }
        if self.world.borrow_mut().fault("vlm_timed_out", timed_out) {
            self.sleep(TIMED_OUT_AFTER).await;
            return Ok(put_off(DeferralCause::Unavailable, None));
        }
        let slow = self.world.borrow().rates.slow;
        let factor = if self.world.borrow_mut().fault("vlm_slow", slow) {
            30
        } else {
            1
        };
        let answer = (ANSWER_MS.0 + self.world.borrow_mut().random.below(ANSWER_MS.1)) * factor;
        self.sleep(Duration::from_millis(answer)).await;
        let mut world = self.world.borrow_mut();
        world.answered.insert(about);
        let outcome = world
            .truth
            .get(&photo.photo_id)
            .cloned()
            .unwrap_or(PhotoOutcome::Evaluated { findings: vec![] });
        drop(world);
        let report = Report {
            attempt,
            ..Report::bare(outcome, self.now())
        };
        let closer_look = self.world.borrow().rates.closer_look;
        let may_wait = closer_look > 0 && may_look_closer;
        if may_wait
            && self
                .world
                .borrow_mut()
                .fault("closer_look_waits", closer_look)
        {
            return Ok(AttemptResult::Deferred {
                why: (DeferralCause::OutOfTime, "the closer look waits".into()),
                retry_after: None,
                seen: Some(Box::new(report)),
            });
        }
        Ok(AttemptResult::Reported(Box::new(report)))
    }
}

fn put_off(cause: DeferralCause, retry_after: Option<Duration>) -> AttemptResult {
    AttemptResult::Deferred {
        why: (cause, format!("{cause:?}")),
        retry_after,
        seen: None,
    }
}
