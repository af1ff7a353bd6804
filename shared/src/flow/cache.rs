//! What is known from before: the evaluation that a question points to, and the model's earlier answers about photos.
//!
//! # Invariants
//! - What is read is compared with the time on reading, and with the time since when answers may be used; nothing relies on
//!   items having been deleted.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Ports, Trouble};
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::plan::{Photo, Plan, Versions};
use crate::domain::time::Timestamp;
use crate::protocol::evaluation::Evaluation;
use crate::protocol::miss::{self, LastAsked};
use crate::protocol::sighting::{Elsewhere, Likeness, Mark, Sighting};
use crate::protocol::start::{Before, Request, Reuse};
use crate::protocol::verdict::{self, Known, PhotoVerdict, Reused};
use crate::protocol::write::Key;

#[derive(Deserialize)]
struct Pointer {
    evaluation_id: EvaluationId,
}

#[derive(Deserialize)]
struct Emptied {
    valid_from: Timestamp,
}

/// How things stand with a question.
#[derive(Debug)]
pub(super) struct Standing {
    /// The evaluation that its fingerprint points to.
    pub(super) pointer: Option<EvaluationId>,
    /// Since when answers about its DR may be used.
    pub(super) valid_from: Timestamp,
    last: Option<LastAsked>,
}

/// Reads how things stand with a question, in one call of the table.
pub(super) async fn standing(
    ports: &impl Ports,
    fingerprint: &str,
    request: &Request,
) -> Result<Standing, Trouble> {
    let dr = &request.dr_number;
    let keys = vec![
        Key::Fingerprint(fingerprint.into()),
        Key::Cache(Some(dr.clone())),
        Key::Cache(None),
        Key::LastAsked(dr.clone(), request.mode),
    ];
    let items = ports.get_all::<Value>(keys).await?;
    let [pointer, of_dr, of_all, last] = <[Option<Value>; 4]>::try_from(items)
        .map_err(|items| Trouble::Failed(format!("{} items instead of 4", items.len())))?;
    let emptied = [read::<Emptied>(of_dr)?, read(of_all)?];
    Ok(Standing {
        pointer: read::<Pointer>(pointer)?.map(|pointer| pointer.evaluation_id),
        valid_from: emptied
            .into_iter()
            .flatten()
            .map(|item| item.valid_from)
            .max()
            .unwrap_or(Timestamp::MIN),
        last: read(last)?,
    })
}

fn read<T: DeserializeOwned>(item: Option<Value>) -> Result<Option<T>, Trouble> {
    item.map(serde_json::from_value)
        .transpose()
        .map_err(|cause| Trouble::Failed(cause.to_string()))
}

/// What is known from before of a question that is to be asked anew. By force nothing is.
pub(super) async fn before(
    ports: &impl Ports,
    standing: &Standing,
    current: Option<&Evaluation>,
    request: &Request,
    plan: &Plan,
    versions: &Versions,
    now: Timestamp,
) -> Result<Before, Trouble> {
    let (reuse, valid_from) = (request.reuse, standing.valid_from);
    let asked = LastAsked::of(&EvaluationId::generate(), plan, versions);
    let missed_because = miss::why(current, &asked, standing.last.as_ref(), reuse, valid_from);
    let photos = || plan.selected.iter().chain(&plan.held);
    let known = match reuse {
        Reuse::Nothing => BTreeMap::new(),
        _ => known(ports, photos(), versions, valid_from, now).await?,
    };
    let of_which_all = |photo: &&Photo| {
        known
            .get(&photo.photo_id)
            .is_some_and(|known| known.open.is_none())
    };
    let seen = seen(
        ports,
        &request.dr_number,
        photos().filter(of_which_all).collect(),
    )
    .await?;
    Ok(Before {
        known,
        seen,
        missed_because,
    })
}

/// Where these photos were used before in other DRs, by their files; who is asked about is also compared by looks, later.
async fn seen(
    ports: &impl Ports,
    dr: &DrNumber,
    photos: Vec<&Photo>,
) -> Result<BTreeMap<PhotoId, Elsewhere>, Trouble> {
    if photos.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys = photos
        .iter()
        .map(|photo| Key::Sighting(Mark::File(photo.etag.clone())))
        .collect();
    let found = ports.get_all::<Sighting>(keys).await?;
    let elsewhere = |(photo, first): (&Photo, Option<Sighting>)| {
        Some((
            photo.photo_id.clone(),
            first?.elsewhere_of(dr, Likeness::SameFile)?,
        ))
    };
    Ok(photos
        .into_iter()
        .zip(found)
        .filter_map(elsewhere)
        .collect())
}

/// What may be used of earlier answers about these photos.
async fn known<'a>(
    ports: &impl Ports,
    photos: impl Iterator<Item = &'a Photo> + Clone,
    versions: &Versions,
    valid_from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<PhotoId, Known>, Trouble> {
    let asked: Vec<_> = photos
        .clone()
        .flat_map(|p| {
            verdict::questions(p.scope)
                .into_iter()
                .map(move |scope| (p, scope))
        })
        .collect();
    let keys = asked
        .iter()
        .map(|(photo, scope)| Key::Verdict(verdict::key(photo, *scope, versions)))
        .collect();
    let answers = ports.get_all::<PhotoVerdict>(keys).await?;
    let mut found: BTreeMap<&PhotoId, Vec<Reused>> = BTreeMap::new();
    for ((photo, scope), answer) in asked.into_iter().zip(answers) {
        if let Some(verdict) = answer.filter(|verdict| verdict.is_valid(valid_from, now)) {
            found
                .entry(&photo.photo_id)
                .or_default()
                .push(Reused { scope, verdict });
        }
    }
    let choose = |photo: &Photo| {
        let found = found.remove(&photo.photo_id)?;
        Some((photo.photo_id.clone(), verdict::choose(photo.scope, &found)))
    };
    Ok(photos.filter_map(choose).collect())
}
