//! One batch message: which of its photos are still wanted, and saying what became of each.
//!
//! # Invariants
//! - The message counts as done only when the results queue holds a word on each of its photos, or the photo has its
//!   outcome without that.
//! - While the VLM is taken to be away, only a probe asks; and one that does not ask says so.
//! - A release that does not know an evaluation's versions leaves its photos for one that does.

use std::time::Duration;

use futures::future::join_all;
use tracing::Instrument;

use super::cache::answered_meanwhile;
use super::error::RunError;
use super::ports::{Ports, Queue, about, evaluation};
use crate::decide::batch::{ANOTHER_RELEASE, held_off, superseded, wanted};
use crate::decide::breaker::Breaker;
use crate::decide::evaluation::Evaluation;
use crate::decide::message::{Batch, DeferralCause, Look, Message};
use crate::decide::update::Key;
use crate::domain::plan::Photo;
use crate::domain::report::Report;
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

/// Of a probe that was not asked about: nobody reads it but in logs.
const NOT_ASKED: &str = "The photo is not waited for any more";

/// What became of one attempt at a photo.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptResult {
    /// An outcome.
    Reported(Box<Report>),
    /// It must be asked about later.
    Deferred {
        /// The class, and the reason in words.
        why: (DeferralCause, String),
        /// The least delay that the server asked for.
        retry_after: Option<Duration>,
        /// What was seen already, if only the closer look is still to come.
        seen: Option<Box<Report>>,
    },
    /// It got its outcome meanwhile: quick mode does not need it any more.
    NotNeeded,
}

/// What evaluates photos: fetches, compresses, asks.
#[allow(
    async_fn_in_trait,
    reason = "the steps are run where they are made; nothing is spawned"
)]
pub trait PhotoEvaluator {
    /// Whether this release can ask with these versions: another model or prompt would give another answer.
    async fn knows(&self, versions: &Versions) -> Result<bool, RunError>;
    /// So many photos will be evaluated, all at once.
    fn expect(&self, _photos: usize) {}
    /// Looks at a photo that was just uploaded.
    async fn look(&self, look: &Look, received_at: Timestamp) -> Result<AttemptResult, RunError>;
    /// Evaluates one photo of an evaluation.
    async fn evaluate(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        received_at: Timestamp,
    ) -> Result<AttemptResult, RunError>;
}

/// Handles one message of the batches queue.
pub async fn handle(
    ports: &impl Ports,
    evaluator: &impl PhotoEvaluator,
    batch: &Batch,
) -> Result<(), RunError> {
    let received_at = ports.now();
    let Some(evaluation) = evaluation(ports, &batch.evaluation_id).await? else {
        tracing::warn!(evaluation.id = %batch.evaluation_id, "a batch of an unknown evaluation was passed over");
        return say_not_asked(ports, batch).await;
    };
    about(&evaluation);
    let wanted = wanted(&evaluation, batch);
    if wanted.is_empty() {
        say_not_asked(ports, batch).await?;
        return say_first_look(ports, batch).await;
    }
    if evaluation.superseded_by.is_some() {
        return end_all(ports, batch, &wanted).await;
    }
    if !evaluator.knows(&evaluation.versions).await? {
        let why = (DeferralCause::AnotherRelease, ANOTHER_RELEASE.to_owned());
        return defer_all(ports, batch, &wanted, why).await;
    }
    let wanted = unanswered(ports, &evaluation, batch, wanted).await?;
    let breaker = ports.get::<Breaker>(Key::Breaker).await?;
    if let Some(reason) = held_off(breaker.unwrap_or_default(), batch) {
        let why = (DeferralCause::BreakerOpen, reason);
        return defer_all(ports, batch, &wanted, why).await;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    evaluator.expect(wanted.len());
    let started = send_started(ports, &evaluation, received_at);
    let each = |photo| one(ports, evaluator, &evaluation, batch, photo, received_at);
    let all = join_all(wanted.into_iter().map(each));
    let (started, ended) = tokio::join!(started, all);
    // One that failed keeps no other from being said; then the message comes again, for what is still pending.
    ended.into_iter().fold(started, Result::and)
}

/// The photos that are still to be asked about. Bulk work may have waited behind looks at the same photos: what they
/// saw is said at once.
async fn unanswered<'a>(
    ports: &impl Ports,
    evaluation: &Evaluation,
    batch: &Batch,
    wanted: Vec<&'a Photo>,
) -> Result<Vec<&'a Photo>, RunError> {
    if !batch.bulk {
        return Ok(wanted);
    }
    let photos: Vec<Photo> = wanted.iter().copied().cloned().collect();
    let mut known = answered_meanwhile(ports, evaluation, &photos).await?;
    let mut messages = Vec::new();
    let mut open = Vec::new();
    for photo in wanted {
        match known.remove(&photo.photo_id) {
            Some(report) => messages.push(Message::outcome_of(batch, photo, report)),
            None => open.push(photo),
        }
    }
    if !messages.is_empty() {
        ports.send(Queue::Results, messages, Duration::ZERO).await?;
    }
    Ok(open)
}

