//! Writes of how the VLM, the queues and the sweeper stand.

use serde_json::json;

use super::{moved_forward, value};
use crate::decide::breaker::{ProbeId, ProbeLease};
use crate::decide::queue::Queue;
use crate::decide::unfinished::Unfinished;
use crate::decide::update::Condition::{Absent, AtMost, Is};
use crate::decide::update::GuardName::{LaterProgressStays, OneProbe, OwnProbe};
use crate::decide::update::UpdateAction::{Increment, Remove, Set, SetIfAbsent};
use crate::decide::update::{Guard, Key, Update};
use crate::domain::time::Timestamp;

/// Counts a failure of the VLM.
pub fn failure(reason: &str, at: Timestamp) -> Update {
    let actions = vec![
        Set("reason", json!(reason)),
        SetIfAbsent("since", value(&at)),
        Increment("failures"),
    ];
    Update {
        key: Key::Breaker,
        guards: Vec::new(),
        actions,
    }
}

/// Notes that the VLM answered: nothing is held against it any more.
pub fn answered() -> Update {
    let actions = ["failures", "since", "reason", "probe_until", "probe_of"]
        .map(Remove)
        .into();
    Update {
        key: Key::Breaker,
        guards: Vec::new(),
        actions,
    }
}

/// Claims a probe; whoever claimed it before may do so again.
pub fn probe(lease: &ProbeLease, now: Timestamp) -> Update {
    let any_of = vec![
        Absent("probe_until"),
        AtMost("probe_until", now.as_millis()),
        Is("probe_of", value(&lease.of)),
    ];
    Update {
        key: Key::Breaker,
        guards: vec![Guard {
            name: OneProbe,
            any_of,
        }],
        actions: vec![
            Set("probe_until", value(&lease.until)),
            Set("probe_of", value(&lease.of)),
        ],
    }
}

/// Ends a probe's lease, so that another may be sent. A release before this one did not say whose it is.
pub fn probe_ended(probe: &ProbeId) -> Update {
    let own = Is("probe_of", value(probe));
    Update {
        key: Key::Breaker,
        guards: vec![Guard::either(OwnProbe, own, Absent("probe_of"))],
        actions: vec![Remove("probe_until"), Remove("probe_of")],
    }
}

/// Notes how far a queue has come: messages are received that were due at `due_at`.
pub fn progress(queue: Queue, due_at: Timestamp, now: Timestamp) -> Update {
    let key = Key::Progress(queue);
    let mut update = moved_forward(key, LaterProgressStays, "due_at", due_at);
    update.actions.push(Set("seen_at", value(&now)));
    update
}

/// Notes where the sweeper goes on with a part of the unfinished evaluations; nothing if it came to the end.
pub fn swept_to(part: u8, at: Option<&Unfinished>) -> Update {
    let actions = match at {
        Some(at) => vec![
            Set("due_at", value(&at.due_at)),
            Set("evaluation_id", value(&at.evaluation_id)),
        ],
        None => vec![Remove("due_at"), Remove("evaluation_id")],
    };
    Update {
        key: Key::SweptTo(part),
        guards: Vec::new(),
        actions,
    }
}
