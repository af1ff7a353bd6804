//! What must hold of an answer, worked out a second time from the bucket, the versions and the clock alone.

use std::collections::BTreeSet;

use evaluation::decide::cache::CACHED_FOR;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::start::{Request, Reuse};
use evaluation::decide::update::Key;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::StepKey;
use evaluation::domain::judge::Verdict;
use evaluation::domain::outcome::{Finding, PhotoOutcome};
use evaluation::domain::plan::{Photo, Plan};
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use evaluation::run::ports::Ports;
use evaluation::run::start::StartResult;

use super::serial::{Asked, Serial, answer, at_once};

/// What was asked for, and how things stood then.
pub(super) struct Wanted {
    pub(super) request: Request,
    /// The photos in the bucket.
    pub(super) photos: Vec<Photo>,
    pub(super) plan: Plan,
    pub(super) versions: Versions,
    /// When the cache was emptied by hand.
    pub(super) valid_from: Timestamp,
    /// When it was asked for: an outage may have come after that.
    pub(super) asked_at: Timestamp,
    /// Questions that the model had got before.
    pub(super) asked_before: usize,
}

/// Checks an answer: whose it is, what it rests on, how old that is, and that no more was asked than had to be.
pub(super) fn check(world: &Serial, wanted: &Wanted, answer: &StartResult) -> Result<(), String> {
    let (StartResult::Started(it) | StartResult::Joined(it) | StartResult::Cached(it)) = answer;
    let evaluation: Evaluation = at_once(world.get(Key::Evaluation(it.evaluation_id.clone())))
        .unwrap()
        .unwrap();
    let photos = at_once(world.photos(&it.evaluation_id)).unwrap();
    let verdict = evaluation.verdict().ok_or("it never ended")?;
    if matches!(answer, StartResult::Cached(_)) && verdict == Verdict::Incomplete {
        return Err("an incomplete evaluation is served as a result".into());
    }
    same(
        "another DR's answer",
        &evaluation.dr_number,
        &wanted.request.dr_number,
    )?;
    same(
        "another mode's answer",
        &evaluation.mode,
        &wanted.request.mode,
    )?;
    same(
        "an answer of other versions",
        &evaluation.versions,
        &wanted.versions,
    )?;
    same("other steps", &evaluation.steps_asked, &wanted.plan.steps)?;
    same(
        "other photos",
        &identities(photos.iter().map(|p| &p.photo)),
        &identities(&wanted.photos),
    )?;
    photos.iter().try_for_each(|record| photo(wanted, record))?;
    photos.iter().try_for_each(|record| copy(&photos, record))?;
    photos.iter().try_for_each(|record| source(world, record))?;
    if wanted.request.reuse == Reuse::Nothing {
        same(
            "by force, and yet an old answer",
            &evaluation.created_at,
            &wanted.asked_at,
        )?;
    }
    once(world, &evaluation)?;
    if wanted.request.reuse == Reuse::Nothing {
        return Ok(());
    }
    sparing(
        world,
        wanted.asked_before,
        wanted.valid_from,
        &wanted.versions,
    )
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: {found:?}, not {wanted:?}"))
    }
}

fn identities<'a>(photos: impl IntoIterator<Item = &'a Photo>) -> Vec<(&'a str, &'a str)> {
    let mut all: Vec<_> = photos
        .into_iter()
        .map(|photo| (photo.name.as_str(), photo.etag.as_str()))
        .collect();
    all.sort_unstable();
    all
}

/// A photo that nobody was asked about because it is a copy has an original that is none.
fn copy(photos: &[PhotoRecord], record: &PhotoRecord) -> Result<(), String> {
    let is_copy = |record: &PhotoRecord| {
        record
            .report
            .as_ref()
            .is_some_and(|report| report.outcome.is_copy())
    };
    let original = |other: &PhotoRecord| other.photo.etag == record.photo.etag && !is_copy(other);
    let fine = !is_copy(record) || photos.iter().any(original);
    if fine {
        Ok(())
    } else {
        Err(format!("a copy of nothing: {}", record.photo.name))
    }
}

