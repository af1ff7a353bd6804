//! What the batch function works with, and its eyes.
//!
//! # Invariants
//! - Photos in flight never exceed the bound, however many messages one invocation gets.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use photos::size_policy::SizePolicy;
use shared::aws::{self, AwsPorts};
use shared::domain::catalogue::Catalogue;
use shared::domain::plan::{Mode, Photo};
use shared::domain::time::Timestamp;
use shared::flow::batch::{Ended, Eyes, handle};
use shared::flow::{Ports, Queue, Trouble};
use shared::protocol::evaluation::Evaluation;
use shared::protocol::message::{Batch, DeferralCause, Message};
use shared::protocol::write::Key;
use shared::vlm::client::VlmClient;
use shared::vlm::prompt::Question;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::photo::{Work, put_off};
use crate::settings::Settings;

/// How often a photo in flight is looked up, whether it is still needed: less often than an answer takes, so that most
/// answers cost one more read at most.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// What the batch function works with.
pub(crate) struct BatchFunction {
    settings: Settings,
    ports: AwsPorts,
    s3: aws_sdk_s3::Client,
    vlm: VlmClient,
    in_flight: Arc<Semaphore>,
    cores: Arc<Semaphore>,
}

impl BatchFunction {
    /// Settings from the environment, clients for AWS and the VLM.
    pub(crate) async fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        let settings = Settings::from_env(config).await?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            ports: AwsPorts::from_env(config, &[Queue::Results])?,
            s3: aws::s3(config),
            vlm: VlmClient::new(settings.vlm.clone()).context("Failed to set up the VLM's client")?,
            in_flight: Arc::new(Semaphore::new(settings.photos_in_flight)),
            cores: Arc::new(Semaphore::new(cores)),
            settings,
        })
    }

    /// Handles one message, until `until` at the latest.
    pub(crate) async fn handle(&self, body: &str, until: Instant) -> anyhow::Result<()> {
        match Message::parse(body).context("Failed to read a message")? {
            Message::Batch(batch) => Ok(handle(&self.ports, &Until { function: self, until }, &batch).await?),
            other => anyhow::bail!("The batches queue holds a message that is no batch: {other:?}"),
        }
    }

    /// Waits until a photo of a quick evaluation has its outcome without being looked at. A full one needs all its photos.
    async fn until_not_needed(&self, evaluation: &Evaluation, photo: &Photo) {
        if evaluation.mode == Mode::Full {
            return pending().await;
        }
        loop {
            sleep(LOOKS_EVERY).await;
            // What can't be read now can be read next time; until then the photo is needed.
            let current = self.ports.get::<Evaluation>(Key::Evaluation(evaluation.evaluation_id.clone())).await;
            if current.is_ok_and(|found| found.is_some_and(|found| !found.pending.contains(&photo.photo_id))) {
                return;
            }
        }
    }

    async fn work(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        received_at: Timestamp,
    ) -> anyhow::Result<Ended> {
        let catalogue = Catalogue::shipped(&evaluation.catalogue_version)?;
        let size_policy = Arc::new(SizePolicy::shipped(&evaluation.size_policy_version)?);
        let work = Work {
            s3: &self.s3,
            bucket: &self.settings.bucket,
            vlm: &self.vlm,
            question: &Question::new(&catalogue, &photo.scope.steps(&catalogue)),
            catalogue: &catalogue,
            size_policy: &size_policy,
            cores: &self.cores,
            attempt: batch.attempt,
            queue_ms: received_at.millis_since(batch.due_at),
        };
        let _place = self.in_flight.acquire().await.context("The semaphore is never closed")?;
        work.evaluate(photo).await
    }
}

/// The function's eyes during one invocation, which ends at a certain time.
struct Until<'a> {
    function: &'a BatchFunction,
    until: Instant,
}

impl Eyes for Until<'_> {
    fn model(&self) -> &str {
        &self.function.settings.vlm.model
    }

    async fn look(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        received_at: Timestamp,
    ) -> Result<Ended, Trouble> {
        // Dropping the work drops its request, and the server then gives the answer up.
        let work = async {
            tokio::select! {
                ended = self.function.work(evaluation, batch, photo, received_at) => ended,
                () = self.function.until_not_needed(evaluation, photo) => Ok(Ended::NotNeeded),
            }
        };
        match timeout_at(self.until, work).await {
            Ok(ended) => ended.map_err(|cause| Trouble::Failed(format!("{}: {cause:#}", photo.key))),
            Err(_) => {
                Ok(put_off(DeferralCause::OutOfTime, "The VLM is slow", "the invocation's time ended first", None))
            }
        }
    }
}
