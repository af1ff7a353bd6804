//! One completion as it comes in: streamed, or in one piece from servers that don't stream.
//!
//! # Invariants
//! - An answer that the server did not end itself (no `finish_reason`, or one that is no end), or that has no text, is
//!   a failure, never an answer. Once its end has come, nothing that is missing behind it costs anything.
//! - A model that writes blanks or one character without end is left early: that passes.
//! - A server that falls silent is left within the time for that, not after the time of a whole answer; leaving drops
//!   the connection, so that it stops writing.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use super::failure::{RetryCause, VlmFailure};
use super::lenient::unpacked;
use super::odds::Tokens;
use super::pieces::Draft;
use super::sse::Events;
use evaluation::domain::outcome::Usage;

/// No answer asked for comes near it: 700 tokens have about 3 KB, streamed 200 KB, with log-probabilities 1 MB.
pub(super) const MOST_BYTES: usize = 16 << 20;

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
    /// The text's tokens, where the server tells them.
    pub(super) tokens: Tokens,
    pub(super) timings: TokenTimings,
}

/// Reads the completion in a successful response to a question sent at `asked`.
pub(super) async fn read(
    response: Response,
    timeouts: Timeouts,
    asked: Instant,
) -> Result<Completion, VlmFailure> {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_stream = kind.starts_with("text/event-stream");
    Reader::new(timeouts, asked, is_stream).read(response).await
}

/// How an answer comes, by its first bytes: servers call streams JSON, JSON a stream, and send either packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Unknown,
    Events,
    OnePiece,
}

impl Form {
    /// `None` as long as there is nothing to tell from.
    fn of(bytes: &[u8], is_stream: bool) -> Option<Self> {
        let mark = [0xef, 0xbb, 0xbf];
        let bytes = bytes.strip_prefix(&mark).unwrap_or(bytes);
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
        Some(match first {
            b'{' | b'[' | b'"' | b'<' | 0x1f => Self::OnePiece,
            _ if is_stream => Self::Events,
            // data, event, id, retry, error, a comment
            b'd' | b'e' | b'i' | b'r' | b':' => Self::Events,
            _ => Self::OnePiece,
        })
    }
}

struct Reader {
    timeouts: Timeouts,
    asked: Instant,
    /// Whether the server calls it a stream.
    is_stream: bool,
    form: Form,
    /// What came before the form was known, or all of an answer in one piece.
    held: Vec<u8>,
    draft: Draft,
    events: Events,
    bytes: usize,
    /// When the first and the last token came.
    tokens: Option<(Instant, Instant)>,
}

impl Reader {
    fn new(timeouts: Timeouts, asked: Instant, is_stream: bool) -> Self {
        Self {
            timeouts,
            asked,
            is_stream,
            form: Form::Unknown,
            held: Vec::new(),
            draft: Draft::default(),
            events: Events::default(),
            bytes: 0,
            tokens: None,
        }
    }

    async fn read(mut self, mut response: Response) -> Result<Completion, VlmFailure> {
        loop {
            let chunk = match timeout_at(self.until(), response.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                // The answer is whole; only the count of its tokens is missing.
                _ if self.draft.has_ended() => return self.done(),
                Ok(Err(error)) => return Err(self.broken(error)),
                Err(_) => return Err(self.silent()),
            };
            let Some(chunk) = chunk else {
                return self.finish();
            };
            self.bytes = self.bytes.saturating_add(chunk.len());
            if self.bytes > MOST_BYTES {
                return Err(failed(format!(
                    "the answer has more than {MOST_BYTES} bytes"
                )));
            }
            if self.push(&chunk)? {
                return self.done();
            }
        }
    }

    /// Takes in bytes; whether they were the last ones.
    fn push(&mut self, chunk: &[u8]) -> Result<bool, VlmFailure> {
        if self.form == Form::Events {
            return self.events(chunk);
        }
        self.held.extend(chunk);
        if self.form == Form::Unknown {
            self.form = Form::of(&self.held, self.is_stream).unwrap_or(Form::Unknown);
        }
        if self.form == Form::Events {
            let held = std::mem::take(&mut self.held);
            return self.events(&held);
        }
        Ok(false)
    }

    fn events(&mut self, chunk: &[u8]) -> Result<bool, VlmFailure> {
        for event in self.events.push(chunk) {
            if self.take(&event)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All has come.
    fn finish(mut self) -> Result<Completion, VlmFailure> {
        if self.form == Form::OnePiece {
            let body = unpacked(std::mem::take(&mut self.held), MOST_BYTES);
            if Form::of(&body, self.is_stream) != Some(Form::Events) {
                self.draft.take(&String::from_utf8_lossy(&body))?;
                return self.done();
            }
            self.events(&body)?;
        }
        if let Some(last) = std::mem::take(&mut self.events).finish() {
            self.take(&last)?;
        }
        self.done()
    }

    /// Takes in an event; whether it was the last one.
    fn take(&mut self, event: &str) -> Result<bool, VlmFailure> {
        if event.trim() == "[DONE]" {
            return Ok(true);
        }
        if self.draft.take(event)? {
            let now = Instant::now();
            self.tokens = Some((self.tokens.map_or(now, |(first, _)| first), now));
        }
        Ok(false)
    }

    fn until(&self) -> Instant {
        let whole = self.asked + self.timeouts.whole;
        let streams = self.form == Form::Events || (self.form == Form::Unknown && self.is_stream);
        let next = match self.tokens {
            None if streams => self.asked + self.timeouts.first_token,
            None => whole,
            Some((_, last)) => last + self.timeouts.stall,
        };
        next.min(whole)
    }

    fn silent(&self) -> VlmFailure {
        silent(match (self.form, self.tokens) {
            (Form::OnePiece, _) => "the answer",
            (_, None) => "the first token",
            (_, Some(_)) => "the next token",
        })
    }

    fn broken(&self, error: reqwest::Error) -> VlmFailure {
        match VlmFailure::of_transport(error) {
            timed_out @ VlmFailure::RetryLater {
                cause: RetryCause::TimedOut,
                ..
            } => timed_out,
            other if self.form != Form::Events => other,
            other => failed(format!("the answer's stream broke off: {}", other.detail())),
        }
    }

    fn done(self) -> Result<Completion, VlmFailure> {
        let timings = self.tokens.map(|(first, last)| TokenTimings {
            first_token: Some(first.duration_since(self.asked)),
            generation: Some(last.duration_since(first)),
        });
        self.draft.done().map(|written| Completion {
            text: written.text,
            cut: written.cut,
            usage: written.usage,
            tokens: written.tokens,
            timings: timings.unwrap_or_default(),
        })
    }
}

fn silent(what: &str) -> VlmFailure {
    VlmFailure::later(RetryCause::TimedOut, format!("{what} did not come in time"))
}

pub(super) fn failed(detail: String) -> VlmFailure {
    VlmFailure::later(RetryCause::Failed, detail)
}
