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

use super::one_photo::by_uploads;
use super::past::versions;
use super::serial::{Serial, SerialEvaluator, at_once};

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
