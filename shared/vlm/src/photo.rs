//! One photo's whole way but for its storage: fetched from a source, compressed, asked about.
//!
//! # Invariants
//! - The end is an outcome, a reason to ask again later, or a bug; nothing else, and never two of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use evaluation::decide::message::DeferralCause;
use evaluation::domain::catalogue::{Catalogue, Step};
use evaluation::domain::outcome::{Facts, Finding, ImageFigures, PhotoOutcome, Reason, ReasonCode};
use evaluation::domain::photo_rules::{coded, reason, unfit, wants_codes};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::run::batch::AttemptResult;
use evaluation::run::error::RunError;
use photos::size_policy::SizePolicy;
use photos::{MEMORY, PhotoError, Prepared, memory_needed, prepare, prepare_with_codes};
use tokio::sync::Semaphore;

use crate::access::VlmAccess;
use crate::client::AskResult;
use crate::closer_look::{self, AskAboutPhoto, FirstLook, Seen, SizedQuestion};
use crate::draft::{Draft, millis};
use crate::failure::{About, RetryCause, VlmFailure};
use crate::gathering::{Answered, Member, Ready, Turn, ask_alone};
use crate::memory::Memory;
use crate::prompt::Question;
use crate::same_bytes::{First, Same, SameBytes};
use crate::source::{FetchError, Fetched, PhotoSource};

/// Pixels that each side must have: Qwen3-VL looks at squares of 32, Qwen2.5-VL at squares of 28.
const LEAST_SIDE: u32 = 32;

/// What bounds the work on photos, whichever messages they came with.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// A permit for each photo that is in memory as it was taken.
    pub loading: Arc<Semaphore>,
    /// A permit for each core: more decoders at once cost memory and save no time.
    pub cores: Arc<Semaphore>,
    /// What decoding takes, each photo as much as its header says.
    pub memory: Memory,
}

impl Bounds {
    /// Room for so many photos as they were taken, and decoding on all cores within this memory.
    pub fn new(loading: usize, memory: Memory) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            loading: Arc::new(Semaphore::new(loading)),
            cores: Arc::new(Semaphore::new(cores)),
            memory,
        }
    }

    /// Prepares a photo on a thread of its own, so that the runtime goes on, as many at once as there are cores and
    /// memory.
    pub async fn prepare(
        &self,
        bytes: Vec<u8>,
        policy: &'static SizePolicy,
        long_edge: u32,
        with_codes: bool,
    ) -> Result<Result<Prepared, PhotoError>, RunError> {
        let needed = match memory_needed(&bytes, policy, long_edge) {
            Ok(needed) => needed,
            Err(error) => return Ok(Err(error)),
        };
        // No photo is refused for its codes' sake.
        let with_codes = with_codes && needed + MEMORY <= self.memory.most_bytes();
        let needed = if with_codes { needed + MEMORY } else { needed };
        let memory = self.memory.take(needed).await;
        let Some(memory) = memory.map_err(closed)? else {
            let needed = needed as u64;
            return Ok(Err(PhotoError::TooMuchMemory { needed }));
        };
        let core = Arc::clone(&self.cores).acquire_owned();
        let core = core.await.map_err(closed)?;
        let work = tokio::task::spawn_blocking(move || {
            let _kept = (core, memory);
            if with_codes {
                prepare_with_codes(&bytes, policy, long_edge)
            } else {
                prepare(&bytes, policy, long_edge)
            }
        });
        work.await
            .map_err(|cause| RunError::bug("the decoder panicked", cause))
    }
}

/// What the photos of one batch have in common.
pub struct Work<'a, S> {
    /// Where they are kept.
    pub source: &'a S,
    /// The way to the VLM.
    pub access: &'a VlmAccess,
    /// What bounds the work.
    pub bounds: &'a Bounds,
    /// The steps and what they are called.
    pub catalogue: &'a Catalogue,
    /// Sizes and limits.
    pub size_policy: &'static SizePolicy,
    /// How often these photos were put off before.
    pub attempt: u32,
    /// How long their message was in the queue.
    pub queue_ms: u64,
    /// Who of them asks, of those with the same bytes.
    pub same_bytes: &'a SameBytes,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// Why a photo has no outcome yet.
