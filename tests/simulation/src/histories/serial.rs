//! Ports of a world in which everything happens at once and in order; and an evaluator that says what their answer depended on.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::world::id_of_number;
use evaluation::decide::card::Card;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::{Batch, Look, Message};
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::unfinished::{Page, Unfinished};
use evaluation::decide::update::{Key, Part, Put, Update};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId, Score, StepKey};
use evaluation::domain::key::KeyPart;
use evaluation::domain::outcome::{Finding, PhotoOutcome, ReasonCode};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::review;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use evaluation::run::batch::{AttemptResult, PhotoEvaluator};
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue, UpdateResult};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::table::Table;

/// Cards that are read of a DR at once.
const LAST_OF_DR: usize = 25;

/// A part of a key that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    OfFingerprint(KeyPart),
    OfAnswer(KeyPart),
}

/// A question that was put to the model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) evaluation_id: EvaluationId,
    pub(super) photo: Photo,
    pub(super) versions: Versions,
    pub(super) at: Timestamp,
    pub(super) answered: bool,
}

/// The world.
#[derive(Debug)]
pub(super) struct Serial {
    pub(super) now: Cell<Timestamp>,
    pub(super) table: RefCell<Table>,
    pub(super) queue: RefCell<VecDeque<(Queue, Message)>>,
    pub(super) asked: RefCell<Vec<Asked>>,
    pub(super) versions: RefCell<Versions>,
    /// Whether the model refuses to answer.
    pub(super) refuses: Cell<bool>,
    /// Whether the queues take nothing.
    pub(super) is_full: Cell<bool>,
    left_out: Option<LeftOut>,
    ids: Cell<u64>,
}

impl Serial {
    pub(super) fn new(versions: Versions, left_out: Option<LeftOut>) -> Self {
        Self {
            now: Cell::new(Timestamp::from_millis(1_800_000_000_000)),
            table: RefCell::default(),
            queue: RefCell::default(),
            asked: RefCell::default(),
            versions: RefCell::new(versions),
            refuses: Cell::new(false),
            is_full: Cell::new(false),
            left_out,
            ids: Cell::new(0),
        }
    }

    pub(super) fn pass(&self, span: Duration) {
        self.now.set(self.now.get().after(span));
    }

    /// The key with what is left out left out.
    fn key(&self, key: Key) -> Key {
        match (key, self.left_out) {
            (Key::Answer(parts), Some(LeftOut::OfAnswer(part))) => Key::Answer(parts.without(part)),
            (key, _) => key,
        }
    }
}

/// Runs what never has to wait.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("nothing here waits"),
    }
}

impl Ports for Serial {
    fn now(&self) -> Timestamp {
        self.now.get()
    }

    fn new_id(&self, _: Timestamp) -> EvaluationId {
        self.ids.set(self.ids.get() + 1);
        id_of_number(self.ids.get())
    }

    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, RunError> {
        let item = self.table.borrow().get(&self.key(key));
        Ok(item.map(|item| T::deserialize(&*item).unwrap()))
    }

    async fn photos(&self, id: &EvaluationId) -> Result<Vec<PhotoRecord>, RunError> {
        let items = self
            .table
            .borrow()
            .query(&Key::Evaluation(id.clone()).parts().0, "PHOTO#");
        Ok(items
            .iter()
            .map(|item| PhotoRecord::deserialize(&**item).unwrap())
            .collect())
    }

    async fn reviews(&self, dr: &DrNumber) -> Result<Vec<Value>, RunError> {
        let partition = Key::Review(dr.clone(), 0).parts().0;
        let items = self.table.borrow().query(&partition, review::PREFIX);
        Ok(items.iter().map(|item| (**item).clone()).collect())
    }

    async fn cards_of(&self, dr: &DrNumber) -> Result<Vec<Card>, RunError> {
        let any = EvaluationId::from_parts(Timestamp::default(), [0; 10]);
        let partition = Key::Card(dr.clone(), any).parts().0;
        let items = self.table.borrow().query(&partition, "CARD#");
        let last = items.iter().rev().take(LAST_OF_DR);
        Ok(last
            .map(|item| Card::deserialize(&**item).unwrap())
            .collect())
    }

