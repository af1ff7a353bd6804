//! From what was counted to dollars. Pure.

use serde::{Deserialize, Serialize};

use super::meter::{Meter, Runs};
use super::prices::{Architecture, Prices};

const GB: f64 = 1e9;
/// Of a month of 365.25 / 12 days.
pub(crate) const DAYS_A_MONTH: f64 = 30.4375;
const MINUTES_A_MONTH: f64 = DAYS_A_MONTH * 24.0 * 60.0;
/// What an event source asks a queue with, at least, and how often each asks that waits 20 s for a message.
const POLLERS: f64 = 5.0;
const POLLS_A_MINUTE: f64 = 3.0;
/// A request to the VLM beside its photo: the prompt with the steps, and the answer's shape.
const PROMPT_BYTES: f64 = 8_000.0;
/// Base64 of a photo.
const BASE64: f64 = 4.0 / 3.0;
/// On Lambda, which has S3 beside it and a core for each invocation: its photos are fetched at the same time and
/// compressed one after another, as npm's sharp takes on one thread, which is longer than ours. Here they come through an
/// emulator, to functions that share the cores.
const FETCH_MS: f64 = 100.0;
const COMPRESS_MS: f64 = 54.0;

/// What one thing that users do was counted to take.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Scenario {
    /// From the request until the verdict was seen, in milliseconds.
    pub(crate) took_ms: f64,
    /// Photos that the VLM was asked about.
    pub(crate) photos_asked: f64,
    /// Bytes of their JPEGs as they were sent.
    pub(crate) sent_bytes: f64,
    /// From asking for a photo until it was compressed, here, in the mean and in milliseconds.
    pub(crate) prepared_ms: f64,
    /// Bytes of the photos as they were taken, uploaded for it.
    pub(crate) photo_bytes: f64,
    pub(crate) meter: Meter,
}

/// What the stack consists of, as far as it costs something by itself.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Queues that a function reads.
    pub(crate) queues: f64,
    pub(crate) alarms: f64,
    pub(crate) secrets: f64,
    /// How many days photos are kept.
    pub(crate) photo_days: f64,
    /// How many days evaluations are kept.
    pub(crate) verdict_days: f64,
}

/// Dollars by service, in a fixed order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Bill(pub(crate) Vec<(&'static str, f64)>);

impl Bill {
    /// All together.
    pub(crate) fn total(&self) -> f64 {
        self.0.iter().map(|(_, dollars)| dollars).sum()
    }

    /// Of one service.
    pub(crate) fn of(&self, service: &str) -> f64 {
        let found = self.0.iter().find(|(name, _)| *name == service);
        found.map_or(0.0, |(_, dollars)| *dollars)
    }
}

/// What a scenario costs, but for keeping what it left.
pub(crate) fn scenario(scenario: &Scenario, prices: &Prices, architecture: Architecture) -> Bill {
    let meter = &scenario.meter;
    let is_batch = |runs: &&Runs| runs.function.ends_with("batch");
    let (batch, others): (Vec<&Runs>, Vec<&Runs>) = meter.functions.iter().partition(is_batch);
    let to_the_vlm = scenario.sent_bytes * BASE64 + scenario.photos_asked * PROMPT_BYTES;
    let to_the_app: f64 = meter
        .of("execute-api")
        .map(|calls| calls.response_bytes)
        .sum();
    Bill(vec![
        (
            "Lambda, batch",
            lambda(&batch, prices, architecture)
                + elsewhere(scenario, &batch) * prices.gb_second(architecture),
        ),
        ("Lambda, the others", lambda(&others, prices, architecture)),
        (
            "DynamoDB, writes",
            prices.dynamodb_write_unit * write_units(meter),
        ),
        (
            "DynamoDB, reads",
            prices.dynamodb_read_unit * read_units(meter),
        ),
        ("SQS", prices.sqs_request * queue_requests(meter)),
        ("S3, requests", s3(meter, prices)),
        (
            "API Gateway",
            prices.api_request * count(meter, "execute-api"),
        ),
        (
            "Secrets Manager",
            prices.secret_call * count(meter, "secretsmanager"),
        ),
        ("CloudWatch, logs", logs(meter, prices)),
        ("data to the VLM", prices.out_gb * to_the_vlm / GB),
        ("data to the app", prices.out_gb * to_the_app / GB),
    ])
}

