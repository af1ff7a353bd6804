//! The sweeper: each minute it sends again what was lost, and ends what is past its deadline.

mod sweep;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use shared::{aws, telemetry};

use crate::sweep::Sweeper;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = aws::load().await;
    let sweeper = Sweeper::from_env(&config)?;
    run(service_fn(|_: LambdaEvent<Value>| sweeper.run())).await
}
