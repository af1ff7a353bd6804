//! The notifier: tells those who subscribed of each completion, and those who watch of each change, and keeps the cards that
//! the list across DRs is read from.
//!
//! Three ways in: the table's stream, the WebSocket API, and its authorizer.
//!
//! # Invariants
//! - Completions are told first, and whatever becomes of the rest changes nothing of it, but that they are told again where
//!   a card could not be written, or it could not be read who watches.

mod authorizer;
mod checklists;
mod client;
mod connections;
mod live;
mod sender;
mod topic;

use std::time::Duration;

use aws::clock;
use aws::configuration::{percent, required};
use aws::ports::AwsPorts;
use aws::stream::Changes;
use aws::table::Table;
use aws::telemetry;
use aws::usage::measured;
use evaluation::run::cards::keep;
use evaluation::run::tell::tell;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::Value;

use crate::authorizer::Authorizer;
use crate::checklists::Checklists;
use crate::client::ClientEvent;
use crate::connections::Connections;
use crate::live::Live;
use crate::sender::Sender;
use crate::topic::Topic;

/// So old news are tried again for those who watch: whoever waits for a completion behind them waits no longer.
const LIVE_FOR: Duration = Duration::from_secs(30);

struct Notifier {
    topic: Topic,
    /// The API that events come from.
    source: String,
    live: Live,
    authorizer: Option<Authorizer>,
    /// Of a hundred passes without flags so many are drawn for review.
    review_sample: u8,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let config = aws::load().await;
    let connections = Connections::from_env(&config)?;
    let notifier = Notifier {
        topic: Topic::from_env(&config)?,
        source: required("API_URL")?,
        live: Live {
            ports: AwsPorts::from_env(&config, &[])?,
            table: Table::from_env(&config)?,
            checklists: Checklists::from_env(&config)?,
            sender: Sender::from_env(&config, connections.clone())?,
            connections,
        },
        authorizer: Authorizer::from_env()?,
        review_sample: percent("REVIEW_SAMPLE")?,
    };
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("notifier", handle(&notifier, event.payload))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn handle(notifier: &Notifier, event: Value) -> Result<Value, Error> {
    if let Some(changes) = Changes::of(&event) {
        return Ok(hear(notifier, changes?).await);
    }
    if event.get("type").is_some_and(|kind| kind == "REQUEST") {
        let authorizer = notifier.authorizer.as_ref();
        let authorizer = authorizer.ok_or("callers of this stack sign and bring no tokens")?;
        return Ok(authorizer.answer(&event).await);
    }
    let unknown = "the notifier takes events of the table's stream and of its WebSocket API only; tests/events has some";
    let event = ClientEvent::deserialize(event).map_err(|_| unknown)?;
    let answer = client::handle(&notifier.live, event).await;
    Ok(answer.inspect_err(|error| {
        tracing::error!(error = %error.with_causes(), "a client was not answered");
    })?)
}

async fn hear(notifier: &Notifier, changes: Changes) -> Value {
    let mut failed = tell(&notifier.topic, &notifier.source, &changes.changes).await;
    let may_come_again = changes.are_within(LIVE_FOR, clock::now());
    let sent = notifier.live.send_news(&changes.changes, may_come_again);
    let kept = keep(
        &notifier.live.ports,
        &changes.changes,
        notifier.review_sample,
    );
    let (not_kept, not_sent) = tokio::join!(kept, sent);
    failed.extend(not_kept);
    failed.extend(not_sent);
    failed.sort_unstable();
    failed.dedup();
    changes.failed(&failed)
}
