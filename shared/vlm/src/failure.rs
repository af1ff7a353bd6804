//! What can go wrong with the VLM, classed by what to do.
//!
//! # Invariants
//! - A photo is blamed only where the server names the picture, or what it shows. All else waits: for the server, or
//!   for the operator. Whether a refusal without a known reason is the photo's fault is found out by the aggregator,
//!   who sees whether others are answered between.
//! - One classifier is for all: statuses, bodies under a 200, errors within a stream and within a choice.
//! - No part of a photo is in it.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use evaluation::domain::outcome::{Reason, ReasonCode};

use crate::fields::Field;
use crate::refusal::{Refusal, harmless};
pub use crate::server::Setting;
use crate::server::{self, Meaning};
use crate::waits;

/// Where Amazon says an error's code.
const AMAZONS_CODE: &str = "x-amzn-errortype";

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
        /// What it is about, where that is known.
        about: Option<About>,
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
    /// Something is wrong within this program. The photo is as good as any.
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
    /// It failed at this request, which may be the request's fault: a refusal without a known reason, 500, an answer
    /// that breaks off, one without text.
    Failed,
    /// It did not answer in time.
    TimedOut,
    /// It said that it is busy.
    Overloaded,
    /// It refuses us: request, address, model, key, region or money are wrong, or the model can't do what is needed.
    /// Not the photo's fault, so the work waits for the operator.
    Misconfigured,
}

/// What became of a request, for whoever counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseClass {
    /// There is an answer, whatever it says.
    Answered,
    /// This photo will not be answered.
    Refused,
    /// The same later may be answered.
    Later(RetryCause),
    /// Something is wrong within this program.
    Bug,
}

impl ResponseClass {
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "Answered",
            Self::Refused => "Refused",
            Self::Later(RetryCause::Unavailable) => "Unavailable",
            Self::Later(RetryCause::Failed) => "Failed",
            Self::Later(RetryCause::TimedOut) => "TimedOut",
            Self::Later(RetryCause::Overloaded) => "Overloaded",
            Self::Later(RetryCause::Misconfigured) => "Misconfigured",
            Self::Bug => "Bug",
        }
    }

    /// Whether the VLM, or we, failed: a refusal of a photo is an answer.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Answered | Self::Refused)
    }
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// This very request, for a reason that is not known: the photo's, or every request's.
    Request,
    /// The number of images; the most, if it says so.
    Images(Option<usize>),
    /// The server's context, which is too small for the request.
    Context,
    /// The key.
    Key,
    /// The role, whose signature takes the key's place.
    Role,
    /// A field that we may do without.
    Field(Field),
    /// What else the operator must change, in words.
    Setting(&'static str),
}

impl About {
    /// Which setting it is about.
    pub fn setting(self) -> Setting {
        match self {
            Self::Key => Setting::Key,
            Self::Setting(what) => server::setting(what),
            _ => Setting::Other,
        }
    }

    /// What the operator must change, in words.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Request => None,
            Self::Images(_) => Some("the most photos of a request that the server takes"),
            Self::Context => Some("the server's context is too small (--max-model-len)"),
            Self::Key => Some("the VLM's key and its rights"),
            Self::Role => Some(
                "the function's role and what it may do at Bedrock (VlmBedrockResources), or its key",
            ),
            Self::Field(field) => Some(field.advice()),
            Self::Setting(what) => Some(what),
        }
    }
}

impl RetryCause {
    /// Whether fewer requests would help. The circuit breaker counts what says that no request is answered
    /// (`evaluation::decide::defer`); both follow from the cause alone.
    pub fn asks_for_fewer_requests(self) -> bool {
        matches!(self, Self::Overloaded | Self::TimedOut)
    }
}

impl VlmFailure {
    /// What became of the request.
    pub fn class(&self) -> ResponseClass {
        match self {
            Self::RetryLater { cause, .. } => ResponseClass::Later(*cause),
            Self::Permanent { .. } => ResponseClass::Refused,
            Self::Bug { .. } => ResponseClass::Bug,
        }
    }

    pub(super) fn later(cause: RetryCause, detail: impl Into<String>) -> Self {
        Self::RetryLater {
            cause,
            retry_after: None,
            about: None,
            detail: harmless(&detail.into()),
        }
    }

    /// For the operator: nothing is answered until this is changed.
    pub(super) fn misconfigured(about: About, detail: &str) -> Self {
        let advice = about.advice().map(|advice| format!("{advice}: "));
        Self::RetryLater {
            cause: RetryCause::Misconfigured,
            retry_after: None,
            about: Some(about),
            detail: harmless(&format!("{}{detail}", advice.unwrap_or_default())),
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
            detail: harmless(&detail),
        }
    }

