//! A DR's checklist: what is read for it, in the order in which one thing says what to read next.
//!
//! # Invariants
//! - It reads, and writes nothing.
//! - Answers are used as an evaluation that starts now would use them: by the same keys, with the same limits of age.

use std::collections::BTreeMap;

use photos::metadata::Position;
use serde::Deserialize;
use serde_json::Value;

use super::cache;
use super::error::RunError;
use super::ports::{self, Ports, evaluation};
use crate::decide::checklist::{Checklist, Kept, LookState, Said, checklist};
use crate::decide::evaluation::Evaluation;
use crate::decide::note::{self, Note};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::update::Key;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::outcome::PhotoOutcome;
use crate::domain::plan::{Mode, Photo, Plan, plan};
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

/// What is kept of a DR beside its photos and evaluations.
#[derive(Debug, Clone, PartialEq)]
pub struct OfDr {
    /// Since when answers about it may be used.
    pub valid_from: Timestamp,
    /// Whether photos came into another folder than its own, which is then to be looked into as well.
    pub is_misplaced: bool,
    /// Where it is, if somebody said so.
    pub expected: Option<Position>,
    /// When somebody said so, or had it forgotten.
    pub placed_at: Option<Timestamp>,
    /// What technicians noted of its steps.
    pub notes: Vec<Note>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Uploads {
    misplaced: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Emptied {
    valid_from: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place {
    expected_position: Option<Position>,
    set_at: Option<Timestamp>,
}

/// Reads what is kept of a DR, in one call of the table.
pub async fn of_dr(ports: &impl Ports, dr: &DrNumber) -> Result<OfDr, RunError> {
    let keys = vec![
        Key::Uploads(dr.clone()),
        Key::Cache(Some(dr.clone())),
        Key::Cache(None),
        Key::Place(dr.clone()),
        Key::Notes(dr.clone()),
    ];
    let items = ports.get_all::<Value>(keys).await?;
    let [uploads, of_dr, of_all, place, notes] = <[Option<Value>; 5]>::try_from(items)
        .map_err(|items| RunError::misplaced(format!("{} items instead of 5", items.len())))?;
    let emptied: [Emptied; 2] = [read(of_dr)?, read(of_all)?];
    let valid_from = emptied.iter().filter_map(|item| item.valid_from).max();
    let uploads: Uploads = read(uploads)?;
    let place: Place = read(place)?;
    Ok(OfDr {
        valid_from: valid_from.unwrap_or(Timestamp::MIN),
        is_misplaced: uploads.misplaced,
        expected: place.expected_position,
        placed_at: place.set_at,
        notes: notes.as_ref().map(note::of_item).unwrap_or_default(),
    })
}

fn read<T: serde::de::DeserializeOwned + Default>(item: Option<Value>) -> Result<T, RunError> {
    item.map(ports::read)
        .transpose()
        .map(Option::unwrap_or_default)
}

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
    let kept = kept(ports, dr, &plan, versions, of_dr.valid_from, last).await?;
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
