//! Recording what became of a photo, and judging the evaluation of which it was the last.
//!
//! # Invariants
//! - The outcome stands before the photo leaves the pending set, so an empty set means that all outcomes stand.
//! - Each step may be repeated, and is, when a message is delivered again.

use futures::future::try_join_all;

use super::error::RunError;
use super::ports::{Ports, UpdateResult, about, evaluation, read};
use super::review::reviews;
use super::{plausibility, quick, serials};
use crate::decide::batch::ANOTHER_RELEASE;
use crate::decide::breaker::Breaker;
use crate::decide::cache::{self, CachedAnswer};
use crate::decide::evaluation::Evaluation;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::quick::is_idle;
use crate::decide::record::{Finalisation, OutcomeAction, finalise, is_due, on_outcome};
use crate::decide::review::Reviewed;
use crate::decide::sighting::{Elsewhere, Likeness, Mark, Sighting};
use crate::decide::sweep::ends_whatever_comes;
use crate::decide::update::Key;
use crate::decide::updates::{self, News};
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::judge::Verdict;
use crate::domain::outcome::PhotoOutcome;
use crate::domain::plan::{Mode, Photo};
use crate::domain::report::Report;
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;
use crate::figures;

/// Judges again so often when another one was faster; then the message comes again.
const JUDGES_AT_ONCE: usize = 4;

/// Records a photo's outcome, and judges the evaluation if that was the last one.
pub(super) async fn record_outcome(
    ports: &impl Ports,
    id: &EvaluationId,
    photo: &PhotoId,
    report: &Report,
) -> Result<(), RunError> {
    record(ports, id, photo, report, true).await
}

/// Records what was seen of a photo some time ago: nothing follows from it about the VLM.
pub(super) async fn record_first_look(
    ports: &impl Ports,
    id: &EvaluationId,
    photo: &PhotoId,
    report: &Report,
) -> Result<(), RunError> {
    record(ports, id, photo, report, false).await
}

async fn record(
    ports: &impl Ports,
    id: &EvaluationId,
    photo: &PhotoId,
    report: &Report,
    is_new: bool,
) -> Result<(), RunError> {
    let Some((evaluation, record)) = known(ports, id, photo).await? else {
        return Ok(());
    };
    let action = on_outcome(&evaluation, &record, report);
    // Also one that comes too late for this evaluation: quick mode does not wait for it, full mode need not ask again.
    if !record.is_answered() {
        keep(ports, &evaluation, &record.photo, report).await?;
    }
    let also_in = match action {
        OutcomeAction::Record | OutcomeAction::Upgrade => {
            sight(ports, &evaluation.dr_number, &record.photo, report).await?
        }
        OutcomeAction::RemoveFromPending | OutcomeAction::Ignore => None,
    };
    let (also_in, whole) = (
        also_in.as_ref(),
        record.completed(report, &evaluation.steps_asked),
    );
    match (action, &record.report) {
        (OutcomeAction::Ignore, _) => return Ok(()),
        (OutcomeAction::Record, _) => {
            let outcome = updates::outcome(id, photo, &whole, also_in);
            if ports.update(outcome).await?.is_applied() {
                ports.note(figures::of_outcome(report));
            }
        }
        (OutcomeAction::Upgrade, Some(seen)) => {
            let upgrade = updates::upgrade(id, photo, seen, &whole, also_in);
            if ports.update(upgrade).await?.is_applied() {
                ports.note(figures::of_outcome(report));
            }
        }
        (OutcomeAction::Upgrade | OutcomeAction::RemoveFromPending, _) => (),
    }
    let answered = matches!(report.outcome, PhotoOutcome::Evaluated { .. })
        && report.answered_for.is_none()
        && !record.is_reused();
    let news = match action {
        _ if !answered => News::Nothing,
        OutcomeAction::Record | OutcomeAction::Upgrade => News::Answered,
        OutcomeAction::RemoveFromPending | OutcomeAction::Ignore => News::Answers,
    };
    if answered && is_new {
        note_answer(ports, report.at).await?;
    }
    let is_back = news != News::Nothing && evaluation.waiting_since.is_some();
    let waited_until = is_back.then(|| ports.now());
    let UpdateResult::Applied(item) = ports
        .update(updates::removed_from_pending(id, photo, news, waited_until))
        .await?
    else {
        return Ok(());
    };
    let evaluation: Evaluation = read(item)?;
    go_on(ports, evaluation).await
}

