//! One batch message: which of its photos are still wanted, and saying what became of each.
//!
//! # Invariants
//! - The message counts as done only when the results queue holds a word on each of its photos, or the photo has its
//!   outcome without that.
//! - While the VLM is taken to be away, only a probe asks.

use std::time::Duration;

use futures::future::join_all;

use super::{Ports, Queue, Trouble, evaluation};
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::plan::Photo;
use crate::domain::time::Timestamp;
use crate::protocol::breaker::Breaker;
use crate::protocol::evaluation::Evaluation;
use crate::protocol::message::{Batch, DeferralCause, Message, Report};
use crate::protocol::write::Key;
use crate::vlm::prompt::PROMPT_VERSION;

/// What became of a photo.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// An outcome.
    Reported(Box<Report>),
    /// It must be asked about later.
    PutOff {
        /// The class, and the reason in words.
        why: (DeferralCause, String),
        /// The least delay that the server asked for.
        retry_after: Option<Duration>,
    },
    /// It got its outcome while it was looked at: quick mode does not need it any more.
    NotNeeded,
}

/// What looks at photos: fetches, compresses, asks.
#[allow(
    async_fn_in_trait,
    reason = "the flows are run where they are made; nothing is spawned"
)]
pub trait Eyes {
    /// The model that this deployment asks.
    fn model(&self) -> &str;
    /// The version of the prompt that it is asked with.
    fn prompt(&self) -> &str {
        PROMPT_VERSION
    }
    /// So many photos will be looked at, all at once.
    fn expect(&self, _photos: usize) {}
    /// Looks at one photo of an evaluation.
    async fn look(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        received_at: Timestamp,
    ) -> Result<Ended, Trouble>;
}

/// Handles one message of the batches queue.
pub async fn handle(ports: &impl Ports, eyes: &impl Eyes, batch: &Batch) -> Result<(), Trouble> {
    let received_at = ports.now();
    let Some(evaluation) = evaluation(ports, &batch.evaluation_id).await? else {
        tracing::warn!(evaluation.id = %batch.evaluation_id, "a batch of an unknown evaluation was passed over");
        return Ok(());
    };
    let wanted: Vec<&Photo> = batch
        .photos
        .iter()
        .filter(|photo| evaluation.pending.contains(&photo.photo_id))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    if let Some(reason) = outdated(&evaluation, eyes) {
        return give_up(ports, batch, &wanted, reason).await;
    }
    let breaker = ports
        .get::<Breaker>(Key::Breaker)
        .await?
        .unwrap_or_default();
    if breaker.is_open() && !batch.probe {
        let reason = breaker.reason.unwrap_or_else(|| "The VLM is away".into());
        return put_all_off(ports, batch, &wanted, reason).await;
    }
    eyes.expect(wanted.len());
    let begun = say_begun(ports, &evaluation, received_at);
    let all = join_all(
        wanted
            .into_iter()
            .map(|photo| one(ports, eyes, &evaluation, batch, photo, received_at)),
    );
    let (begun, ended) = tokio::join!(begun, all);
    // One that failed keeps no other from being said; then the message comes again, for what is still pending.
    ended.into_iter().fold(begun, Result::and)
}

/// Why the evaluation is not to be gone on with, if so.
fn outdated(evaluation: &Evaluation, eyes: &impl Eyes) -> Option<&'static str> {
    if evaluation.superseded_by.is_some() {
        Some("A newer evaluation took this one's place.")
    } else if evaluation.model != eyes.model() || evaluation.prompt_version != eyes.prompt() {
        Some("The model or the prompt was changed while this evaluation ran. Ask for a new one.")
    } else {
        None
    }
}

async fn give_up(
    ports: &impl Ports,
    batch: &Batch,
    photos: &[&Photo],
    reason: &str,
) -> Result<(), Trouble> {
    let report = Report::bare(
        PhotoOutcome::not_evaluated(ReasonCode::Superseded, reason),
        ports.now(),
    );
    let say =
        |photo: &&Photo| Message::outcome(&batch.evaluation_id, &photo.photo_id, report.clone());
    ports
        .send(
            Queue::Results,
            photos.iter().map(say).collect(),
            Duration::ZERO,
        )
        .await
}

async fn put_all_off(
    ports: &impl Ports,
    batch: &Batch,
    photos: &[&Photo],
    reason: String,
) -> Result<(), Trouble> {
    let why = (DeferralCause::BreakerOpen, reason);
    let say = |photo: &&Photo| Message::deferral(batch, photo, why.clone(), None, ports.now());
    ports
        .send(
            Queue::Results,
            photos.iter().map(say).collect(),
            Duration::ZERO,
        )
        .await
}

async fn say_begun(
    ports: &impl Ports,
    evaluation: &Evaluation,
    at: Timestamp,
) -> Result<(), Trouble> {
    if evaluation.started_at.is_some() {
        return Ok(());
    }
    ports
        .send(
            Queue::Results,
            vec![Message::started(&evaluation.evaluation_id, at)],
            Duration::ZERO,
        )
        .await
}

/// Looks at a photo, and says at once what became of it.
async fn one(
    ports: &impl Ports,
    eyes: &impl Eyes,
    evaluation: &Evaluation,
    batch: &Batch,
    photo: &Photo,
    received_at: Timestamp,
) -> Result<(), Trouble> {
    let message = match eyes.look(evaluation, batch, photo, received_at).await? {
        Ended::Reported(report) => Message::outcome(&batch.evaluation_id, &photo.photo_id, *report),
        Ended::PutOff { why, retry_after } => {
            Message::deferral(batch, photo, why, retry_after, ports.now())
        }
        Ended::NotNeeded => return Ok(()),
    };
    ports
        .send(Queue::Results, vec![message], Duration::ZERO)
        .await
}
