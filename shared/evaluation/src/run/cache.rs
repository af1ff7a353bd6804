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
use crate::decide::message::Look;
use crate::decide::miss::{LastAsked, Miss, QuestionDigest};
use crate::decide::sighting::{Elsewhere, Likeness, Mark, Sighting};
use crate::decide::start::{self, FromCache, Request, Reuse};
use crate::decide::update::Key;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId, StepKey};
use crate::domain::outcome::PhotoOutcome;
use crate::domain::plan::{Photo, Plan};
use crate::domain::report::Report;
use crate::domain::scope::Scope;
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
    let same = [photo.known_by(Some(content))];
    let (dr, versions) = (&evaluation.dr_number, &evaluation.versions);
    let mut answered = answered(ports, dr, versions, &same).await?;
    let answers = answered.remove(&photo.photo_id);
    Ok(answers.and_then(|answers| {
        let report = reported(&evaluation.steps_asked, &answers)?;
        Some(Report {
            content: Some(content.to_owned()),
            ..report
        })
    }))
}

/// The same for a look: all that it asks, or nothing.
pub async fn by_content_of_look(
    ports: &impl Ports,
    look: &Look,
    content: &str,
) -> Result<Option<Report>, RunError> {
    let same = [look.photo.known_by(Some(content))];
    let mut answered = answered(ports, &look.dr_number, &look.versions, &same).await?;
    let answers = answered.remove(&look.photo.photo_id).unwrap_or_default();
    let findings = answers.iter().flat_map(|reused| &reused.answer.findings);
    let steps: Vec<StepKey> = findings.map(|finding| finding.step.clone()).collect();
    Ok(reported(&steps, &answers).map(|report| Report {
        content: Some(content.to_owned()),
        ..report
    }))
}

/// What an evaluation that uploads started may use of answers that looks have had since it began: of each photo all
/// that it asks, or nothing.
pub(super) async fn answered_meanwhile(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[Photo],
) -> Result<BTreeMap<PhotoId, Report>, RunError> {
    let (dr, versions) = (&evaluation.dr_number, &evaluation.versions);
    let answered = answered(ports, dr, versions, photos).await?.into_iter();
    let report = |(photo, answers): (PhotoId, Vec<Reused>)| {
        Some((photo, reported(&evaluation.steps_asked, &answers)?))
    };
    Ok(answered.filter_map(report).collect())
}

/// What is left to be asked about a photo that is to be looked at; nothing if all that it is asked is known.
pub(super) async fn left_to_ask(
    ports: &impl Ports,
    look: &Look,
) -> Result<Option<Scope>, RunError> {
    let photo = std::slice::from_ref(&look.photo);
    let mut known = all_known(ports, &look.dr_number, &look.versions, photo).await?;
    let known = known.remove(&look.photo.photo_id);
    Ok(known.map_or(Some(look.photo.scope), |known| known.open))
}

/// The answers about those of these photos of which all is known that they are asked.
async fn answered(
    ports: &impl Ports,
    dr: &DrNumber,
    versions: &Versions,
    photos: &[Photo],
) -> Result<BTreeMap<PhotoId, Vec<Reused>>, RunError> {
    let known = all_known(ports, dr, versions, photos).await?.into_iter();
    let known = known.filter(|(_, known)| known.open.is_none());
    Ok(known.map(|(photo, known)| (photo, known.reused)).collect())
}

/// What is known of these photos now.
async fn all_known(
    ports: &impl Ports,
    dr: &DrNumber,
    versions: &Versions,
    photos: &[Photo],
) -> Result<BTreeMap<PhotoId, Known>, RunError> {
    let keys = vec![Key::Cache(Some(dr.clone())), Key::Cache(None)];
    let emptied = ports.get_all::<Emptied>(keys).await?.into_iter().flatten();
    let valid_from = emptied.map(|item| item.valid_from).max();
    let valid_from = valid_from.unwrap_or(Timestamp::MIN);
    known(ports, photos.iter(), versions, valid_from, ports.now()).await
}

/// The report of a photo that these answers are about.
fn reported(asked: &[StepKey], answers: &[Reused]) -> Option<Report> {
    let oldest = answers.iter().map(|reused| &reused.answer);
    let oldest = oldest.min_by_key(|answer| answer.answered_at)?;
    let findings = cache::merged(asked, &[], answers);
    Some(Report {
        answered_for: Some(oldest.evaluation_id.clone()),
        answered_in: oldest.asked_in.clone(),
        by_look: oldest.by_look,
        facts: oldest.facts(),
        metadata: Some(Box::new(oldest.metadata.clone())),
        content: oldest.content.clone(),
        ..Report::bare(PhotoOutcome::Evaluated { findings }, oldest.answered_at)
    })
}

