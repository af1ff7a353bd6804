//! Noting serials and finding them in other DRs.
//!
//! # Invariants
//! - The serials of an evaluation are noted before its verdict stands: of two DRs with the same one, both find the other
//!   from then on.

use super::error::RunError;
use super::ports::{Ports, noted};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::serials::{SerialOnPhoto, SerialSeen, contradictions, flag, serials};
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
    let seen = seen(ports, evaluation, photos).await?;
    let dr = &evaluation.dr_number;
    let flags = seen.iter().filter_map(|(one, seen)| flag(one, dr, seen));
    Ok(contradictions(photos).into_iter().chain(flags).collect())
}

/// The serials on an evaluation's photos, and where else each was seen.
pub(super) async fn seen(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
) -> Result<Vec<(SerialOnPhoto, Vec<SerialSeen>)>, RunError> {
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
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let noted = ports.get_all::<SerialSeen>(keys).await?;
    let other = |seen: &&SerialSeen| seen.dr_number != evaluation.dr_number;
    let elsewhere = noted
        .chunks(2)
        .map(|noted| noted.iter().flatten().filter(other).cloned().collect());
    Ok(all.into_iter().zip(elsewhere).collect())
}
