//! Logs: one JSON object a line under Lambda, with its time, filtered by `RUST_LOG`. A failure is logged once, where it is
//! handled.
//!
//! Metrics are lines of the log, too, in CloudWatch's embedded metric format: no call and no right is needed for them.
//!
//! # Invariants
//! - Each metric has the dimension `Stack`; what a metric is divided by comes as one dimension more, beside the whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::OnceLock;

use evaluation::domain::time::Timestamp;
use evaluation::figures::Figure;
use serde_json::{Map, Value, json};

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use crate::clock;
use crate::configuration::{ConfigError, optional, required};
use crate::trace::Keeper;

/// The namespace of all metrics.
const NAMESPACE: &str = "FibreEvaluation";

static STACK: OnceLock<String> = OnceLock::new();
static RELEASE: OnceLock<String> = OnceLock::new();

/// Starts logging; call it first. `STACK_NAME` says of which stack the metrics are, `RELEASE` what this release is
/// called.
pub fn start() -> Result<(), ConfigError> {
    start_logging();
    let (stack, release) = (required("STACK_NAME")?, required("RELEASE")?);
    STACK.get_or_init(|| stack);
    RELEASE.get_or_init(|| release);
    Ok(())
}

fn start_logging() {
    let format = optional("AWS_LAMBDA_LOG_FORMAT").unwrap_or_default();
    let lines = fmt::layer()
        .with_target(false)
        .with_timer(Clock)
        .with_ansi(false);
    let lines = match format.eq_ignore_ascii_case("json") {
        // The innermost span is the last of all that a line names.
        true => lines.json().with_current_span(false).boxed(),
        false => lines.boxed(),
    };
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = filter.from_env_lossy();
    // Who started it before, in the same process, has the same.
    drop(
        Registry::default()
            .with(filter)
            .with(Keeper)
            .with(lines)
            .try_init(),
    );
}

/// The time of a line.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", clock::now())
    }
}

/// What this release is called.
pub fn release() -> &'static str {
    RELEASE.get().map_or("", String::as_str)
}

/// Writes figures down. CloudWatch reads them off the function's output.
///
/// ```
/// use aws::telemetry::emit;
/// use evaluation::figures::{Figure, Metric};
///
/// emit(&[Figure::whether(Metric::CacheHit, true).by("full")]);
/// ```
pub fn emit(figures: &[Figure]) {
    let stack = STACK.get().map_or("", String::as_str);
    for line in lines(stack, figures, clock::now()) {
        if let Err(cause) = writeln!(std::io::stdout(), "{line}") {
            tracing::warn!(error = %cause, "metrics could not be written");
        }
    }
}

/// A line for all figures with the same dimensions.
fn lines(stack: &str, figures: &[Figure], now: Timestamp) -> Vec<Value> {
    let mut groups: BTreeMap<Option<(&str, &str)>, Vec<&Figure>> = BTreeMap::new();
    for figure in figures {
        let name = figure.metric.division().name();
        let group = groups.entry(name.zip(figure.divided.as_deref()));
        group.or_default().push(figure);
    }
    let line = |(divided, figures): (_, Vec<&Figure>)| line(stack, divided, &figures, now);
    groups.into_iter().map(line).collect()
}

fn line(stack: &str, divided: Option<(&str, &str)>, figures: &[&Figure], now: Timestamp) -> Value {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut declared = Vec::new();
    for figure in figures {
        let name = figure.metric.name();
        let values = values.entry(name).or_default();
        if values.is_empty() {
            declared.push(json!({"Name": name, "Unit": format!("{:?}", figure.metric.unit())}));
        }
        values.push(figure.value);
    }
    let mut dimensions = vec![json!(["Stack"])];
    let mut line = Map::new();
    line.insert("Stack".into(), json!(stack));
    if let Some((name, value)) = divided {
        dimensions.push(json!(["Stack", name]));
        line.insert(name.to_owned(), json!(value));
    }
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": declared});
    line.insert(
        "_aws".into(),
        json!({"Timestamp": now.as_millis(), "CloudWatchMetrics": [directive]}),
    );
    line.extend(values.into_iter().map(|(name, values)| {
        let value = match values.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        (name.to_owned(), value)
    }));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use evaluation::figures::Metric;

    use super::*;

    #[test]
    fn metrics_have_the_embedded_metric_format_for_the_whole_and_for_what_divides_them() {
        let figures = [
            Figure::of(Metric::PhotosReused, 3),
            Figure::whether(Metric::CacheHit, true).by("full"),
            Figure::of(Metric::PhotosReused, 4),
        ];
        let lines = lines("prod", &figures, Timestamp::from_millis(9));
        let whole = json!({"Namespace": "FibreEvaluation", "Dimensions": [["Stack"]], "Metrics": [
            {"Name": "PhotosReused", "Unit": "Count"}]});
        let divided = json!({"Namespace": "FibreEvaluation", "Dimensions": [["Stack"], ["Stack", "Mode"]], "Metrics": [
            {"Name": "CacheHit", "Unit": "Count"}]});
        assert_eq!(
            lines,
            [
                json!({"_aws": {"Timestamp": 9, "CloudWatchMetrics": [whole]}, "Stack": "prod", "PhotosReused": [3.0, 4.0]}),
                json!({"_aws": {"Timestamp": 9, "CloudWatchMetrics": [divided]}, "Stack": "prod", "Mode": "full", "CacheHit": 1.0}),
            ]
        );
    }

    #[test]
    fn nothing_measured_is_nothing_written() {
        assert!(lines("prod", &[], Timestamp::default()).is_empty());
    }
}
