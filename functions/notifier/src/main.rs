//! The notifier: tells those who subscribed of each completion, as the table's stream hands it over.

mod topic;

use aws::configuration::required;
use aws::stream::Changes;
use aws::telemetry;
use aws::usage::measured;
use evaluation::run::tell::tell;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::topic::Topic;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let topic = Topic::from_env(&aws::load().await)?;
    let source = required("API_URL")?;
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("notifier", handle(&topic, &source, event.payload))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn handle(topic: &Topic, source: &str, event: Value) -> Result<Value, Error> {
    let changes = Changes::of(&event)
        .ok_or("the notifier takes events of the table's stream only; tests/events has one")??;
    let failed = tell(topic, source, &changes.changes).await;
    Ok(changes.failed(&failed))
}
