//! The report for people.

use super::fit::{Fit, Residual};
use super::{Optimum, Report, Row};
use crate::report::chart::bars;
use crate::report::table::Table;

/// Fit, rows, chart and optima.
pub(crate) fn text(report: &Report) -> String {
    let measured = match &report.latency {
        Some(path) => format!("the server's rates are those of {path}"),
        None => "no GPU was measured".into(),
    };
    let said = format!(
        "A calibrated simulation in virtual time: {measured}. The same server for all; the predecessor's time-outs are left \
         out, in its favour."
    );
    let fitted = match &report.latency {
        Some(_) => String::new(),
        None => fit(&report.fit, &report.residuals),
    };
    let chart: Vec<_> = report
        .rows
        .iter()
        .filter(|row| row.drs == "DR1730550" && row.limit == 16)
        .collect();
    let chart: Vec<_> = chart
        .into_iter()
        .map(|row| {
            (
                row.system.name().to_owned(),
                row.cost.last_s,
                format!("{:.1} s", row.cost.last_s),
            )
        })
        .collect();
    format!(
        "{said}\n\n{}\n\nDR1730550 (16 photos), 16 running\n{}\n\nPhotos per request, this system in full mode, seconds\n{}\n\n{}",
        rows(&report.rows),
        bars(&chart),
        optima(&report.optima),
        fitted,
    )
}

fn rows(rows: &[Row]) -> String {
    let columns = [
        "system",
        "DRs",
        "photos",
        "limit",
        "s",
        "mean s",
        "x phase 0",
        "tokens in",
        "out",
        "requests",
        "MB",
    ];
    let mut table = Table::new(columns);
    for row in rows {
        let cost = row.cost;
        table.row([
            row.system.name().to_owned(),
            row.drs.clone(),
            row.photos.to_string(),
            row.limit.to_string(),
            format!("{:.1}", cost.last_s),
            format!("{:.1}", cost.mean_s),
            format!("{:.1}", row.ratio),
            format!("{:.0}", cost.tokens_in),
            format!("{:.0}", cost.tokens_out),
            cost.requests.to_string(),
            format!("{:.1}", cost.payload_mb),
        ]);
    }
    table.render()
}

fn optima(optima: &[Optimum]) -> String {
    let mut table = Table::new([
        "DRs", "limit", "1", "2", "3", "4", "5", "6", "7", "8", "best",
    ]);
    for optimum in optima {
        let at = |photos: usize| {
            optimum
                .seconds
                .get(photos - 1)
                .map_or(String::new(), |s| format!("{s:.1}"))
        };
        let [one, two, three, four, five, six, seven, eight] = [1, 2, 3, 4, 5, 6, 7, 8].map(at);
        let (drs, limit, best) = (
            optimum.drs.clone(),
            optimum.limit.to_string(),
            optimum.best().to_string(),
        );
        table.row([
            drs, limit, one, two, three, four, five, six, seven, eight, best,
        ]);
    }
    table.render()
}

/// The rates, and what is left of each published figure.
pub(crate) fn fit(fit: &Fit, residuals: &[Residual]) -> String {
    let mut table = Table::new(["published", "from", "to", "model", "off"]);
    for left in residuals {
        table.row([
            left.name.clone(),
            format!("{:.1}", left.low),
            format!("{:.1}", left.high),
            format!("{:.1}", left.model),
            format!("{:+.1} %", left.off_percent),
        ]);
    }
    let rates = fit.rates;
    format!(
        "Fitted to published times (seconds, where nothing else is said):\n{}\n\nreading {:.4} ms a token, writing {:.3} ms \
         a token alone and {:.3} more for each other answer;\n{:.0} tokens an answer to one prompt for all steps; a KV cache of \
         {} tokens (any of {} to {} explains the times as well)",
        table.render(),
        rates.prefill_ms_per_token,
        rates.decode_ms_per_token,
        rates.decode_ms_per_token_and_other_request,
        fit.one_prompt_tokens,
        rates.kv_tokens,
        fit.kv_range.0,
        fit.kv_range.1,
    )
}
