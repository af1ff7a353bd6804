//! Keeping what a technician says of a step.

use std::time::Duration;

use serde_json::Value;

use super::error::RunError;
use super::ports::{Ports, UpdateResult};
use crate::decide::note::{self, Note, SLOTS};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::ids::DrNumber;

/// What became of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteResult {
    /// It stands.
    Noted(Note),
    /// The same was said before: that stands.
    Repeated(Note),
    /// The DR has as many as it may have.
    Full,
}

/// Keeps what is said for so long.
pub async fn note(
    ports: &impl Ports,
    dr: &DrNumber,
    said: Note,
    kept_for: Duration,
) -> Result<NoteResult, RunError> {
    let item: Option<Value> = ports.get(Key::Notes(dr.clone())).await?;
    let mut item = item.unwrap_or_default();
    for slot in SLOTS {
        if item.get(slot).is_none() {
            let update = updates::noted(dr, slot, &said, said.at, kept_for);
            if let UpdateResult::Applied(after) = ports.update(update).await? {
                item = after;
            }
        }
        match note::in_slot(&item, slot) {
            Some(there) if there == said => return Ok(NoteResult::Noted(there)),
            Some(there) if there.repeats(&said) => return Ok(NoteResult::Repeated(there)),
            Some(_) | None => (),
        }
    }
    Ok(NoteResult::Full)
}
