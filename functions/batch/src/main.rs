//! The batch function: fetches, compresses and asks about the photos of a batch, all at once, and says what became of
//! each through the results queue. And makes pictures of photos for whoever looks at them.

mod bucket;
mod evaluate;
mod key;
mod pictures;
mod settings;
mod sign;

use aws::clock;
use aws::deadline::Deadline;
use aws::queues::Records;
use aws::telemetry;
use aws::trace;
use aws::usage::measured;
use evaluation::decide::picture::MakePictures;
use evaluation::figures::{Figure, Metric};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::Value;
use tracing::Instrument;

use crate::evaluate::BatchFunction;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let config = aws::load().await;
    let function = BatchFunction::from_env(&config).await?;
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("batch", handle(&function, event))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}

async fn handle(function: &BatchFunction, event: LambdaEvent<Value>) -> Result<Value, Error> {
    if let Ok(asked) = MakePictures::deserialize(&event.payload) {
        let of_it = || trace::of_invocation(&event.context);
        let trace = asked.trace_id.clone().unwrap_or_else(of_it);
        let made = function.pictures(&asked);
        let made = made.instrument(trace::request(&trace)).await;
        return Ok(serde_json::to_value(made)?);
    }
    let records = Records::of(&event.payload).ok_or(
        "the batch function takes events of its queues, and pictures to be made; tests/events has examples",
    )??;
    let deadline = Deadline::of(&event.context);
    let until = deadline.less(evaluate::MARGIN);
    let began = clock::now();
    let response = records
        .for_each(deadline, async |delivery| {
            function.handle(&delivery, until).await
        })
        .await;
    let took = clock::now().millis_since(began);
    telemetry::emit(&[Figure::of(Metric::BatchTime, took)]);
    Ok(serde_json::to_value(response)?)
}