enum Stopped {
    /// It is asked about again later.
    Deferred(AttemptResult),
    /// The same bytes were asked about under another ETag.
    Known(Box<Report>),
    /// A bug.
    Failed(RunError),
}

impl From<RunError> for Stopped {
    fn from(error: RunError) -> Self {
        Self::Failed(error)
    }
}

impl<S: PhotoSource> Work<'_, S> {
    /// Evaluates one photo, from closer only if that is all that is left to ask; its place in the group is given up if
    /// it can't be asked about.
    pub async fn evaluate(
        &self,
        photo: &Photo,
        member: Member<'_>,
        first: &FirstLook,
    ) -> Result<AttemptResult, RunError> {
        let step = |key| self.catalogue.step(key);
        let seen = first.seen();
        let mut asking = Asking {
            work: self,
            photo,
            hint: photo.step_hint.as_ref().and_then(step),
            member: seen.is_none().then_some(member),
            draft: Draft::new(self.queue_ms, seen.as_deref()),
            first,
            right: None,
        };
        let (hint, steps) = (asking.hint, photo.scope.steps(self.catalogue));
        let (catalogue, policy) = (self.catalogue, self.size_policy);
        let outcome = closer_look::outcome(&mut asking, hint, &steps, catalogue, policy).await;
        match outcome {
            Ok(outcome) => {
                asking.ended(&outcome);
                let report = self.report(asking.draft, outcome);
                Ok(AttemptResult::Reported(Box::new(report)))
            }
            Err(Stopped::Known(report)) => {
                asking.ended(&report.outcome);
                Ok(self.known(&asking.draft, *report))
            }
            Err(Stopped::Deferred(deferred)) => Ok(deferred),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }

    fn report(&self, draft: Draft, outcome: PhotoOutcome) -> Report {
        Report {
            attempt: self.attempt,
            timings: Some(draft.timings),
            image: draft.image,
            facts: draft.facts,
            usage: draft.usage,
            partial: draft.partial,
            content: draft.content,
            ..Report::bare(outcome, (self.now)())
        }
    }

    /// What is known of the same bytes, as the report of this photo.
    fn known(&self, draft: &Draft, report: Report) -> AttemptResult {
        AttemptResult::Reported(Box::new(Report {
            attempt: self.attempt,
            timings: Some(draft.timings),
            ..report
        }))
    }
}

/// One photo that is being asked about.
struct Asking<'a, S> {
    work: &'a Work<'a, S>,
    photo: &'a Photo,
    hint: Option<&'a Step>,
    /// Its place in a group that shares a request; the closer look asks by itself.
    member: Option<Member<'a>>,
    draft: Draft,
    first: &'a FirstLook,
    /// Its right to ask, of all photos with the same bytes.
    right: Option<First>,
}

impl<S: PhotoSource> AskAboutPhoto for Asking<'_, S> {
    type Stopped = Stopped;

    async fn ask(
        &mut self,
        question: SizedQuestion<'_>,
    ) -> Result<Result<Seen, Reason>, Self::Stopped> {
        let catalogue = self.work.catalogue;
        let with_codes = wants_codes(catalogue, self.hint, question.steps, question.closer);
        let prepared = match self.prepare(question.long_edge, with_codes).await? {
            Ok(prepared) => prepared,
            Err(reason) => return Ok(Err(reason)),
        };
        self.draft.image = Some(prepared.figures);
        self.draft.facts = Some(Facts {
            quality: prepared.quality,
            metadata: prepared.metadata.clone(),
            colour_profile: prepared.colour_profile,
        });
        if let Some(reason) = unfit(self.work.size_policy, &prepared.quality) {
            return Ok(Err(reason));
        }
        let image = prepared.figures;
        if let Some(reason) = too_narrow(&image) {
            return Ok(Err(reason));
        }
        let ready = Ready {
            question: Arc::new(Question::new(self.work.catalogue, question.steps)),
            jpeg: prepared.jpeg,
            hint: self.hint.cloned(),
        };
        let answer = self.answer(ready).await?;
        let codes = prepared.codes;
        if let (Ok(answer), false) = (&answer, question.closer) {
            self.draft.partial = answer.partial;
        }
        Ok(answer.map(|answer| Seen {
            findings: coded(catalogue, &codes, answer.findings),
            image,
        }))
    }

    fn seen_before(&self) -> Option<Seen> {
        let Report { outcome, image, .. } = *self.first.seen()?;
        match outcome {
            PhotoOutcome::Evaluated { findings } => image.map(|image| Seen { findings, image }),
            PhotoOutcome::NotEvaluated { .. } => None,
        }
    }

    fn keep(&mut self, findings: &[Finding]) {
        let findings = findings.to_vec();
        let outcome = PhotoOutcome::Evaluated { findings };
        let report = self.work.report(self.draft.clone(), outcome);
        self.first.note(report);
    }
}

