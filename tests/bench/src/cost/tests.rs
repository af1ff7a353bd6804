//! Bills, worked out by hand.

use std::collections::BTreeMap;

use serde_json::json;

use super::bill::{Scenario, Standing, month, scenario, storage};
use super::meter::Meter;
use super::prices::{Architecture, Prices};
use super::{Measured, present};

/// As the strict layer answers.
fn meter() -> Meter {
    let answer = json!({
        "seconds": 12.3,
        "calls": [
            {"service": "dynamodb", "operation": "UpdateItem", "resource": "t", "caller": "dr-photos-aggregator",
             "count": 12, "failed": 0, "request_bytes": 9000, "response_bytes": 1200, "read_units": 0.0,
             "write_units": 14.0, "index_write_units": {"by_dr": 3.0, "active": 5.0}},
            {"service": "dynamodb", "operation": "GetItem", "resource": "t", "caller": "dr-photos-api",
             "count": 20, "failed": 0, "request_bytes": 0, "response_bytes": 0, "read_units": 40.0, "write_units": 0.0,
             "index_write_units": {}},
            {"service": "dynamodb", "operation": "Query", "resource": "t/index/active", "caller": "dr-photos-sweeper",
             "count": 2, "failed": 0, "request_bytes": 0, "response_bytes": 0, "read_units": 1.0, "write_units": 0.0,
             "index_write_units": {}},
            {"service": "sqs", "operation": "SendMessageBatch", "resource": "q", "caller": "dr-photos-splitter",
             "count": 2, "failed": 0, "request_bytes": 1, "response_bytes": 1, "messages": 16, "billed_requests": 3},
            {"service": "s3", "operation": "PutObject", "resource": "b", "caller": "", "count": 16, "failed": 0,
             "request_bytes": 0, "response_bytes": 0, "tier": "put"},
            {"service": "s3", "operation": "GetObject", "resource": "b", "caller": "dr-photos-batch", "count": 16,
             "failed": 0, "request_bytes": 0, "response_bytes": 40000000, "tier": "get"},
            {"service": "s3", "operation": "DeleteObject", "resource": "b", "caller": "", "count": 9, "failed": 0,
             "request_bytes": 0, "response_bytes": 0, "tier": "free"},
            {"service": "execute-api", "operation": "GET /evaluations/*", "resource": "a", "caller": "", "count": 10,
             "failed": 0, "request_bytes": 0, "response_bytes": 200000},
            {"service": "secretsmanager", "operation": "GetSecretValue", "resource": "", "caller": "dr-photos-batch",
             "count": 2, "failed": 0, "request_bytes": 0, "response_bytes": 0}
        ],
        "functions": [
            {"function": "dr-photos-batch", "source": "q", "invocations": 8, "records": 8, "errors": 0,
             "cold_starts": 2, "init_ms": 500.0, "duration_ms": 31500.0, "memory_mb": 2048, "log_bytes": 2000000,
             "longest_chain": 1},
            {"function": "dr-photos-api", "source": "execute-api", "invocations": 10, "records": 0, "errors": 0,
             "cold_starts": 0, "init_ms": 0.0, "duration_ms": 400.0, "memory_mb": 256, "log_bytes": 0,
             "longest_chain": 0},
            {"function": "dr-photos-sweeper", "source": "schedule", "invocations": 2, "records": 0, "errors": 0,
             "cold_starts": 0, "init_ms": 0.0, "duration_ms": 160.0, "memory_mb": 256, "log_bytes": 0,
             "longest_chain": 0}
        ]
    });
    serde_json::from_value(answer).unwrap()
}

fn full() -> Scenario {
    Scenario {
        took_ms: 4_000.0,
        photos_asked: 16.0,
        sent_bytes: 1_500_000.0,
        prepared_ms: 850.0,
        photo_bytes: 60_000_000.0,
        meter: meter().without_sweeps().0,
    }
}

fn near(found: f64, by_hand: f64) {
    assert!(
        (found - by_hand).abs() <= by_hand * 1e-9,
        "{found} and not {by_hand}"
    );
}

