//! Technicians who say the same and other things of a DR at once, and apps that send again what they got no answer to:
//! each note stands once.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evaluation::decide::note::{Note, NoteKind, SLOTS, of_item};
use evaluation::decide::update::Key;
use evaluation::domain::ids::{DrNumber, StepKey};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use evaluation::run::notes::{NoteResult, note};

use crate::chain::{Chain, Function};
use crate::ports::ModelPorts;
use crate::world::{Rates, Spans, World};

/// Worlds that must hold.
const SEEDS: u64 = 300;
/// How often somebody says something, in half of the worlds; in the others more than there is room for.
const SAID: usize = 12;
/// Of so many notes one is said at once with itself.
const DIFFERENT: usize = 4;
const KEPT_FOR: Duration = Duration::from_secs(3600);

type Process = Pin<Box<dyn Future<Output = Result<NoteResult, RunError>>>>;

fn dr() -> DrNumber {
    DrNumber::parse("DR1").unwrap()
}

fn said(what: usize, at: usize) -> Note {
    let step = StepKey::parse("power_meter").unwrap();
    let reason = format!("reason {what}");
    let at = Timestamp::from_millis(at as i64);
    Note::new(step, NoteKind::Disagree, &reason, Some("u"), at).unwrap()
}

fn sayer(world: &Rc<RefCell<World>>, said: Note) -> Process {
    let ports = ModelPorts::new(world, Function::Aggregator, Chain::default());
    Box::pin(async move { note(&ports, &dr(), said, KEPT_FOR).await })
}

/// Says all of that in the world of this seed; some end before they are told what became of it, and say it again.
fn world_of(seed: u64, times: usize, different: usize) {
    let world = World::new(seed, Rates::default(), Spans::STANDARD);
    let world = Rc::new(RefCell::new(world));
    let mut running: Vec<(usize, Process)> = (0..times)
        .map(|at| (at % different, sayer(&world, said(at % different, at))))
        .collect();
    let (mut stands, mut full, mut at) = (0, 0, times);
    while !running.is_empty() {
        let next = world.borrow_mut().random.index(running.len());
        if world.borrow_mut().random.index(10) == 0 {
            let (what, _) = running.swap_remove(next);
            running.push((what, sayer(&world, said(what, at))));
            at += 1;
            continue;
        }
        let process = running[next].1.as_mut();
        if let Poll::Ready(ended) = process.poll(&mut Context::from_waker(Waker::noop())) {
            match ended.unwrap() {
                NoteResult::Noted(_) | NoteResult::Repeated(_) => stands += 1,
                NoteResult::Full => full += 1,
            }
            drop(running.swap_remove(next));
        }
    }
    let item = world.borrow().table.get(&Key::Notes(dr())).unwrap();
    let notes = of_item(&item);
    let reasons: Vec<&str> = notes.iter().map(|note| note.reason.as_str()).collect();
    for (at, reason) in reasons.iter().enumerate() {
        assert!(!reasons[..at].contains(reason), "seed {seed}: {reasons:?}");
    }
    assert_eq!(reasons.len(), different.min(SLOTS.len()), "seed {seed}");
    assert_eq!(stands + full, times);
    assert_eq!(full > 0, different > SLOTS.len(), "seed {seed}");
}

#[test]
fn what_is_said_again_and_at_once_stands_once() {
    for seed in 0..SEEDS {
        world_of(seed, SAID, DIFFERENT);
        world_of(seed, SLOTS.len() + SAID, SLOTS.len() + DIFFERENT);
    }
}
