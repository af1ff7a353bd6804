//! What the batch function works with, and its eyes.
//!
//! # Invariants
//! - Requests in flight never exceed the bound, however many messages one invocation gets; nor do photos in memory that
//!   are not compressed yet.

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
use shared::vlm::load::Gate;
use shared::vlm::prompt::Question;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::gathering::Gathering;
use crate::memory::Memory;
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
    vlm: Asking,
    bulk: Asking,
    loading: Arc<Semaphore>,
    cores: Arc<Semaphore>,
    memory: Memory,
}

/// A way to the VLM: what people wait for has its own places, and so has bulk work.
pub(crate) struct Asking {
    pub(crate) vlm: VlmClient,
    pub(crate) gate: Gate,
}

impl BatchFunction {
    /// Settings from the environment, clients for AWS and the VLM.
    pub(crate) async fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        let settings = Settings::from_env(config).await?;
        let vlm =
            VlmClient::new(settings.vlm.clone()).context("Failed to set up the VLM's client")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            ports: AwsPorts::from_env(config, &[Queue::Results])?,
            s3: aws::s3(config),
            bulk: Asking {
                vlm: vlm.for_bulk(),
                gate: Gate::new(settings.bulk_in_flight),
            },
            vlm: Asking {
                vlm,
                gate: Gate::new(settings.requests_in_flight),
            },
            loading: Arc::new(Semaphore::new(settings.requests_in_flight)),
            cores: Arc::new(Semaphore::new(cores)),
            memory: Memory::from_env(),
            settings,
        })
    }

    /// Handles one message, until `until` at the latest.
    pub(crate) async fn handle(&self, body: &str, until: Instant) -> anyhow::Result<()> {
        match Message::parse(body).context("Failed to read a message")? {
            Message::Batch(batch) => {
                let gathering = Gathering::new(self.settings.photos_per_request);
                Ok(handle(
                    &self.ports,
                    &Until {
                        function: self,
                        until,
                        gathering,
                    },
                    &batch,
                )
                .await?)
            }
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
            let current = self
                .ports
                .get::<Evaluation>(Key::Evaluation(evaluation.evaluation_id.clone()))
                .await;
            if current.is_ok_and(|found| {
                found.is_some_and(|found| !found.pending.contains(&photo.photo_id))
            }) {
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
        gathering: &Gathering,
    ) -> anyhow::Result<Ended> {
        let seat = gathering.seat();
        let catalogue = Catalogue::shipped(&evaluation.catalogue_version)?;
        let size_policy = Arc::new(SizePolicy::shipped(&evaluation.size_policy_version)?);
        let work = Work {
            s3: &self.s3,
            bucket: &self.settings.bucket,
            asking: if batch.bulk { &self.bulk } else { &self.vlm },
            loading: &self.loading,
            question: &Arc::new(Question::new(&catalogue, &photo.scope.steps(&catalogue))),
            catalogue: &catalogue,
            size_policy: &size_policy,
            cores: &self.cores,
            memory: &self.memory,
            attempt: batch.attempt,
            queue_ms: received_at.millis_since(batch.due_at),
        };
        work.evaluate(photo, seat).await
    }
}

/// The function's eyes during one invocation, which ends at a certain time.
struct Until<'a> {
    function: &'a BatchFunction,
    until: Instant,
    gathering: Gathering,
}

impl Eyes for Until<'_> {
    fn model(&self) -> &str {
        &self.function.settings.vlm.model
    }

    fn expect(&self, photos: usize) {
        self.gathering.expect(photos);
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
                ended = self.function.work(evaluation, batch, photo, received_at, &self.gathering) => ended,
                () = self.function.until_not_needed(evaluation, photo) => Ok(Ended::NotNeeded),
            }
        };
        match timeout_at(self.until, work).await {
            Ok(ended) => {
                ended.map_err(|cause| Trouble::Failed(format!("{}: {cause:#}", photo.key)))
            }
            Err(_) => Ok(put_off(
                DeferralCause::OutOfTime,
                "The VLM is slow",
                "the invocation's time ended first",
                None,
            )),
        }
    }
}