/// Judges an evaluation of which nothing is pending; in quick mode others may not need what is.
async fn go_on(ports: &impl Ports, evaluation: Evaluation) -> Result<(), RunError> {
    let Some(catalogue) = ports.catalogue(&evaluation.versions.catalogue).await? else {
        return go_on_unknown(ports, &evaluation).await;
    };
    if is_due(&evaluation) {
        return judge(ports, &evaluation, Some(catalogue)).await;
    }
    if evaluation.mode == Mode::Full || evaluation.mode_note.is_some() || evaluation.is_final() {
        return Ok(());
    }
    match quick::go_on(ports, &evaluation, catalogue).await? {
        Some(changed) if is_due(&changed) => judge(ports, &changed, Some(catalogue)).await,
        _ => Ok(()),
    }
}

/// An evaluation with a catalogue of another release: what can't be decided without it is left for a release that knows
/// it. The sweeper says an outcome again each minute, and has the question planned anew if nobody does.
async fn go_on_unknown(ports: &impl Ports, evaluation: &Evaluation) -> Result<(), RunError> {
    if is_due(evaluation) && ends_whatever_comes(evaluation, ports.now()) {
        return judge(ports, evaluation, None).await;
    }
    let rests = is_due(evaluation) || is_idle(evaluation);
    let said = evaluation.waiting_since.is_some() && evaluation.unknown_since.is_some();
    if !rests || said {
        return Ok(());
    }
    let id = &evaluation.evaluation_id;
    tracing::warn!(evaluation.id = %id, catalogue = %evaluation.versions.catalogue, "an evaluation is left for a release that knows its catalogue");
    let waiting = updates::waiting(id, ports.now(), ANOTHER_RELEASE, true);
    ports.update(waiting).await.map(drop)
}

/// Keeps an answer of the model for whoever asks the same about this photo. It stands before the outcome does: a
/// repeated message would find the outcome and keep nothing.
async fn keep(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photo: &Photo,
    report: &Report,
) -> Result<(), RunError> {
    let (id, asked_in) = match &report.answered_for {
        Some(id) => (id, report.answered_in.clone()),
        None => (
            &evaluation.evaluation_id,
            Some(evaluation.dr_number.clone()),
        ),
    };
    let Some(answer) = CachedAnswer::of(id, evaluation.created_at, report) else {
        return Ok(());
    };
    let answer = CachedAnswer { asked_in, ..answer };
    keep_answer(ports, photo, &evaluation.versions, &answer).await
}

/// Keeps an answer under all that it is found by.
pub(super) async fn keep_answer(
    ports: &impl Ports,
    photo: &Photo,
    versions: &Versions,
    answer: &CachedAnswer,
) -> Result<(), RunError> {
    let keys = cache::keys(photo, answer.content.as_deref(), versions);
    let keep = |key| ports.update(updates::cached_answer(key, answer));
    try_join_all(keys.into_iter().map(keep)).await.map(drop)
}

/// Notes that a photo was seen, and finds where it was used before in another DR.
pub(super) async fn sight(
    ports: &impl Ports,
    dr: &DrNumber,
    photo: &Photo,
    report: &Report,
) -> Result<Option<Elsewhere>, RunError> {
    let photo = photo.known_by(report.content.as_deref());
    let Some(facts) = &report.facts else {
        return match report.answered_for {
            Some(_) => sighted(ports, dr, &photo).await,
            None => Ok(None),
        };
    };
    let sighting = Sighting::of(dr, &photo, facts.quality);
    let marks = sighting.marks().into_iter();
    let first = try_join_all(
        marks.map(|mark| ports.update(updates::sighted(mark, &sighting, ports.now()))),
    )
    .await?;
    for first in first {
        let UpdateResult::Applied(first) = first else {
            continue;
        };
        match serde_json::from_value::<Sighting>(first).map(|first| sighting.elsewhere(&first)) {
            Ok(None) => (),
            Ok(elsewhere) => return Ok(elsewhere),
            // A flag less is no reason to lose an outcome.
            Err(cause) => {
                tracing::warn!(error = %cause, "where a photo was seen first can't be read")
            }
        }
    }
    Ok(None)
}

