//! The API: what the app reads about evaluations.

mod history;
mod route;
mod view;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::{aws, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = aws::load().await;
    let store = aws::store(&config)?;
    run(service_fn(|event: LambdaEvent<Value>| route::handle(&store, event.payload))).await
}
