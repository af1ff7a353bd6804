//! The aggregator: the only writer of outcomes. It reads the results queue and the dead-letter queues.

mod deferral;
mod outcome;
mod record;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::queues::Records;
use shared::{aws, telemetry};

use crate::record::Aggregator;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = aws::load().await;
    let aggregator = Aggregator::from_env(&config)?;
    run(service_fn(|event: LambdaEvent<Value>| handle(&aggregator, event.payload))).await
}

async fn handle(aggregator: &Aggregator, event: Value) -> Result<Value, Error> {
    let records =
        Records::of(&event).ok_or("the aggregator takes events of SQS queues only; tests/events has examples")??;
    let response = records.for_each(async |record| aggregator.handle(&record.body).await).await;
    Ok(serde_json::to_value(response)?)
}
