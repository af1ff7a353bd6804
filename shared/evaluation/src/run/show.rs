//! What is shown of an evaluation: read in an order in which it can't contradict itself.
//!
//! # Invariants
//! - The evaluation is read before its photos. Whoever writes does it the other way round: outcome, pending set,
//!   verdict. So what the evaluation says to be done is found done, and none is shown as completed beside a photo that
//!   is pending.

use std::collections::BTreeMap;

use photos::metadata::Position;

use super::error::RunError;
use super::of_dr::of_dr;
use super::ports::{Ports, evaluation};
use super::{plausibility, serials};
use crate::decide::evaluation::Evaluation;
use crate::decide::note::Note;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::plausibility::distances;
use crate::decide::review::Reviews;
use crate::decide::stale::Freshness;
use crate::domain::ids::{EvaluationId, PhotoId};
use crate::domain::photo_key;
use crate::domain::reading::Flag;

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
    /// Where its DR is expected to be, if somebody said so.
    pub expected: Option<Position>,
    /// How many metres from where the DR is expected to be its photos were taken.
    pub metres: BTreeMap<PhotoId, u64>,
    /// Whether photos came into another folder than the DR's own, which is then to be looked into as well.
    pub is_misplaced: bool,
    /// What technicians noted of its DR's steps.
    pub notes: Vec<Note>,
    /// What people decided of its DR.
    pub reviews: Reviews,
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
        expected,
        metres: metres.unwrap_or_default(),
        is_misplaced,
        notes: of_dr.notes,
        reviews: of_dr.reviews,
    }))
}
