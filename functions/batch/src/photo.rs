//! One photo: fetch, compress, ask; and once more from closer, if its name did not promise the small print that it shows.
//!
//! # Invariants
//! - The end is an outcome, a reason to ask again later, or a bug; nothing else, and never two of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use photos::size_policy::SizePolicy;
use photos::{PhotoError, Prepared, memory_needed, prepare};
use shared::domain::catalogue::{Catalogue, Step};
use shared::domain::ids::StepKey;
use shared::domain::outcome::{
    Facts, Finding, ImageFigures, PhotoOutcome, PhotoTimings, Reason, Usage,
};
use shared::domain::plan::Photo;
use shared::domain::time::Timestamp;
use shared::flow::batch::Ended;
use shared::photos::{closer_look, long_edge_for, reason, seen_closer, unfit};
use shared::protocol::message::{DeferralCause, Report};
use shared::vlm::client::Asked;
use shared::vlm::failure::{RetryCause, VlmFailure};
use shared::vlm::prompt::Question;
use tokio::sync::Semaphore;

use crate::evaluate::Asking;
use crate::fetch::{FetchError, fetch};
use crate::gathering::{Answered, Ready, Seat, Turn, ask_alone};
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

/// How a photo is looked at.
struct Look<'a> {
    long_edge: u32,
    question: Arc<Question>,
    /// Where it may share a request with others.
    seat: Option<Seat<'a>>,
}

/// Why a look brought no findings.
enum Unseen {
    /// It never will.
    For(Reason),
    /// It may later.
    PutOff(Ended),
}