/// What keeping a DR costs, for as long as it is kept: its photos, and its evaluation, of which the answer to a look is
/// taken for the size, with its backup.
pub(crate) fn storage(scenario: &Scenario, standing: &Standing, prices: &Prices) -> Bill {
    let looks = scenario
        .meter
        .of("execute-api")
        .filter(|calls| calls.operation.starts_with("GET"));
    let largest = looks.map(|calls| calls.response_bytes / calls.count.max(1.0));
    let evaluation = largest.fold(0.0, f64::max);
    let table = prices.dynamodb_gb_month + prices.dynamodb_backup_gb_month;
    let gb_months = |bytes: f64, days: f64| bytes / GB * days / DAYS_A_MONTH;
    let photos = gb_months(scenario.photo_bytes, standing.photo_days);
    Bill(vec![
        ("photos in S3", prices.s3_gb_month * photos),
        (
            "evaluation in the table",
            table * gb_months(evaluation, standing.verdict_days),
        ),
    ])
}

/// What the stack costs in a month in which nothing is evaluated.
pub(crate) fn month(
    standing: &Standing,
    sweeps: &Meter,
    prices: &Prices,
    architecture: Architecture,
) -> Bill {
    let runs: Vec<&Runs> = sweeps.functions.iter().collect();
    let count: f64 = runs.iter().map(|runs| runs.invocations).sum();
    let each = |dollars: f64| dollars / count.max(1.0) * MINUTES_A_MONTH;
    let sweeper = lambda(&runs, prices, architecture)
        + prices.dynamodb_read_unit * read_units(sweeps)
        + prices.dynamodb_write_unit * write_units(sweeps)
        + logs(sweeps, prices);
    let polls = standing.queues * POLLERS * POLLS_A_MINUTE * MINUTES_A_MONTH;
    Bill(vec![
        ("sweeper, once a minute", each(sweeper)),
        ("empty polls of the queues", prices.sqs_request * polls),
        ("alarms", prices.alarm_month * standing.alarms),
        ("secret", prices.secret_month * standing.secrets),
    ])
}

fn lambda(runs: &[&Runs], prices: &Prices, architecture: Architecture) -> f64 {
    let of = |runs: &&Runs| {
        runs.gb_seconds() * prices.gb_second(architecture)
            + runs.invocations * prices.lambda_request
    };
    runs.iter().map(of).sum()
}

/// The gigabyte-seconds that preparing photos takes more on Lambda than here; less than none where it takes less.
fn elsewhere(scenario: &Scenario, batch: &[&Runs]) -> f64 {
    let fetches = scenario
        .meter
        .of("s3")
        .filter(|calls| calls.operation == "GetObject");
    let photos: f64 = fetches.map(|calls| calls.count).sum();
    let invocations: f64 = batch.iter().map(|runs| runs.invocations).sum();
    let memory = batch.first().map_or(0.0, |runs| runs.memory_mb / 1024.0);
    let ms = invocations * (FETCH_MS - scenario.prepared_ms) + photos * COMPRESS_MS;
    memory * ms / 1000.0
}

/// Of the table and its indexes.
fn write_units(meter: &Meter) -> f64 {
    let calls = meter.of("dynamodb");
    calls
        .map(|calls| calls.write_units + calls.index_write_units.values().sum::<f64>())
        .sum()
}

fn read_units(meter: &Meter) -> f64 {
    meter.of("dynamodb").map(|calls| calls.read_units).sum()
}

/// What was sent, and what the layer does not see: event sources receive and delete once for each invocation, and S3
/// sends a message for each photo.
fn queue_requests(meter: &Meter) -> f64 {
    let sent: f64 = meter.of("sqs").map(|calls| calls.billed_requests).sum();
    let of_queues = meter.functions.iter().filter(|runs| runs.reads_a_queue());
    let read: f64 = of_queues.map(|runs| 2.0 * runs.invocations).sum();
    let uploads = meter
        .of("s3")
        .filter(|calls| calls.operation == "PutObject");
    sent + read + uploads.map(|calls| calls.count).sum::<f64>()
}

fn s3(meter: &Meter, prices: &Prices) -> f64 {
    let of = |tier: &str| -> f64 {
        meter
            .of("s3")
            .filter(|calls| calls.tier == tier)
            .map(|calls| calls.count)
            .sum()
    };
    prices.s3_put * of("put") + prices.s3_get * of("get")
}

fn count(meter: &Meter, service: &str) -> f64 {
    meter.of(service).map(|calls| calls.count).sum()
}

fn logs(meter: &Meter, prices: &Prices) -> f64 {
    prices.logs_gb
        * meter
            .functions
            .iter()
            .map(|runs| runs.log_bytes)
            .sum::<f64>()
        / GB
}
