//! The aggregator: the only writer of outcomes.
//!
//! # Invariants
//! - The outcome stands before the photo leaves the pending set, so an empty set means that all outcomes stand.
//! - Each step may be repeated, and is, when a message is delivered again.

use futures::future::try_join_all;

use super::{Ports, Trouble, Written, defer, evaluation, quick};
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::{EvaluationId, PhotoId};
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::plan::{Mode, Photo};
use crate::protocol::breaker::Breaker;
use crate::protocol::evaluation::{Evaluation, PhotoRecord};
use crate::protocol::message::{Batch, Message, Report};
use crate::protocol::record::{Finalisation, OutcomeAction, finalise, is_due, on_outcome};
use crate::protocol::sighting::{Elsewhere, Sighting};
use crate::protocol::verdict::{self, PhotoVerdict};
use crate::protocol::write::Key;
use crate::protocol::writes;

/// Judges again so often when another one was faster; then the message comes again.
const JUDGES_AT_ONCE: usize = 4;

/// Handles a message of the results queue or of a dead-letter queue.
pub async fn handle(ports: &impl Ports, message: Message) -> Result<(), Trouble> {
    match message {
        Message::Outcome(outcome) => {
            record_outcome(
                ports,
                &outcome.evaluation_id,
                &outcome.photo_id,
                &outcome.report,
            )
            .await
        }
        Message::Deferral(note) => defer::defer(ports, &note).await,
        Message::Started(started) => ports
            .write(writes::started(&started.evaluation_id, started.at))
            .await
            .map(|_| ()),
        Message::Batch(batch) => bury(ports, &batch).await,
        Message::Settle(_) => Err(Trouble::Failed(
            "a message of the uploads queue came to the aggregator".into(),
        )),
    }
}

/// A batch that ended in the dead-letter queue: its photos get an outcome that says so. A late answer may still take
/// its place.
async fn bury(ports: &impl Ports, batch: &Batch) -> Result<(), Trouble> {
    for photo in &batch.photos {
        let message = "Processing this photo failed repeatedly. The photo may be fine; ask for the evaluation again.";
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::DeadLettered, message);
        tracing::error!(evaluation.id = %batch.evaluation_id, photo.name = %photo.name, "a photo ended in the dead-letter queue");
        record_outcome(
            ports,
            &batch.evaluation_id,
            &photo.photo_id,
            &Report::bare(outcome, ports.now()),
        )
        .await?;
    }
    Ok(())
}

/// Records a photo's outcome, and judges the evaluation if that was the last one.
pub(super) async fn record_outcome(
    ports: &impl Ports,
    id: &EvaluationId,
    photo: &PhotoId,
    report: &Report,
) -> Result<(), Trouble> {
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
            sight(ports, &evaluation, &record, report).await?
        }
        OutcomeAction::Settle | OutcomeAction::Ignore => None,
    };
    let (also_in, whole) = (
        also_in.as_ref(),
        record.completed(report, &evaluation.steps_asked),
    );
    match (action, &record.report) {
        (OutcomeAction::Ignore, _) => return Ok(()),
        (OutcomeAction::Record, _) => drop(
            ports
                .write(writes::outcome(id, photo, &whole, also_in))
                .await?,
        ),
        (OutcomeAction::Upgrade, Some(seen)) => drop(
            ports
                .write(writes::upgrade(id, photo, seen, &whole, also_in))
                .await?,
        ),
        (OutcomeAction::Upgrade | OutcomeAction::Settle, _) => (),
    }
    let answered = matches!(report.outcome, PhotoOutcome::Evaluated { .. }) && !record.is_reused();
    if answered {
        note_answer(ports).await?;
    }
    let Written::Applied(item) = ports.write(writes::settled(id, photo, answered)).await? else {
        return Ok(());
    };
    let evaluation: Evaluation =
        serde_json::from_value(item).map_err(|cause| Trouble::Failed(cause.to_string()))?;
    go_on(ports, evaluation).await
}

