//! The splitter: starts or joins an evaluation of a DR's photos.
//!
//! Three ways in: API Gateway (`POST /evaluations`), the uploads queue, direct invocation.

mod direct;
mod evaluate;
mod figures;
mod force;
mod once;
mod post;
mod refusal;
mod settings;
mod trigger;
mod upload_event;
mod uploads;

use aws::telemetry;
use aws::usage::measured;
use lambda_runtime::{LambdaEvent, run, service_fn};
use serde_json::Value;

use crate::evaluate::Splitter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let config = aws::load().await;
    let splitter = Splitter::from_env(&config)?;
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("splitter", trigger::handle(&splitter, event))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}
