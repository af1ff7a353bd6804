//! Where the system's metrics are: CloudWatch.

use aws::SdkConfig;
use aws::configuration::{ConfigError, optional, required};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{MetricDataQuery, MetricDataResult};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use serde::Serialize;
use utoipa::ToSchema;

/// The namespace of all metrics.
pub(crate) const NAMESPACE: &str = "FibreEvaluation";

/// Where the metrics are.
pub(crate) struct Metrics {
    client: aws_sdk_cloudwatch::Client,
    pub(crate) stack: String,
    region: Option<String>,
}

impl Metrics {
    /// As the environment says.
    pub(crate) fn from_env(config: &SdkConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            client: aws_sdk_cloudwatch::Client::new(config),
            stack: required("STACK_NAME")?,
            region: optional("AWS_REGION"),
        })
    }
}

/// Where more about the system is to be had, by who may: in the AWS console.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsoleLinks {
    /// The stack's alarms.
    alarms: Option<String>,
    /// The dashboard.
    dashboard: Option<String>,
    /// The functions' logs.
    logs: Option<String>,
}

impl Metrics {
    /// What these queries find from one time to another.
    pub(crate) async fn read(
        &self,
        queries: Vec<MetricDataQuery>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<MetricDataResult>, RunError> {
        let question = self.client.get_metric_data();
        let mut pages = question
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_millis(from.as_millis()))
            .end_time(DateTime::from_millis(to.as_millis()))
            .into_paginator()
            .send();
        let mut results = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|cause| RunError::retry("the metrics", cause))?;
            results.extend(page.metric_data_results.unwrap_or_default());
        }
        Ok(results)
    }

    /// Where people find more.
    pub(crate) fn links(&self) -> ConsoleLinks {
        let console = |path: &str| {
            let region = self.region.as_deref()?;
            let stack = &self.stack;
            let path = path.replace("{stack}", stack);
            Some(format!(
                "https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#{path}"
            ))
        };
        ConsoleLinks {
            alarms: console("alarmsV2:?search={stack}"),
            dashboard: console("dashboards/dashboard/{stack}"),
            logs: console("logsV2:log-groups$3FlogGroupNameFilter$3D{stack}"),
        }
    }
}