impl Work<'_> {
    /// Evaluates one photo; its seat is given up if it can't be asked about.
    pub(crate) async fn evaluate(&self, photo: &Photo, seat: Seat<'_>) -> anyhow::Result<Ended> {
        let mut draft = Draft {
            timings: PhotoTimings {
                queue_ms: self.queue_ms,
                ..PhotoTimings::default()
            },
            image: None,
            facts: None,
            usage: None,
        };
        let long_edge = long_edge_for(self.size_policy, self.hint(photo));
        let first = Look {
            long_edge,
            question: Arc::clone(self.question),
            seat: Some(seat),
        };
        let findings = match self.look(photo, first, &mut draft).await? {
            Ok(findings) => findings,
            Err(Unseen::For(reason)) => {
                return Ok(self.ended(draft, PhotoOutcome::NotEvaluated { reason }));
            }
            Err(Unseen::PutOff(ended)) => return Ok(ended),
        };
        let unread = draft
            .image
            .map(|sent| closer_look(self.size_policy, self.catalogue, &sent, &findings));
        match unread.filter(|steps| !steps.is_empty()) {
            Some(steps) => self.look_closer(photo, &steps, findings, draft).await,
            None => Ok(self.ended(draft, PhotoOutcome::Evaluated { findings })),
        }
    }

    /// Looks again for these steps. What was seen first stays where nothing better can be had, and is asked about again
    /// later where it may be.
    async fn look_closer(
        &self,
        photo: &Photo,
        steps: &[StepKey],
        first: Vec<Finding>,
        mut draft: Draft,
    ) -> anyhow::Result<Ended> {
        tracing::info!(photo.key = %photo.key, ?steps, "small print was not read; looking closer");
        let question = Arc::new(Question::new(self.catalogue, steps));
        let look = Look {
            long_edge: self.size_policy.small_print_long_edge,
            question,
            seat: None,
        };
        let findings = match self.look(photo, look, &mut draft).await? {
            Ok(closer) => seen_closer(first, closer),
            Err(Unseen::For(reason)) => {
                tracing::warn!(photo.key = %photo.key, reason = ?reason.code, "the closer look failed; the first one stands");
                first
            }
            Err(Unseen::PutOff(ended)) => return Ok(ended),
        };
        Ok(self.ended(draft, PhotoOutcome::Evaluated { findings }))
    }

    async fn look(
        &self,
        photo: &Photo,
        look: Look<'_>,
        draft: &mut Draft,
    ) -> anyhow::Result<Result<Vec<Finding>, Unseen>> {
        let place = self
            .loading
            .acquire()
            .await
            .context("The semaphore is never closed")?;
        let clock = Instant::now();
        let fetched = fetch(
            self.s3,
            self.bucket,
            photo,
            self.size_policy.limits.most_bytes,
        )
        .await;
        draft.timings.fetch_ms += millis(clock);
        let bytes = match fetched {
            Ok(bytes) => bytes,
            Err(FetchError::Permanent(reason)) => return Ok(Err(Unseen::For(reason))),
            Err(FetchError::Later(detail)) => {
                let put_off = put_off(
                    DeferralCause::OutOfTime,
                    "The photo store is busy",
                    &detail,
                    None,
                );
                return Ok(Err(Unseen::PutOff(put_off)));
            }
            Err(FetchError::Refused(detail)) => bail!("S3 refused {}: {detail}", photo.key),
        };
        let clock = Instant::now();
        let prepared = self.compress(bytes, look.long_edge).await?;
        draft.timings.compress_ms += millis(clock);
        drop(place);
        match prepared {
            Ok(prepared) => {
                draft.image = Some(prepared.figures);
                draft.facts = Some(Facts {
                    quality: prepared.quality,
                    metadata: prepared.metadata.clone(),
                });
                match unfit(self.size_policy, &prepared.quality) {
                    Some(reason) => Ok(Err(Unseen::For(reason))),
                    None => self.ask(draft, prepared, photo, look).await,
                }
            }
            Err(error) => {
                tracing::warn!(photo.key = %photo.key, error = ?error, "a photo can't be read");
                Ok(Err(Unseen::For(reason(&error))))
            }
        }
    }

    fn hint(&self, photo: &Photo) -> Option<&Step> {
        photo
            .step_hint
            .as_ref()
            .and_then(|step| self.catalogue.step(step))
    }

    /// Compresses on a thread of its own, so that the runtime goes on, as many at once as there are cores and memory.
    async fn compress(
        &self,
        bytes: Vec<u8>,
        long_edge: u32,
    ) -> anyhow::Result<Result<Prepared, PhotoError>> {
        let policy = Arc::clone(self.size_policy);
        let needed = match memory_needed(&bytes, &policy, long_edge) {
            Ok(needed) => needed,
            Err(error) => return Ok(Err(error)),
        };
        let Some(memory) = self
            .memory
            .take(needed)
            .await
            .context("The semaphore is never closed")?
        else {
            return Ok(Err(PhotoError::TooMuchMemory {
                needed: needed as u64,
            }));
        };
        let place = Arc::clone(self.cores)
            .acquire_owned()
            .await
            .context("The semaphore is never closed")?;
        let work = tokio::task::spawn_blocking(move || {
            let _kept = (place, memory);
            prepare(&bytes, &policy, long_edge)
        });
        work.await.context("The decoder panicked")
    }

    async fn ask(
        &self,
        draft: &mut Draft,
        prepared: Prepared,
        photo: &Photo,
        look: Look<'_>,
    ) -> anyhow::Result<Result<Vec<Finding>, Unseen>> {
        let clock = Instant::now();
        let ready = Ready {
            question: look.question,
            jpeg: prepared.jpeg,
            hint: self.hint(photo).cloned(),
        };
        let Some(asked) = self.answer(look.seat, ready).await else {
            let detail = "the one who asked for the group has left";
            return Ok(Err(Unseen::PutOff(put_off(
                DeferralCause::OutOfTime,
                "The VLM is slow",
                detail,
                None,
            ))));
        };
        draft.timings.vlm_ms += millis(clock);
        Ok(match asked {
            Ok(asked) => {
                draft.note(&asked, photo, millis(clock));
                if !asked.left_out.is_empty() {
                    tracing::warn!(photo.key = %photo.key, left_out = ?asked.left_out, "parts of the model's answer were left out");
                }
                Ok(asked.findings)
            }
            Err(VlmFailure::Permanent { reason, detail }) => {
                tracing::error!(photo.key = %photo.key, reason = ?reason.code, detail, "the VLM gave no usable answer");
                Err(Unseen::For(reason))
            }
            Err(VlmFailure::RetryLater {
                cause,
                retry_after,
                detail,
            }) => {
                let (cause, words) = in_words(cause);
                Err(Unseen::PutOff(put_off(cause, words, &detail, retry_after)))
            }
            Err(VlmFailure::Bug { detail }) => {
                bail!("The VLM refuses our request about {}: {detail}", photo.key)
            }
        })
    }

    /// The answer about a photo, which may be asked about together with others; none if the one who asks for them left.
    async fn answer(&self, seat: Option<Seat<'_>>, ready: Ready) -> Option<Answered> {
        let Some(seat) = seat else {
            return Some(ask_alone(self.asking, &ready).await);
        };
        match seat.join(ready).await.ok()? {
            Turn::Ask(group) => Some(group.ask(self.asking).await),
            Turn::Answered(answered) => Some(answered),
        }
    }

    fn ended(&self, draft: Draft, outcome: PhotoOutcome) -> Ended {
        let Draft {
            timings,
            image,
            facts,
            usage,
        } = draft;
        let bare = Report::bare(outcome, Timestamp::now());
        let report = Report {
            attempt: self.attempt,
            timings: Some(timings),
            image,
            facts,
            usage,
            ..bare
        };
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
    fn note(&mut self, asked: &Asked, photo: &Photo, vlm_ms: u64) {
        let Asked {
            usage,
            pace,
            repaired,
            ..
        } = asked;
        let generation = pace.generation.map(in_millis);
        self.usage = Some(self.usage.unwrap_or_default().plus(*usage));
        self.timings.first_token_ms = self
            .timings
            .first_token_ms
            .or(pace.first_token.map(in_millis));
        self.timings.generation_ms = match (self.timings.generation_ms, generation) {
            (Some(before), Some(now)) => Some(before.saturating_add(now)),
            (before, now) => before.or(now),
        };
        tracing::info!(
            photo.key = %photo.key, vlm.duration_ms = vlm_ms, vlm.first_token_ms = pace.first_token.map(in_millis),
            vlm.prompt_tokens = usage.prompt_tokens, vlm.completion_tokens = usage.completion_tokens,
            vlm.tokens_per_second = generation.and_then(|span| usage.tokens_per_second(span)),
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
        RetryCause::Failed => (
            DeferralCause::Failed,
            "The VLM fails at this photo, or altogether",
        ),
        RetryCause::TimedOut => (
            DeferralCause::Unavailable,
            "The VLM does not answer in time",
        ),
        RetryCause::Overloaded => (DeferralCause::Overloaded, "The VLM is busy"),
        RetryCause::Misconfigured => (
            DeferralCause::Unavailable,
            "The VLM refuses our requests; the operator must check its address, model and key",
        ),
    }
}

/// Puts a photo off; the details are for operators.
pub(crate) fn put_off(
    cause: DeferralCause,
    words: &str,
    detail: &str,
    retry_after: Option<Duration>,
) -> Ended {
    tracing::warn!(deferral.cause = ?cause, detail, "{words}");
    Ended::PutOff {
        why: (cause, words.to_owned()),
        retry_after,
    }
}
