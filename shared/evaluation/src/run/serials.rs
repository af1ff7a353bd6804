//! Noting serials and finding them in other DRs.
//!
//! # Invariants
//! - The serials of an evaluation are noted before its verdict stands: of two DRs with the same one, both find the other
//!   from then on.

use super::error::RunError;
use super::ports::{Ports, noted};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::serials::{SerialSeen, contradictions, flag, serials};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::catalogue::Catalogue;
use crate::domain::reading::Flag;

/// Notes the serials on an evaluation's photos.
pub(super) async fn note(
    ports: &impl Ports,
    evaluation: &Evaluation,
    catalogue: &Catalogue,
    photos: &[PhotoRecord],
) -> Result<(), RunError> {
    for one in serials(catalogue, photos) {
        let seen = SerialSeen::of(&evaluation.dr_number, &one);
        let first = updates::serial_seen(Key::Serial(one.serial.clone()), &seen);
        let first: Option<SerialSeen> = noted(ports, first).await?;
        if first.is_some_and(|first| first.dr_number != evaluation.dr_number) {
            let next = updates::serial_seen(Key::SerialAgain(one.serial), &seen);
            ports.update(next).await?;
        }
    }
    Ok(())
}

/// What people should look at: the serials on an evaluation's photos that were read otherwise than their codes say, or
/// that were seen in other DRs, whenever that was.
pub(super) async fn flags(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
) -> Result<Vec<Flag>, RunError> {
    let Some(catalogue) = ports.catalogue(&evaluation.versions.catalogue).await? else {
        return Ok(Vec::new());
    };
    let all = serials(catalogue, photos);
    let keys = all.iter().flat_map(|one| {
        [
            Key::Serial(one.serial.clone()),
            Key::SerialAgain(one.serial.clone()),
        ]
    });
    let keys: Vec<Key> = keys.collect();
    let contradictions = contradictions(photos);
    if keys.is_empty() {
        return Ok(contradictions);
    }
    let seen = ports.get_all::<SerialSeen>(keys).await?;
    let flags = all.iter().zip(seen.chunks(2)).filter_map(|(one, seen)| {
        let seen: Vec<SerialSeen> = seen.iter().flatten().cloned().collect();
        flag(one, &evaluation.dr_number, &seen)
    });
    Ok(contradictions.into_iter().chain(flags).collect())
}
