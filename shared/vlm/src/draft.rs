//! What is known of a photo before its outcome is, and what its answers cost.

use std::time::Duration;

use evaluation::domain::outcome::{Facts, ImageFigures, PhotoTimings, Usage};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;

use crate::client::AskResult;

/// What is known of a photo before its outcome is.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) timings: PhotoTimings,
    pub(crate) image: Option<ImageFigures>,
    pub(crate) facts: Option<Facts>,
    pub(crate) usage: Option<Usage>,
    /// Whether the first look's answer was broken. The closer one asks about what was seen already.
    pub(crate) partial: bool,
    pub(crate) content: Option<String>,
}

impl Draft {
    /// Nothing yet, but what an earlier look at it came to.
    pub(crate) fn new(queue_ms: u64, seen: Option<&Report>) -> Self {
        let timings = seen.and_then(|seen| seen.timings).unwrap_or_default();
        Self {
            timings: PhotoTimings {
                queue_ms,
                ..timings
            },
            image: seen.and_then(|seen| seen.image),
            facts: seen.and_then(|seen| seen.facts.clone()),
            usage: seen.and_then(|seen| seen.usage),
            partial: seen.is_some_and(|seen| seen.partial),
            content: seen.and_then(|seen| seen.content.clone()),
        }
    }

    /// Notes what an answer cost, here and in the log.
    pub(crate) fn note(&mut self, answer: &AskResult, photo: &Photo, vlm_ms: u64) {
        let AskResult {
            usage,
            timings,
            repaired,
            left_out,
            ..
        } = answer;
        let (first_token, generation) = (
            timings.first_token.map(millis),
            timings.generation.map(millis),
        );
        self.usage = Some(self.usage.unwrap_or_default().plus(*usage));
        self.timings.first_token_ms = self.timings.first_token_ms.or(first_token);
        self.timings.generation_ms = match (self.timings.generation_ms, generation) {
            (Some(before), Some(now)) => Some(before.saturating_add(now)),
            (before, now) => before.or(now),
        };
        tracing::info!(
            photo.key = %photo.key, vlm.duration_ms = vlm_ms, vlm.first_token_ms = first_token,
            vlm.prompt_tokens = usage.prompt_tokens, vlm.completion_tokens = usage.completion_tokens,
            vlm.tokens_per_second = generation.and_then(|span| usage.tokens_per_second(span)),
            vlm.repaired = repaired, "the VLM answered"
        );
        if !left_out.is_empty() {
            tracing::warn!(photo.key = %photo.key, left_out = ?left_out, "parts of the model's answer were left out");
        }
    }
}

/// In whole milliseconds.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use evaluation::domain::outcome::PhotoOutcome;

    use super::*;

    #[test]
    fn a_first_look_that_was_broken_stays_so_when_the_closer_one_must_wait() {
        let findings = Vec::new();
        let whole = Report::bare(PhotoOutcome::Evaluated { findings }, Default::default());
        let broken = Report {
            partial: true,
            ..whole.clone()
        };
        assert!(Draft::new(1, Some(&broken)).partial);
        assert!(!Draft::new(1, Some(&whole)).partial && !Draft::new(1, None).partial);
    }
}