/// Where a photo was used before in another DR, by its file: nobody looked at its pixels.
async fn sighted(
    ports: &impl Ports,
    dr: &DrNumber,
    photo: &Photo,
) -> Result<Option<Elsewhere>, RunError> {
    let key = Key::Sighting(Mark::File(photo.etag.clone()));
    let first = ports.get::<Sighting>(key).await?;
    Ok(first.and_then(|first| first.elsewhere_of(dr, Likeness::SameFile)))
}

/// An evaluation and one of its photos, if both are known.
pub(super) async fn known(
    ports: &impl Ports,
    id: &EvaluationId,
    photo: &PhotoId,
) -> Result<Option<(Evaluation, PhotoRecord)>, RunError> {
    let record = ports.get::<PhotoRecord>(Key::Photo(id.clone(), photo.clone()));
    let (evaluation, record) = tokio::try_join!(evaluation(ports, id), record)?;
    if evaluation.is_none() || record.is_none() {
        tracing::warn!(evaluation.id = %id, photo.id = %photo, "a result for an unknown evaluation or photo was passed over");
    }
    evaluation.iter().for_each(about);
    Ok(evaluation.zip(record))
}

/// Judges an evaluation. One who is overtaken judges again: the faster one may not have seen this photo's late answer.
async fn judge(
    ports: &impl Ports,
    evaluation: &Evaluation,
    catalogue: Option<&Catalogue>,
) -> Result<(), RunError> {
    let id = &evaluation.evaluation_id;
    let mut current = evaluation.clone();
    for _ in 0..JUDGES_AT_ONCE {
        let photos = ports.photos(id).await?;
        let Some(mut verdict) = finalise(&current, &photos, catalogue, ports.now()) else {
            return Ok(());
        };
        verdict.carried = carried(ports, &current, &photos, catalogue, &verdict).await?;
        if let Some(catalogue) = catalogue {
            serials::note(ports, &current, catalogue, &photos).await?;
            plausibility::note(ports, &current, catalogue, &photos).await?;
        }
        if ports
            .update(updates::finalised(id, &verdict))
            .await?
            .is_applied()
        {
            log_verdict(&current, &verdict);
            ports.note(figures::of_verdict(&current, &photos, &verdict));
            return Ok(());
        }
        match super::ports::evaluation(ports, id).await? {
            Some(newer) if is_due(&newer) => current = newer,
            _ => return Ok(()),
        }
    }
    Err(RunError::contended(format!(
        "{JUDGES_AT_ONCE} judged {id} at once"
    )))
}

/// What people decided before makes of a verdict that is about to be given; of most DRs nobody did.
async fn carried(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photos: &[PhotoRecord],
    catalogue: Option<&Catalogue>,
    verdict: &Finalisation,
) -> Result<Option<Verdict>, RunError> {
    let reviews = reviews(ports, &evaluation.dr_number).await?;
    if reviews.is_empty() {
        return Ok(None);
    }
    let judged = Evaluation {
        judgement: Some(verdict.judgement.clone()),
        ..evaluation.clone()
    };
    let judged = Reviewed::of(judged, photos, catalogue);
    Ok(judged.standing(reviews.records()).1)
}

fn log_verdict(evaluation: &Evaluation, verdict: &Finalisation) {
    tracing::info!(
        evaluation.id = %evaluation.evaluation_id, dr.number = %evaluation.dr_number,
        evaluation.verdict = ?verdict.judgement.verdict, evaluation.revision = verdict.expected_revision + 1,
        photos.total = evaluation.photos_total, evaluation.duration_ms = verdict.timings.total_ms,
        "an evaluation has its verdict"
    );
}

/// The VLM answered at that time: what was held against it until then ends. An answer may be told much later, or once more.
async fn note_answer(ports: &impl Ports, at: Timestamp) -> Result<(), RunError> {
    let breaker = ports.get::<Breaker>(Key::Breaker).await?;
    if breaker.unwrap_or_default().is_answered_by(at) {
        ports.update(updates::answered()).await?;
        tracing::info!("the VLM answers again");
    }
    Ok(())
}
