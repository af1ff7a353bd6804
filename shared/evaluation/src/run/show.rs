//! What is shown of an evaluation: read in an order in which it can't contradict itself.
//!
//! # Invariants
//! - The evaluation is read before its photos. Whoever writes does it the other way round: outcome, pending set,
//!   verdict. So what the evaluation says to be done is found done, and none is shown as completed beside a photo that
//!   is pending.

use serde::Deserialize;

use super::error::RunError;
use super::ports::{Ports, evaluation};
use super::serials;
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::stale::Freshness;
use crate::decide::update::Key;
use crate::domain::ids::{DrNumber, EvaluationId};
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
    /// What is known of its serials: read otherwise than their codes say, or seen in other DRs, whenever that was.
    pub serials: Vec<Flag>,
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
}

/// Reads what is shown of this evaluation; none if there is no such.
pub async fn show(ports: &impl Ports, id: &EvaluationId) -> Result<Option<Shown>, RunError> {
    let Some(evaluation) = evaluation(ports, id).await? else {
        return Ok(None);
    };
    let freshness = freshness(ports, &evaluation.dr_number);
    let (photos, (freshness, is_misplaced)) = tokio::try_join!(ports.photos(id), freshness)?;
    let serials = serials::flags(ports, &evaluation, &photos).await?;
    let dr = &evaluation.dr_number;
    let lies_elsewhere = |record: &PhotoRecord| photo_key::is_misplaced(&record.photo.key, dr);
    let is_misplaced = is_misplaced || photos.iter().any(lies_elsewhere);
    Ok(Some(Shown {
        evaluation,
        photos,
        freshness,
        serials,
        is_misplaced,
    }))
}

/// How things stand with a DR: when its photos were changed last, and since when answers may be used; and whether photos
/// came into another folder.
async fn freshness(ports: &impl Ports, dr: &DrNumber) -> Result<(Freshness, bool), RunError> {
    let keys = vec![
        Key::Uploads(dr.clone()),
        Key::Cache(Some(dr.clone())),
        Key::Cache(None),
    ];
    let found: Vec<Times> = ports.get_all(keys).await?.into_iter().flatten().collect();
    let latest = |times: fn(&Times) -> Option<Timestamp>| found.iter().filter_map(times).max();
    let freshness = Freshness {
        changed_at: latest(|times| times.changed_at).unwrap_or(Timestamp::MIN),
        valid_from: latest(|times| times.valid_from).unwrap_or(Timestamp::MIN),
    };
    Ok((freshness, found.iter().any(|times| times.misplaced)))
}
