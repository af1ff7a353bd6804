//! The report for people.

use std::time::Duration;

use super::measure::Measured;
use crate::report::chart::bars;
use crate::report::percentile::{millis, percentile};
use crate::report::table::{row, table};

/// The share of the fastest evaluation that a cached answer may take.
const REQUIRED: f64 = 1.0 / 20.0;

/// Tables and a chart.
pub(crate) fn text(measured: &Measured) -> String {
    let times = |what: &str, times: &[Duration]| {
        let at = |percent| format!("{:.1}", millis(percentile(times, percent)));
        vec![
            what.to_owned(),
            times.len().to_string(),
            at(50.0),
            at(95.0),
            at(99.0),
        ]
    };
    let rows = [
        row(["ms", "requests", "P50", "P95", "P99"]),
        times("POST /evaluations, cached", &measured.cached),
        times("  of which the table", &measured.lookups),
        times("GET /evaluations/{id}", &measured.reads),
    ];
    let (fastest, cached) = (measured.fastest(), percentile(&measured.cached, 50.0));
    let bar = |what: &str, time: Duration| {
        (
            what.to_owned(),
            millis(time),
            format!("{:.0} ms", millis(time)),
        )
    };
    let chart = bars(&[
        bar("evaluated anew, fastest", fastest),
        bar("cached, P50", cached),
    ]);
    let shares = measured.shares();
    let share = 100.0 * shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    format!(
        "{} photos; the VLM is {}{}; local stack, functions built without optimisation.\n\n{chart}\n\n\
         A cached answer takes {} of the fastest of {} evaluations (P99: {}); required: less than {:.0} %: {}.\n\n{}\n\n\
         The look at the table is {share:.1} % of a cached request's latency, on average.",
        measured.photos,
        if measured.simulated {
            "the SIMULATION "
        } else {
            ""
        },
        measured.model,
        ratio(measured.ratio(50.0)),
        measured.uncached.len(),
        ratio(measured.ratio(99.0)),
        100.0 * REQUIRED,
        if measured.ratio(50.0) < REQUIRED {
            "yes"
        } else {
            "NO"
        },
        table(&rows),
    )
}

/// `0.42 % (1/238)`.
fn ratio(share: f64) -> String {
    format!(
        "{:.2} % (1/{:.0})",
        100.0 * share,
        1.0 / share.max(f64::MIN_POSITIVE)
    )
}
