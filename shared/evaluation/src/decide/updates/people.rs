//! Writes of what people say: of a DR, of its steps, of verdicts.

use std::time::Duration;

use photos::metadata::Position;
use serde_json::json;

use super::value;
use crate::decide::accuracy::kept::Kept;
use crate::decide::note::Note;
use crate::decide::start::NewEvaluation;
use crate::decide::update::Condition::Absent;
use crate::decide::update::GuardName::ReviewStays;
use crate::decide::update::UpdateAction::{Remove, Set, SetIfAbsent};
use crate::decide::update::{Guard, Key, Put, Update};
use crate::domain::ids::DrNumber;
use crate::domain::review::ReviewRecord;
use crate::domain::time::Timestamp;

/// Where a DR is expected to be; none forgets it.
pub fn placed(
    dr: &DrNumber,
    position: Option<Position>,
    at: Timestamp,
    kept_for: Duration,
) -> Update {
    let position = match position {
        Some(position) => Set("expected_position", value(&position)),
        None => Remove("expected_position"),
    };
    let actions = vec![
        position,
        Set("set_at", value(&at)),
        Set("ttl", json!(at.after(kept_for).as_seconds())),
    ];
    Update {
        key: Key::Place(dr.clone()),
        guards: Vec::new(),
        actions,
    }
}

/// Where a DR is expected to be is known as long as this new evaluation of it is kept.
pub fn place_kept(new: &NewEvaluation) -> Update {
    let deleted_after = new.evaluation.created_at.after(new.kept_for);
    Update {
        key: Key::Place(new.evaluation.dr_number.clone()),
        guards: Vec::new(),
        actions: vec![Set("ttl", json!(deleted_after.as_seconds()))],
    }
}

/// What a technician says of a step is put into this slot of the DR's notes. Whoever was first stays, and is in what the
/// write returns.
pub fn noted(
    dr: &DrNumber,
    slot: &'static str,
    note: &Note,
    at: Timestamp,
    kept_for: Duration,
) -> Update {
    let actions = vec![
        SetIfAbsent(slot, value(note)),
        Set("ttl", json!(at.after(kept_for).as_seconds())),
    ];
    Update {
        key: Key::Notes(dr.clone()),
        guards: Vec::new(),
        actions,
    }
}

/// A DR's notes are kept as long as this new evaluation of it.
pub fn notes_kept(new: &NewEvaluation) -> Update {
    let deleted_after = new.evaluation.created_at.after(new.kept_for);
    Update {
        key: Key::Notes(new.evaluation.dr_number.clone()),
        guards: Vec::new(),
        actions: vec![Set("ttl", json!(deleted_after.as_seconds()))],
    }
}

/// What a person decided is put in its place, which must be free: it is a put, since whoever may only put can't change a
/// part of what stands.
pub fn reviewed(record: &ReviewRecord) -> Put {
    let mut item = value(record);
    if let Some(fields) = item.as_object_mut() {
        fields.insert("ttl".into(), json!(record.kept_until));
    }
    Put {
        key: Key::Review(record.dr_number.clone(), record.number),
        guards: vec![Guard::one(ReviewStays, Absent("pk"))],
        item,
    }
}

/// Keeps what was worked out of how right verdicts are.
pub fn accuracy_kept(kept: &Kept) -> Update {
    Update {
        key: Key::Accuracy,
        guards: Vec::new(),
        actions: vec![
            Set("worked_out_at", value(&kept.worked_out_at)),
            Set("days", json!(kept.days)),
            Set("certainty", value(&kept.certainty)),
        ],
    }
}