    async fn unfinished(&self, _: u8, _: Option<&Unfinished>) -> Result<Page, RunError> {
        Ok(Page::default())
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), RunError> {
        let mut table = self.table.borrow_mut();
        keys.iter().for_each(|key| table.delete(key));
        Ok(())
    }

    async fn update(&self, update: Update) -> Result<UpdateResult, RunError> {
        Ok(self.table.borrow_mut().update(&Update {
            key: self.key(update.key),
            ..update
        }))
    }

    async fn transact(&self, parts: Vec<Part>) -> Result<bool, RunError> {
        Ok(self.table.borrow_mut().transact(&parts))
    }

    async fn put_all(&self, puts: Vec<Put>) -> Result<(), RunError> {
        puts.iter()
            .for_each(|put| assert!(self.table.borrow_mut().put(put)));
        Ok(())
    }

    async fn send(
        &self,
        queue: Queue,
        messages: Vec<Message>,
        _: Duration,
    ) -> Result<(), RunError> {
        if self.is_full.get() {
            return Err(RunError::contended("the queues take nothing"));
        }
        self.queue
            .borrow_mut()
            .extend(messages.into_iter().map(|message| (queue, message)));
        Ok(())
    }
}

/// What a model says of a photo of this content, of the steps asked: and from what it says it.
pub(super) fn answer(
    photo: &Photo,
    steps: &[StepKey],
    versions: &Versions,
    at: Timestamp,
) -> Vec<Finding> {
    let catalogue = Catalogue::shipped(&versions.catalogue).unwrap();
    let content: usize = photo.etag.trim_matches('"').parse().unwrap();
    // Each content shows some critical steps and some others, one of them not well.
    let shown = catalogue
        .steps
        .iter()
        .enumerate()
        .filter(|(at, _)| !(at + content).is_multiple_of(3));
    let shown = shown.filter(|(_, step)| steps.contains(&step.key));
    let finding = |(index, step): (usize, &evaluation::domain::catalogue::Step)| Finding {
        step: step.key.clone(),
        score: Score::try_from(if index == content { 3 } else { 8 }).unwrap(),
        comment: format!("{content} {:?} {versions:?}", photo.step_hint),
        reading: Some(at.as_millis().to_string()),
        fail_code: None,
        certainty: None,
        code: None,
    };
    shown.map(finding).collect()
}

/// What evaluates photos in the deployed versions.
#[derive(Debug)]
pub(super) struct SerialEvaluator<'a> {
    pub(super) world: &'a Serial,
}

impl PhotoEvaluator for SerialEvaluator<'_> {
    async fn knows(&self, versions: &Versions) -> Result<bool, RunError> {
        let own = self.world.versions.borrow();
        Ok((&versions.model, &versions.prompt) == (&own.model, &own.prompt))
    }

    async fn evaluate(
        &self,
        evaluation: &Evaluation,
        _: &Batch,
        photo: &Photo,
        _: Timestamp,
    ) -> Result<AttemptResult, RunError> {
        Ok(self.ask(&evaluation.evaluation_id, &evaluation.versions, photo))
    }

    async fn look(&self, look: &Look, _: Timestamp) -> Result<AttemptResult, RunError> {
        Ok(self.ask(&look.look_id, &look.versions, &look.photo))
    }
}

impl SerialEvaluator<'_> {
    /// Asks about a photo, for an evaluation or a look of this id.
    fn ask(&self, id: &EvaluationId, versions: &Versions, photo: &Photo) -> AttemptResult {
        let (at, answered) = (self.world.now.get(), !self.world.refuses.get());
        let asked = Asked {
            evaluation_id: id.clone(),
            photo: photo.clone(),
            versions: versions.clone(),
            at,
            answered,
        };
        self.world.asked.borrow_mut().push(asked);
        let catalogue = Catalogue::shipped(&versions.catalogue).unwrap();
        let outcome = if answered {
            PhotoOutcome::Evaluated {
                findings: answer(photo, &photo.scope.steps(catalogue), versions, at),
            }
        } else {
            PhotoOutcome::not_evaluated(ReasonCode::Refused, "no")
        };
        AttemptResult::Reported(Box::new(Report::bare(outcome, at)))
    }
}
