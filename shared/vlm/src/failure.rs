//! What can go wrong with the VLM, classed by what to do.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use evaluation::domain::outcome::{Reason, ReasonCode};

use crate::server::{self, Meaning};

/// Characters of a server's words that are kept for operators.
const MOST_CHARACTERS: usize = 300;

/// A question that got no findings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VlmFailure {
    /// The same question later may be answered.
    #[error("{detail}")]
    RetryLater {
        /// Why.
        cause: RetryCause,
        /// The least delay that the server asked for.
        retry_after: Option<Duration>,
        /// The server's words, for operators.
        detail: String,
    },
    /// This photo will not be answered.
    #[error("{detail}")]
    Permanent {
        /// Why, for the user.
        reason: Reason,
        /// The server's or model's words, for operators.
        detail: String,
    },
    /// The request is wrong: ours to mend. The photo is as good as any.
    #[error("{detail}")]
    Bug {
        /// The server's words, for operators.
        detail: String,
    },
}

/// Why to ask again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryCause {
    /// It can't be reached, or is being stopped or started.
    Unavailable,
    /// It failed at this request, which may be the request's fault: 500, an answer that breaks off, one without text.
    Failed,
    /// It did not answer in time.
    TimedOut,
    /// It said that it is busy.
    Overloaded,
    /// It refuses us: address, model or key are wrong, or the model can't do what is needed. Not the photo's fault,
    /// so the work waits for the operator.
    Misconfigured,
}

impl VlmFailure {
    pub(super) fn later(cause: RetryCause, detail: impl Into<String>) -> Self {
        Self::RetryLater {
            cause,
            retry_after: None,
            detail: detail.into(),
        }
    }

    pub(super) fn invalid_answer(detail: impl Into<String>) -> Self {
        let message = "The model's answer could not be understood, also when it was asked again. \
                       Ask for a new evaluation.";
        Self::permanent(ReasonCode::InvalidAnswer, message, detail.into())
    }

    fn permanent(code: ReasonCode, message: &str, detail: String) -> Self {
        Self::Permanent {
            reason: Reason {
                code,
                message: message.into(),
            },
            detail,
        }
    }

    /// The server's words, for operators.
    pub fn detail(&self) -> &str {
        match self {
            Self::RetryLater { detail, .. }
            | Self::Permanent { detail, .. }
            | Self::Bug { detail } => detail,
        }
    }

    /// Classes an answer that is no success: by the server's words where they are known, else by the status.
    ///
    /// 500 is retried, since vLLM gives it to requests in flight when it stops; that it may be the photo's fault all
    /// the same is for the aggregator to find out, who sees whether others are answered.
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let words = server::words(body);
        let detail = format!(
            "HTTP {status}: {}",
            words.chars().take(MOST_CHARACTERS).collect::<String>()
        );
        let known = server::meaning(&words);
        if let (Some(meaning), 400 | 413 | 422 | 500 | 501) = (known, status.as_u16()) {
            return Self::of_meaning(meaning, detail);
        }
        let retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(seconds);
        let cause = match status.as_u16() {
            401 | 403 | 404 | 405 | 300..=399 => RetryCause::Misconfigured,
            408 => RetryCause::TimedOut,
            425 | 429 | 503 => RetryCause::Overloaded,
            500 => RetryCause::Failed,
            501 => return Self::Bug { detail },
            400..=499 => {
                let message =
                    "The model's server refused this photo. Take it again or upload it as JPEG.";
                return Self::permanent(ReasonCode::Refused, message, detail);
            }
            _ => RetryCause::Unavailable,
        };
        Self::RetryLater {
            cause,
            retry_after,
            detail,
        }
    }

    fn of_meaning(meaning: Meaning, detail: String) -> Self {
        match meaning {
            Meaning::Operator(what) => {
                Self::later(RetryCause::Misconfigured, format!("{what}: {detail}"))
            }
            Meaning::TooLarge => {
                let message = "The photo has more pixels than the model's server takes. \
                               Take it at the phone's usual size.";
                Self::permanent(ReasonCode::TooLarge, message, detail)
            }
            Meaning::Bug => Self::Bug { detail },
        }
    }

    /// Classes a request that got no answer, or not all of it.
    pub(super) fn of_transport(error: &reqwest::Error) -> Self {
        let timed_out = error.is_timeout() && !error.is_connect();
        let cause = if timed_out {
            RetryCause::TimedOut
        } else {
            RetryCause::Unavailable
        };
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
            error.source()
        });
        Self::later(
            cause,
            causes
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(": "),
        )
    }
}

/// `Retry-After` in seconds. The other form, a date, is as good as none: the server's clock need not be ours.
fn seconds(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
