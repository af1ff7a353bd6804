//! What is kept of a DR beside its photos and evaluations, in two calls of the table at once.

use photos::metadata::Position;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RunError;
use super::ports::{self, Ports};
use super::review::reviews;
use crate::decide::note::{self, Note};
use crate::decide::review::Reviews;
use crate::decide::stale::Freshness;
use crate::decide::update::Key;
use crate::domain::ids::DrNumber;
use crate::domain::time::Timestamp;

/// What is kept of a DR beside its photos and evaluations.
#[derive(Debug, Clone, PartialEq)]
pub struct OfDr {
    /// When its photos were changed last, and since when answers about it may be used.
    pub freshness: Freshness,
    /// Whether photos came into another folder than its own, which is then to be looked into as well.
    pub is_misplaced: bool,
    /// Where it is, if somebody said so.
    pub expected: Option<Position>,
    /// When somebody said so, or had it forgotten.
    pub placed_at: Option<Timestamp>,
    /// What technicians noted of its steps.
    pub notes: Vec<Note>,
    /// What people decided of it.
    pub reviews: Reviews,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Uploads {
    changed_at: Option<Timestamp>,
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

/// Reads what is kept of a DR, in one call of the table, and what people decided of it, in another one at once.
pub async fn of_dr(ports: &impl Ports, dr: &DrNumber) -> Result<OfDr, RunError> {
    let keys = vec![
        Key::Uploads(dr.clone()),
        Key::Cache(Some(dr.clone())),
        Key::Cache(None),
        Key::Place(dr.clone()),
        Key::Notes(dr.clone()),
    ];
    let items = ports.get_all::<Value>(keys);
    let (items, reviews) = tokio::try_join!(items, reviews(ports, dr))?;
    let [uploads, of_dr, of_all, place, notes] = <[Option<Value>; 5]>::try_from(items)
        .map_err(|items| RunError::misplaced(format!("{} items instead of 5", items.len())))?;
    let emptied: [Emptied; 2] = [read(of_dr)?, read(of_all)?];
    let valid_from = emptied.iter().filter_map(|item| item.valid_from).max();
    let uploads: Uploads = read(uploads)?;
    let place: Place = read(place)?;
    let freshness = Freshness {
        changed_at: uploads.changed_at.unwrap_or(Timestamp::MIN),
        valid_from: valid_from.unwrap_or(Timestamp::MIN),
    };
    Ok(OfDr {
        freshness,
        is_misplaced: uploads.misplaced,
        expected: place.expected_position,
        placed_at: place.set_at,
        notes: notes.as_ref().map(note::of_item).unwrap_or_default(),
        reviews,
    })
}

fn read<T: DeserializeOwned + Default>(item: Option<Value>) -> Result<T, RunError> {
    item.map(ports::read)
        .transpose()
        .map(Option::unwrap_or_default)
}
