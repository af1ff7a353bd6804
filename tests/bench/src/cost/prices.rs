//! What AWS charges, as data with a date.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// Dollars for one of each, unless the name says otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    /// Year and month in which they were looked up.
    pub(crate) dated: String,
    pub(crate) region: String,
    /// What kind of prices they are.
    pub(crate) note: String,
    /// Addresses.
    pub(crate) sources: Vec<String>,
    lambda_gb_second: BTreeMap<Architecture, f64>,
    pub(crate) lambda_request: f64,
    pub(crate) sqs_request: f64,
    pub(crate) dynamodb_write_unit: f64,
    pub(crate) dynamodb_read_unit: f64,
    pub(crate) dynamodb_gb_month: f64,
    pub(crate) dynamodb_backup_gb_month: f64,
    pub(crate) s3_put: f64,
    pub(crate) s3_get: f64,
    pub(crate) s3_gb_month: f64,
    pub(crate) api_request: f64,
    pub(crate) out_gb: f64,
    pub(crate) logs_gb: f64,
    pub(crate) secret_month: f64,
    pub(crate) secret_call: f64,
    pub(crate) alarm_month: f64,
}

/// A function's processor.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Architecture {
    /// Intel's and AMD's.
    #[serde(rename = "x86_64")]
    #[value(name = "x86_64")]
    X86_64,
    /// AWS's own.
    Arm64,
}

impl Prices {
    /// The price file.
    pub(crate) fn shipped() -> anyhow::Result<Self> {
        serde_json::from_str(include_str!("prices.json")).context("Failed to read the prices")
    }

    /// Dollars for a function of a gigabyte (2^30 bytes) that runs for a second.
    pub(crate) fn gb_second(&self, architecture: Architecture) -> f64 {
        self.lambda_gb_second
            .get(&architecture)
            .copied()
            .unwrap_or(f64::NAN)
    }
}
