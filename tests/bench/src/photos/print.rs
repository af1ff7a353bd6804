//! The comparison for a person: a table, a chart, and the promises with what was measured.

use super::result::{Comparison, Memory, Row, Sent, Summary};
use super::split::over_floor;
use crate::report::chart::bar;
use crate::report::table::Table;

/// Characters of the longest bar.
const BAR: usize = 40;

/// The whole report.
pub(crate) fn report(found: &Comparison) -> String {
    let head = format!(
        "Photos: {} ({}); long edge {} px, JPEG quality {}, sharp's {}, {} rounds. Times from reading the file to base64.",
        found.photos_from,
        found.rows.len(),
        found.long_edge,
        found.jpeg_quality,
        found.sharp_jpeg_quality,
        found.rounds
    );
    let refused = found
        .rows
        .iter()
        .flat_map(refusals)
        .collect::<Vec<_>>()
        .join("\n");
    let floor = found.over_entropy_floor.map(over_floor).unwrap_or_default();
    let parts = [
        head,
        photos(&found.rows),
        refused,
        chart(&found.rows),
        memory(&found.memory),
        promises(found),
        floor,
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn photos(rows: &[Row]) -> String {
    let mut table = Table::new([
        "photo",
        "MP",
        "MB",
        "ms",
        "sharp ms",
        "ratio",
        "quartiles",
        "CPU ratio",
        "kB",
        "sharp kB",
        "tokens",
        "quality",
        "sharp's",
        "delta",
    ]);
    for row in rows {
        let (ours, sharp) = (row.ours.as_ref().ok(), row.sharp.as_ref().ok());
        table.row([
            short(&row.photo),
            shown(row.megapixels, 1),
            shown(Some(row.original_bytes as f64 / 1e6), 1),
            shown(ours.map(|sent| sent.ms.median), 1),
            shown(sharp.map(|sent| sent.ms.median), 1),
            shown(row.time_ratio.map(|ratio| ratio.median), 2),
            row.time_ratio.map_or("–".into(), |ratio| {
                format!("{:.2}–{:.2}", ratio.q1, ratio.q3)
            }),
            shown(row.cpu_ratio, 2),
            shown(ours.map(kilobytes), 0),
            shown(sharp.map(kilobytes), 0),
            shown(ours.map(|sent| sent.image_tokens.into()), 0),
            shown(ours.and_then(|sent| sent.quality), 1),
            shown(sharp.and_then(|sent| sent.quality), 1),
            row.quality_delta()
                .map_or("–".into(), |delta| format!("{delta:+.2}")),
        ]);
    }
    table.render()
}

fn kilobytes(sent: &Sent) -> f64 {
    sent.bytes as f64 / 1e3
}

fn refusals(row: &Row) -> Vec<String> {
    let say = |side: &str, sent: &Result<Sent, _>| {
        let refusal: &super::result::Refusal = sent.as_ref().err()?;
        let reason = refusal.refused.lines().last().unwrap_or_default();
        Some(format!("{side} does not read {}: {reason}", row.photo))
    };
    [say("this pipeline", &row.ours), say("sharp", &row.sharp)]
        .into_iter()
        .flatten()
        .collect()
}

fn chart(rows: &[Row]) -> String {
    let times = rows
        .iter()
        .flat_map(|row| [&row.ours, &row.sharp])
        .filter_map(|sent| sent.as_ref().ok());
    let most = times.map(|sent| sent.ms.median).fold(0.0, f64::max);
    let line = |name: &str, sent: &Result<Sent, _>| {
        let sent: &Sent = sent.as_ref().ok()?;
        Some(format!(
            "{name:<8}{} {:.0} ms",
            bar(sent.ms.median, most, BAR),
            sent.ms.median
        ))
    };
    let pair = |row: &Row| {
        let bars = [line("  ours", &row.ours), line("  sharp", &row.sharp)]
            .into_iter()
            .flatten();
        [short(&row.photo)]
            .into_iter()
            .chain(bars)
            .collect::<Vec<_>>()
            .join("\n")
    };
    rows.iter().map(pair).collect::<Vec<_>>().join("\n")
}

/// The table of peak memory.
pub(crate) fn memory(sets: &[Memory]) -> String {
    let mut table = Table::new([
        "peak memory, two threads",
        "photos",
        "MiB",
        "limit",
        "sharp's MiB",
        "ratio",
    ]);
    for set in sets {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        table.row([
            set.photos.into(),
            set.count.to_string(),
            shown(Some(mib(set.ours_bytes)), 0),
            format!(
                "{:.0} {}",
                mib(set.limit_bytes),
                met(set.ours_bytes <= set.limit_bytes)
            ),
            shown(set.sharp_bytes.map(mib), 0),
            shown(super::summary::memory_ratio(set), 2),
        ]);
    }
    table.render()
}

fn promises(found: &Comparison) -> String {
    let Summary {
        time_ratio_1_thread_spread: one,
        time_ratio_2_threads_spread: two,
        ..
    } = found.summary;
    let s = &found.summary;
    let mut table = Table::new(["over sharp's", "measured", "quartiles", "promised", ""]);
    let mut row =
        |what: &str, measured: String, quartiles: String, promised: &str, kept: Option<bool>| {
            table.row([
                what.into(),
                measured,
                quartiles,
                promised.into(),
                kept.map_or("", met).into(),
            ]);
        };
    let ratio = |value: f64| format!("{value:.2}");
    let quartiles = |q1: f64, q3: f64| format!("{q1:.2}–{q3:.2}");
    let cpu = String::new;
    row(
        "time, 1 thread",
        ratio(one.median),
        quartiles(one.q1, one.q3),
        "≤ 0.75",
        Some(one.median <= 0.75),
    );
    row(
        "CPU time, 1 thread",
        ratio(s.cpu_ratio_1_thread),
        cpu(),
        "",
        None,
    );
    row(
        "time, five photos at 2 threads",
        ratio(two.median),
        quartiles(two.q1, two.q3),
        "≤ 0.75",
        Some(two.median <= 0.75),
    );
    row(
        "CPU time, five photos at 2 threads",
        ratio(s.cpu_ratio_2_threads),
        cpu(),
        "",
        None,
    );
    row(
        "peak memory, worse set",
        ratio(s.peak_memory_ratio),
        cpu(),
        "< 1",
        Some(s.peak_memory_ratio < 1.0),
    );
    row(
        "bytes, median",
        format!("{:.3}", s.bytes_ratio),
        cpu(),
        "≤ 1.05",
        Some(s.bytes_ratio <= 1.05),
    );
    row(
        "bytes, all photos",
        format!("{:.3}", s.bytes_ratio_total),
        cpu(),
        "≤ 1.05",
        Some(s.bytes_ratio_total <= 1.05),
    );
    let worst = s.worst_quality_delta;
    row(
        "SSIMULACRA2 less sharp's, worst photo",
        format!("{worst:+.2}"),
        cpu(),
        "≥ −0.5",
        Some(worst >= -0.5),
    );
    row(
        "SSIMULACRA2 less sharp's, median",
        format!("{:+.2}", s.median_quality_delta),
        cpu(),
        "",
        None,
    );
    if let Some(least) = s.least_payload_reduction {
        row(
            "payload saved, least, photos ≥ 2 MB",
            format!("{:.1} %", least * 100.0),
            cpu(),
            "≥ 70 %",
            Some(least >= 0.7),
        );
    }
    table.render()
}

fn met(kept: bool) -> &'static str {
    if kept { "✓" } else { "✗ MISSED" }
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |value| format!("{value:.digits$}"))
}

fn short(name: &str) -> String {
    name.chars().take(32).collect()
}
