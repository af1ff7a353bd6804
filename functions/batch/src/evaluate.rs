//! What the batch function works with, and how it evaluates a photo.
//!
//! # Invariants
//! - Requests in flight never exceed the bound, however many messages one invocation gets; nor do photos in memory that
//!   are not compressed yet.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws::clock;
use aws::ports::AwsPorts;
use aws::queues::Delivery;
use aws::telemetry;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::{Batch, DeferralCause, Look, Message};
use evaluation::decide::picture::{MakePictures, PicturesMade};
use evaluation::decide::queue::Queue;
use evaluation::decide::update::Key;
use evaluation::domain::catalogue::CatalogueError;
use evaluation::domain::plan::{Mode, Photo};
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use evaluation::figures::{Figure, Metric};
use evaluation::run::batch::{AttemptResult, PhotoEvaluator, handle};
use evaluation::run::error::RunError;
use evaluation::run::look;
use evaluation::run::ports::Ports;
use photos::size_policy::SizePolicy;
use tokio::time::{Instant, sleep, timeout_at};
use vlm::access::VlmAccess;
use vlm::client::VlmClient;
use vlm::closer_look::FirstLook;
use vlm::failure::ResponseClass;
use vlm::gathering::Gathering;
use vlm::load::ConcurrencyLimiter;
use vlm::memory::Memory;
use vlm::photo::{Bounds, Work, deferred};
use vlm::prompt::PROMPT_VERSION;
use vlm::same_bytes::SameBytes;

use crate::bucket::{Asks, Bucket, Source};
use crate::key::KeySecret;
use crate::pictures;
use crate::settings::Settings;
use crate::sign::RoleSigner;

/// How often a photo in flight is checked, whether it is still needed: less often than an answer takes, so that most
/// answers cost one more read at most.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// Kept free at the end of an invocation for saying what was put off.
pub(crate) const MARGIN: Duration = Duration::from_secs(5);

/// What the batch function works with.
pub(crate) struct BatchFunction {
    ports: AwsPorts,
    bucket: Bucket,
    model: String,
    interactive: VlmAccess,
    bulk: VlmAccess,
    bounds: Bounds,
    photos_per_request: usize,
}

impl BatchFunction {
    /// Settings from the environment, clients for AWS and the VLM.
    pub(crate) async fn from_env(config: &aws::SdkConfig) -> anyhow::Result<Self> {
        let ports = AwsPorts::from_env(config, &[Queue::Results])?;
        let secret = KeySecret::from_env(config)?;
        let mut settings = Settings::from_env()?;
        settings.vlm.api_key = secret.key().await?;
        let model = settings.vlm.model.clone();
        let vlm = VlmClient::new(settings.vlm).context("Failed to set up the VLM's client")?;
        let vlm = vlm.with_headers(settings.vlm_headers);
        let vlm = vlm.with_logprobs(settings.asks_how_sure);
        let vlm = vlm.with_key_source(Arc::new(secret));
        let vlm = vlm.with_observer(Arc::new(note_response));
        let signer = settings
            .signed_for
            .and_then(|of| RoleSigner::new(config, of));
        let vlm = match signer {
            Some(signer) => vlm.with_signer(Arc::new(signer)),
            None => vlm,
        };
        let access = |vlm, bound| VlmAccess {
            vlm,
            limiter: ConcurrencyLimiter::new(bound),
        };
        Ok(Self {
            ports,
            bucket: Bucket::new(aws::s3(config), settings.bucket),
            model,
            bulk: access(vlm.for_bulk(), settings.bulk_in_flight),
            interactive: access(vlm, settings.requests_in_flight),
            bounds: Bounds::new(
                settings.requests_in_flight,
                Memory::of_function(settings.memory_megabytes),
            ),
            photos_per_request: settings.photos_per_request,
        })
    }

    /// Handles one message, until `until` at the latest.
    pub(crate) async fn handle(&self, delivery: &Delivery, until: Instant) -> anyhow::Result<()> {
        match Message::parse(&delivery.body).context("Failed to read a message")? {
            Message::Look(look) => {
                let invocation = self.invocation(until, 1);
                Ok(look::handle(&self.ports, &invocation, &look, delivery.is_repeated).await?)
            }
            Message::Batch(batch) => {
                let invocation = self.invocation(until, self.photos_per_request);
                Ok(handle(&self.ports, &invocation, &batch).await?)
            }
            other => {
                anyhow::bail!("The batches queue holds a message that is no batch: {other:?}")
            }
        }
    }

    /// Makes pictures of photos.
    pub(crate) async fn pictures(&self, asked: &MakePictures) -> PicturesMade {
        pictures::make(&self.bucket, &self.bounds, asked).await
    }

