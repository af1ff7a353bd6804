//! One completion as it comes in: streamed, or in one piece from servers that don't stream.
//!
//! # Invariants
//! - An answer that the server did not end itself (no `finish_reason`), or that has no text, is a failure, never an
//!   answer.
//! - A server that falls silent is left within the time for that, not after the time of a whole answer; leaving drops
//!   the connection, so that it stops writing.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::failure::{RetryCause, VlmFailure};
use super::sse::Events;
use evaluation::domain::outcome::Usage;

/// No answer asked for comes near it: 700 tokens have about 3 KB, streamed 200 KB.
const MOST_BYTES: usize = 4 << 20;

/// How long each part of an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the first token: the server's queue and the reading of the prompt.
    pub first_token: Duration,
    /// From one token to the next.
    pub stall: Duration,
    /// The whole answer.
    pub whole: Duration,
}

/// When an answer's tokens came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenTimings {
    /// From sending the question to the first token; none if the answer came in one piece.
    pub first_token: Option<Duration>,
    /// From the first token to the last.
    pub generation: Option<Duration>,
}

impl TokenTimings {
    /// This and then another answer's: the first token of the first, the writing of both.
    pub fn and(self, later: Self) -> Self {
        let both = self
            .generation
            .zip(later.generation)
            .map(|(one, other)| one + other);
        Self {
            first_token: self.first_token,
            generation: both.or(self.generation).or(later.generation),
        }
    }
}

/// One completion: what the model wrote, and what it cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Completion {
    pub(super) text: String,
    /// Whether the server cut it off at the most tokens allowed.
    pub(super) cut: bool,
    pub(super) usage: Usage,
    pub(super) timings: TokenTimings,
}

/// A chunk of a stream or a whole completion: the same fields matter.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Piece {
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice {
    delta: Option<Words>,
    message: Option<Words>,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Words {
    content: Option<String>,
    reasoning: Option<String>,
    reasoning_content: Option<String>,
}

/// Reads the completion in a successful response to a question sent at `asked`.
pub(super) async fn read(
    response: Response,
    timeouts: Timeouts,
    asked: Instant,
) -> Result<Completion, VlmFailure> {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("text/event-stream") {
        Stream::new(timeouts, asked).read(response).await
    } else {
        in_one_piece(response, asked + timeouts.whole).await
    }
}

async fn in_one_piece(response: Response, until: Instant) -> Result<Completion, VlmFailure> {
    let body = timeout_at(until, response.bytes())
        .await
        .map_err(|_| silent("the answer"))?;
    let body = body.map_err(|error| VlmFailure::of_transport(&error))?;
    let mut draft = Draft::default();
    draft.take(&body)?;
    draft.done()
}

/// What is known of an answer so far.
#[derive(Debug, Default)]
struct Draft {
    text: String,
    finish: Option<String>,
    usage: Usage,
}

impl Draft {
    /// Takes in a piece; whether it holds a token.
    fn take(&mut self, json: &[u8]) -> Result<bool, VlmFailure> {
        let broken = |cause| {
            failed(format!(
                "the server's answer is no chat completion: {cause}"
            ))
        };
        let piece: Piece = serde_json::from_slice(json).map_err(broken)?;
        if let Some(error) = piece.error {
            return Err(VlmFailure::within_answer(&json!({ "error": error })));
        }
        self.usage = piece.usage.unwrap_or(self.usage);
        let Some(choice) = piece.choices.into_iter().next() else {
            return Ok(false);
        };
        self.finish = choice.finish_reason.or(self.finish.take());
        let words = choice.delta.or(choice.message).unwrap_or_default();
        let thinks = [&words.reasoning, &words.reasoning_content]
            .into_iter()
            .flatten()
            .any(|text| !text.is_empty());
        let text = words.content.unwrap_or_default();
        self.text.push_str(&text);
        Ok(thinks || !text.is_empty())
    }

    fn done(self) -> Result<Completion, VlmFailure> {
        let Some(finish) = self.finish else {
            return Err(failed(
                "the answer broke off: it has no finish_reason".into(),
            ));
        };
        if self.text.trim().is_empty() {
            return Err(failed(format!(
                "the answer has no text (finish_reason {finish})"
            )));
        }
        Ok(Completion {
            text: self.text,
            cut: finish == "length",
            usage: self.usage,
            timings: TokenTimings::default(),
        })
    }
}

struct Stream {
    timeouts: Timeouts,
    asked: Instant,
    draft: Draft,
    events: Events,
    bytes: usize,
    /// When the first and the last token came.
    tokens: Option<(Instant, Instant)>,
}

impl Stream {
    fn new(timeouts: Timeouts, asked: Instant) -> Self {
        Self {
            timeouts,
            asked,
            draft: Draft::default(),
            events: Events::default(),
            bytes: 0,
            tokens: None,
        }
    }

    async fn read(mut self, mut response: Response) -> Result<Completion, VlmFailure> {
        loop {
            let chunk = match timeout_at(self.until(), response.chunk()).await {
                Ok(chunk) => chunk.map_err(|error| self.broken(&error))?,
                // The answer is whole; only the count of its tokens is missing.
                Err(_) if self.draft.finish.is_some() => return self.done(),
                Err(_) => {
                    return Err(silent(if self.tokens.is_none() {
                        "the first token"
                    } else {
                        "the next token"
                    }));
                }
            };
            let Some(chunk) = chunk else {
                if let Some(last) = std::mem::take(&mut self.events).finish() {
                    self.take(&last)?;
                }
                return self.done();
            };
            self.bytes = self.bytes.saturating_add(chunk.len());
            if self.bytes > MOST_BYTES {
                return Err(failed(format!(
                    "the answer has more than {MOST_BYTES} bytes"
                )));
            }
            for event in self.events.push(&chunk) {
                if self.take(&event)? {
                    return self.done();
                }
            }
        }
    }

    /// Takes in an event; whether it was the last one.
    fn take(&mut self, event: &str) -> Result<bool, VlmFailure> {
        if event.trim() == "[DONE]" {
            return Ok(true);
        }
        if self.draft.take(event.as_bytes())? {
            let now = Instant::now();
            self.tokens = Some((self.tokens.map_or(now, |(first, _)| first), now));
        }
        Ok(false)
    }

    fn until(&self) -> Instant {
        let next = match self.tokens {
            None => self.asked + self.timeouts.first_token,
            Some((_, last)) => last + self.timeouts.stall,
        };
        next.min(self.asked + self.timeouts.whole)
    }

    fn broken(&self, error: &reqwest::Error) -> VlmFailure {
        match VlmFailure::of_transport(error) {
            VlmFailure::RetryLater {
                cause: RetryCause::TimedOut,
                detail,
                ..
            } => VlmFailure::later(RetryCause::TimedOut, detail),
            other => failed(format!("the answer's stream broke off: {}", other.detail())),
        }
    }

    fn done(self) -> Result<Completion, VlmFailure> {
        let timings = self.tokens.map(|(first, last)| TokenTimings {
            first_token: Some(first.duration_since(self.asked)),
            generation: Some(last.duration_since(first)),
        });
        self.draft.done().map(|written| Completion {
            timings: timings.unwrap_or_default(),
            ..written
        })
    }
}

fn failed(detail: String) -> VlmFailure {
    VlmFailure::later(RetryCause::Failed, detail)
}

fn silent(what: &str) -> VlmFailure {
    VlmFailure::later(RetryCause::TimedOut, format!("{what} did not come in time"))
}
