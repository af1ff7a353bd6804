//! One batch message: which of its photos are still wanted, and saying what became of each.
//!
//! # Invariants
//! - The message counts as done only when the results queue holds a word on each of its photos.
//! - Photos in flight never exceed the bound, however many messages one invocation gets.
//! - While the VLM is taken to be away, only a probe asks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shared::aws;
use shared::domain::catalogue::Catalogue;
use shared::domain::outcome::{PhotoOutcome, ReasonCode};
use shared::domain::plan::Photo;
use shared::domain::time::Timestamp;
use shared::photos::size_policy::SizePolicy;
use shared::protocol::evaluation::Evaluation;
use shared::protocol::message::{Batch, DeferralCause, Message, Report};
use shared::queues::Queues;
use shared::store::Store;
use shared::vlm::client::VlmClient;
use shared::vlm::prompt::{PROMPT_VERSION, Question};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::photo::{Ended, Work, put_off};
use crate::settings::Settings;

/// What the batch function works with.
pub(crate) struct BatchFunction {
    settings: Settings,
    store: Store,
    queues: Queues,
    s3: aws_sdk_s3::Client,
    vlm: VlmClient,
    in_flight: Arc<Semaphore>,
    cores: Arc<Semaphore>,
}

impl BatchFunction {
    /// Settings from the environment, clients for AWS and the VLM.
    pub(crate) async fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        let settings = Settings::from_env(config).await?;
        let vlm = VlmClient::new(settings.vlm.clone()).context("Failed to set up the VLM's client")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            store: aws::store(config)?,
            queues: aws::queues(config),
            s3: aws::s3(config),
            vlm,
            in_flight: Arc::new(Semaphore::new(settings.photos_in_flight)),
            cores: Arc::new(Semaphore::new(cores)),
            settings,
        })
    }

    /// Handles one message, until `until` at the latest.
    pub(crate) async fn handle(&self, body: &str, until: Instant) -> anyhow::Result<()> {
        let received_at = Timestamp::now();
        let batch = match Message::parse(body).context("Failed to read a message")? {
            Message::Batch(batch) => batch,
            other => anyhow::bail!("The batches queue holds a message that is no batch: {other:?}"),
        };
        let Some(evaluation) = self.store.evaluation(&batch.evaluation_id).await? else {
            tracing::warn!(evaluation.id = %batch.evaluation_id, "a batch of an unknown evaluation was passed over");
            return Ok(());
        };
        let wanted: Vec<&Photo> =
            batch.photos.iter().filter(|photo| evaluation.pending.contains(&photo.photo_id)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        if let Some(reason) = self.outdated(&evaluation) {
            return self.give_up(&batch, &wanted, reason).await;
        }
        let breaker = self.store.breaker().await?;
        if breaker.is_open() && !batch.probe {
            let reason = breaker.reason.unwrap_or_else(|| "The VLM is away".into());
            return self.put_all_off(&batch, &wanted, reason).await;
        }
        self.evaluate(&batch, &evaluation, &wanted, received_at, until).await
    }

    /// Why the evaluation is not to be gone on with, if so.
    fn outdated(&self, evaluation: &Evaluation) -> Option<&'static str> {
        if evaluation.superseded_by.is_some() {
            Some("A newer evaluation took this one's place.")
        } else if evaluation.model != self.settings.vlm.model || evaluation.prompt_version != PROMPT_VERSION {
            Some("The model or the prompt was changed while this evaluation ran. Ask for a new one.")
        } else {
            None
        }
    }

    async fn give_up(&self, batch: &Batch, photos: &[&Photo], reason: &str) -> anyhow::Result<()> {
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::Superseded, reason);
        let report = Report::bare(outcome, Timestamp::now());
        let say = |photo: &&Photo| Message::outcome(&batch.evaluation_id, &photo.photo_id, report.clone());
        self.say(&photos.iter().map(say).collect::<Vec<_>>()).await
    }

    async fn put_all_off(&self, batch: &Batch, photos: &[&Photo], reason: String) -> anyhow::Result<()> {
        let why = (DeferralCause::BreakerOpen, reason);
        let say = |photo: &&Photo| Message::deferral(batch, photo, why.clone(), None, Timestamp::now());
        self.say(&photos.iter().map(say).collect::<Vec<_>>()).await
    }

    async fn say(&self, messages: &[Message]) -> anyhow::Result<()> {
        Ok(self.queues.send_all(&self.settings.results_queue, messages, Duration::ZERO).await?)
    }

    async fn evaluate(
        &self,
        batch: &Batch,
        evaluation: &Evaluation,
        photos: &[&Photo],
        received_at: Timestamp,
        until: Instant,
    ) -> anyhow::Result<()> {
        let catalogue = Catalogue::shipped(&evaluation.catalogue_version)?;
        let size_policy = Arc::new(SizePolicy::shipped(&evaluation.size_policy_version)?);
        let question = Question::new(&catalogue, &evaluation.steps_asked);
        let work = Work {
            s3: &self.s3,
            bucket: &self.settings.bucket,
            vlm: &self.vlm,
            question: &question,
            catalogue: &catalogue,
            size_policy: &size_policy,
            cores: &self.cores,
            attempt: batch.attempt,
            queue_ms: received_at.millis_since(batch.due_at),
        };
        let begun = [Message::started(&batch.evaluation_id, received_at)];
        let begun = async { if evaluation.started_at.is_none() { self.say(&begun).await } else { Ok(()) } };
        let all: FuturesUnordered<_> =
            photos.iter().map(|photo| self.evaluate_one(&work, batch, photo, until)).collect();
        let (begun, ended) = tokio::join!(begun, all.collect::<Vec<_>>());
        begun?;
        ended.into_iter().collect::<anyhow::Result<Vec<()>>>().map(|_| ())
    }

    /// Evaluates a photo, and says at once what became of it.
    async fn evaluate_one(&self, work: &Work<'_>, batch: &Batch, photo: &Photo, until: Instant) -> anyhow::Result<()> {
        let evaluated = timeout_at(until, async {
            let _place = self.in_flight.acquire().await.context("The semaphore is never closed")?;
            work.evaluate(photo).await
        });
        let ended = match evaluated.await {
            Ok(ended) => ended.with_context(|| format!("Failed to evaluate {}", photo.key))?,
            Err(_) => put_off(DeferralCause::OutOfTime, "The VLM is slow", "the invocation's time ended first", None),
        };
        let message = match ended {
            Ended::Reported(report) => Message::outcome(&batch.evaluation_id, &photo.photo_id, *report),
            Ended::PutOff { why, retry_after } => Message::deferral(batch, photo, why, retry_after, Timestamp::now()),
        };
        self.say(&[message]).await
    }
}
