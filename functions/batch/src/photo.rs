//! One photo: fetch, compress, ask.
//!
//! # Invariants
//! - The end is an outcome, a reason to ask again later, or a bug; nothing else, and never two of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use photos::size_policy::SizePolicy;
use photos::{PhotoError, Prepared, memory_needed, prepare};
use shared::domain::catalogue::{Catalogue, Step};
use shared::domain::outcome::{Facts, ImageFigures, PhotoOutcome, PhotoTimings, Reason, Usage};
use shared::domain::plan::Photo;
use shared::domain::time::Timestamp;
use shared::flow::batch::Ended;
use shared::photos::{long_edge_for, reason, unfit};
use shared::protocol::message::{DeferralCause, Report};
use shared::vlm::client::Asked;
use shared::vlm::failure::{RetryCause, VlmFailure};
use shared::vlm::prompt::Question;
use tokio::sync::Semaphore;

use crate::evaluate::Asking;
use crate::fetch::{FetchError, fetch};
use crate::gathering::{Answered, Ready, Seat, Turn};
use crate::memory::Memory;

/// What the photos of one batch have in common.
pub(crate) struct Work<'a> {
    pub(crate) s3: &'a aws_sdk_s3::Client,
    pub(crate) bucket: &'a str,
    pub(crate) asking: &'a Asking,
    /// A place for each photo that is in memory as it was taken.
    pub(crate) loading: &'a Semaphore,
    pub(crate) question: &'a Arc<Question>,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) size_policy: &'a Arc<SizePolicy>,
    /// A place for each core: more decoders at once cost memory and save no time.
    pub(crate) cores: &'a Arc<Semaphore>,
    /// What decoding takes, each photo as much as its header says.
    pub(crate) memory: &'a Memory,
    pub(crate) attempt: u32,
    pub(crate) queue_ms: u64,
}

impl Work<'_> {
    /// Evaluates one photo; its seat is given up if it can't be asked about.
    pub(crate) async fn evaluate(&self, photo: &Photo, seat: Seat<'_>) -> anyhow::Result<Ended> {
        let mut report = Draft {
            timings: PhotoTimings { queue_ms: self.queue_ms, ..PhotoTimings::default() },
            image: None,
            facts: None,
            usage: None,
        };
        let place = self.loading.acquire().await.context("The semaphore is never closed")?;
        let clock = Instant::now();
        let fetched = fetch(self.s3, self.bucket, photo, self.size_policy.limits.most_bytes).await;
        report.timings.fetch_ms = millis(clock);
        let bytes = match fetched {
            Ok(bytes) => bytes,
            Err(FetchError::Permanent(reason)) => return Ok(self.ended(report, PhotoOutcome::NotEvaluated { reason })),
            Err(FetchError::Later(detail)) => {
                return Ok(put_off(DeferralCause::OutOfTime, "The photo store is busy", &detail, None));
            }
            Err(FetchError::Refused(detail)) => bail!("S3 refused {}: {detail}", photo.key),
        };
        let clock = Instant::now();
        let prepared = self.compress(bytes, self.hint(photo)).await?;
        report.timings.compress_ms = millis(clock);
        drop(place);
        match prepared {
            Ok(prepared) => {
                report.image = Some(prepared.figures);
                report.facts = Some(Facts { quality: prepared.quality, metadata: prepared.metadata.clone() });
                match unfit(self.size_policy, &prepared.quality) {
                    Some(reason) => Ok(self.ended(report, PhotoOutcome::NotEvaluated { reason })),
                    None => self.ask(report, prepared, photo, seat).await,
                }
            }
            Err(error) => {
                tracing::warn!(photo.key = %photo.key, error = ?error, "a photo can't be read");
                Ok(self.ended(report, PhotoOutcome::NotEvaluated { reason: reason(&error) }))
            }
        }
    }

    fn hint(&self, photo: &Photo) -> Option<&Step> {
        photo.step_hint.as_ref().and_then(|step| self.catalogue.step(step))
    }

    /// Compresses on a thread of its own, so that the runtime goes on, as many at once as there are cores and memory.
    async fn compress(&self, bytes: Vec<u8>, hint: Option<&Step>) -> anyhow::Result<Result<Prepared, PhotoError>> {
        let (policy, long_edge) = (Arc::clone(self.size_policy), long_edge_for(self.size_policy, hint));
        let needed = match memory_needed(&bytes, &policy, long_edge) {
            Ok(needed) => needed,
            Err(error) => return Ok(Err(error)),
        };
        let Some(memory) = self.memory.take(needed).await.context("The semaphore is never closed")? else {
            return Ok(Err(PhotoError::TooMuchMemory { needed: needed as u64 }));
        };
        let place = Arc::clone(self.cores).acquire_owned().await.context("The semaphore is never closed")?;
        let work = tokio::task::spawn_blocking(move || {
            let _kept = (place, memory);
            prepare(&bytes, &policy, long_edge)
        });
        work.await.context("The decoder panicked")
    }

    async fn ask(&self, mut report: Draft, prepared: Prepared, photo: &Photo, seat: Seat<'_>) -> anyhow::Result<Ended> {
        let clock = Instant::now();
        let ready = Ready { question: Arc::clone(self.question), jpeg: prepared.jpeg, hint: self.hint(photo).cloned() };
        let Some(asked) = self.answer(seat, ready).await else {
            return Ok(put_off(
                DeferralCause::OutOfTime,
                "The VLM is slow",
                "the one who asked for the group has left",
                None,
            ));
        };
        report.timings.vlm_ms = millis(clock);
        Ok(match asked {
            Ok(asked) => {
                report.note(&asked, photo);
                if !asked.left_out.is_empty() {
                    tracing::warn!(photo.key = %photo.key, left_out = ?asked.left_out, "parts of the model's answer were left out");
                }
                self.ended(report, PhotoOutcome::Evaluated { findings: asked.findings })
            }
            Err(VlmFailure::Permanent { reason, detail }) => self.refused(report, photo, reason, &detail),
            Err(VlmFailure::RetryLater { cause, retry_after, detail }) => {
                let (cause, words) = in_words(cause);
                put_off(cause, words, &detail, retry_after)
            }
            Err(VlmFailure::Bug { detail }) => bail!("The VLM refuses our request about {}: {detail}", photo.key),
        })
    }

    /// The answer about a photo, which may be asked about together with others; none if the one who asks for them left.
    async fn answer(&self, seat: Seat<'_>, ready: Ready) -> Option<Answered> {
        match seat.join(ready).await.ok()? {
            Turn::Ask(group) => Some(group.ask(self.asking).await),
            Turn::Answered(answered) => Some(answered),
        }
    }

    fn refused(&self, report: Draft, photo: &Photo, reason: Reason, detail: &str) -> Ended {
        tracing::error!(photo.key = %photo.key, reason = ?reason.code, detail, "the VLM gave no usable answer");
        self.ended(report, PhotoOutcome::NotEvaluated { reason })
    }

    fn ended(&self, draft: Draft, outcome: PhotoOutcome) -> Ended {
        let Draft { timings, image, facts, usage } = draft;
        let bare = Report::bare(outcome, Timestamp::now());
        let report = Report { attempt: self.attempt, timings: Some(timings), image, facts, usage, ..bare };
        Ended::Reported(Box::new(report))
    }
}

