//! A round of the sweeper with more unfinished evaluations than one can look at: what comes first, and what is reached.
//!
//! Time is a model here: each call of the table or a queue takes a while, and calls that are made at once take it
//! together.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evaluation::decide::card::Card;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::Message;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::start::{FromCache, Limits, Request, Reuse, open};
use evaluation::decide::unfinished::{Page, Unfinished, part_of};
use evaluation::decide::update::{Key, Part, Put, Update, UpdateAction};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::plan::{Mode, Photo};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue, UpdateResult};
use evaluation::run::sweep::{self, Swept};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::release::Release;
use crate::world::id_of_number;

const LOST_AFTER: Duration = Duration::from_secs(900);
const ROUND: Duration = Duration::from_secs(45);
const PAGE: usize = 500;
/// What the deadlines are away from each other: a request each four seconds or so.
const APART_MS: i64 = 4_000;

/// A table that holds nothing but unfinished evaluations, and takes its time.
struct Minute {
    now: Cell<Timestamp>,
    call: Duration,
    wakes: RefCell<BTreeSet<Timestamp>>,
    unfinished: BTreeMap<u8, Vec<Unfinished>>,
    sample: Value,
    marks: RefCell<BTreeMap<u8, Value>>,
    looked_at: RefCell<Vec<EvaluationId>>,
    sent: RefCell<Vec<Message>>,
}

/// An evaluation that was sent to the VLM an hour ago, and of which nothing was heard.
fn sample(now: Timestamp) -> Value {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photo = |n: usize| {
        let name = format!("DR1_{n}.jpg");
        Photo::new(&format!("photos/DR1/{name}"), &name, &name, catalogue)
    };
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 2,
        deadline: Duration::from_secs(12 * 3600),
        kept_for: Duration::from_secs(90 * 24 * 3600),
    };
    let photos: Vec<Photo> = (0..2).map(photo).collect();
    let plan = Release::Older.plan(&photos, Mode::Full).unwrap();
    let (versions, before) = (Release::Older.versions(), FromCache::default());
    let begun = Timestamp::from_millis(now.as_millis() - 3_600_000);
    let id = id_of_number(1);
    let new = open(id, &request, plan, versions, &limits, before, begun);
    let dispatched_at = Some(begun);
    json!(Evaluation {
        dispatched_at,
        ..new.evaluation
    })
}

impl Minute {
    /// So many unfinished evaluations, of which so many are past their deadline.
    fn new(unfinished: u64, overdue: u64, call: Duration) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let mut parts: BTreeMap<u8, Vec<Unfinished>> = BTreeMap::new();
        for number in 0..unfinished {
            let evaluation_id = id_of_number(number + 1);
            let after = APART_MS * (number as i64 - overdue as i64) + 1;
            let due_at = Timestamp::from_millis(now.as_millis() + after);
            let part = parts.entry(part_of(&evaluation_id)).or_default();
            part.push(Unfinished {
                due_at,
                evaluation_id,
            });
        }
        parts.values_mut().for_each(|part| part.sort());
        Self {
            now: Cell::new(now),
            call,
            wakes: RefCell::default(),
            unfinished: parts,
            sample: sample(now),
            marks: RefCell::default(),
            looked_at: RefCell::default(),
            sent: RefCell::default(),
        }
    }

    /// A call, which takes its time.
    async fn call(&self) {
        let until = self.now.get().after(self.call);
        poll_fn(|_| {
            if self.now.get() >= until {
                return Poll::Ready(());
            }
            self.wakes.borrow_mut().insert(until);
            Poll::Pending
        })
        .await;
    }

    /// A round of the sweeper; the next one begins a minute after it.
    fn round(&self) -> Swept {
        let began = self.now.get();
        let until = began.after(ROUND);
        let swept = self.run(sweep::run(self, LOST_AFTER, until)).unwrap();
        let took = self.now.get().since(began);
        assert!(
            took < ROUND + Duration::from_secs(5),
            "a round took {took:?}"
        );
        self.now.set(began.after(Duration::from_secs(60)));
        swept
    }

    /// Lets time pass whenever nothing else can happen.
    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        loop {
            let polled = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(done) = polled {
                return done;
            }
            let next = self.wakes.borrow_mut().pop_first();
            self.now.set(next.unwrap().max(self.now.get()));
        }
    }

    fn number_looked_at(&self) -> usize {
        let looked_at = self.looked_at.borrow();
        looked_at.iter().collect::<BTreeSet<_>>().len()
    }
}

