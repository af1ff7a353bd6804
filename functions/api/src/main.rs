//! The API: what the app reads about evaluations, and throwing earlier answers away.

mod health;
mod history;
mod route;
mod view;

use anyhow::Context;
use aws::configuration::required;
use aws::ports::AwsPorts;
use aws::table::Table;
use aws::telemetry;
use aws::usage::measured;
use evaluation::domain::catalogue::Catalogue;
use lambda_runtime::{LambdaEvent, run, service_fn};
use photos::size_policy::CURRENT_VERSION;
use serde_json::Value;
use vlm::versions::versions;

use crate::route::Api;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let config = aws::load().await;
    let (catalogue, model) = (required("CATALOGUE_VERSION")?, required("VLM_MODEL")?);
    let versions = versions(&catalogue, &model, CURRENT_VERSION);
    let catalogue =
        Catalogue::shipped(&versions.catalogue).context("Failed to load the catalogue of steps")?;
    let api = Api {
        table: Table::from_env(&config)?,
        ports: AwsPorts::from_env(&config, &[])?,
        s3: aws::s3(&config),
        bucket: required("BUCKET_NAME")?,
        catalogue,
        versions,
    };
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("api", route::handle(&api, event.payload))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}
