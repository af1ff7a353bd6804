//! A request that is sent again and again under its key, at once and after functions ended in the midst of it: it starts
//! one evaluation, by force, too.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evaluation::decide::once::{RequestKey, question};
use evaluation::decide::start::{Limits, Request, Reuse};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::plan::{Mode, Photo, Plan, plan};
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::{VersionPart, Versions};
use evaluation::run::error::RunError;
use evaluation::run::once::{LeaseResult, lease, release};
use evaluation::run::start::start_once;

use crate::chain::{Chain, Function};
use crate::ports::ModelPorts;
use crate::world::{Rates, Spans, World};

/// Worlds that must hold.
const SEEDS: u64 = 400;
/// Who send the same request.
const SENDERS: usize = 4;
/// Functions that end in the midst of it, at most: far fewer than there are places for leases.
const ENDS: usize = 6;
/// How long a function may run.
const LASTS: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits {
    photos_per_batch: 1,
    deadline: Duration::from_secs(3600),
    kept_for: Duration::from_secs(90 * 24 * 3600),
};

type Process = Pin<Box<dyn Future<Output = Result<Option<EvaluationId>, RunError>>>>;

fn request() -> Request {
    Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Nothing,
        catalogue: None,
    }
}

fn versions() -> Versions {
    Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v1".into(),
        _ => "one".into(),
    })
}

fn planned() -> Plan {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photo = Photo::new("photos/DR1/a.jpg", "a.jpg", "\"a\"", catalogue);
    plan(vec![photo], Mode::Full, catalogue, &versions())
}

/// Sends the request: which evaluation answers, if it is not being answered.
fn sent(world: &Rc<RefCell<World>>) -> (Timestamp, Process) {
    let ports = ModelPorts::new(world, Function::Splitter, Chain::default());
    let ends = world.borrow().now.after(LASTS);
    let differ = Duration::from_millis(2 * world.borrow().skew_ms.unsigned_abs());
    let leased_until = ends.after(differ);
    let process = async move {
        let (request, key) = (request(), RequestKey::of("u", "POST /evaluations", "k"));
        let leased = match lease(&ports, &key, &question(&request), leased_until).await? {
            LeaseResult::Leased(leased) => leased,
            LeaseResult::Answered(_, evaluation) => return Ok(Some(evaluation.evaluation_id)),
            LeaseResult::Wait => return Ok(None),
            LeaseResult::Refused => panic!("it is the same request"),
        };
        let (plan, versions) = (planned(), versions());
        let started = start_once(&ports, &request, &plan, &versions, &LIMITS, &leased).await;
        if started.is_err() {
            release(&ports, &leased).await?;
        }
        started.map(|it| Some(it.evaluation().evaluation_id.clone()))
    };
    (ends, Box::pin(process))
}

/// Sends it in the world of this seed until all senders have their answer; which evaluation answered each.
fn answers(seed: u64, world: &Rc<RefCell<World>>) -> Vec<EvaluationId> {
    let mut running: Vec<_> = (0..SENDERS).map(|_| sent(world)).collect();
    let (mut answers, mut ended) = (Vec::new(), 0);
    for _ in 0..100_000 {
        if running.is_empty() {
            return answers;
        }
        let next = world.borrow_mut().random.index(running.len());
        let ends_here = world.borrow_mut().random.index(15) == 0 && ended < ENDS;
        let is_over = running[next].0 <= world.borrow().now;
        if ends_here || is_over {
            ended += 1;
            running[next] = sent(world);
            continue;
        }
        let process = running[next].1.as_mut();
        match process.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => (),
            Poll::Ready(Ok(Some(id))) => {
                answers.push(id);
                drop(running.swap_remove(next));
            }
            Poll::Ready(Ok(None) | Err(_)) => {
                if world.borrow_mut().random.index(20) == 0 {
                    let later = world.borrow().now.after(Duration::from_secs(1));
                    world.borrow_mut().now = later;
                }
                running[next] = sent(world);
            }
        }
    }
    panic!("seed {seed}: no answer")
}

#[test]
fn a_request_that_is_sent_again_and_at_once_starts_one_evaluation() {
    for seed in 0..SEEDS {
        let rates = Rates {
            throttle: 20_000,
            repeated: 50_000,
            ..Rates::default()
        };
        let world = Rc::new(RefCell::new(World::new(seed, rates, Spans::STANDARD)));
        let answers = answers(seed, &world);
        let started = world.borrow().table.having("gsi_created").count();
        assert!(started == 1, "seed {seed}: {started} evaluations");
        assert!(
            answers.windows(2).all(|two| two[0] == two[1]),
            "seed {seed}: {answers:?}"
        );
        assert_eq!(answers.len(), SENDERS, "seed {seed}");
    }
}
