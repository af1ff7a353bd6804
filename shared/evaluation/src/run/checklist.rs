//! A DR's checklist: what is read for it, in the order in which one thing says what to read next.
//!
//! # Invariants
//! - It reads, and writes nothing.
//! - Answers are used as an evaluation that starts now would use them: by the same keys, with the same limits of age.

use std::collections::BTreeMap;

use super::cache;
use super::error::RunError;
use super::of_dr::OfDr;
use super::ports::{Ports, evaluation};
use crate::decide::checklist::{Checklist, Kept, LookState, Said, checklist};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::outcome::PhotoOutcome;
use crate::domain::plan::{Mode, Photo, Plan, plan};
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

/// The checklist of a DR of which `of_dr` is kept and these photos lie in the bucket. `last`: its last evaluation, which
/// knows of photos that nothing else is kept about.
pub async fn of_photos(
    ports: &impl Ports,
    dr: &DrNumber,
    of_dr: OfDr,
    photos: Vec<Photo>,
    last: Option<&EvaluationId>,
    (catalogue, versions): (&Catalogue, &Versions),
) -> Result<Checklist, RunError> {
    let plan = plan(photos, Mode::Full, catalogue, versions);
    let kept = kept(ports, dr, &plan, versions, of_dr.freshness.valid_from, last).await?;
    let said = Said {
        expected: of_dr.expected,
        notes: of_dr.notes,
    };
    Ok(checklist(catalogue, dr, plan, kept, said))
}

async fn kept(
    ports: &impl Ports,
    dr: &DrNumber,
    plan: &Plan,
    versions: &Versions,
    valid_from: Timestamp,
    last: Option<&EvaluationId>,
) -> Result<Kept, RunError> {
    let photos = || plan.selected.iter();
    let known = cache::known(ports, photos(), versions, valid_from, ports.now()).await?;
    let is_known = |photo: &&Photo| {
        let known = known.get(&photo.photo_id);
        known.is_some_and(|known| known.open.is_none())
    };
    let answered: Vec<&Photo> = photos().filter(is_known).collect();
    let is_all = answered.len() == plan.selected.len();
    let seen = cache::seen(ports, dr, answered, &known).await?;
    let looks = match last.filter(|_| !is_all) {
        Some(last) => looks_of(ports, last).await?,
        None => BTreeMap::new(),
    };
    Ok(Kept { known, seen, looks })
}

/// How it stands with the photos of an evaluation that have no answer.
async fn looks_of(
    ports: &impl Ports,
    id: &EvaluationId,
) -> Result<BTreeMap<PhotoId, LookState>, RunError> {
    let (evaluation, photos) = tokio::try_join!(evaluation(ports, id), ports.photos(id))?;
    let Some(evaluation) = evaluation else {
        return Ok(BTreeMap::new());
    };
    let look =
        |record: PhotoRecord| Some((record.photo.photo_id.clone(), look(&evaluation, record)?));
    Ok(photos.into_iter().filter_map(look).collect())
}

fn look(evaluation: &Evaluation, record: PhotoRecord) -> Option<LookState> {
    let is_held = evaluation.held.contains(&record.photo.photo_id);
    match record.report.map(|report| report.outcome) {
        Some(PhotoOutcome::NotEvaluated { reason }) => Some(LookState::Ended(reason)),
        Some(PhotoOutcome::Evaluated { .. }) => None,
        None if evaluation.completed_at.is_none() && !is_held => Some(LookState::Asked),
        None => None,
    }
}
