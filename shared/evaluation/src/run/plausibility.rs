//! Noting where cameras were, and finding what people should look at of when and where photos were taken.
//!
//! # Invariants
//! - The cameras of an evaluation are noted before its verdict stands: of two DRs in which one was at once, both find
//!   the other from then on.

use photos::metadata::Position;
use serde::Deserialize;

use super::error::RunError;
use super::ports::{Ports, noted};
use crate::decide::cameras::{CameraHour, CameraSeen, Meeting, cameras};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::plausibility;
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::catalogue::Catalogue;
use crate::domain::plausibility::Limits;
use crate::domain::reading::Flag;

/// Until when an evaluation is kept.
#[derive(Deserialize)]
struct Kept {
    ttl: i64,
}

/// Notes where the cameras of an evaluation's photos were, for as long as the evaluation is kept.
pub(super) async fn note(
    ports: &impl Ports,
    evaluation: &Evaluation,
    catalogue: &Catalogue,
    photos: &[PhotoRecord],
) -> Result<(), RunError> {
    let all = cameras(catalogue, &evaluation.dr_number, photos);
    let Some(limits) = catalogue.plausibility.filter(|_| !all.is_empty()) else {
        return Ok(());
    };
    let id = evaluation.evaluation_id.clone();
    let Some(Kept { ttl }) = ports.get(Key::Evaluation(id)).await? else {
        return Ok(());
    };
    for (hour, seen) in all {
        let first = updates::camera_seen(Key::Camera(hour.clone()), &seen, ttl);
        let first: Option<CameraSeen> = noted(ports, first).await?;
        if first.is_some_and(|first| seen.at_once(&first, &limits).is_some()) {
            let next = updates::camera_seen(Key::CameraAgain(hour), &seen, ttl);
            ports.update(next).await?;
        }
    }
    Ok(())
}

/// What people should look at of an evaluation that has its verdict: while photos are missing, the others are compared
/// with too few.
pub(super) async fn flags(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    expected: Option<Position>,
) -> Result<Vec<Flag>, RunError> {
    if evaluation.judgement.is_none() {
        return Ok(Vec::new());
    }
    let Some(catalogue) = ports.catalogue(&evaluation.versions.catalogue).await? else {
        return Ok(Vec::new());
    };
    let mut flags = plausibility::flags(catalogue, photos, expected);
    let met = meetings(ports, evaluation, photos).await?;
    flags.extend(met.iter().map(Meeting::flag));
    Ok(flags)
}

/// Where the cameras of an evaluation that has its verdict were, that were in another DR too far away.
pub(super) async fn meetings(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
) -> Result<Vec<Meeting>, RunError> {
    let catalogue = ports.catalogue(&evaluation.versions.catalogue).await?;
    let is_judged = evaluation.judgement.is_some();
    let Some(catalogue) = catalogue.filter(|_| is_judged) else {
        return Ok(Vec::new());
    };
    let Some(limits) = catalogue.plausibility else {
        return Ok(Vec::new());
    };
    let mut met = Vec::new();
    for (hour, seen) in cameras(catalogue, &evaluation.dr_number, photos) {
        met.extend(elsewhere(ports, &hour, &seen, &limits).await?);
    }
    Ok(met)
}

async fn elsewhere(
    ports: &impl Ports,
    hour: &CameraHour,
    seen: &CameraSeen,
    limits: &Limits,
) -> Result<Option<Meeting>, RunError> {
    let keys = hour.around().into_iter();
    let keys = keys.flat_map(|hour| [Key::Camera(hour.clone()), Key::CameraAgain(hour)]);
    let noted = ports.get_all::<CameraSeen>(keys.collect()).await?;
    let noted: Vec<CameraSeen> = noted.into_iter().flatten().collect();
    Ok(seen.meeting(&noted, limits))
}
