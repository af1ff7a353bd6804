//! The aggregator: the only writer of outcomes. It reads the results queue and the dead-letter queues.

use anyhow::Context;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::aws::{self, AwsPorts};
use shared::flow::{Queue, aggregate};
use shared::protocol::message::Message;
use shared::queues::Records;
use shared::telemetry;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let ports = AwsPorts::from_env(&aws::load().await, &[Queue::Batches])?;
    run(service_fn(|event: LambdaEvent<Value>| {
        handle(&ports, event.payload)
    }))
    .await
}

async fn handle(ports: &AwsPorts, event: Value) -> Result<Value, Error> {
    let records = Records::of(&event)
        .ok_or("the aggregator takes events of SQS queues only; tests/events has examples")??;
    let response = records
        .for_each(async |record| one(ports, &record.body).await)
        .await;
    Ok(serde_json::to_value(response)?)
}

async fn one(ports: &AwsPorts, body: &str) -> anyhow::Result<()> {
    let message = Message::parse(body).context("Failed to read a message")?;
    Ok(aggregate::handle(ports, message).await?)
}
