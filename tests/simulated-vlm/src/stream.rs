//! Streamed answers, as vLLM sends them: a first chunk without words, the words, the reason for the end, the usage,
//! `[DONE]`.
//!
//! The words come when the time of the answer has passed: the simulation keeps the time of whole answers, not of
//! tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};

use crate::faults::{Fault, Kind};
use crate::look::Seen;
use crate::server::{InFlight, Server, Tokens};

/// Characters of a chunk: about two tokens.
const CHARACTERS_A_CHUNK: usize = 8;
/// What was sent has left before the connection breaks.
const FLUSHED_AFTER: Duration = Duration::from_millis(50);

/// An answer to send, and what is noted about it.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) finish: &'static str,
    pub(crate) tokens: Tokens,
    pub(crate) seen: Seen,
    pub(crate) asked: Option<Vec<String>>,
    pub(crate) arrived: Instant,
    pub(crate) fault: Option<Fault>,
}

/// What is sent, or the end of the connection.
type Sent = Result<String, std::io::Error>;

/// The response; a client that drops it gives its place back.
pub(crate) fn streamed(server: Arc<Server>, answer: Answer, in_flight: InFlight) -> Response {
    let begin = stream::once(async { Ok::<_, std::io::Error>(words("", None)) });
    let rest = stream::once(async move {
        server.spend(answer.tokens, answer.fault.as_ref()).await;
        let kind = answer.fault.as_ref().map(|fault| fault.kind);
        server.record(
            &answer.seen,
            answer.asked.as_deref(),
            answer.arrived,
            Some(answer.tokens),
            kind,
        );
        events(&answer, kind)
    });
    let body = begin.chain(rest.flatten()).map(move |sent| {
        let _held = &in_flight;
        sent
    });
    (
        [(CONTENT_TYPE, "text/event-stream; charset=utf-8")],
        Body::from_stream(body),
    )
        .into_response()
}

fn events(answer: &Answer, fault: Option<Kind>) -> BoxStream<'static, Sent> {
    let characters: Vec<char> = answer.text.chars().collect();
    let chunks: Vec<Sent> = characters
        .chunks(CHARACTERS_A_CHUNK)
        .map(|chunk| Ok(words(&String::from_iter(chunk), None)))
        .collect();
    let half = chunks.len() / 2;
    let first_half = || {
        stream::iter(
            chunks
                .iter()
                .take(half)
                .flatten()
                .cloned()
                .map(Ok)
                .collect::<Vec<Sent>>(),
        )
    };
    match fault {
        Some(Kind::Stall) => first_half().chain(stream::pending()).boxed(),
        Some(Kind::CutStream) => {
            let broken = async {
                tokio::time::sleep(FLUSHED_AFTER).await;
                Err(std::io::Error::other(
                    "the simulation breaks the stream off",
                ))
            };
            first_half().chain(stream::once(broken)).boxed()
        }
        Some(Kind::ErrorEvent) => {
            let error = json!({"error": {"message": "EngineCore encountered an issue (simulation)", "type": "InternalServerError", "param": null, "code": 500}});
            first_half()
                .chain(stream::iter([Ok(event(&error)), Ok(done())]))
                .boxed()
        }
        _ => stream::iter(chunks)
            .chain(stream::iter(end(answer)))
            .boxed(),
    }
}

fn end(answer: &Answer) -> [Sent; 3] {
    let Tokens {
        prompt, completion, ..
    } = answer.tokens;
    let usage = json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion});
    let usage = json!({"id": "chatcmpl-simulation", "object": "chat.completion.chunk", "choices": [], "usage": usage});
    [
        Ok(words("", Some(answer.finish))),
        Ok(event(&usage)),
        Ok(done()),
    ]
}

fn words(text: &str, finish: Option<&str>) -> String {
    event(&json!({
        "id": "chatcmpl-simulation", "object": "chat.completion.chunk", "system_fingerprint": "simulation",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
    }))
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn done() -> String {
    "data: [DONE]\n\n".into()
}
