//! The sweeper: each minute it sends again what was lost, and ends what is past its deadline.

use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::aws::{self, AwsPorts};
use shared::config::seconds;
use shared::flow::{Queue, sweep};
use shared::telemetry;

/// Longer than the batches queue hides a message: 6 times the batch function's time-out, and some.
const LOST_AFTER_SECONDS: u64 = 900;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let ports = AwsPorts::from_env(&aws::load().await, &[Queue::Batches, Queue::Results])?;
    let lost_after = seconds("LOST_AFTER_SECONDS", LOST_AFTER_SECONDS)?;
    run(service_fn(|_: LambdaEvent<Value>| {
        handle(&ports, lost_after)
    }))
    .await
}

/// A round in which an evaluation could not be looked at fails as a whole, so that the alarm on errors sees it.
async fn handle(ports: &AwsPorts, lost_after: Duration) -> Result<Value, Error> {
    let swept = sweep::run(ports, lost_after).await?;
    let report = serde_json::to_value(swept)?;
    tracing::info!(sweep.report = %report, "swept");
    if swept.failed == 0 {
        Ok(report)
    } else {
        Err(format!("{} evaluations could not be swept", swept.failed).into())
    }
}
