//! Several photos in one request, with the same outcomes as one by one.
//!
//! # Invariants
//! - There is one result per photo, in the order in which they were given; a photo that could not be loaded was never
//!   given, so no number shifts.
//! - What the request did not answer clearly, of one photo or of all, is asked about that photo alone: an answer
//!   about several never ends a photo.

use super::answer::{Answer, best, is_strict, read_answers};
use super::certainty::with_certainty;
use super::client::{AskResult, VlmClient};
use super::completion::{Completion, TokenTimings};
use super::failure::{About, VlmFailure};
use super::prompt::Question;
use super::request::PromptPhoto;
use evaluation::domain::outcome::Usage;

impl VlmClient {
    /// Asks about these photos in one request, as far as the server takes so many; one result each.
    pub async fn ask_several(
        &self,
        question: &Question,
        shots: &[PromptPhoto<'_>],
    ) -> Vec<Result<AskResult, VlmFailure>> {
        let mut results = Vec::with_capacity(shots.len());
        let mut rest = shots;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(self.capability().images()));
            results.extend(self.ask_together(question, now).await);
            rest = later;
        }
        results
    }

    async fn ask_together(
        &self,
        question: &Question,
        shots: &[PromptPhoto<'_>],
    ) -> Vec<Result<AskResult, VlmFailure>> {
        if let [one] = shots {
            return vec![self.ask(question, one.jpeg, one.hint).await];
        }
        let written = match self.complete(question, shots, None).await {
            Ok(written) => written,
            Err(failure) if may_be_answered_alone(&failure) => {
                self.capability().note_images(&failure);
                return self.one_by_one(question, shots).await;
            }
            Err(failure) => return vec![Err(failure); shots.len()],
        };
        self.capability()
            .note_answer(written.cut || is_strict(&written.text));
        let shares = shares(written.usage, shots.len());
        let mut results = Vec::with_capacity(shots.len());
        for (number, ((answer, shot), usage)) in (1..).zip(
            read_answers(&written.text, question, shots.len())
                .into_iter()
                .zip(shots)
                .zip(shares),
        ) {
            let answer =
                answer.map(|answer| with_certainty(answer, &written, question, Some(number)));
            results.push(match answer {
                Ok(answer) if !answer.partial => Ok(AskResult {
                    findings: answer.findings,
                    usage,
                    repaired: false,
                    partial: false,
                    left_out: answer.left_out,
                    timings: written.timings,
                }),
                other => {
                    let again = self.again_alone(question, shot, usage, &written).await;
                    with_held(again, other.ok(), usage, &written)
                }
            });
        }
        results
    }

    async fn one_by_one(
        &self,
        question: &Question,
        shots: &[PromptPhoto<'_>],
    ) -> Vec<Result<AskResult, VlmFailure>> {
        let mut results = Vec::with_capacity(shots.len());
        for shot in shots {
            results.push(self.ask(question, shot.jpeg, shot.hint).await);
        }
        results
    }

    async fn again_alone(
        &self,
        question: &Question,
        shot: &PromptPhoto<'_>,
        usage: Usage,
        written: &Completion,
    ) -> Result<AskResult, VlmFailure> {
        let asked = self.ask(question, shot.jpeg, shot.hint).await?;
        let timings: TokenTimings = written.timings.and(asked.timings);
        Ok(AskResult {
            usage: usage.plus(asked.usage),
            timings,
            repaired: true,
            ..asked
        })
    }
}

/// A photo's own answer, and what the answer about several held of it: whatever becomes of asking again, that stays.
fn with_held(
    again: Result<AskResult, VlmFailure>,
    held: Option<Answer>,
    usage: Usage,
    written: &Completion,
) -> Result<AskResult, VlmFailure> {
    let Some(held) = held else {
        return again;
    };
    match again {
        Ok(asked) => Ok(AskResult {
            findings: best(asked.findings.into_iter().chain(held.findings)),
            ..asked
        }),
        Err(_) => Ok(AskResult {
            findings: held.findings,
            usage,
            repaired: true,
            partial: held.partial,
            left_out: held.left_out,
            timings: written.timings,
        }),
    }
}

/// Whether a refusal of several photos may be one photo's fault, or that of their number.
fn may_be_answered_alone(failure: &VlmFailure) -> bool {
    match failure {
        VlmFailure::Permanent { .. } => true,
        VlmFailure::RetryLater { about, .. } => matches!(
            about,
            Some(About::Request | About::Images(_) | About::Context)
        ),
        VlmFailure::Bug { .. } => false,
    }
}

/// A request's tokens in equal shares that add up; what can't be shared equally goes to the first.
fn shares(usage: Usage, photos: usize) -> Vec<Usage> {
    let count = u64::try_from(photos.max(1)).unwrap_or(u64::MAX);
    let share = |total: u64, at: u64| total / count + u64::from(at < total % count);
    let of = |at| Usage {
        prompt_tokens: share(usage.prompt_tokens, at),
        completion_tokens: share(usage.completion_tokens, at),
    };
    (0..count).map(of).collect()
}

#[cfg(test)]
#[path = "several_tests.rs"]
mod tests;