impl<S: PhotoSource> Asking<'_, S> {
    /// Fetches and compresses.
    async fn prepare(
        &mut self,
        long_edge: u32,
        with_codes: bool,
    ) -> Result<Result<Prepared, Reason>, Stopped> {
        let Work { source, bounds, .. } = self.work;
        let loading = bounds.loading.acquire().await.map_err(closed)?;
        let clock = Instant::now();
        let most_bytes = self.work.size_policy.limits.most_bytes;
        let fetched = source.fetch(self.photo, most_bytes).await;
        self.draft.timings.fetch_ms += millis(clock.elapsed());
        let bytes = match fetched {
            Ok(fetched) => {
                if let Some(again) = self.is_new(&fetched).await? {
                    drop((loading, fetched));
                    return self.wait_for(again, long_edge, with_codes).await;
                }
                fetched.bytes
            }
            Err(FetchError::Permanent(reason)) => return Ok(Err(reason)),
            Err(FetchError::Bug(cause)) => {
                let key = &self.photo.key;
                return Err(RunError::bug(format!("S3 refused {key}"), cause).into());
            }
            Err(error @ FetchError::Retry(_)) => {
                let detail = evaluation::run::error::with_causes(&error);
                return Err(later(
                    DeferralCause::OutOfTime,
                    "The photo store is busy",
                    &detail,
                    None,
                ));
            }
        };
        let clock = Instant::now();
        let policy = self.work.size_policy;
        let prepared = bounds.prepare(bytes, policy, long_edge, with_codes).await?;
        self.draft.timings.compress_ms += millis(clock.elapsed());
        drop(loading);
        Ok(prepared.map_err(|error| {
            tracing::warn!(photo.key = %self.photo.key, error = ?error, "a photo can't be read");
            reason(&error, &self.photo.name)
        }))
    }

    /// Tells those with the same bytes what came of this photo.
    fn ended(&mut self, outcome: &PhotoOutcome) {
        if let Some(right) = self.right.as_mut() {
            right.ended(self.photo, outcome);
        }
    }

    /// Finds out whether the same bytes were asked about before, or are being asked about. Then whoever asks is named.
    async fn is_new(&mut self, fetched: &Fetched) -> Result<Option<Same>, Stopped> {
        if self.right.is_some() {
            return Ok(None);
        }
        self.draft.content = fetched.content.clone();
        let content = fetched.content.as_ref().unwrap_or(&self.photo.etag);
        let same = self.work.same_bytes.enter(content);
        let Some(first) = same.first() else {
            return Ok(Some(same));
        };
        self.right = Some(first);
        let known = match &fetched.content {
            Some(content) => self.work.source.answered(self.photo, content).await?,
            // By its ETag it was looked for when the evaluation began.
            None => None,
        };
        known.map_or(Ok(None), |report| Err(Stopped::Known(Box::new(report))))
    }

    /// Waits for who asks about the same bytes. Nothing is held meanwhile that others need: no memory, no place in a
    /// group. If that one got no answer, this one asks.
    async fn wait_for(
        &mut self,
        same: Same,
        long_edge: u32,
        with_codes: bool,
    ) -> Result<Result<Prepared, Reason>, Stopped> {
        self.member = None;
        let first = same.wait().await;
        match first.copy_of(self.photo) {
            Some(outcome) => {
                let content = self.draft.content.clone();
                let report = Report::bare(outcome, (self.work.now)());
                Err(Stopped::Known(Box::new(Report { content, ..report })))
            }
            None => {
                self.right = Some(first);
                Box::pin(self.prepare(long_edge, with_codes)).await
            }
        }
    }

    /// The answer about the photo, which may be asked about together with others.
    async fn answer(&mut self, ready: Ready) -> Result<Result<AskResult, Reason>, Stopped> {
        let clock = Instant::now();
        let Some(answered) = self.turn(ready).await else {
            let detail = "the one who asked for the group has left";
            return Err(later(
                DeferralCause::OutOfTime,
                "The VLM is slow",
                detail,
                None,
            ));
        };
        let vlm_ms = millis(clock.elapsed());
        self.draft.timings.vlm_ms += vlm_ms;
        let key = &self.photo.key;
        match answered {
            Ok(answer) => {
                self.draft.note(&answer, self.photo, vlm_ms);
                Ok(Ok(answer))
            }
            Err(VlmFailure::Permanent { reason, detail }) => {
                tracing::error!(photo.key = %key, reason = ?reason.code, detail, "the VLM gave no usable answer");
                Ok(Err(reason))
            }
            Err(VlmFailure::RetryLater {
                cause,
                retry_after,
                about,
                detail,
            }) => {
                let (cause, words) = in_words(cause, about);
                Err(later(cause, &words, &detail, retry_after))
            }
            Err(bug @ VlmFailure::Bug { .. }) => {
                let context = format!("the VLM refuses our request about {key}");
                Err(RunError::bug(context, bug).into())
            }
        }
    }

    /// Its answer, once it is its turn; none if the one that asks for its group has left.
    async fn turn(&mut self, ready: Ready) -> Option<Answered> {
        let access = self.work.access;
        let Some(member) = self.member.take() else {
            return Some(ask_alone(access, &ready).await);
        };
        match member.join(ready).await.ok()? {
            Turn::Ask(group) => Some(group.ask(access).await),
            Turn::Answered(answered) => Some(answered),
        }
    }
}