impl Ports for Minute {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn new_id(&self, _: Timestamp) -> EvaluationId {
        unreachable!("the sweeper makes up no ids")
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, RunError> {
        self.call().await;
        let Key::Evaluation(id) = key else {
            return Ok(None);
        };
        self.looked_at.borrow_mut().push(id.clone());
        let mut item = self.sample.clone();
        item["evaluation_id"] = json!(id);
        let mut all = self.unfinished.values().flatten();
        let due = all.find(|entry| entry.evaluation_id == id);
        item["deadline_at"] = json!(due.unwrap().due_at);
        Ok(Some(T::deserialize(item).unwrap()))
    }

    async fn get_all<T: DeserializeOwned>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Option<T>>, RunError> {
        self.call().await;
        let mark = |key: &Key| match key {
            Key::SweptTo(part) => self.marks.borrow().get(part).cloned(),
            _ => None,
        };
        let items = keys.iter().map(mark);
        Ok(items
            .map(|item| Some(T::deserialize(item?).unwrap()))
            .collect())
    }

    async fn photos(&self, _: &EvaluationId) -> Result<Vec<PhotoRecord>, RunError> {
        self.call().await;
        Ok(Vec::new())
    }

    async fn reviews(&self, _: &DrNumber) -> Result<Vec<Value>, RunError> {
        unreachable!("the sweeper reads no reviews")
    }

    async fn cards_of(&self, _: &DrNumber) -> Result<Vec<Card>, RunError> {
        unreachable!("the sweeper reads no cards")
    }

    async fn unfinished(&self, part: u8, after: Option<&Unfinished>) -> Result<Page, RunError> {
        self.call().await;
        let all = self.unfinished.get(&part).cloned().unwrap_or_default();
        let from = all.partition_point(|entry| Some(entry) <= after);
        let entries: Vec<Unfinished> = all.iter().skip(from).take(PAGE).cloned().collect();
        let more = from + entries.len() < all.len();
        Ok(Page { entries, more })
    }

    async fn update(&self, update: Update) -> Result<UpdateResult, RunError> {
        self.call().await;
        if let Key::SweptTo(part) = update.key {
            let set = update
                .actions
                .into_iter()
                .filter_map(|action| match action {
                    UpdateAction::Set(name, value) => Some((name.to_owned(), value)),
                    _ => None,
                });
            let mark = Value::Object(set.collect::<Map<_, _>>());
            self.marks.borrow_mut().insert(part, mark);
        }
        Ok(UpdateResult::Applied(Value::Null))
    }

    async fn transact(&self, _: Vec<Part>) -> Result<bool, RunError> {
        unreachable!("the sweeper starts nothing")
    }

    async fn put_all(&self, _: Vec<Put>) -> Result<(), RunError> {
        unreachable!("the sweeper starts nothing")
    }

    async fn delete_all(&self, _: Vec<Key>) -> Result<(), RunError> {
        unreachable!("the sweeper deletes nothing")
    }

    async fn send(&self, _: Queue, messages: Vec<Message>, _: Duration) -> Result<(), RunError> {
        self.call().await;
        self.sent.borrow_mut().extend(messages);
        Ok(())
    }
}

#[test]
fn a_round_looks_at_twenty_thousand_unfinished_evaluations() {
    let minute = Minute::new(20_000, 10, Duration::from_millis(10));
    let swept = minute.round();
    assert_eq!((swept.unfinished, swept.out_of_time), (20_000, false));
    assert_eq!(minute.number_looked_at(), 20_000);
    assert!(
        minute.marks.borrow().is_empty(),
        "nothing is left for the next round"
    );
}

#[test]
fn what_a_round_could_not_look_at_comes_first_the_next_time_but_for_what_is_overdue() {
    let minute = Minute::new(6_000, 40, Duration::from_millis(250));
    for round in 1..10 {
        let began = minute.looked_at.borrow().len();
        let swept = minute.round();
        let looked_at = minute.looked_at.borrow();
        let this_time: BTreeSet<_> = looked_at.iter().skip(began).collect();
        let overdue = |n: u64| this_time.contains(&id_of_number(n + 1));
        assert!(
            (0..40).all(overdue),
            "what is past its deadline is looked at in every round"
        );
        if minute.number_looked_at() == 6_000 {
            assert!(round > 1, "a round had time for all");
            return;
        }
        // Of the others none a second time before all were looked at; some become overdue meanwhile.
        let again = looked_at.len() - minute.number_looked_at();
        assert!(
            swept.out_of_time && again < 120 * round,
            "{again} again after round {round}"
        );
    }
    panic!("somebody is never looked at");
}
