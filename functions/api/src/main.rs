//! The API: what the app reads about evaluations, throwing earlier answers away, and where a DR is expected to be.

mod health;
mod history;
mod place;
mod route;
mod uploads;
mod view;

use anyhow::Context;
use aws::configuration::{number, present, required};
use aws::ports::AwsPorts;
use aws::table::Table;
use aws::telemetry;
use aws::usage::measured;
use evaluation::domain::catalogue_rules::CatalogueRules;
use lambda_runtime::{LambdaEvent, run, service_fn};
use photos::size_policy::SizePolicy;
use serde_json::Value;

use crate::route::Api;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let config = aws::load().await;
    let catalogues = CatalogueRules::parse(
        &required("CATALOGUE_VERSION")?,
        &present("CATALOGUE_RULES")?,
    )
    .context("Failed to read CATALOGUE_RULES")?;
    let (model, size_policy) = (required("VLM_MODEL")?, required("SIZE_POLICY_VERSION")?);
    SizePolicy::shipped(&size_policy).context("Failed to read SIZE_POLICY_VERSION")?;
    let api = Api {
        table: Table::from_env(&config)?,
        ports: AwsPorts::from_env(&config, &[])?,
        s3: aws::s3(&config),
        bucket: required("BUCKET_NAME")?,
        catalogues,
        model,
        size_policy,
        kept_for: place::kept_for(number::<u16>("VERDICT_RETENTION_DAYS", 3650)?),
    };
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("api", route::handle(&api, event.payload))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}
