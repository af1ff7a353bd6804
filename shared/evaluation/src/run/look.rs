//! A look at a photo that was just uploaded: sent once, asked about once, and its answer kept.
//!
//! # Invariants
//! - What a look costs is bounded: it is never sent again, put off, or asked about where the answer stands, an
//!   evaluation asks, or the VLM is taken to be away.
//! - Whatever becomes of it, the evaluation asks for what is missing.

use std::time::Duration;

use super::batch::{AttemptResult, PhotoEvaluator};
use super::cache::left_to_ask;
use super::error::RunError;
use super::ports::{Ports, Queue, evaluation};
use super::progress::note_progress;
use super::record::{keep_answer, sight};
use crate::decide::breaker::Breaker;
use crate::decide::cache::CachedAnswer;
use crate::decide::evaluation::Evaluation;
use crate::decide::look::{LookRecord, asked_about, is_worth_it};
use crate::decide::message::{Look, Looked, Message, Received};
use crate::decide::miss::LastAsked;
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::DrNumber;
use crate::domain::outcome::PhotoOutcome;
use crate::domain::plan::{Mode, Photo};
use crate::domain::versions::Versions;
use crate::figures;

/// Sends the look at a photo that was uploaded, unless one was sent, or nobody would ask about such a photo.
pub async fn send(
    ports: &impl Ports,
    dr: &DrNumber,
    photo: Photo,
    catalogue: &Catalogue,
    versions: &Versions,
) -> Result<(), RunError> {
    let Some(photo) = asked_about(photo, catalogue, versions) else {
        return Ok(());
    };
    let now = ports.now();
    let record = LookRecord::sent(&photo, now);
    if !ports
        .update(updates::look_sent(dr, &record))
        .await?
        .is_applied()
    {
        return Ok(());
    }
    let look = Message::look(ports.new_id(now), dr, photo, versions.clone(), now);
    ports.send(Queue::Bulk, vec![look], Duration::ZERO).await
}

/// Looks at a photo, if that is worth its while. One whose message comes again is passed over: somebody failed or ended
/// at it.
pub async fn handle(
    ports: &impl Ports,
    evaluator: &impl PhotoEvaluator,
    look: &Look,
    is_repeated: bool,
) -> Result<(), RunError> {
    if is_repeated {
        tracing::info!(photo.name = %look.photo.name, "a look that failed before was passed over");
        return Ok(());
    }
    let received_at = ports.now();
    let left = left_to_ask(ports, look).await?;
    let look = &left.map_or_else(|| look.clone(), |scope| look.about(scope));
    let report = if left.is_some() && may_ask(ports, evaluator, look).await? {
        match evaluator.look(look, received_at).await? {
            AttemptResult::Reported(report) => Some(report),
            AttemptResult::Deferred { .. } | AttemptResult::NotNeeded => None,
        }
    } else {
        None
    };
    let looked = Message::looked(look, report);
    ports
        .send(Queue::Results, vec![looked], Duration::ZERO)
        .await
}

async fn may_ask(
    ports: &impl Ports,
    evaluator: &impl PhotoEvaluator,
    look: &Look,
) -> Result<bool, RunError> {
    if !evaluator.knows(&look.versions).await? {
        return Ok(false);
    }
    let breaker = ports.get::<Breaker>(Key::Breaker).await?;
    let running = running(ports, &look.dr_number).await?;
    Ok(is_worth_it(
        look,
        breaker.unwrap_or_default(),
        running.as_ref(),
    ))
}

/// The evaluation that was begun last, in full mode: which asks what a look does.
async fn running(ports: &impl Ports, dr: &DrNumber) -> Result<Option<Evaluation>, RunError> {
    let key = Key::LastAsked(dr.clone(), Mode::Full);
    let Some(last) = ports.get::<LastAsked>(key).await? else {
        return Ok(None);
    };
    evaluation(ports, &last.last_evaluation_id).await
}

/// Keeps what came of a look: its answer for whoever evaluates the DR, and for who looks at its checklist how it ended.
/// The answer stands before the look counts as ended.
pub(super) async fn record(ports: &impl Ports, looked: &Looked) -> Result<(), RunError> {
    let Looked { look, report } = looked;
    let dr = &look.dr_number;
    if let Some(report) = report {
        let answer = CachedAnswer::of(&look.look_id, look.sent_at, report);
        if let Some(answer) = answer {
            let answer = CachedAnswer {
                by_look: true,
                ..answer
            };
            keep_answer(ports, &look.photo, &look.versions, &answer).await?;
        }
        if matches!(report.outcome, PhotoOutcome::Evaluated { .. }) {
            sight(ports, dr, &look.photo, report).await?;
        }
    }
    let ended = LookRecord::ended(look, report.as_deref(), ports.now());
    ports.update(updates::look_ended(dr, &ended)).await?;
    ports.note(figures::of_look(&ended, report.as_deref()));
    let received = Received {
        due_at: look.sent_at,
        bulk: true,
        ..Received::default()
    };
    note_progress(ports, &look.photo.photo_id, Some(received)).await
}
