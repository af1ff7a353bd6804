//! What is known from before: the evaluation that a question points to, and the model's earlier answers about photos.
//!
//! # Invariants
//! - What is read is compared with the time on reading, and with the time since when answers may be used; nothing
//!   relies on items having been deleted.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RunError;
use super::ports::{self, Ports};
use crate::decide::cache::{self, CachedAnswer, Known, Reused};
use crate::decide::evaluation::Evaluation;
use crate::decide::miss::{LastAsked, Miss, QuestionDigest};
use crate::decide::sighting::{Elsewhere, Likeness, Mark, Sighting};
use crate::decide::start::{self, FromCache, Request, Reuse};
use crate::decide::update::Key;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::outcome::PhotoOutcome;
use crate::domain::plan::{Photo, Plan};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

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
pub(super) struct Lookup {
    /// The evaluation that its fingerprint points to.
    pub(super) pointer: Option<EvaluationId>,
    /// Since when answers about its DR may be used.
    pub(super) valid_from: Timestamp,
    /// Whether somebody said where the DR is.
    pub(super) is_placed: bool,
    /// Whether technicians noted something of its steps.
    pub(super) is_noted: bool,
    last: Option<LastAsked>,
}

/// Reads how things stand with a question, in one call of the table.
pub(super) async fn lookup(
    ports: &impl Ports,
    fingerprint: &str,
    request: &Request,
) -> Result<Lookup, RunError> {
    let dr = &request.dr_number;
    let keys = vec![
        Key::Fingerprint(fingerprint.into()),
        Key::Cache(Some(dr.clone())),
        Key::Cache(None),
        Key::LastAsked(dr.clone(), request.mode),
        Key::Place(dr.clone()),
        Key::Notes(dr.clone()),
    ];
    let items = ports.get_all::<Value>(keys).await?;
    let [pointer, of_dr, of_all, last, place, notes] = <[Option<Value>; 6]>::try_from(items)
        .map_err(|items| RunError::misplaced(format!("{} items instead of 6", items.len())))?;
    let emptied = [read::<Emptied>(of_dr)?, read(of_all)?];
    Ok(Lookup {
        pointer: read::<Pointer>(pointer)?.map(|pointer| pointer.evaluation_id),
        valid_from: emptied
            .into_iter()
            .flatten()
            .map(|item| item.valid_from)
            .max()
            .unwrap_or(Timestamp::MIN),
        is_placed: place.is_some(),
        is_noted: notes.is_some(),
        last: read(last)?,
    })
}

fn read<T: DeserializeOwned>(item: Option<Value>) -> Result<Option<T>, RunError> {
    item.map(ports::read).transpose()
}

/// What is known from before of a question that is to be asked anew. By force nothing is.
pub(super) async fn from_cache(
    ports: &impl Ports,
    lookup: &Lookup,
    current: Option<&Evaluation>,
    request: &Request,
    plan: &Plan,
    versions: &Versions,
    now: Timestamp,
) -> Result<FromCache, RunError> {
    let (reuse, valid_from) = (request.reuse, lookup.valid_from);
    let asked = QuestionDigest::of(plan, versions);
    let missed_because =
        start::missed_because(current, &asked, lookup.last.as_ref(), reuse, valid_from);
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
        &known,
    )
    .await?;
    Ok(FromCache {
        known,
        seen,
        missed_because,
    })
}

/// What an evaluation may use of earlier answers about a photo that turned out to have this content: all that it asks, or
/// nothing. Its ETag had said that it is another one.
pub async fn by_content(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photo: &Photo,
    content: &str,
) -> Result<Option<Report>, RunError> {
    if evaluation.cache.missed_because.contains(&Miss::Forced) {
        return Ok(None);
    }
    let keys = vec![
        Key::Cache(Some(evaluation.dr_number.clone())),
        Key::Cache(None),
    ];
    let emptied = ports.get_all::<Emptied>(keys).await?.into_iter().flatten();
    let valid_from = emptied.map(|item| item.valid_from).max();
    let valid_from = valid_from.unwrap_or(Timestamp::MIN);
    let same = [photo.known_by(Some(content))];
    let (versions, now) = (&evaluation.versions, ports.now());
    let mut known = known(ports, same.iter(), versions, valid_from, now).await?;
    let known = known.remove(&photo.photo_id);
    let known = known.filter(|known| known.open.is_none());
    Ok(known.and_then(|known| reported(evaluation, content, &known.reused)))
}

/// The report of a photo that these answers are about.
fn reported(evaluation: &Evaluation, content: &str, answers: &[Reused]) -> Option<Report> {
    let oldest = answers.iter().map(|reused| &reused.answer);
    let oldest = oldest.min_by_key(|answer| answer.answered_at)?;
    let findings = cache::merged(&evaluation.steps_asked, &[], answers);
    Some(Report {
        content: Some(content.to_owned()),
        answered_for: Some(oldest.evaluation_id.clone()),
        metadata: Some(Box::new(oldest.metadata.clone())),
        ..Report::bare(PhotoOutcome::Evaluated { findings }, oldest.answered_at)
    })
}

/// Where these photos were used before in other DRs, by their files; who is asked about is also compared by looks,
/// later.
pub(super) async fn seen(
    ports: &impl Ports,
    dr: &DrNumber,
    photos: Vec<&Photo>,
    known: &BTreeMap<PhotoId, Known>,
) -> Result<BTreeMap<PhotoId, Elsewhere>, RunError> {
    if photos.is_empty() {
        return Ok(BTreeMap::new());
    }
    let content = |photo: &Photo| {
        let reused = known.get(&photo.photo_id)?.reused.first()?;
        reused.answer.content.clone()
    };
    let file = |photo: &Photo| content(photo).unwrap_or_else(|| photo.etag.clone());
    let mark = |photo: &&Photo| Key::Sighting(Mark::File(file(photo)));
    let keys = photos.iter().map(mark).collect();
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
pub(super) async fn known<'a>(
    ports: &impl Ports,
    photos: impl Iterator<Item = &'a Photo> + Clone,
    versions: &Versions,
    valid_from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<PhotoId, Known>, RunError> {
    let asked: Vec<_> = photos
        .clone()
        .flat_map(|p| {
            cache::questions(p.scope)
                .into_iter()
                .map(move |scope| (p, scope))
        })
        .collect();
    let keys = asked
        .iter()
        .map(|(photo, scope)| Key::Answer(cache::key(photo, *scope, versions)))
        .collect();
    let answers = ports.get_all::<CachedAnswer>(keys).await?;
    let mut found: BTreeMap<&PhotoId, Vec<Reused>> = BTreeMap::new();
    for ((photo, scope), answer) in asked.into_iter().zip(answers) {
        if let Some(answer) = answer.filter(|answer| answer.is_valid(valid_from, now)) {
            found
                .entry(&photo.photo_id)
                .or_default()
                .push(Reused { scope, answer });
        }
    }
    let choose = |photo: &Photo| {
        let found = found.remove(&photo.photo_id)?;
        Some((photo.photo_id.clone(), cache::choose(photo.scope, &found)))
    };
    Ok(photos.filter_map(choose).collect())
}