/// A photo's findings are those of its content, its hint and the versions, of all steps asked, and not too old.
fn photo(wanted: &Wanted, record: &PhotoRecord) -> Result<(), String> {
    let Some(PhotoOutcome::Evaluated { findings }) =
        record.report.as_ref().map(|report| &report.outcome)
    else {
        return Ok(());
    };
    let (now, forced) = (wanted.asked_at, wanted.request.reuse == Reuse::Nothing);
    for finding in findings {
        let given = finding
            .reading
            .as_ref()
            .and_then(|at| at.parse().ok())
            .map(Timestamp::from_millis);
        let given = given.ok_or("a finding that nobody gave")?;
        if now >= given.after(CACHED_FOR) || given <= wanted.valid_from || (forced && given < now) {
            return Err(format!(
                "an answer of {given} is used at {now}; emptied {}",
                wanted.valid_from
            ));
        }
    }
    let asked_of = wanted
        .photos
        .iter()
        .find(|photo| photo.name == record.photo.name)
        .ok_or("another photo")?;
    let expected = answer(asked_of, &wanted.plan.steps, &wanted.versions, now);
    same("another answer", &said(findings), &said(&expected))
}

/// An answer that is used says truly in which DR it was asked; whom its evaluation may be named to depends on that.
fn source(world: &Serial, record: &PhotoRecord) -> Result<(), String> {
    let answers = record.reused.iter().map(|reused| &reused.answer);
    let earlier = answers.map(|it| (Some(&it.evaluation_id), it.by_look, &it.asked_in));
    let report = record.report.iter();
    let same_bytes = report.map(|it| (it.answered_for.as_ref(), it.by_look, &it.answered_in));
    for (id, by_look, asked_in) in earlier.chain(same_bytes) {
        let Some(id) = id.filter(|_| !by_look) else {
            continue;
        };
        let of: Option<Evaluation> = at_once(world.get(Key::Evaluation(id.clone()))).unwrap();
        same("another source", asked_in, &of.map(|of| of.dr_number))?;
    }
    Ok(())
}

/// Findings but for when they were given.
fn said(findings: &[Finding]) -> Vec<(&StepKey, u8, &str)> {
    let mut all: Vec<_> = findings
        .iter()
        .map(|f| (&f.step, f.score.value(), f.comment.as_str()))
        .collect();
    all.sort();
    all
}

/// No evaluation asked about a photo twice, although its batches came twice.
fn once(world: &Serial, evaluation: &Evaluation) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let asked = world.asked.borrow();
    let mut questions = asked
        .iter()
        .filter(|question| question.evaluation_id == evaluation.evaluation_id);
    match questions.find(|question| !seen.insert(&question.photo.photo_id)) {
        Some(question) => Err(format!("{} was asked about twice", question.photo.name)),
        None => Ok(()),
    }
}

/// Nothing was asked, since so many questions, that had been answered.
pub(super) fn sparing(
    world: &Serial,
    asked_before: usize,
    valid_from: Timestamp,
    versions: &Versions,
) -> Result<(), String> {
    let asked = world.asked.borrow();
    let (before, now) = asked.split_at(asked_before);
    let catalogue = Catalogue::shipped(&versions.catalogue).unwrap();
    let was_answered = |question: &Asked| {
        let steps = question.photo.scope.steps(catalogue);
        before
            .iter()
            .filter(|old| {
                old.answered && old.at > valid_from && question.at < old.at.after(CACHED_FOR)
            })
            .any(|old| {
                let alike = (&old.photo.etag, &old.photo.step_hint, &old.versions);
                alike
                    == (
                        &question.photo.etag,
                        &question.photo.step_hint,
                        &question.versions,
                    )
                    && steps
                        .iter()
                        .any(|step| old.photo.scope.steps(catalogue).contains(step))
            })
    };
    match now.iter().find(|question| was_answered(question)) {
        Some(question) => Err(format!("asked although it had been answered: {question:?}")),
        None => Ok(()),
    }
}
