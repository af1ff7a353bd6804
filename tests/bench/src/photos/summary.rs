//! The figures that count, out of the rows.

use anyhow::Context;

use super::compare::Ratios;
use super::result::{Medians, Memory, Row, Sent, Summary};
use crate::report::spread::Spread;

/// From this size on a photo's payload must fall, in bytes.
const LARGE: u64 = 2_000_000;

/// Sums up; an error if no photo was read by both sides.
pub(crate) fn of(rows: &[Row], two: &[Ratios], memory: &[Memory]) -> anyhow::Result<Summary> {
    let spread = |get: fn(&Row) -> Option<f64>| {
        Spread::of(rows.iter().filter_map(get)).context("There is no photo that both sides read")
    };
    let two_spread = |get: fn(&Ratios) -> f64| {
        Spread::of(two.iter().map(get)).context("nothing ran at two threads")
    };
    let (time_1, time_2) = (
        spread(|row| Some(row.time_ratio?.median))?,
        two_spread(|ratios| ratios.time)?,
    );
    let deltas: Vec<f64> = rows.iter().filter_map(Row::quality_delta).collect();
    let large = rows.iter().filter(|row| row.original_bytes >= LARGE);
    Ok(Summary {
        time_ratio_1_thread: time_1.median,
        cpu_ratio_1_thread: spread(|row| row.cpu_ratio)?.median,
        time_ratio_1_thread_spread: time_1,
        time_ratio_2_threads: time_2.median,
        cpu_ratio_2_threads: two_spread(|ratios| ratios.cpu)?.median,
        time_ratio_2_threads_spread: time_2,
        peak_memory_ratio: memory
            .iter()
            .filter_map(memory_ratio)
            .max_by(f64::total_cmp),
        bytes_ratio: spread(Row::bytes_ratio)?.median,
        bytes_ratio_total: total(rows, |(ours, _)| ours) / total(rows, |(_, sharp)| sharp),
        worst_quality_delta: deltas.iter().copied().min_by(f64::total_cmp),
        median_quality_delta: Spread::of(deltas).map(|spread| spread.median),
        least_payload_reduction: large
            .filter_map(Row::payload_reduction)
            .min_by(f64::total_cmp),
        medians: medians(rows)?,
    })
}

/// Peak memory over sharp's.
pub(crate) fn memory_ratio(memory: &Memory) -> Option<f64> {
    Some(memory.ours_bytes as f64 / memory.sharp_bytes? as f64)
}

fn total(rows: &[Row], side: fn((u64, u64)) -> u64) -> f64 {
    rows.iter()
        .filter_map(Row::both)
        .map(|(ours, sharp)| side((ours.bytes, sharp.bytes)))
        .sum::<u64>() as f64
}

fn medians(rows: &[Row]) -> anyhow::Result<Medians> {
    let both: Vec<_> = rows.iter().filter_map(Row::both).collect();
    let median = |values: Vec<f64>| Spread::of(values).map(|spread| spread.median);
    let ours_if_any = |get: fn(&Sent) -> Option<f64>| {
        median(both.iter().filter_map(|(ours, _)| get(ours)).collect())
    };
    let sharp_if_any = |get: fn(&Sent) -> Option<f64>| {
        median(both.iter().filter_map(|(_, sharp)| get(sharp)).collect())
    };
    let ours = |get| ours_if_any(get).context("nothing to compare");
    let sharp = |get| sharp_if_any(get).context("nothing to compare");
    Ok(Medians {
        ours_ms: ours(|sent| Some(sent.ms.median))?,
        sharp_ms: sharp(|sent| Some(sent.ms.median))?,
        ours_bytes: ours(|sent| Some(sent.bytes as f64))?,
        sharp_bytes: sharp(|sent| Some(sent.bytes as f64))?,
        ours_quality: ours_if_any(|sent| sent.quality),
        sharp_quality: sharp_if_any(|sent| sent.quality),
        ours_image_tokens: ours(|sent| Some(sent.image_tokens.into()))?,
        sharp_image_tokens: sharp(|sent| Some(sent.image_tokens.into()))?,
    })
}