/// Where these photos were used before in other DRs, by their files alone: one item for each.
pub(super) async fn seen_by_file(
    ports: &impl Ports,
    dr: &DrNumber,
    photos: Vec<&Photo>,
    known: &BTreeMap<PhotoId, Known>,
) -> Result<BTreeMap<PhotoId, Elsewhere>, RunError> {
    if photos.is_empty() {
        return Ok(BTreeMap::new());
    }
    let file = |photo: &&Photo| {
        let known = known.get(&photo.photo_id);
        let answer = known.and_then(|known| known.reused.first());
        let content = answer.and_then(|reused| reused.answer.content.clone());
        Key::Sighting(Mark::File(content.unwrap_or_else(|| photo.etag.clone())))
    };
    let keys = photos.iter().map(file).collect();
    let first = ports.get_all::<Sighting>(keys).await?;
    let elsewhere = |(photo, first): (&Photo, Option<Sighting>)| {
        let other = first?.elsewhere_of(dr, Likeness::SameFile)?;
        Some((photo.photo_id.clone(), other))
    };
    let all = photos.into_iter().zip(first);
    Ok(all.filter_map(elsewhere).collect())
}

/// Where these photos were used before in other DRs, by their files, and by how they look where that is kept with the
/// answer.
async fn seen(
    ports: &impl Ports,
    dr: &DrNumber,
    photos: Vec<&Photo>,
    known: &BTreeMap<PhotoId, Known>,
) -> Result<BTreeMap<PhotoId, Elsewhere>, RunError> {
    if photos.is_empty() {
        return Ok(BTreeMap::new());
    }
    let answer = |photo: &Photo| Some(&known.get(&photo.photo_id)?.reused.first()?.answer);
    let of = |photo: &&Photo| {
        let answer = answer(photo);
        let photo = photo.known_by(answer.and_then(|answer| answer.content.as_deref()));
        let quality = answer.and_then(|answer| answer.quality);
        let by_look = quality.map(|quality| Sighting::of(dr, &photo, quality));
        let marks = by_look.as_ref().map(Sighting::marks);
        let marks = marks.unwrap_or_else(|| vec![Mark::File(photo.etag)]);
        (photo.photo_id, by_look, marks)
    };
    let wanted: Vec<_> = photos.iter().map(of).collect();
    let marks = wanted.iter().flat_map(|(.., marks)| marks);
    let keys = marks.cloned().map(Key::Sighting).collect();
    let mut found = ports.get_all::<Sighting>(keys).await?.into_iter();
    let mut elsewhere = BTreeMap::new();
    for (photo, by_look, marks) in wanted {
        let firsts = found.by_ref().take(marks.len()).flatten();
        let firsts: Vec<Sighting> = firsts.collect();
        let other = |first: &Sighting| match &by_look {
            Some(sighting) => sighting.elsewhere(first),
            None => first.elsewhere_of(dr, Likeness::SameFile),
        };
        if let Some(other) = firsts.iter().find_map(other) {
            elsewhere.insert(photo, other);
        }
    }
    Ok(elsewhere)
}

/// What may be used of earlier answers about these photos.
async fn known<'a>(
    ports: &impl Ports,
    photos: impl Iterator<Item = &'a Photo> + Clone,
    versions: &Versions,
    valid_from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<PhotoId, Known>, RunError> {
    known_by(ports, photos, cache::questions, versions, valid_from, now).await
}

/// The same, in two steps: that some questions together were answered is looked up where the question itself was not.
/// Most were, and who polls pays for each item.
pub(super) async fn known_in_turn(
    ports: &impl Ports,
    photos: &[Photo],
    versions: &Versions,
    valid_from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<PhotoId, Known>, RunError> {
    let itself = |scope| vec![scope];
    let all = photos.iter();
    let mut known = known_by(ports, all.clone(), itself, versions, valid_from, now).await?;
    let others = |wanted| {
        let mut questions = cache::questions(wanted);
        questions.retain(|scope| *scope != wanted);
        questions
    };
    let rest: Vec<&Photo> = all
        .filter(|photo| !known.contains_key(&photo.photo_id))
        .collect();
    let rest = rest.into_iter();
    known.extend(known_by(ports, rest, others, versions, valid_from, now).await?);
    Ok(known)
}

/// What may be used of the answers to these questions.
async fn known_by<'a>(
    ports: &impl Ports,
    photos: impl Iterator<Item = &'a Photo> + Clone,
    questions: impl Fn(Scope) -> Vec<Scope>,
    versions: &Versions,
    valid_from: Timestamp,
    now: Timestamp,
) -> Result<BTreeMap<PhotoId, Known>, RunError> {
    let asked: Vec<_> = photos
        .clone()
        .flat_map(|p| questions(p.scope).into_iter().map(move |scope| (p, scope)))
        .collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
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
