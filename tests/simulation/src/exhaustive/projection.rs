//! What of a reply makes a difference to the flow that gets it.
//!
//! Two processes that have read different items, but in what they don't look at, go on alike. Handing them
//! only what they look at makes them the same process, and there are far fewer states. That nothing is lost by it is
//! tested: the small scenarios end in the same states with whole items.

use std::sync::Arc;

use evaluation::decide::update::{Key, UpdateAction};
use evaluation::run::ports::Queue;
use serde_json::{Map, Value};

use super::process::Process;
use super::scenario::Begun;
use super::step::{Reply, Step};
use crate::world::Place;

/// Of an evaluation, when an outcome arrives: only whether it is final. Whoever judges reads it again.
const PROGRESS: [&str; 16] = [
    "unknown_since",
    "promoted_at",
    "round",
    "round_until",
    "pending",
    "dispatched_at",
    "started_at",
    "waiting_since",
    "waiting_reason",
    "waited_until",
    "superseded_by",
    "revision",
    "timings",
    "gsi_active",
    "gsi_due",
    "completed_at",
];

/// The part of a reply that its process looks at.
pub fn looked_at(process: &Process, step: &Step, reply: Reply) -> Reply {
    match (step, reply) {
        // Of a write only whether it was done; but what is left pending when a photo is taken off or sent anew for a
        // person, and who was first.
        (Step::Update(write), Reply::UpdateResult(Some(item))) => {
            let reads_pending = write.actions.iter().any(|change| {
                matches!(
                    change,
                    UpdateAction::DeleteMembers(..) | UpdateAction::Set("promoted_at", _)
                )
            });
            let who_was_first = matches!(write.key, Key::Sighting(_));
            Reply::UpdateResult(Some(if reads_pending || who_was_first {
                item
            } else {
                Value::Null
            }))
        }
        (Step::Get(Key::Evaluation(_)), Reply::Item(Some(item)))
            if reads_first_for_an_outcome(process) =>
        {
            Reply::Item(Some(Arc::new(without_progress(&item))))
        }
        (_, reply) => reply,
    }
}

/// Whether this is the aggregator with an outcome, and the first time that it reads the evaluation.
fn reads_first_for_an_outcome(process: &Process) -> bool {
    let outcome = match &*process.begun {
        Begun::Handle(Place::Live(Queue::Results) | Place::Dead(Queue::Results), body, _) => {
            body.contains("\"kind\":\"outcome\"")
        }
        _ => false,
    };
    outcome && process.steps_done() < 2
}

fn without_progress(item: &Value) -> Value {
    let Value::Object(mut item) = item.clone() else {
        return item.clone();
    };
    if !is_final(&item) {
        item.remove("judgement");
        PROGRESS.iter().for_each(|name| drop(item.remove(*name)));
    }
    Value::Object(item)
}

fn is_final(item: &Map<String, Value>) -> bool {
    let verdict = item
        .get("judgement")
        .and_then(|judgement| judgement.get("verdict"))
        .and_then(Value::as_str);
    matches!(verdict, Some("pass" | "fail"))
}
