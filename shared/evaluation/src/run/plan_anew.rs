//! Asking the question of an evaluation anew, when nobody knows its versions any more: a release was replaced, or rolled
//! back.
//!
//! # Invariants
//! - The old evaluation says which one took its place; if this ends before that is written, the sweeper asks again, and
//!   the new one is joined.

use super::error::RunError;
use super::ports::{Ports, evaluation};
use super::start::StartResult;
use crate::decide::evaluation::Evaluation;
use crate::decide::message::PlanAnew;
use crate::decide::miss::Miss;
use crate::decide::start::{Request, Reuse};
use crate::decide::updates;
use crate::domain::ids::DrNumber;
use crate::domain::versions::Versions;

/// What is to be asked under the versions of this release (for a DR, and a catalogue that was named) in place of an evaluation; nothing if it has ended meanwhile, or if it is
/// of these versions: then those who don't know them are on their way out.
pub async fn request(
    ports: &impl Ports,
    message: &PlanAnew,
    versions: impl Fn(&DrNumber, Option<&str>) -> Versions,
) -> Result<Option<Request>, RunError> {
    let old = evaluation(ports, &message.evaluation_id).await?;
    let open = |old: &Evaluation| old.completed_at.is_none() && old.superseded_by.is_none();
    let Some(old) = old.filter(open) else {
        return Ok(None);
    };
    // A catalogue that nobody knows any more can't be asked with, whoever named it.
    let named = match old.catalogue_named {
        true => ports.catalogue(&old.versions.catalogue).await?,
        false => None,
    };
    let named = named.map(|catalogue| catalogue.version.as_str());
    let differs = old.versions != versions(&old.dr_number, named);
    Ok(differs.then(|| Request {
        dr_number: old.dr_number.clone(),
        mode: old.mode,
        reuse: reuse(&old),
        catalogue: named.map(str::to_owned),
    }))
}

/// Nobody waits for what uploads had asked, and by force nothing from before is used: now as then.
fn reuse(old: &Evaluation) -> Reuse {
    if old.cache.missed_because.contains(&Miss::Forced) {
        Reuse::Nothing
    } else if old.bulk {
        Reuse::AskedSince(old.created_at)
    } else {
        Reuse::Final
    }
}

/// Notes which evaluation took the old one's place.
pub async fn replaced(
    ports: &impl Ports,
    message: &PlanAnew,
    by: &StartResult,
) -> Result<(), RunError> {
    let (old, new) = (&message.evaluation_id, &by.evaluation().evaluation_id);
    if old == new {
        return Ok(());
    }
    ports.update(updates::superseded(old, new)).await?;
    tracing::info!(evaluation.id = %old, evaluation.superseded_by = %new, "a question was planned anew");
    Ok(())
}
