//! Logs: one JSON object a line under Lambda, filtered by `RUST_LOG`. A failure is logged once, where it is handled.
//!
//! Metrics are lines of the log, too, in CloudWatch's embedded metric format: no call and no right is needed for them.

use std::io::Write;

use serde_json::{Map, Value, json};

use evaluation::domain::time::Timestamp;

use crate::clock;

/// The namespace of all metrics.
const NAMESPACE: &str = "FibreEvaluation";

/// Starts logging; call it first.
pub fn start() {
    lambda_runtime::tracing::init_default_subscriber();
}

/// A metric's unit, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A span.
    Milliseconds,
}

/// A value of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    name: &'static str,
    unit: Unit,
    value: f64,
}

impl Metric {
    /// A value of the metric of this name.
    pub fn new(name: &'static str, unit: Unit, value: f64) -> Self {
        Self { name, unit, value }
    }
}

/// Writes metrics down, with their dimensions. Every pair of a dimension and its value is a metric that is paid for:
/// few values only. CloudWatch reads them off the function's output.
///
/// ```
/// use aws::telemetry::{Metric, Unit, emit};
///
/// emit(&[("Mode", "full")], &[Metric::new("CacheHits", Unit::Count, 1.0)]);
/// ```
pub fn emit(dimensions: &[(&str, &str)], metrics: &[Metric]) {
    if let Err(cause) = writeln!(
        std::io::stdout(),
        "{}",
        line(dimensions, metrics, clock::now())
    ) {
        tracing::warn!(error = %cause, "metrics could not be written");
    }
}

fn line(dimensions: &[(&str, &str)], metrics: &[Metric], now: Timestamp) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let declared: Vec<Value> = metrics
        .iter()
        .map(|metric| json!({"Name": metric.name, "Unit": format!("{:?}", metric.unit)}))
        .collect();
    let mut line = Map::new();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": declared});
    line.insert(
        "_aws".into(),
        json!({"Timestamp": now.as_millis(), "CloudWatchMetrics": [directive]}),
    );
    line.extend(
        dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value))),
    );
    line.extend(
        metrics
            .iter()
            .map(|metric| (metric.name.to_owned(), json!(metric.value))),
    );
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_the_embedded_metric_format() {
        let metrics = [
            Metric::new("CacheHits", Unit::Count, 1.0),
            Metric::new("TimeSaved", Unit::Milliseconds, 7.5),
        ];
        let line = line(&[("Mode", "full")], &metrics, Timestamp::from_millis(9));
        let directive = json!({"Namespace": "FibreEvaluation", "Dimensions": [["Mode"]], "Metrics": [
            {"Name": "CacheHits", "Unit": "Count"}, {"Name": "TimeSaved", "Unit": "Milliseconds"}]});
        assert_eq!(
            line,
            json!({"_aws": {"Timestamp": 9, "CloudWatchMetrics": [directive]}, "Mode": "full", "CacheHits": 1.0, "TimeSaved": 7.5})
        );
    }
}
