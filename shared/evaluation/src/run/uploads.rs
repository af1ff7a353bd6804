//! Uploads: a DR is evaluated once nothing new has come for the quiet period.
//!
//! An upload notes its time and sends a delayed message; the message of the last upload finds that nothing came after
//! it, and starts the evaluation. Said twice, the second joins the first.
//!
//! # Invariants
//! - The time is noted before the message is sent, so the last message always finds the last time.

use std::time::Duration;

use super::error::RunError;
use super::ports::{Ports, Queue};
use crate::decide::message::{Message, QuietCheck};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::decide::uploads::{self as decide, Uploads};
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;

/// Notes a change of a DR's photos, such as a deletion: what was found out before may not be current any more.
pub async fn note_change(ports: &impl Ports, dr: &DrNumber, at: Timestamp) -> Result<(), RunError> {
    ports.update(updates::changed(dr, at)).await.map(drop)
}

/// Notes that a photo came into another folder than the DR's own. It is noted before the change is, so that whoever
/// learns of the change looks there, too.
pub async fn note_misplaced(
    ports: &impl Ports,
    dr: &DrNumber,
    at: Timestamp,
) -> Result<(), RunError> {
    ports.update(updates::misplaced(dr, at)).await.map(drop)
}

/// Notes an upload, made at `at`, and arranges for a later look.
pub async fn note_upload(
    ports: &impl Ports,
    dr: &DrNumber,
    at: Timestamp,
    quiet_period: Duration,
) -> Result<(), RunError> {
    note_change(ports, dr, at).await?;
    let now = ports.now();
    ports.update(updates::uploaded(dr, now)).await?;
    ports
        .send(
            Queue::Uploads,
            vec![Message::quiet_check(dr, now)],
            quiet_period,
        )
        .await
}

/// Whether nothing came since the upload that arranged for this check.
pub async fn is_quiet(ports: &impl Ports, check: &QuietCheck) -> Result<bool, RunError> {
    let key = Key::Uploads(check.dr_number.clone());
    let uploads = ports.get::<Uploads>(key).await?.unwrap_or_default();
    Ok(decide::is_quiet(uploads, check))
}
