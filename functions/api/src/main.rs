//! The API: what the app reads about evaluations and DRs, throwing earlier answers away, and what people say of a DR:
//! where it is, and what is to be known of its steps.

mod accuracy;
mod api;
mod catalogue;
mod checklist;
mod claims;
mod contract;
mod evidence;
mod export;
mod figures;
mod health;
mod history;
mod known;
mod list;
mod metrics;
mod notes;
#[cfg(test)]
mod openapi;
mod page;
mod page_settings;
mod photo_link;
mod pictures;
mod place;
mod report;
mod reviews;
mod route;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod shown_tests;
mod tally;
mod uploads;

use aws::configuration::{percent, present, required, retention};
use aws::ports::AwsPorts;
use aws::table::Table;
use aws::telemetry;
use aws::usage::measured;
use lambda_runtime::{LambdaEvent, run, service_fn};
use serde_json::Value;
use vlm::versions::AsksWith;

use crate::api::Api;
use crate::metrics::Metrics;
use crate::page_settings::PageSettings;
use crate::pictures::PictureMaker;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let config = aws::load().await;
    let asks_with = AsksWith::new(
        &required("CATALOGUE_VERSION")?,
        &present("CATALOGUE_RULES")?,
        required("VLM_MODEL")?,
        &required("SIZE_POLICY_VERSION")?,
    )?;
    let kept_for = retention("VERDICT_RETENTION_DAYS")?;
    let (s3, bucket) = (aws::s3(&config), required("BUCKET_NAME")?);
    let api = Api {
        table: Table::from_env(&config)?,
        ports: AwsPorts::from_env(&config, &[])?,
        pictures: PictureMaker::from_env(&config, s3.clone(), bucket.clone())?,
        s3,
        bucket,
        asks_with,
        kept_for,
        metrics: Metrics::from_env(&config)?,
        review_sample: percent("REVIEW_SAMPLE")?,
        page: PageSettings::from_env()?,
        reviews_kept_for: kept_for.max(retention("REVIEW_RETENTION_DAYS")?),
    };
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        measured("api", route::handle(&api, event.payload))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}
