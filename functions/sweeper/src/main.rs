//! The sweeper: each minute it sends again what was lost, and ends what is past its deadline.

use std::time::Duration;

use aws::configuration::seconds;
use aws::ports::AwsPorts;
use aws::telemetry;
use evaluation::decide::queue::Queue;
use evaluation::run::sweep;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start();
    let queues = [Queue::Batches, Queue::Bulk, Queue::Results];
    let ports = AwsPorts::from_env(&aws::load().await, &queues)?;
    let lost_after = seconds("LOST_AFTER_SECONDS")?;
    let ended = run(service_fn(|_: LambdaEvent<Value>| {
        handle(&ports, lost_after)
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}

/// A round in which an evaluation could not be swept fails as a whole: it counts as an error of the function.
async fn handle(ports: &AwsPorts, lost_after: Duration) -> Result<Value, Error> {
    let swept = sweep::run(ports, lost_after).await;
    let swept = swept.inspect_err(|error| {
        tracing::error!(error = %error.with_causes(), "the sweep failed");
    })?;
    let report = serde_json::to_value(swept)?;
    tracing::info!(sweep.report = %report, "swept");
    match swept.failed {
        0 => Ok(report),
        failed => Err(format!("{failed} evaluations could not be swept").into()),
    }
}
