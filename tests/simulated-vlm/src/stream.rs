//! Streamed answers, token by token, in the time that the engine works out: nothing before the prompt is read, then a
//! token whenever one is written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};

use crate::chunks::{Chunks, THOUGHTS, pieces as pieces_of};
use crate::faults::{Fault, Kind};
use crate::look::Seen;
use crate::server::{Held, InFlight, Server};

/// What was sent has left before the connection breaks.
const FLUSHED_AFTER: Duration = Duration::from_millis(50);
/// How often a comment is sent while nothing is written.
const COMMENTS_EVERY: Duration = Duration::from_millis(500);
/// Events that wait for a slow client.
const MOST_EVENTS: usize = 64;

/// An answer to send, and what is noted about it.
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) finish: String,
    pub(crate) chunks: Chunks,
    pub(crate) seen: Seen,
    pub(crate) asked: Option<Vec<String>>,
    pub(crate) arrived: Instant,
    pub(crate) fault: Option<Fault>,
}

impl Answer {
    fn record(&self, server: &Server) {
        let kind = self.fault.as_ref().map(|fault| fault.kind);
        let (tokens, asked) = (Some(self.chunks.tokens), self.asked.as_deref());
        server.record(&self.seen, asked, self.arrived, tokens, kind);
    }
}

/// What is sent, or the end of the connection.
type Sent = Result<String, std::io::Error>;

/// The client has gone.
struct Gone;

/// The response; a client that drops it gives its place back.
pub(crate) fn streamed(server: Arc<Server>, answer: Answer, in_flight: InFlight) -> Response {
    let (sender, receiver) = channel(MOST_EVENTS);
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => (),
            _ = write(&server, answer, &sender) => (),
        }
    });
    let body = stream::unfold((receiver, in_flight), |(mut receiver, held)| async move {
        let sent: Sent = receiver.recv().await?;
        Some((sent, (receiver, held)))
    });
    let kind = "text/event-stream; charset=utf-8";
    ([(CONTENT_TYPE, kind)], Body::from_stream(body)).into_response()
}

/// Sends an answer as it is written.
async fn write(server: &Arc<Server>, answer: Answer, sender: &Sender<Sent>) -> Result<(), Gone> {
    let (chunks, kind) = (
        &answer.chunks,
        answer.fault.as_ref().map(|fault| fault.kind),
    );
    let held = server.submit(chunks.tokens, kind);
    send(sender, chunks.begin()).await?;
    until_read(&held, chunks, sender).await?;
    send(sender, chunks.role()).await?;
    let pieces = pieces(&answer);
    let half = pieces.len() / 2;
    for (at, piece) in pieces.iter().enumerate() {
        if at == half {
            half_way(server, &answer, sender).await?;
        }
        held.until_written((at + 1) as f64 / pieces.len() as f64)
            .await;
        send(sender, [piece.clone()]).await?;
    }
    held.until_written(1.0).await;
    answer.record(server);
    send(sender, chunks.end(&answer.finish)).await
}

/// Waits until the prompt is read, with comments where the form has such.
async fn until_read(held: &Held, chunks: &Chunks, sender: &Sender<Sent>) -> Result<(), Gone> {
    let read = held.until_written(0.0);
    tokio::pin!(read);
    loop {
        send(sender, chunks.comment()).await?;
        tokio::select! {
            () = &mut read => return Ok(()),
            () = tokio::time::sleep(COMMENTS_EVERY) => (),
        }
    }
}

/// The events of thoughts and answer, a token each.
fn pieces(answer: &Answer) -> Vec<String> {
    let chunks = &answer.chunks;
    let thinks = chunks.form.thoughts.is_some();
    let thoughts = if thinks {
        pieces_of(THOUGHTS)
    } else {
        Vec::new()
    };
    let thoughts = thoughts.iter().map(|piece| chunks.thought(piece));
    thoughts.chain(chunks.texts(&answer.text)).collect()
}

/// What goes wrong in the midst of an answer.
async fn half_way(server: &Server, answer: &Answer, sender: &Sender<Sent>) -> Result<(), Gone> {
    let Some(fault) = &answer.fault else {
        return Ok(());
    };
    if let (Kind::Stall, Some(ms)) = (fault.kind, fault.for_ms) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        return Ok(());
    }
    match fault.kind {
        Kind::Stall => {
            answer.record(server);
            std::future::pending().await
        }
        Kind::CutStream => {
            answer.record(server);
            tokio::time::sleep(FLUSHED_AFTER).await;
            let broken = std::io::Error::other("the simulation breaks the stream off");
            let _ = sender.send(Err(broken)).await;
            Err(Gone)
        }
        Kind::ErrorEvent => {
            answer.record(server);
            let error = json!({"error": {"message": "EngineCore encountered an issue (simulation)", "type": "InternalServerError", "param": null, "code": 500}});
            send(sender, [answer.chunks.event(&error)]).await?;
            send(sender, answer.chunks.done()).await?;
            Err(Gone)
        }
        _ => Ok(()),
    }
}

async fn send(sender: &Sender<Sent>, events: impl IntoIterator<Item = String>) -> Result<(), Gone> {
    for event in events {
        sender.send(Ok(event)).await.map_err(|_| Gone)?;
    }
    Ok(())
}
