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
use crate::decide::checklist::{Checklist, Kept, Said, Unanswered, checklist};
use crate::decide::evaluation::Evaluation;
use crate::decide::look::{LookRecord, LookState};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::update::Key;
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
        reviews: of_dr.reviews.records().to_vec(),
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
    let photos = &plan.selected;
    let now = ports.now();
    let known = cache::known_in_turn(ports, photos, versions, valid_from, now).await?;
    let is_known = |photo: &&Photo| {
        let known = known.get(&photo.photo_id);
        known.is_some_and(|known| known.open.is_none())
    };
    let (answered, open): (Vec<&Photo>, Vec<&Photo>) = photos.iter().partition(is_known);
    let seen = cache::seen_by_file(ports, dr, answered, &known);
    let unanswered = unanswered(ports, dr, open, last);
    let (seen, unanswered) = tokio::try_join!(seen, unanswered)?;
    Ok(Kept {
        known,
        seen,
        unanswered,
    })
}

/// How it stands with photos that have no answer: by their looks, and by the DR's last evaluation, which is asked where
/// a look says nothing.
async fn unanswered(
    ports: &impl Ports,
    dr: &DrNumber,
    photos: Vec<&Photo>,
    last: Option<&EvaluationId>,
) -> Result<BTreeMap<PhotoId, Unanswered>, RunError> {
    if photos.is_empty() {
        return Ok(BTreeMap::new());
    }
    let key = |photo: &&Photo| Key::Look(dr.clone(), photo.photo_id.clone());
    let looks = ports.get_all::<LookRecord>(photos.iter().map(key).collect());
    let looks = looks.await?.into_iter().flatten();
    let now = ports.now();
    let by_look = |look: LookRecord| Some((look.photo_id.clone(), by_look(&look, now)?));
    let mut all: BTreeMap<PhotoId, Unanswered> = looks.filter_map(by_look).collect();
    let is_said = photos.iter().all(|photo| all.contains_key(&photo.photo_id));
    if let Some(last) = last.filter(|_| !is_said) {
        for (photo, state) in of_evaluation(ports, last).await? {
            all.entry(photo).or_insert(state);
        }
    }
    Ok(all)
}

/// How a look says that it stands with its photo. That it was answered says nothing of a photo whose answer is not kept.
fn by_look(look: &LookRecord, now: Timestamp) -> Option<Unanswered> {
    match look.state(now) {
        LookState::GoingOn => Some(Unanswered::Asked),
        LookState::Unreadable(reason) => Some(Unanswered::Ended(reason.clone())),
        LookState::Answered(_) | LookState::PassedOver => None,
    }
}

/// How it stands with the photos of an evaluation that have no answer.
async fn of_evaluation(
    ports: &impl Ports,
    id: &EvaluationId,
) -> Result<BTreeMap<PhotoId, Unanswered>, RunError> {
    let (evaluation, photos) = tokio::try_join!(evaluation(ports, id), ports.photos(id))?;
    let Some(evaluation) = evaluation else {
        return Ok(BTreeMap::new());
    };
    let state = |record: PhotoRecord| {
        let photo = record.photo.photo_id.clone();
        Some((photo, by_evaluation(&evaluation, record)?))
    };
    Ok(photos.into_iter().filter_map(state).collect())
}

fn by_evaluation(evaluation: &Evaluation, record: PhotoRecord) -> Option<Unanswered> {
    let is_held = evaluation.held.contains(&record.photo.photo_id);
    match record.report.map(|report| report.outcome) {
        Some(PhotoOutcome::NotEvaluated { reason }) => Some(Unanswered::Ended(reason)),
        Some(PhotoOutcome::Evaluated { .. }) => None,
        None if evaluation.completed_at.is_none() && !is_held => Some(Unanswered::Asked),
        None => None,
    }
}