#[test]
fn each_service_costs_what_it_costs_by_hand() {
    let bill = scenario(&full(), &Prices::shipped().unwrap(), Architecture::X86_64);
    // 2 GB for 31.5 s, without 8 x 0.85 s and with 8 x 0.1 s and 16 x 0.054 s; and 8 requests.
    near(
        bill.of("Lambda, batch"),
        52.728 * 0.000_016_666_7 + 8.0 * 2e-7,
    );
    // A quarter of a GB for 0.4 s, and 10 requests.
    near(
        bill.of("Lambda, the others"),
        0.1 * 0.000_016_666_7 + 10.0 * 2e-7,
    );
    // 14 of the table, 3 and 5 of its indexes.
    near(bill.of("DynamoDB, writes"), 22.0 * 6.25e-7);
    near(bill.of("DynamoDB, reads"), 40.0 * 1.25e-7);
    // 3 sent, 8 received and 8 deleted, 16 from S3.
    near(bill.of("SQS"), 35.0 * 4e-7);
    near(bill.of("S3, requests"), 16.0 * 5e-6 + 16.0 * 4e-7);
    near(bill.of("API Gateway"), 10.0 * 1e-6);
    near(bill.of("Secrets Manager"), 2.0 * 5e-6);
    near(bill.of("CloudWatch, logs"), 0.002 * 0.5);
    // 2 MB of base64, and 16 prompts.
    near(bill.of("data to the VLM"), 0.002_128 * 0.09);
    near(bill.of("data to the app"), 0.000_2 * 0.09);
    near(
        bill.total(),
        bill.0.iter().map(|(_, dollars)| dollars).sum(),
    );
}

#[test]
fn arm_takes_a_fifth_less_of_the_seconds() {
    let prices = Prices::shipped().unwrap();
    let bill = scenario(&full(), &prices, Architecture::Arm64);
    near(
        bill.of("Lambda, batch"),
        52.728 * 0.000_013_333_4 + 8.0 * 2e-7,
    );
}

#[test]
fn a_month_without_a_dr_costs_the_sweeper_the_polls_and_what_stands() {
    let standing = Standing {
        queues: 2.0,
        alarms: 3.0,
        secrets: 1.0,
        ..Standing::default()
    };
    let sweeps = meter().without_sweeps().1;
    let bill = month(
        &standing,
        &sweeps,
        &Prices::shipped().unwrap(),
        Architecture::X86_64,
    );
    // 30.4375 days have 43,830 minutes. Two runs took 0.04 GB-seconds and read one unit.
    let run = (0.04 * 0.000_016_666_7 + 2.0 * 2e-7 + 1.25e-7) / 2.0;
    near(bill.of("sweeper, once a minute"), 43_830.0 * run);
    near(
        bill.of("empty polls of the queues"),
        2.0 * 15.0 * 43_830.0 * 4e-7,
    );
    near(bill.of("alarms"), 0.3);
    near(bill.of("secret"), 0.4);
}

#[test]
fn keeping_a_dr_costs_by_its_bytes() {
    let standing = Standing {
        photo_days: 60.875,
        verdict_days: 91.3125,
        ..Standing::default()
    };
    let bill = storage(&full(), &standing, &Prices::shipped().unwrap());
    // Two months of photos, three of the evaluation.
    near(bill.of("photos in S3"), 2.0 * 0.06 * 0.023);
    // 20,000 bytes, and their backup.
    near(bill.of("evaluation in the table"), 3.0 * 0.000_02 * 0.45);
}

#[test]
fn the_report_holds_before_and_now_and_reads_back() {
    let measured = Measured {
        made_with: "a test".into(),
        architecture: Architecture::X86_64,
        scenarios: BTreeMap::from([("full".to_owned(), full())]),
        sweeps: meter().without_sweeps().1,
        standing: Standing::default(),
    };
    let prices = Prices::shipped().unwrap();
    let text = serde_json::to_string(&measured).unwrap();
    let again: Measured = serde_json::from_str(&text).unwrap();
    let report = present::json(&again, &measured, &prices);
    assert_eq!(report["before"], report["now"]);
    let dr = &report["now"]["a_dr_by_drs_a_day"];
    assert!(dr["100"].as_f64() > dr["100000"].as_f64());
    assert!(present::text(&again, &measured, &prices).contains("Lambda, batch"));
}

#[test]
fn what_was_recorded_before_can_be_read() {
    let before: Measured = serde_json::from_str(include_str!("before.json")).unwrap();
    assert!(before.scenarios.contains_key("full"));
}