/// Judges an evaluation of which nothing is pending; in quick mode others may not need what is.
async fn go_on(ports: &impl Ports, evaluation: Evaluation) -> Result<(), Trouble> {
    let catalogue = Catalogue::shipped(&evaluation.catalogue_version)
        .map_err(|cause| Trouble::Failed(cause.to_string()))?;
    if is_due(&evaluation) {
        return judge(ports, &evaluation, &catalogue).await;
    }
    if evaluation.mode == Mode::Full || evaluation.mode_note.is_some() || evaluation.is_settled() {
        return Ok(());
    }
    match quick::go_on(ports, &evaluation, &catalogue).await? {
        Some(changed) if is_due(&changed) => judge(ports, &changed, &catalogue).await,
        _ => Ok(()),
    }
}

/// Keeps an answer of the model for whoever asks the same about this photo. It stands before the outcome does: a repeated
/// message would find the outcome and keep nothing.
async fn keep(
    ports: &impl Ports,
    evaluation: &Evaluation,
    photo: &Photo,
    report: &Report,
) -> Result<(), Trouble> {
    let Some(verdict) = PhotoVerdict::of(evaluation, report) else {
        return Ok(());
    };
    let key = verdict::key(photo, photo.scope, &evaluation.versions());
    ports.write(writes::verdict(key, &verdict)).await.map(drop)
}

/// Notes that a photo was seen, and finds where it was used before in another DR.
async fn sight(
    ports: &impl Ports,
    evaluation: &Evaluation,
    record: &PhotoRecord,
    report: &Report,
) -> Result<Option<Elsewhere>, Trouble> {
    let Some(facts) = &report.facts else {
        return Ok(None);
    };
    let sighting = Sighting::of(&evaluation.dr_number, &record.photo, facts.quality);
    let marks = sighting.marks().into_iter();
    let first =
        try_join_all(marks.map(|mark| ports.write(writes::sighted(mark, &sighting, ports.now()))))
            .await?;
    for first in first {
        let Written::Applied(first) = first else {
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

/// An evaluation and one of its photos, if both are known.
pub(super) async fn known(
    ports: &impl Ports,
    id: &EvaluationId,
    photo: &PhotoId,
) -> Result<Option<(Evaluation, PhotoRecord)>, Trouble> {
    let record = ports.get::<PhotoRecord>(Key::Photo(id.clone(), photo.clone()));
    let (evaluation, record) = tokio::try_join!(evaluation(ports, id), record)?;
    if evaluation.is_none() || record.is_none() {
        tracing::warn!(evaluation.id = %id, photo.id = %photo, "a result for an unknown evaluation or photo was passed over");
    }
    Ok(evaluation.zip(record))
}

/// Judges an evaluation. One who is overtaken judges again: the faster one may not have seen this photo's late answer.
async fn judge(
    ports: &impl Ports,
    evaluation: &Evaluation,
    catalogue: &Catalogue,
) -> Result<(), Trouble> {
    let id = &evaluation.evaluation_id;
    let mut current = evaluation.clone();
    for _ in 0..JUDGES_AT_ONCE {
        let photos = ports.photos(id).await?;
        let Some(verdict) = finalise(&current, &photos, catalogue, ports.now()) else {
            return Ok(());
        };
        if ports
            .write(writes::finalised(id, &verdict))
            .await?
            .is_applied()
        {
            say_verdict(&current, &verdict);
            return Ok(());
        }
        match super::evaluation(ports, id).await? {
            Some(newer) if is_due(&newer) => current = newer,
            _ => return Ok(()),
        }
    }
    Err(Trouble::Busy(format!(
        "{JUDGES_AT_ONCE} judged {id} at once"
    )))
}

fn say_verdict(evaluation: &Evaluation, verdict: &Finalisation) {
    tracing::info!(
        evaluation.id = %evaluation.evaluation_id, dr.number = %evaluation.dr_number,
        evaluation.verdict = ?verdict.judgement.verdict, evaluation.revision = verdict.expected_revision + 1,
        photos.total = evaluation.photos_total, evaluation.duration_ms = verdict.timings.total_ms,
        "an evaluation has its verdict"
    );
}

/// The VLM answered: if anything is held against it, that ends.
async fn note_answer(ports: &impl Ports) -> Result<(), Trouble> {
    if ports
        .get::<Breaker>(Key::Breaker)
        .await?
        .unwrap_or_default()
        .failures
        > 0
    {
        ports.write(writes::answered()).await?;
        tracing::info!("the VLM answers again");
    }
    Ok(())
}
