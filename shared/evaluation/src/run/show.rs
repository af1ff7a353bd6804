//! What is shown of an evaluation: read in an order in which it can't contradict itself.
//!
//! # Invariants
//! - The evaluation is read before its photos. Whoever writes does it the other way round: outcome, pending set,
//!   verdict. So what the evaluation says to be done is found done, and none is shown as completed beside a photo that
//!   is pending.

use std::collections::BTreeMap;

use photos::metadata::Position;
use serde::Deserialize;

use super::error::RunError;
use super::ports::{Ports, evaluation};
use super::{plausibility, serials};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::plausibility::distances;
use crate::decide::stale::Freshness;
use crate::decide::update::Key;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::photo_key;
use crate::domain::reading::Flag;
use crate::domain::time::Timestamp;

/// An evaluation, its photos, and how things stand with its DR.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The evaluation.
    pub evaluation: Evaluation,
    /// Its photos, by photo id.
    pub photos: Vec<PhotoRecord>,
    /// How things stand with its DR now.
    pub freshness: Freshness,
    /// What people should look at beside what its verdict says: serials, and when and where its photos were taken.
    pub flags: Vec<Flag>,
    /// How many metres from where the DR is expected to be its photos were taken.
    pub metres: BTreeMap<PhotoId, u64>,
    /// Whether photos came into another folder than the DR's own, which is then to be looked into as well.
    pub is_misplaced: bool,
}

#[derive(Deserialize)]
struct Times {
    #[serde(default)]
    changed_at: Option<Timestamp>,
    #[serde(default)]
    valid_from: Option<Timestamp>,
    #[serde(default)]
    misplaced: bool,
    #[serde(default)]
    expected_position: Option<Position>,
}

/// What is known of a DR beside its evaluations.
struct OfDr {
    freshness: Freshness,
    is_misplaced: bool,
    expected: Option<Position>,
}

/// Reads what is shown of this evaluation; none if there is no such.
pub async fn show(ports: &impl Ports, id: &EvaluationId) -> Result<Option<Shown>, RunError> {
    let Some(evaluation) = evaluation(ports, id).await? else {
        return Ok(None);
    };
    let of_dr = of_dr(ports, &evaluation.dr_number);
    let (photos, of_dr) = tokio::try_join!(ports.photos(id), of_dr)?;
    let expected = of_dr.expected;
    let (serials, taken) = tokio::try_join!(
        serials::flags(ports, &evaluation, &photos),
        plausibility::flags(ports, &evaluation, &photos, expected)
    )?;
    let metres = expected.map(|expected| distances(&photos, expected));
    let dr = &evaluation.dr_number;
    let lies_elsewhere = |record: &PhotoRecord| photo_key::is_misplaced(&record.photo.key, dr);
    let is_misplaced = of_dr.is_misplaced || photos.iter().any(lies_elsewhere);
    Ok(Some(Shown {
        evaluation,
        photos,
        freshness: of_dr.freshness,
        flags: [serials, taken].concat(),
        metres: metres.unwrap_or_default(),
        is_misplaced,
    }))
}

/// How things stand with a DR: when its photos were changed last, and since when answers may be used; whether photos
/// came into another folder; and where it is expected to be.
async fn of_dr(ports: &impl Ports, dr: &DrNumber) -> Result<OfDr, RunError> {
    let keys = vec![
        Key::Uploads(dr.clone()),
        Key::Cache(Some(dr.clone())),
        Key::Cache(None),
        Key::Place(dr.clone()),
    ];
    let found: Vec<Times> = ports.get_all(keys).await?.into_iter().flatten().collect();
    let latest = |times: fn(&Times) -> Option<Timestamp>| found.iter().filter_map(times).max();
    let freshness = Freshness {
        changed_at: latest(|times| times.changed_at).unwrap_or(Timestamp::MIN),
        valid_from: latest(|times| times.valid_from).unwrap_or(Timestamp::MIN),
    };
    Ok(OfDr {
        freshness,
        is_misplaced: found.iter().any(|times| times.misplaced),
        expected: found.iter().find_map(|times| times.expected_position),
    })
}
