//! Readers among writers: what is shown of an evaluation never contradicts itself, whatever is written between two
//! reads.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evaluation::decide::message::Message;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::start::Limits;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::EvaluationId;
use evaluation::domain::outcome::PhotoOutcome;
use evaluation::domain::plan::{Mode, Photo};
use evaluation::domain::report::Report;
use evaluation::run::aggregate;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use evaluation::run::show::{Shown, show};
use evaluation::run::start::{StartResult, start};

use crate::chain::{Chain, Function};
use crate::day::{asking, make_dr};
use crate::ports::ModelPorts;
use crate::world::{Rates, Spans, World};

/// Worlds that must hold.
const SEEDS: u64 = 2_000;
/// Photos of the evaluation that is read.
const PHOTOS: usize = 3;
/// Who reads, each twice as often as somebody writes.
const READERS: usize = 6;

type Process = Pin<Box<dyn Future<Output = Result<(), RunError>>>>;

/// What contradicts itself.
fn contradiction(shown: &Shown) -> Option<&'static str> {
    let done = |photo: &&PhotoRecord| photo.report.is_some();
    let outcomes = shown.photos.iter().filter(done).count();
    if shown.evaluation.completed_at.is_some() && outcomes < shown.photos.len() {
        return Some("8: completed is shown beside a photo that is pending");
    }
    (outcomes < shown.evaluation.photos_done())
        .then_some("8: more photos are said to be done than are shown with an outcome")
}

async fn read(
    ports: ModelPorts,
    world: Rc<RefCell<World>>,
    id: EvaluationId,
) -> Result<(), RunError> {
    let shown = show(&ports, &id).await?;
    if let Some(what) = shown.as_ref().and_then(contradiction) {
        world.borrow_mut().violation(what);
    }
    Ok(())
}

/// An evaluation that has begun, and its photos.
fn begun(world: &Rc<RefCell<World>>) -> (EvaluationId, Vec<Photo>) {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let (dr, photos) = make_dr(&mut world.borrow_mut(), 1, PHOTOS, catalogue).unwrap();
    let now = world.borrow().now;
    let asked = asking(now, &dr, &photos, Mode::Full, false);
    let limits = Limits {
        photos_per_batch: PHOTOS,
        deadline: Duration::from_secs(3600),
        kept_for: Duration::from_secs(90 * 24 * 3600),
    };
    let ports = ModelPorts::new(world, Function::Splitter, Chain::default());
    let plan = ports.release.plan(&asked.photos, Mode::Full).unwrap();
    let versions = ports.release.versions();
    let answer = to_its_end(start(&ports, &asked.request, &plan, &versions, &limits));
    let StartResult::Started(evaluation) = answer.unwrap() else {
        panic!("nobody else asks");
    };
    (evaluation.evaluation_id, plan.selected)
}

fn to_its_end<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = poll(future.as_mut()) {
            return done;
        }
    }
}

fn poll<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Somebody who writes down what became of this photo.
fn writer(world: &Rc<RefCell<World>>, id: &EvaluationId, photo: &Photo) -> Process {
    let outcome = PhotoOutcome::Evaluated { findings: vec![] };
    let about = (id.clone(), photo.photo_id.clone());
    world
        .borrow_mut()
        .truth
        .insert(about.1.clone(), outcome.clone());
    world.borrow_mut().answered.insert(about);
    let ports = ModelPorts::new(world, Function::Aggregator, Chain::default());
    let message = Message::outcome(id, &photo.photo_id, Report::bare(outcome, ports.now()));
    Box::pin(async move { aggregate::handle(&ports, message).await })
}

/// What goes wrong in the world of this seed.
fn violations(seed: u64) -> Vec<String> {
    let world = World::new(seed, Rates::default(), Spans::STANDARD);
    let world = Rc::new(RefCell::new(world));
    let (id, photos) = begun(&world);
    let writers = photos.iter().map(|photo| writer(&world, &id, photo));
    let reader = |_| -> Process {
        Box::pin(read(
            ModelPorts::new(&world, Function::Aggregator, Chain::default()),
            Rc::clone(&world),
            id.clone(),
        ))
    };
    let mut processes: Vec<Process> = writers.chain((0..READERS).map(reader)).collect();
    while !processes.is_empty() {
        let at = world.borrow_mut().random.index(processes.len());
        if let Poll::Ready(ended) = poll(processes[at].as_mut()) {
            ended.unwrap();
            drop(processes.swap_remove(at));
        }
    }
    let world = world.borrow();
    world.violations.iter().map(|what| what.0.clone()).collect()
}

#[test]
fn what_is_shown_of_an_evaluation_never_contradicts_itself() {
    for seed in 0..SEEDS {
        let found = violations(seed);
        assert!(found.is_empty(), "seed {seed}: {found:?}");
    }
}
