//! Looks, and evaluations that begin beside them.

use std::collections::VecDeque;

use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::Message;
use evaluation::decide::update::Key;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::plan::Photo;
use evaluation::run::ports::{Ports, Queue};
use evaluation::run::{aggregate, batch, look};

use super::one_photo::{by_uploads, by_uploads_of};
use super::past::versions;
use super::serial::{Serial, SerialEvaluator, at_once};
use crate::random::Random;

const ETAG: &str = "\"1\"";

/// A world in which the look at a DR's photo was just sent.
fn look_sent() -> Serial {
    let world = Serial::new(versions(), None);
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photo = Photo::new("photos/DR1/a.jpg", "a.jpg", ETAG, catalogue);
    let dr = DrNumber::parse("DR1").unwrap();
    at_once(look::send(&world, &dr, photo, catalogue, &versions())).unwrap();
    world
}

fn handle(world: &Serial, queue: Queue, message: Message, repeated: bool) {
    let evaluator = SerialEvaluator { world };
    match (queue, message) {
        (Queue::Batches | Queue::Bulk, Message::Batch(message)) => {
            at_once(batch::handle(world, &evaluator, &message))
        }
        (Queue::Bulk, Message::Look(message)) => {
            at_once(look::handle(world, &evaluator, &message, repeated))
        }
        (_, message) => at_once(aggregate::handle(world, message)),
    }
    .unwrap();
}

fn handle_all(world: &Serial, messages: VecDeque<(Queue, Message)>) {
    for (queue, message) in messages {
        handle(world, queue, message, false);
    }
    loop {
        let next = world.queue.borrow_mut().pop_front();
        let Some((queue, message)) = next else { return };
        handle(world, queue, message, false);
    }
}

fn is_final(world: &Serial, id: &EvaluationId) -> bool {
    let found: Option<Evaluation> = at_once(world.get(Key::Evaluation(id.clone()))).unwrap();
    found.unwrap().is_final()
}

#[test]
fn bulk_work_that_waited_behind_a_look_asks_nothing_again() {
    let world = look_sent();
    let look = world.queue.take();
    handle_all_but_results(&world, look);
    let seen = world.queue.take();
    let (id, _) = by_uploads(&world, "DR1", ETAG, &versions());
    let batches = world.queue.take();
    handle_all(&world, seen);
    handle_all(&world, batches);
    assert!(is_final(&world, &id));
    assert_eq!(world.asked.borrow().len(), 1, "the look alone asked");
}

fn handle_all_but_results(world: &Serial, messages: VecDeque<(Queue, Message)>) {
    for (queue, message) in messages {
        handle(world, queue, message, false);
    }
}

#[test]
fn a_look_leaves_to_an_evaluation_what_that_asks_about() {
    let world = look_sent();
    let look = world.queue.take();
    let (id, _) = by_uploads(&world, "DR1", ETAG, &versions());
    let batches = world.queue.take();
    handle_all(&world, look);
    assert_eq!(world.asked.borrow().len(), 0);
    handle_all(&world, batches);
    assert!(is_final(&world, &id));
    assert_eq!(world.asked.borrow().len(), 1, "the evaluation alone asked");
}

#[test]
fn a_look_whose_message_comes_again_asks_nobody() {
    let world = look_sent();
    for (queue, message) in world.queue.take() {
        handle(&world, queue, message, true);
    }
    assert!(world.asked.borrow().is_empty() && world.queue.borrow().is_empty());
}

/// A phone uploads sixteen photos in any order, now and then replaces one, and S3 tells of each once or twice.
#[test]
fn looks_cost_hardly_more_requests_than_an_evaluation_alone() {
    let (mut with, mut without) = (0, 0);
    let mut random = Random::new(7);
    for number in 0..200 {
        let world = Serial::new(versions(), None);
        let catalogue = Catalogue::shipped("v1").unwrap();
        let dr = format!("DR{number}");
        let etag = |at: u64| format!("\"{at}\"");
        let photo = |at: u64, etag: &str| {
            let name = format!("{dr}_{at}.jpg");
            Photo::new(&format!("photos/{dr}/{name}"), &name, etag, catalogue)
        };
        let mut uploads: Vec<Photo> = (0..16).map(|at| photo(at, &etag(at))).collect();
        if random.chance(500_000) {
            let at = random.below(16);
            uploads.push(photo(at, &etag(16)));
        }
        // In any order, but for the replaced one, which comes after what it replaces.
        (0..uploads.len().min(16)).for_each(|at| uploads.swap(at, random.below(16) as usize));
        let number = DrNumber::parse(&dr).unwrap();
        for photo in &uploads {
            for _ in 0..=u8::from(random.chance(200_000)) {
                let (photo, versions) = (photo.clone(), versions());
                at_once(look::send(&world, &number, photo, catalogue, &versions)).unwrap();
            }
            // Some looks are worked off at once, others when more have come.
            if random.chance(700_000) {
                handle_all(&world, VecDeque::new());
            }
        }
        let mut there: Vec<Photo> = Vec::new();
        for photo in uploads {
            there.retain(|other| other.name != photo.name);
            there.push(photo);
        }
        without += there.len();
        by_uploads_of(&world, &dr, there, &versions());
        handle_all(&world, VecDeque::new());
        with += world.asked.borrow().len();
    }
    let ratio = with as f64 / without as f64;
    assert!((1.0..=1.05).contains(&ratio), "{ratio}");
}
