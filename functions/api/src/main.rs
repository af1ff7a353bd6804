//! The API: what the app reads about evaluations, and throwing earlier answers away.

mod history;
mod route;
mod view;

use aws::configuration::versions;
use aws::table::Table;
use aws::telemetry;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use photos::size_policy::CURRENT_VERSION;
use serde_json::Value;
use vlm::prompt::PROMPT_VERSION;

use crate::route::Api;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start();
    let config = aws::load().await;
    let api = Api {
        table: Table::from_env(&config)?,
        versions: versions(PROMPT_VERSION, CURRENT_VERSION)?,
    };
    run(service_fn(|event: LambdaEvent<Value>| {
        route::handle(&api, event.payload)
    }))
    .await
}
