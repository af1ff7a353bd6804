//! The comparison for a person: a table, a chart, and the promises with what was measured.

use super::attempt;
use super::result::{Comparison, Memory, Peaks, Refusal, Row, Sent, Summary};
use super::split::over_floor;
use crate::report::chart::bar;
use crate::report::spread::Spread;
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
    let parts = [
        head,
        photos(&found.rows),
        chart(&found.rows),
        memory(&found.memory),
        promised(found),
        found.over_entropy_floor.map(over_floor).unwrap_or_default(),
    ];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The table of photos.
pub(crate) fn photos(rows: &[Row]) -> String {
    let wrong: Vec<String> = rows.iter().map(wrong).collect();
    let width = wrong.iter().map(|text| text.chars().count()).max();
    // The table's columns but the first stand to the right; sentences are read from the left.
    let left = |text: &str| format!("{text:<width$}", width = width.unwrap_or(0));
    let is_any_wrong = wrong.iter().any(|text| !text.is_empty());
    let head = left(if is_any_wrong { "what went wrong" } else { "" });
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
        head.as_str(),
    ]);
    for (row, wrong) in rows.iter().zip(&wrong) {
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
            left(wrong),
        ]);
    }
    table.render()
}

fn kilobytes(sent: &Sent) -> f64 {
    sent.bytes as f64 / 1e3
}

/// Why cells of the row are empty, if they are.
fn wrong(row: &Row) -> String {
    let [ours, sharp] = [&row.ours, &row.sharp].map(why);
    if ours == sharp {
        // Of both sides, as when there is no reference.
        return ours.unwrap_or_default();
    }
    let ours = ours.map(|why| format!("this pipeline: {why}"));
    let sharp = sharp.map(|why| format!("sharp: {why}"));
    let both = [ours, sharp].into_iter().flatten();
    both.collect::<Vec<_>>().join("; ")
}

fn why(sent: &Result<Sent, Refusal>) -> Option<String> {
    // What sharp says of a file may be of several lines, and the last one is the reason.
    let last = |reason: &str| reason.lines().last().unwrap_or_default().to_owned();
    match sent {
        Ok(sent) => sent
            .no_quality
            .as_deref()
            .map(|reason| format!("no quality: {}", last(reason))),
        Err(Refusal { refused }) => Some(format!("refused: {}", last(refused))),
    }
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
    let measured = rows
        .iter()
        .filter(|row| row.ours.is_ok() || row.sharp.is_ok());
    measured.map(pair).collect::<Vec<_>>().join("\n")
}

/// Peak memory.
pub(crate) fn memory(peaks: &Peaks) -> String {
    let sets = if peaks.memory.is_empty() {
        "There is no baseline JPEG of 12 megapixels to measure memory with.".into()
    } else {
        memory_table(&peaks.memory)
    };
    let left_out = attempt::report(&peaks.left_out_of_memory);
    [sets, left_out].join("\n\n").trim_end().to_owned()
}

fn memory_table(sets: &[Memory]) -> String {
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

/// A line of the table of promises.
struct Line {
    what: &'static str,
    measured: String,
    quartiles: String,
    promised: &'static str,
    is_kept: Option<bool>,
}

impl Line {
    fn new(what: &'static str, measured: Option<String>) -> Self {
        Self {
            what,
            measured: measured.unwrap_or_else(|| "–".into()),
            quartiles: String::new(),
            promised: "",
            is_kept: None,
        }
    }

    fn promised(self, promised: &'static str, is_kept: Option<bool>) -> Self {
        Self {
            promised,
            is_kept,
            ..self
        }
    }
}

/// The promises; without a photo that says anything of them, why there are none.
fn promised(found: &Comparison) -> String {
    match (&found.summary, &found.no_summary) {
        (Some(summary), _) => promises(summary),
        (None, Some(reason)) => format!("Nothing is compared: {reason}."),
        (None, None) => String::new(),
    }
}

fn promises(summary: &Summary) -> String {
    let mut table = Table::new(["over sharp's", "measured", "quartiles", "promised", ""]);
    let lines = times(summary).into_iter().chain(sizes(summary));
    for line in lines.chain(looks(summary)).chain(saved(summary)) {
        table.row([
            line.what.into(),
            line.measured,
            line.quartiles,
            line.promised.into(),
            line.is_kept.map_or("", met).into(),
        ]);
    }
    table.render()
}

fn times(s: &Summary) -> [Line; 4] {
    let time = |what, ratio: Spread| Line {
        quartiles: format!("{:.2}–{:.2}", ratio.q1, ratio.q3),
        ..Line::new(what, Some(format!("{:.2}", ratio.median)))
            .promised("≤ 0.75", Some(ratio.median <= 0.75))
    };
    let cpu = |what, ratio: f64| Line::new(what, Some(format!("{ratio:.2}")));
    [
        time("time, 1 thread", s.time_ratio_1_thread_spread),
        cpu("CPU time, 1 thread", s.cpu_ratio_1_thread),
        time(
            "time, five photos at 2 threads",
            s.time_ratio_2_threads_spread,
        ),
        cpu("CPU time, five photos at 2 threads", s.cpu_ratio_2_threads),
    ]
}

fn sizes(s: &Summary) -> [Line; 3] {
    let bytes = |what, ratio: f64| {
        Line::new(what, Some(format!("{ratio:.3}"))).promised("≤ 1.05", Some(ratio <= 1.05))
    };
    let memory = s.peak_memory_ratio;
    [
        Line::new(
            "peak memory, worse set",
            memory.map(|ratio| format!("{ratio:.2}")),
        )
        .promised("< 1", memory.map(|ratio| ratio < 1.0)),
        bytes("bytes, median", s.bytes_ratio),
        bytes("bytes, all photos", s.bytes_ratio_total),
    ]
}

fn looks(s: &Summary) -> [Line; 2] {
    let delta =
        |what, delta: Option<f64>| Line::new(what, delta.map(|delta| format!("{delta:+.2}")));
    let worst = s.worst_quality_delta;
    [
        delta("SSIMULACRA2 less sharp's, worst photo", worst)
            .promised("≥ −0.5", worst.map(|worst| worst >= -0.5)),
        delta("SSIMULACRA2 less sharp's, median", s.median_quality_delta),
    ]
}

/// Of large photos, if there is one.
fn saved(s: &Summary) -> Option<Line> {
    let least = s.least_payload_reduction?;
    let percent = format!("{:.1} %", least * 100.0);
    let line = Line::new("payload saved, least, photos ≥ 2 MB", Some(percent));
    Some(line.promised("≥ 70 %", Some(least >= 0.7)))
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