    /// What a refusal is about, if it is known.
    pub fn about(&self) -> Option<About> {
        match self {
            Self::RetryLater { about, .. } => *about,
            _ => None,
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

    /// Classes an answer that is no success.
    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let mut refusal = Refusal::of(body);
        let code = headers
            .get(AMAZONS_CODE)
            .and_then(|code| code.to_str().ok());
        refusal.codes.extend(code.map(harmless));
        Self::of_refusal(Some(status.as_u16()), headers, &refusal)
    }

    /// Classes an error within an answer that looks like a success.
    pub(super) fn within_answer(error: &Value) -> Self {
        Self::of_refusal(None, &HeaderMap::new(), &Refusal::of_value(error))
    }

    fn of_refusal(status: Option<u16>, headers: &HeaderMap, refusal: &Refusal) -> Self {
        let wait = waits::asked(headers, refusal);
        let detail = match status {
            Some(status) => format!("HTTP {status}: {}", refusal.for_operators()),
            None => format!("the server broke off: {}", refusal.for_operators()),
        };
        let failure = match classify(status.or(refusal.status), refusal) {
            Ok(meaning) => Self::of_meaning(meaning, detail),
            Err(about) => Self::about_request(about, &detail),
        };
        failure.after(wait)
    }

    fn of_meaning(meaning: Meaning, detail: String) -> Self {
        let later = |cause| Self::later(cause, detail.clone());
        match meaning {
            Meaning::Operator(what) => Self::misconfigured(About::Setting(what), &detail),
            Meaning::Context => Self::misconfigured(About::Context, &detail),
            Meaning::Key => Self::misconfigured(About::Key, &detail),
            Meaning::Busy => later(RetryCause::Overloaded),
            Meaning::Away => later(RetryCause::Unavailable),
            Meaning::Late => later(RetryCause::TimedOut),
            Meaning::Failed => later(RetryCause::Failed),
            Meaning::TooLarge => {
                let message = "The photo has more pixels than the model's server takes. \
                               Take it at the phone's usual size.";
                Self::permanent(ReasonCode::TooLarge, message, detail)
            }
            Meaning::Picture => {
                let message = "The model's server can't read this photo. \
                               Take it again or upload it as JPEG.";
                Self::permanent(ReasonCode::Refused, message, detail)
            }
            Meaning::Content => Self::refused_for_content(detail),
        }
    }

    /// What the photo shows is refused: another photo of the same would be as well.
    pub(super) fn refused_for_content(detail: String) -> Self {
        let message = "The model's provider does not judge what this photo shows (its content policy). \
                       A person must look at it.";
        Self::permanent(ReasonCode::Refused, message, detail)
    }

    fn about_request(about: About, detail: &str) -> Self {
        if about != About::Request {
            return Self::misconfigured(about, detail);
        }
        Self::RetryLater {
            cause: RetryCause::Failed,
            retry_after: None,
            about: Some(about),
            detail: harmless(detail),
        }
    }

    /// The same of a request that brought a signature instead of a key.
    pub(super) fn of_signed(mut self) -> Self {
        let advice = |about: About| about.advice().unwrap_or_default();
        if let Self::RetryLater { about, detail, .. } = &mut self
            && *about == Some(About::Key)
        {
            *about = Some(About::Role);
            *detail = detail.replacen(advice(About::Key), advice(About::Role), 1);
        }
        self
    }

    fn after(mut self, wait: Option<Duration>) -> Self {
        if let Self::RetryLater { retry_after, .. } = &mut self {
            *retry_after = wait;
        }
        self
    }

    /// Names the address in what the operator has to mend, and where there is nobody.
    pub(super) fn at(mut self, address: &str) -> Self {
        if let Self::RetryLater {
            cause: RetryCause::Misconfigured | RetryCause::Unavailable,
            detail,
            ..
        } = &mut self
        {
            detail.push_str(&format!(" (POST {address})"));
        }
        self
    }

    /// Classes a request that got no answer, or not all of it.
    ///
    /// Without the address, whose query may hold a secret.
    pub(super) fn of_transport(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let timed_out = error.is_timeout() && !error.is_connect();
        let cause = if timed_out {
            RetryCause::TimedOut
        } else {
            RetryCause::Unavailable
        };
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| {
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

/// What a refusal means, or else what it is about. Codes come before words, words before the status.
fn classify(status: Option<u16>, refusal: &Refusal) -> Result<Meaning, About> {
    // A server that fails does not say what is wrong with the request; of an error without a status nothing is known.
    let refuses = status.is_none_or(|status| (400..500).contains(&status) || status == 501);
    let of_photo = status.is_none_or(|status| matches!(status, 400 | 413 | 415 | 422 | 500));
    if refuses && let Some(most) = server::images_allowed(&refusal.words).filter(|most| *most > 0) {
        return Err(About::Images(Some(most)));
    }
    let fields = matches!(status, None | Some(400 | 404 | 415 | 422 | 501));
    let of_logprobs = matches!(status, Some(403 | 500));
    let refused = Field::refused(refusal);
    if let Some(field) =
        refused.filter(|field| fields || (*field == Field::Logprobs && of_logprobs))
    {
        return Err(About::Field(field));
    }
    let code = refusal
        .codes
        .iter()
        .find_map(|code| server::meaning_of_code(code));
    let words = || {
        let heard = refuses || status == Some(500);
        let meaning = server::meaning_of_words(&refusal.words, refuses);
        meaning.filter(|_| heard)
    };
    let mut params = refusal.params.iter();
    let of_form = refusal.of_form || params.any(|param| server::is_field(param));
    let weak = || {
        let mut codes = refusal.codes.iter();
        let known = codes.find_map(|code| server::meaning_of_weak_code(code));
        known
            .or(of_form.then_some(server::REQUEST))
            .filter(|_| refuses)
    };
    // What is not there is the model rather than the address, where the server speaks of one.
    let of_model = || {
        let not_there = status == Some(404) && server::speaks_of_model(&refusal.words);
        not_there.then_some(server::MODEL)
    };
    let about_photo = |meaning: &Meaning| match meaning {
        Meaning::TooLarge | Meaning::Picture => of_photo,
        _ => true,
    };
    let meaning = code
        .filter(about_photo)
        .or_else(|| words().filter(about_photo))
        .or_else(of_model)
        .or_else(weak);
    let meaning = meaning.or_else(|| match status {
        Some(status) => server::meaning_of_status(status),
        None => Some(Meaning::Failed),
    });
    meaning.ok_or(About::Request)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
