//! Writes of requests that may be sent again.

use serde_json::json;

use super::value;
use crate::decide::once::{self, Answered, Lease, RequestKey};
use crate::decide::update::UpdateAction::{Set, SetIfAbsent};
use crate::decide::update::{Key, Update};
use crate::domain::time::Timestamp;

/// Leases a request, if this place is free; nothing is asked under its key but this.
pub fn request_leased(
    key: &RequestKey,
    slot: &'static str,
    lease: &Lease,
    question: &str,
    at: Timestamp,
) -> Update {
    let deleted_after = at.after(once::KEPT_FOR);
    Update {
        key: Key::Request(key.clone()),
        guards: Vec::new(),
        actions: vec![
            SetIfAbsent("question", value(&question)),
            SetIfAbsent(slot, value(lease)),
            SetIfAbsent("ttl", json!(deleted_after.as_seconds())),
        ],
    }
}

/// Notes what a request is answered with, unless it was.
pub fn request_answered(key: &RequestKey, answered: &Answered) -> Update {
    Update {
        key: Key::Request(key.clone()),
        guards: Vec::new(),
        actions: vec![SetIfAbsent("answered", value(answered))],
    }
}

/// Ends a lease, which only who holds it does.
pub fn request_released(key: &RequestKey, slot: &'static str, over: &Lease) -> Update {
    Update {
        key: Key::Request(key.clone()),
        guards: Vec::new(),
        actions: vec![Set(slot, value(over))],
    }
}