/// What is known of a photo before its outcome is.
struct Draft {
    timings: PhotoTimings,
    image: Option<ImageFigures>,
    facts: Option<Facts>,
    usage: Option<Usage>,
}

impl Draft {
    /// Notes what an answer cost, here and in the log.
    fn note(&mut self, asked: &Asked, photo: &Photo) {
        let Asked { usage, pace, repaired, .. } = asked;
        self.usage = Some(*usage);
        self.timings.first_token_ms = pace.first_token.map(in_millis);
        self.timings.generation_ms = pace.generation.map(in_millis);
        tracing::info!(
            photo.key = %photo.key, vlm.duration_ms = self.timings.vlm_ms, vlm.first_token_ms = self.timings.first_token_ms,
            vlm.prompt_tokens = usage.prompt_tokens, vlm.completion_tokens = usage.completion_tokens,
            vlm.tokens_per_second = pace.generation.and_then(|span| usage.tokens_per_second(in_millis(span))),
            vlm.repaired = repaired, "the VLM answered"
        );
    }
}

fn millis(clock: Instant) -> u64 {
    in_millis(clock.elapsed())
}

fn in_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn in_words(cause: RetryCause) -> (DeferralCause, &'static str) {
    match cause {
        RetryCause::Unavailable => (DeferralCause::Unavailable, "The VLM can't be reached"),
        RetryCause::Failed => (DeferralCause::Failed, "The VLM fails at this photo, or altogether"),
        RetryCause::TimedOut => (DeferralCause::Unavailable, "The VLM does not answer in time"),
        RetryCause::Overloaded => (DeferralCause::Overloaded, "The VLM is busy"),
        RetryCause::Misconfigured => (
            DeferralCause::Unavailable,
            "The VLM refuses our requests; the operator must check its address, model and key",
        ),
    }
}

/// Puts a photo off; the details are for operators.
pub(crate) fn put_off(cause: DeferralCause, words: &str, detail: &str, retry_after: Option<Duration>) -> Ended {
    tracing::warn!(deferral.cause = ?cause, detail, "{words}");
    Ended::PutOff { why: (cause, words.to_owned()), retry_after }
}
