//! What can go wrong with the VLM, classed by what to do.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::domain::outcome::{Reason, ReasonCode};

/// Characters of a server's words that are kept for operators.
const MOST_CHARACTERS: usize = 300;

/// A question that got no findings.
#[derive(Debug, Clone, PartialEq)]
pub enum VlmFailure {
    /// The same question later may be answered.
    RetryLater {
        /// Why.
        cause: RetryCause,
        /// The least delay that the server asked for.
        retry_after: Option<Duration>,
        /// The server's words, for operators.
        detail: String,
    },
    /// This photo will not be answered.
    Permanent {
        /// Why, for the user.
        reason: Reason,
        /// The server's or model's words, for operators.
        detail: String,
    },
    /// The request is wrong: ours to mend. The photo is as good as any.
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
    /// It refuses us: address, model or key are wrong, or the model can't do what is needed. Not the photo's fault, so the
    /// work waits for the operator.
    Misconfigured,
}

/// What servers say when a request is refused for what was sent with it: the words, in lower case, and what they mean.
const REFUSALS: [(&str, Meaning); 17] = [
    (
        "maximum context length",
        Meaning::Operator("the server's context is too small (--max-model-len)"),
    ),
    (
        "max_model_len",
        Meaning::Operator("the server's context is too small (--max-model-len)"),
    ),
    (
        "longer than the maximum model length",
        Meaning::Operator("the server's context is too small (--max-model-len)"),
    ),
    (
        "exceeds the available context size",
        Meaning::Operator("the server's context is too small"),
    ),
    (
        "at most 0 image",
        Meaning::Operator("the server takes no images (--limit-mm-per-prompt)"),
    ),
    (
        "not a multimodal model",
        Meaning::Operator("the model takes no images"),
    ),
    (
        "image input is not supported",
        Meaning::Operator("the model takes no images"),
    ),
    (
        "does not support image",
        Meaning::Operator("the model takes no images"),
    ),
    ("decompression bomb", Meaning::TooLarge),
    ("grammar error", Meaning::Bug),
    ("invalid schema", Meaning::Bug),
    ("response_format.json_schema.name", Meaning::Bug),
    (
        "response_format",
        Meaning::Operator("the server does not take JSON schemas (response_format)"),
    ),
    ("validation error", Meaning::Bug),
    ("cannot connect to host", Meaning::Bug),
    ("only base64 data urls", Meaning::Bug),
    ("json decode error", Meaning::Bug),
];

#[derive(Clone, Copy)]
enum Meaning {
    Operator(&'static str),
    TooLarge,
    Bug,
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
        let message = "The model's answer could not be understood, also when it was asked again. Ask for a new evaluation.";
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
    /// 500 is retried, since vLLM gives it to requests in flight when it stops; that it may be the photo's fault all the
    /// same is for the aggregator to find out, who sees whether others are answered.
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let words = words(body);
        let detail = format!(
            "HTTP {status}: {}",
            words.chars().take(MOST_CHARACTERS).collect::<String>()
        );
        let spoken = words.to_lowercase();
        let known = REFUSALS
            .iter()
            .find(|(part, _)| spoken.contains(part))
            .map(|(_, meaning)| *meaning);
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
                let message = "The photo has more pixels than the model's server takes. Take it at the phone's usual size.";
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

/// The message of an error body: `{"error": "text"}`, `{"error": {"message": "text"}}` and `{"message": "text"}` are in use.
fn words(body: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let parsed = parsed.as_ref();
    let error = parsed.and_then(|value| value.get("error"));
    let message = error.and_then(|error| error.as_str().or_else(|| error.get("message")?.as_str()));
    let message = message.or_else(|| parsed?.get("message")?.as_str());
    message.unwrap_or(body).to_owned()
}

/// The most images of a request, where a refusal says it: `At most 8 image(s) may be provided in one prompt.`
pub(super) fn images_allowed(detail: &str) -> Option<usize> {
    let (_, rest) = detail.split_once("At most ")?;
    let (number, rest) = rest.split_once(' ')?;
    rest.starts_with("image")
        .then(|| number.parse().ok())
        .flatten()
}

/// `Retry-After` in seconds. The other form, a date, is as good as none: the server's clock need not be ours.
fn seconds(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