    fn invocation(&self, until: Instant, photos_per_request: usize) -> Invocation<'_> {
        Invocation {
            function: self,
            until,
            gathering: Gathering::new(photos_per_request),
            same_bytes: SameBytes::default(),
        }
    }

    /// Waits until a photo of a quick evaluation has its outcome without being asked about. A full one needs all its
    /// photos.
    async fn until_not_needed(&self, evaluation: &Evaluation, photo: &Photo) {
        if evaluation.mode == Mode::Full {
            return pending().await;
        }
        loop {
            sleep(CHECK_EVERY).await;
            // What can't be read now can be read next time; until then the photo is needed.
            let key = Key::Evaluation(evaluation.evaluation_id.clone());
            let current = self.ports.get::<Evaluation>(key).await.ok().flatten();
            if current.is_some_and(|found| !found.pending.contains(&photo.photo_id)) {
                return;
            }
        }
    }

    async fn work(
        &self,
        asked: Asked<'_>,
        photo: &Photo,
        (gathering, same_bytes, first): (&Gathering, &SameBytes, &FirstLook),
    ) -> Result<AttemptResult, RunError> {
        let member = gathering.member();
        let versions = asked.versions;
        let catalogue = self.ports.catalogue(&versions.catalogue).await?;
        let unknown = || CatalogueError::Unknown(versions.catalogue.clone());
        let catalogue = catalogue.ok_or_else(|| RunError::bug("a catalogue", unknown()))?;
        let unknown = |cause| RunError::bug("a size policy", cause);
        let size_policy = SizePolicy::shipped(&versions.size_policy).map_err(unknown)?;
        let source = Source {
            bucket: &self.bucket,
            ports: &self.ports,
            asks: asked.by,
        };
        let work = Work {
            source: &source,
            access: if asked.bulk {
                &self.bulk
            } else {
                &self.interactive
            },
            bounds: &self.bounds,
            catalogue,
            size_policy,
            attempt: asked.attempt,
            queue_ms: asked.queue_ms,
            same_bytes,
            now: clock::now,
        };
        work.evaluate(photo, member, first).await
    }
}

fn out_of_time() -> AttemptResult {
    let detail = "the invocation's time ended first";
    deferred(DeferralCause::OutOfTime, "The VLM is slow", detail, None)
}

fn note_response(class: ResponseClass) {
    telemetry::emit(&[
        Figure::of(Metric::VlmResponses, 1).by(class.name()),
        Figure::whether(Metric::VlmFailed, class.is_failure()),
    ]);
}

/// What a photo is asked about with, and for whom.
struct Asked<'a> {
    by: Asks<'a>,
    versions: &'a Versions,
    bulk: bool,
    attempt: u32,
    queue_ms: u64,
}

/// The function during one invocation, which ends at a certain time.
struct Invocation<'a> {
    function: &'a BatchFunction,
    until: Instant,
    gathering: Gathering,
    same_bytes: SameBytes,
}

impl PhotoEvaluator for Invocation<'_> {
    async fn knows(&self, versions: &Versions) -> Result<bool, RunError> {
        let asks = versions.model == self.function.model && versions.prompt == PROMPT_VERSION;
        let sizes = SizePolicy::shipped(&versions.size_policy).is_ok();
        let catalogue = self.function.ports.catalogue(&versions.catalogue);
        Ok(asks && sizes && catalogue.await?.is_some())
    }

    fn expect(&self, photos: usize) {
        self.gathering.expect(photos);
    }

    async fn look(&self, look: &Look, received_at: Timestamp) -> Result<AttemptResult, RunError> {
        let asked = Asked {
            by: Asks::Look(look),
            versions: &look.versions,
            bulk: true,
            attempt: 0,
            queue_ms: received_at.millis_since(look.sent_at),
        };
        self.expect(1);
        let first = FirstLook::of(None);
        let (gathering, same_bytes) = (&self.gathering, &self.same_bytes);
        let work = self
            .function
            .work(asked, &look.photo, (gathering, same_bytes, &first));
        // What a first look saw is no whole answer: with the time over, nothing is kept.
        timeout_at(self.until, work)
            .await
            .unwrap_or_else(|_| Ok(out_of_time()))
    }

    async fn evaluate(
        &self,
        evaluation: &Evaluation,
        batch: &Batch,
        photo: &Photo,
        received_at: Timestamp,
    ) -> Result<AttemptResult, RunError> {
        let asked = Asked {
            by: Asks::Evaluation(evaluation),
            versions: &evaluation.versions,
            bulk: batch.bulk,
            attempt: batch.attempt,
            queue_ms: received_at.millis_since(batch.due_at),
        };
        let first = FirstLook::of(batch.seen.clone());
        // Dropping the work drops its request, and the server then gives the answer up.
        let work = async {
            let Self {
                function,
                gathering,
                same_bytes,
                ..
            } = self;
            tokio::select! {
                result = function.work(asked, photo, (gathering, same_bytes, &first)) => result,
                () = function.until_not_needed(evaluation, photo) => Ok(AttemptResult::NotNeeded),
            }
        };
        let result = timeout_at(self.until, work).await;
        result
            .unwrap_or_else(|_| Ok(out_of_time()))
            .map(|result| first.with(result))
    }
}
