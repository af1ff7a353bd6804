//! Uploads: a DR is evaluated once nothing new has come for the quiet period.
//!
//! An upload notes its time and sends a delayed message; the message of the last upload finds that nothing came after
//! it, and starts the evaluation. Said twice, the second joins the first.
//!
//! # Invariants
//! - The time is noted before the message is sent, so the last message always finds the last time.

use std::time::Duration;

use serde::Deserialize;

use super::{Ports, Queue, Trouble};
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;
use crate::protocol::message::{Message, Settle};
use crate::protocol::write::Key;
use crate::protocol::writes;

#[derive(Deserialize)]
struct Uploads {
    #[serde(default)]
    uploaded_at: Option<Timestamp>,
}

/// Notes a change of a DR's photos, such as a deletion: what was found out before may not be current any more.
pub async fn note_change(ports: &impl Ports, dr: &DrNumber, at: Timestamp) -> Result<(), Trouble> {
    ports.write(writes::changed(dr, at)).await.map(drop)
}

/// Notes an upload, made at `at`, and arranges for a later look.
pub async fn note_upload(
    ports: &impl Ports,
    dr: &DrNumber,
    at: Timestamp,
    quiet_period: Duration,
) -> Result<(), Trouble> {
    note_change(ports, dr, at).await?;
    let now = ports.now();
    ports.write(writes::uploaded(dr, now)).await?;
    ports
        .send(Queue::Uploads, vec![Message::settle(dr, now)], quiet_period)
        .await
}

/// Whether nothing came since the upload that arranged for this look.
pub async fn is_quiet(ports: &impl Ports, settle: &Settle) -> Result<bool, Trouble> {
    let last = ports
        .get::<Uploads>(Key::Uploads(settle.dr_number.clone()))
        .await?;
    Ok(last
        .and_then(|last| last.uploaded_at)
        .is_none_or(|last| last <= settle.uploaded_at))
}
