//! Where the CPU time goes, stage by stage, in this process and on one thread.

use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use photos::prepare_timed;
use photos::size_policy::SizePolicy;
use photos::stages::entropy_decode;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::attempt::attempt;
use super::compare::Settings;
use super::folder::Photo;
use crate::report::chart::bar;
use crate::report::spread::Spread;
use crate::report::table::Table;

/// Characters of the longest bar.
const BAR: usize = 30;

/// Milliseconds of CPU time of each stage: medians over the rounds, or over the photos.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Stages {
    /// Reading the file, which is in the page cache after the first round.
    pub(crate) fetch: f64,
    /// Entropy decoding, where this pipeline's own decoder reads the photo: what no decoder can do without.
    pub(crate) entropy: Option<f64>,
    /// All of decoding: the header, entropy decoding, the inverse transform.
    pub(crate) decode: f64,
    /// Scaling and turning upright.
    pub(crate) scale: f64,
    /// Measuring sharpness and exposure, hashing, reading metadata.
    pub(crate) inspect: f64,
    /// Encoding the JPEG.
    pub(crate) encode: f64,
    /// Writing it as base64.
    pub(crate) base64: f64,
}

/// A photo's stages.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) photo: String,
    /// Its stages, or why it was refused.
    pub(crate) stages: Result<Stages, String>,
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Split {
    /// How often each photo was measured.
    pub(crate) rounds: usize,
    /// Medians over the photos; none if no photo could be prepared.
    pub(crate) medians: Option<Stages>,
    /// Time over that of entropy decoding alone, median over the photos.
    pub(crate) over_entropy_floor: Option<f64>,
    /// Each photo.
    pub(crate) rows: Vec<Row>,
}

impl Stages {
    fn total(&self) -> f64 {
        self.fetch + self.decode + self.scale + self.inspect + self.encode + self.base64
    }
}

/// Measures each photo.
pub(crate) fn measure(photos: &[Photo], settings: &Settings, policy: &SizePolicy) -> Split {
    let row = |photo: &Photo| {
        eprintln!("    {} …", photo.name);
        Row {
            photo: photo.name.clone(),
            stages: attempt(|| rounds(photo, settings, policy)),
        }
    };
    let rows: Vec<Row> = photos.iter().map(row).collect();
    let read: Vec<Stages> = rows
        .iter()
        .filter_map(|row| row.stages.as_ref().ok().copied())
        .collect();
    let floors = read
        .iter()
        .filter_map(|stages| Some(stages.total() / stages.entropy?));
    Split {
        rounds: settings.rounds,
        medians: medians(&read),
        over_entropy_floor: Spread::of(floors).map(|spread| spread.median),
        rows,
    }
}

fn rounds(photo: &Photo, settings: &Settings, policy: &SizePolicy) -> anyhow::Result<Stages> {
    let rounds = (0..settings.rounds)
        .map(|_| once(photo, settings, policy))
        .collect::<anyhow::Result<Vec<_>>>()?;
    medians(&rounds).context("there must be a round at least")
}

fn once(photo: &Photo, settings: &Settings, policy: &SizePolicy) -> anyhow::Result<Stages> {
    let begun = cpu();
    let bytes = std::fs::read(&photo.path)?;
    let fetch = millis(begun);
    let (prepared, times) = prepare_timed(&bytes, policy, settings.long_edge, cpu)?;
    let begun = cpu();
    std::hint::black_box(STANDARD.encode(&prepared.jpeg));
    let base64 = millis(begun);
    let stages = [times.decode, times.scale, times.inspect, times.encode];
    let [decode, scale, inspect, encode] = stages.map(|time| time.as_secs_f64() * 1e3);
    Ok(Stages {
        fetch,
        entropy: entropy(&bytes),
        decode,
        scale,
        inspect,
        encode,
        base64,
    })
}

/// Milliseconds of entropy decoding alone, where this pipeline's own decoder reads the photo.
fn entropy(bytes: &[u8]) -> Option<f64> {
    let begun = cpu();
    entropy_decode(bytes).then(|| millis(begun))
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), rest.unwrap_or_default())
}

fn millis(since: Duration) -> f64 {
    cpu().saturating_sub(since).as_secs_f64() * 1e3
}

/// Stage by stage; none of no stages.
fn medians(all: &[Stages]) -> Option<Stages> {
    let median =
        |get: fn(&Stages) -> f64| Spread::of(all.iter().map(get)).map(|spread| spread.median);
    let entropy = all.iter().filter_map(|stages| stages.entropy);
    Some(Stages {
        fetch: median(|stages| stages.fetch)?,
        entropy: Spread::of(entropy).map(|spread| spread.median),
        decode: median(|stages| stages.decode)?,
        scale: median(|stages| stages.scale)?,
        inspect: median(|stages| stages.inspect)?,
        encode: median(|stages| stages.encode)?,
        base64: median(|stages| stages.base64)?,
    })
}

/// The report for a person.
pub(crate) fn report(split: &Split) -> String {
    let parts = [
        Some(table(split)),
        split.medians.as_ref().map(bars),
        split.over_entropy_floor.map(over_floor),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join("\n\n")
}

fn table(split: &Split) -> String {
    let mut table = Table::new([
        "photo, CPU ms",
        "fetch",
        "entropy",
        "IDCT …",
        "scale",
        "inspect",
        "encode",
        "base64",
        "all",
    ]);
    for Row { photo, stages } in &split.rows {
        match stages {
            Ok(stages) => table.row(cells(photo.chars().take(32).collect(), stages)),
            Err(refused) => table.row([format!("{photo}: {refused}")]),
        }
    }
    match &split.medians {
        Some(medians) => table.row(cells("median".into(), medians)),
        None => table.row(["no photo could be prepared".into()]),
    }
    table.render()
}

fn bars(medians: &Stages) -> String {
    let parts = [
        ("fetch", medians.fetch),
        ("decode", medians.decode),
        ("scale", medians.scale),
        ("inspect", medians.inspect),
        ("encode", medians.encode),
        ("base64", medians.base64),
    ];
    let most = parts.iter().map(|(_, ms)| *ms).fold(0.0, f64::max);
    parts
        .map(|(name, ms)| format!("{name:<8}{} {ms:.1} ms", bar(ms, most, BAR)))
        .join("\n")
}

/// How far the floor is.
pub(crate) fn over_floor(times: f64) -> String {
    format!("All of it takes {times:.2} × the entropy decoding alone.")
}

fn cells(name: String, stages: &Stages) -> [String; 9] {
    let ms = |value: f64| format!("{value:.1}");
    let (entropy, rest) = match stages.entropy {
        Some(entropy) => (ms(entropy), ms((stages.decode - entropy).max(0.0))),
        None => ("–".into(), ms(stages.decode)),
    };
    let Stages {
        fetch,
        scale,
        inspect,
        encode,
        base64,
        ..
    } = *stages;
    [
        name,
        ms(fetch),
        entropy,
        rest,
        ms(scale),
        ms(inspect),
        ms(encode),
        ms(base64),
        ms(stages.total()),
    ]
}
