//! The aggregator: the only writer of outcomes. It reads the results queue and the dead-letter queues.

use anyhow::Context;
use aws::deadline::Deadline;
use aws::ports::AwsPorts;
use aws::queues::Records;
use aws::telemetry;
use aws::usage::measured;
use evaluation::decide::message::Message;
use evaluation::decide::queue::Queue;
use evaluation::run::aggregate;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let ports = AwsPorts::from_env(&aws::load().await, &[Queue::Batches, Queue::Bulk])?;
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("aggregator", handle(&ports, event))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn handle(ports: &AwsPorts, event: LambdaEvent<Value>) -> Result<Value, Error> {
    let records = Records::of(&event.payload)
        .ok_or("the aggregator takes events of SQS queues only; tests/events has examples")??;
    let deadline = Deadline::of(&event.context);
    let response = records
        .for_each(deadline, async |delivery| one(ports, &delivery.body).await)
        .await;
    Ok(serde_json::to_value(response)?)
}

async fn one(ports: &AwsPorts, body: &str) -> anyhow::Result<()> {
    let message = Message::parse(body).context("Failed to read a message")?;
    Ok(aggregate::handle(ports, message).await?)
}
