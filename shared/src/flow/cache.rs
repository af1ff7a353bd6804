//! What is known from before: the evaluation that a question points to, and the model's earlier answers about photos.
//!
//! # Invariants
//! - What is read is compared with the time on reading, and with the time since when answers may be used; nothing relies on
//!   items having been deleted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Ports, Trouble};
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::plan::{Photo, Versions};
use crate::domain::time::Timestamp;
use crate::protocol::verdict::{self, Known, PhotoVerdict, Reused};
use crate::protocol::write::Key;

/// What a fingerprint or a DR's cache item holds.
#[derive(Deserialize)]
struct Standing {
    #[serde(default)]
    evaluation_id: Option<EvaluationId>,
    #[serde(default)]
    valid_from: Option<Timestamp>,
}

/// The evaluation that a fingerprint points to, and since when answers about this DR may be used.
pub(super) async fn standing(
    ports: &impl Ports,
    fingerprint: &str,
    dr: &DrNumber,
) -> Result<(Option<EvaluationId>, Timestamp), Trouble> {
    let keys = vec![Key::Fingerprint(fingerprint.into()), Key::Cache(Some(dr.clone())), Key::Cache(None)];
    let found: Vec<Standing> = ports.get_all(keys).await?.into_iter().flatten().collect();
    let valid_from = found.iter().filter_map(|item| item.valid_from).max().unwrap_or(Timestamp::MIN);
    Ok((found.into_iter().find_map(|item| item.evaluation_id), valid_from))
}

/// What may be used of earlier answers about these photos.
pub(super) async fn known(
    ports: &impl Ports,
    photos: &[Photo],
    versions: &Versions,
    valid_from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<PhotoId, Known>, Trouble> {
    let asked: Vec<_> =
        photos.iter().flat_map(|p| verdict::questions(p.scope).into_iter().map(move |scope| (p, scope))).collect();
    let keys = asked.iter().map(|(photo, scope)| Key::Verdict(verdict::key(photo, *scope, versions))).collect();
    let answers = ports.get_all::<PhotoVerdict>(keys).await?;
    let mut found: BTreeMap<&PhotoId, Vec<Reused>> = BTreeMap::new();
    for ((photo, scope), answer) in asked.into_iter().zip(answers) {
        if let Some(verdict) = answer.filter(|verdict| verdict.is_valid(valid_from, now)) {
            found.entry(&photo.photo_id).or_default().push(Reused { scope, verdict });
        }
    }
    let choose = |photo: &Photo| {
        let found = found.remove(&photo.photo_id)?;
        Some((photo.photo_id.clone(), verdict::choose(photo.scope, &found)))
    };
    Ok(photos.iter().filter_map(choose).collect())
}
