//! The API: what the app reads about evaluations, and throwing earlier answers away.

mod history;
mod route;
mod view;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::config::versions;
use shared::{aws, telemetry};

use crate::route::Desk;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = aws::load().await;
    let desk = Desk {
        store: aws::store(&config)?,
        versions: versions()?,
    };
    run(service_fn(|event: LambdaEvent<Value>| {
        route::handle(&desk, event.payload)
    }))
    .await
}
