//! Keeping the cards that the list across DRs is read from: each change of an evaluation, as the table's stream hands it
//! over, is put onto its card.
//!
//! # Invariants
//! - A change counts as done only when its card stands, or it can never stand: whoever ends before that is handed the
//!   change again.
//! - Doing it twice, or late, changes nothing.

use super::error::{Class, RunError};
use super::ports::Ports;
use super::tell::Change;
use crate::decide::card::{Card, Image};

/// Others write the same card at the same time: rarely, and never so often.
const TRIES: usize = 8;

/// Puts all these changes onto their cards, one after another, for those of a day are counted in one item; gives the
/// places of those that are not done.
pub async fn keep(ports: &impl Ports, changes: &[Change]) -> Vec<usize> {
    let mut failed = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        // What can't be read is set aside by who tells of it.
        let Ok(Some(image)) = Image::of(change.old.as_ref(), change.new.as_ref()) else {
            continue;
        };
        if let Err(error) = put(ports, &image).await {
            let cause = error.with_causes();
            tracing::error!(error = %cause, "an evaluation is not on its card");
            // What never gets better must not hold up the others.
            failed.extend((error.class() == Class::Retry).then_some(at));
        }
    }
    failed
}

async fn put(ports: &impl Ports, image: &Image) -> Result<(), RunError> {
    for _ in 0..TRIES {
        let before: Option<Card> = ports.get(image.key()).await?;
        let Some(card) = Card::made(before.as_ref(), image) else {
            return Ok(());
        };
        if ports.transact(card.parts(before.as_ref())).await? {
            return Ok(());
        }
    }
    Err(RunError::contended("a card was changed again and again"))
}