/// A photo whose time ran out, though it was looked at: what was seen may take the place of the outcome that says so.
async fn say_first_look(ports: &impl Ports, batch: &Batch) -> Result<(), RunError> {
    let Some(seen) = &batch.seen else {
        return Ok(());
    };
    let message = |photo: &Photo| Message::outcome_of(batch, photo, Report::clone(seen));
    let messages = batch.photos.iter().map(message).collect();
    ports.send(Queue::Results, messages, Duration::ZERO).await
}

/// The word on a probe whose photo nobody wants any more: it puts off nothing, and lets another be the probe.
async fn say_not_asked(ports: &impl Ports, batch: &Batch) -> Result<(), RunError> {
    if !batch.probe {
        return Ok(());
    }
    let why = || (DeferralCause::BreakerOpen, NOT_ASKED.to_owned());
    let message = |photo| Message::deferral(batch, photo, why(), None, ports.now());
    let messages = batch.photos.iter().map(message).collect();
    ports.send(Queue::Results, messages, Duration::ZERO).await
}

async fn end_all(ports: &impl Ports, batch: &Batch, photos: &[&Photo]) -> Result<(), RunError> {
    let report = Report::bare(superseded(), ports.now());
    let message = |photo: &&Photo| Message::outcome_of(batch, photo, report.clone());
    let messages = photos.iter().map(message).collect();
    ports.send(Queue::Results, messages, Duration::ZERO).await
}

async fn defer_all(
    ports: &impl Ports,
    batch: &Batch,
    photos: &[&Photo],
    why: (DeferralCause, String),
) -> Result<(), RunError> {
    let now = ports.now();
    // Where two releases run the aggregator may be of one that does not know of photos that are put off together.
    let together = why.0 != DeferralCause::AnotherRelease;
    let some = photos.chunks(if together { photos.len().max(1) } else { 1 });
    let message = |some| Message::deferral_of_all(batch, some, why.clone(), now);
    let messages = some.filter_map(message).collect();
    ports.send(Queue::Results, messages, Duration::ZERO).await
}

async fn send_started(
    ports: &impl Ports,
    evaluation: &Evaluation,
    at: Timestamp,
) -> Result<(), RunError> {
    if evaluation.started_at.is_some() {
        return Ok(());
    }
    let started = Message::started(&evaluation.evaluation_id, at);
    ports
        .send(Queue::Results, vec![started], Duration::ZERO)
        .await
}

/// Evaluates a photo, and says at once what became of it.
async fn one(
    ports: &impl Ports,
    evaluator: &impl PhotoEvaluator,
    evaluation: &Evaluation,
    batch: &Batch,
    photo: &Photo,
    received_at: Timestamp,
) -> Result<(), RunError> {
    let span = tracing::error_span!("photo", photo.name = %photo.name);
    let attempt = evaluator.evaluate(evaluation, batch, photo, received_at);
    let result = attempt.instrument(span).await?;
    let message = match result {
        AttemptResult::Reported(report) => Message::outcome_of(batch, photo, *report),
        AttemptResult::Deferred {
            why,
            retry_after,
            seen,
        } => {
            let seen = seen.or_else(|| batch.seen.clone());
            let batch = &Batch {
                seen,
                ..batch.clone()
            };
            Message::deferral(batch, photo, why, retry_after, ports.now())
        }
        AttemptResult::NotNeeded => return say_not_asked(ports, batch).await,
    };
    ports
        .send(Queue::Results, vec![message], Duration::ZERO)
        .await
}
