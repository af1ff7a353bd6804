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
}

/// Why to ask again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryCause {
    /// It can't be reached, or failed.
    Unavailable,
    /// It did not answer in time.
    TimedOut,
    /// It said that it is busy.
    Overloaded,
    /// It refuses us: address, model or key are wrong. Not the photo's fault, so the work waits for the operator.
    Misconfigured,
}

impl VlmFailure {
    pub(super) fn later(cause: RetryCause, detail: impl Into<String>) -> Self {
        Self::RetryLater { cause, retry_after: None, detail: detail.into() }
    }

    pub(super) fn invalid_answer(detail: impl Into<String>) -> Self {
        let message =
            "The model's answer could not be understood, also when it was asked again. Ask for a new evaluation."
                .into();
        Self::Permanent { reason: Reason { code: ReasonCode::InvalidAnswer, message }, detail: detail.into() }
    }

    /// Classes an answer that is no success.
    ///
    /// 500 is retried: vLLM gives it to requests in flight when it stops. (It also gives it for more than 178,956,970
    /// pixels and for URLs it can't reach; we send neither.)
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let detail = format!("HTTP {status}: {}", words(body));
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(seconds);
        let cause = match status.as_u16() {
            401 | 403 | 404 | 405 | 300..=399 => RetryCause::Misconfigured,
            408 => RetryCause::TimedOut,
            425 | 429 | 503 => RetryCause::Overloaded,
            501 | 400..=499 => {
                let message = "The model's server refused this photo. Take it again or upload it as JPEG.".into();
                return Self::Permanent { reason: Reason { code: ReasonCode::Refused, message }, detail };
            }
            _ => RetryCause::Unavailable,
        };
        Self::RetryLater { cause, retry_after, detail }
    }
}

/// The message of an error body: `{"error": "text"}` and `{"error": {"message": "text"}}` are both in use.
fn words(body: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let error = parsed.as_ref().and_then(|value| value.get("error"));
    let message = error.and_then(|error| error.as_str().or_else(|| error.get("message")?.as_str()));
    message.unwrap_or(body).chars().take(MOST_CHARACTERS).collect()
}

/// `Retry-After` in seconds. The other form, a date, is as good as none: the server's clock need not be ours.
fn seconds(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> VlmFailure {
        VlmFailure::of_status(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body)
    }

    #[test]
    fn each_status_is_classed_by_what_to_do() {
        use RetryCause::*;
        for (status, expected) in [
            (401, Misconfigured),
            (404, Misconfigured),
            (408, TimedOut),
            (429, Overloaded),
            (503, Overloaded),
            (500, Unavailable),
            (502, Unavailable),
            (504, Unavailable),
        ] {
            assert!(matches!(of(status, ""), VlmFailure::RetryLater { cause, .. } if cause == expected), "{status}");
        }
        for status in [400, 413, 422, 501] {
            assert!(matches!(of(status, ""), VlmFailure::Permanent { .. }), "{status}");
        }
    }

    #[test]
    fn both_shapes_of_error_bodies_and_plain_text_are_read() {
        for body in
            [r#"{"error":"Unauthorized"}"#, r#"{"error":{"message":"Unauthorized","code":401}}"#, "Unauthorized"]
        {
            let VlmFailure::RetryLater { detail, .. } = of(401, body) else { panic!() };
            assert!(detail.ends_with(": Unauthorized"), "{detail}");
        }
    }

    #[test]
    fn retry_after_is_respected() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        let failure = VlmFailure::of_status(StatusCode::TOO_MANY_REQUESTS, &headers, "");
        assert!(
            matches!(failure, VlmFailure::RetryLater { retry_after: Some(span), .. } if span == Duration::from_secs(7))
        );
    }
}
