//! The report.

use serde_json::{Value, json};

use super::Measured;
use super::bill::{self, Bill, DAYS_A_MONTH};
use super::prices::Prices;
use crate::report::table::table;

/// DRs a day over which what stands is spread.
const A_DAY: [f64; 3] = [100.0, 10_000.0, 100_000.0];
const SCENARIOS: [&str; 3] = ["full", "quick", "cached"];

/// The bills of one run.
struct Bills {
    scenarios: Vec<Bill>,
    storage: Bill,
    month: Bill,
}

impl Bills {
    fn of(measured: &Measured, prices: &Prices) -> Self {
        let architecture = measured.architecture;
        let scenario = |name: &str| measured.scenarios.get(name).cloned().unwrap_or_default();
        Self {
            scenarios: SCENARIOS
                .iter()
                .map(|name| bill::scenario(&scenario(name), prices, architecture))
                .collect(),
            storage: bill::storage(&scenario("full"), &measured.standing, prices),
            month: bill::month(&measured.standing, &measured.sweeps, prices, architecture),
        }
    }

    /// Of a DR that is evaluated in full, where there are so many a day.
    fn of_a_dr(&self, a_day: f64) -> f64 {
        let full = self.scenarios.first().map_or(0.0, Bill::total);
        full + self.month.total() / (a_day * DAYS_A_MONTH)
    }
}

/// Tables.
pub(crate) fn text(before: &Measured, now: &Measured, prices: &Prices) -> String {
    let [was, is] = [before, now].map(|measured| Bills::of(measured, prices));
    [
        format!(
            "Prices of {}, {}. {}\nbefore: {}\nnow:    {}\n{}",
            prices.dated,
            prices.region,
            prices.note,
            before.made_with,
            now.made_with,
            times(before, now)
        ),
        services(&was, &is),
        volumes(&was, &is),
        beside(&was, &is),
    ]
    .join("\n\n")
}

fn times(before: &Measured, now: &Measured) -> String {
    let of = |measured: &Measured, name: &str| {
        let took = measured
            .scenarios
            .get(name)
            .map_or(0.0, |found| found.took_ms);
        format!("{:.1}", took / 1000.0)
    };
    let each = |name: &&str| format!("{name} {} and {} s", of(before, name), of(now, name));
    let all: Vec<String> = SCENARIOS.iter().map(each).collect();
    format!(
        "until the verdict was seen, before and now: {}",
        all.join(", ")
    )
}

/// Millionths of a dollar, which is a dollar for a million DRs.
fn dollars(value: f64) -> String {
    // Of nothing a sum is -0.
    format!("{:.0}", value * 1e6 + 0.0)
}

fn services(was: &Bills, is: &Bills) -> String {
    let head = [
        "$ for a million",
        "full, before",
        "full, now",
        "share",
        "quick, now",
        "cached, now",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    let of = |bills: &Bills, at: usize, name: &str| {
        bills.scenarios.get(at).map_or(0.0, |bill| bill.of(name))
    };
    let total = |bills: &Bills, at: usize| bills.scenarios.get(at).map_or(0.0, Bill::total);
    let first = is.scenarios.first().cloned().unwrap_or_default();
    for (name, now) in &first.0 {
        let share = 100.0 * now / first.total().max(f64::MIN_POSITIVE);
        rows.push(vec![
            (*name).to_owned(),
            dollars(of(was, 0, name)),
            dollars(*now),
            format!("{share:.0} %"),
            dollars(of(is, 1, name)),
            dollars(of(is, 2, name)),
        ]);
    }
    rows.push(vec![
        "together".into(),
        dollars(total(was, 0)),
        dollars(total(is, 0)),
        "100 %".into(),
        dollars(total(is, 1)),
        dollars(total(is, 2)),
    ]);
    table(&rows)
}

fn volumes(was: &Bills, is: &Bills) -> String {
    let mut rows = vec![
        [
            "DRs a day",
            "$ a DR, before",
            "$ a DR, now",
            "$ a month, now",
        ]
        .map(String::from)
        .to_vec(),
    ];
    for a_day in A_DAY {
        rows.push(vec![
            format!("{a_day:.0}"),
            format!("{:.5}", was.of_a_dr(a_day)),
            format!("{:.5}", is.of_a_dr(a_day)),
            format!("{:.0}", is.of_a_dr(a_day) * a_day * DAYS_A_MONTH),
        ]);
    }
    table(&rows)
}

/// What stands, and what is kept.
fn beside(was: &Bills, is: &Bills) -> String {
    let mut rows = vec![
        ["$ a month, whatever is evaluated", "before", "now"]
            .map(String::from)
            .to_vec(),
    ];
    for (name, now) in &is.month.0 {
        rows.push(vec![
            (*name).into(),
            format!("{:.2}", was.month.of(name)),
            format!("{now:.2}"),
        ]);
    }
    let mut kept = vec![vec![
        "$ a DR for as long as it is kept".into(),
        "now".into(),
    ]];
    for (name, now) in &is.storage.0 {
        kept.push(vec![(*name).into(), format!("{now:.5}")]);
    }
    [table(&rows), table(&kept)].join("\n\n")
}

/// For programs.
pub(crate) fn json(before: &Measured, now: &Measured, prices: &Prices) -> Value {
    let of = |measured: &Measured| {
        let bills = Bills::of(measured, prices);
        let bill = |bill: &Bill| {
            json!(
                bill.0
                    .iter()
                    .copied()
                    .collect::<std::collections::BTreeMap<_, _>>()
            )
        };
        let scenarios: serde_json::Map<String, Value> = SCENARIOS
            .iter()
            .zip(&bills.scenarios)
            .map(|(name, found)| {
                (
                    (*name).to_owned(),
                    json!({"by_service": bill(found), "together": found.total()}),
                )
            })
            .collect();
        let a_day: serde_json::Map<String, Value> = A_DAY
            .iter()
            .map(|a_day| (format!("{a_day:.0}"), json!(bills.of_a_dr(*a_day))))
            .collect();
        json!({"made_with": measured.made_with, "architecture": measured.architecture, "scenarios": scenarios,
            "a_dr_by_drs_a_day": a_day, "a_month": bill(&bills.month), "kept": bill(&bills.storage)})
    };
    json!({"prices": {"dated": prices.dated, "region": prices.region, "sources": prices.sources},
        "before": of(before), "now": of(now)})
}