/// Such a strip has no picture in it, and servers fail at it (500), as if they were broken.
fn too_narrow(image: &ImageFigures) -> Option<Reason> {
    let (width, height) = (image.width, image.height);
    let message = format!(
        "The photo is too small or too narrow to be judged ({width} × {height} pixels as it is sent). \
         Upload the whole photo."
    );
    (width.min(height) < LEAST_SIDE).then(|| Reason::new(ReasonCode::Unfit, message))
}

fn closed(cause: tokio::sync::AcquireError) -> RunError {
    RunError::bug("a semaphore was closed", cause)
}

/// How a failure is told in `waiting`. What waits for the operator begins with the same words, which the tool knows,
/// and is no photo's fault.
fn in_words(cause: RetryCause, about: Option<About>) -> (DeferralCause, String) {
    let (cause, words) = match cause {
        RetryCause::Unavailable => (DeferralCause::Unavailable, "The VLM can't be reached"),
        RetryCause::Failed if about == Some(About::Request) => (
            DeferralCause::Failed,
            "The VLM refuses this photo, or every request; its words are in the log",
        ),
        RetryCause::Failed => (
            DeferralCause::Failed,
            "The VLM fails at this photo, or altogether",
        ),
        RetryCause::TimedOut => (
            DeferralCause::Unavailable,
            "The VLM does not answer in time",
        ),
        RetryCause::Overloaded => (DeferralCause::Overloaded, "The VLM is busy"),
        RetryCause::Misconfigured => {
            let what = about.and_then(About::advice);
            let what = what.unwrap_or("its address, model and key");
            let words = format!("The VLM refuses our requests; the operator must check: {what}");
            return (DeferralCause::Unavailable, words);
        }
    };
    (cause, words.to_owned())
}

fn later(
    cause: DeferralCause,
    words: &str,
    detail: &str,
    retry_after: Option<Duration>,
) -> Stopped {
    Stopped::Deferred(deferred(cause, words, detail, retry_after))
}

/// Puts a photo off; the details are for operators.
pub fn deferred(
    cause: DeferralCause,
    words: &str,
    detail: &str,
    retry_after: Option<Duration>,
) -> AttemptResult {
    tracing::warn!(deferral.cause = ?cause, detail, "{words}");
    AttemptResult::Deferred {
        why: (cause, words.to_owned()),
        retry_after,
        seen: None,
    }
}

#[cfg(test)]
#[path = "photo_tests.rs"]
mod tests;
