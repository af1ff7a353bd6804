//! `bench photos`: this pipeline beside npm's sharp.
//!
//! # Invariants
//! - Both sides are processes of their own, scale the same files to the same edge each at the quality that is its
//!   own, and count the same: the report compares what either loses and how many bytes it takes.
//! - No photo ends a run: what went wrong with a file stands in its row, and the next one is
//!   measured.
//! - Nothing here is a test: a slow machine makes no build fail.

pub(crate) mod attempt;
mod calibrate;
mod compare;
pub(crate) mod folder;
pub(crate) mod grid;
mod means;
mod memory;
#[cfg(test)]
mod odd;
pub(crate) mod peer;
mod print;
mod quality;
pub(crate) mod reference;
mod result;
mod side;
#[cfg(test)]
mod small_print;
mod split;
mod summary;
pub(crate) mod worker;

use std::path::PathBuf;

use clap::Args;
use photos::size_policy::{CURRENT_VERSION, SizePolicy};
use serde::Serialize;

use self::compare::{Settings, Sides};
use self::folder::Photo;
use self::peer::Peer;
use self::result::{Comparison, Row};
use crate::report::print;

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// A folder of photos (default: ../shared/photos, or photos that are drawn where that does not exist).
    folder: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Only the peak memory of this pipeline, for five photos at two threads: JPEGs of 12 megapixels, HEICs of 48.
    #[arg(long)]
    memory: bool,
    /// Only where this pipeline's time goes: fetch, decode, scale, encode, base64.
    #[arg(long, conflicts_with = "memory")]
    split: bool,
    /// Only what good and bad photos measure before the VLM is asked: sharpness, exposure, hash.
    #[arg(long, conflicts_with_all = ["memory", "split"])]
    calibrate: bool,
    /// Only the means of each channel beside Pillow's (libheif's for HEIC), of `odd` among the shared photos as well.
    #[arg(long, conflicts_with_all = ["memory", "split", "calibrate"])]
    means: bool,
    /// How often each photo is measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// The long edge in pixels (default: the size policy's for photos without small print).
    #[arg(long, value_parser = clap::value_parser!(u32).range(32..=4096))]
    long_edge: Option<u32>,
}

/// The quality that both sides had before the size policy s2 gave some of ours for bytes.
const SHARP_QUALITY: u8 = 85;

/// Measures and prints.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let (origin, photos) = folder::photos(options.folder.as_deref())?;
    let policy = SizePolicy::shipped(CURRENT_VERSION)?;
    if options.means {
        let odd = folder::odd(options.folder.as_deref())?;
        let found = means::measure(
            &[photos, odd].concat(),
            policy,
            &mut means::Pillow::start()?,
        );
        return write(options, &found, || means::report(&found));
    }
    let long_edge = options.long_edge.unwrap_or(policy.long_edge);
    let settings = Settings {
        long_edge,
        quality: SHARP_QUALITY,
        rounds: options.rounds.into(),
    };
    if options.memory {
        let peaks = memory::measure(&photos, &settings, None)?;
        return write(options, &peaks, || print::memory(&peaks));
    }
    if options.split {
        let split = split::measure(&photos, &settings, policy);
        return write(options, &split, || split::report(&split));
    }
    if options.calibrate {
        let found = calibrate::measure(&photos, policy);
        return write(options, &found, || calibrate::report(&found));
    }
    let found = compared(origin, &photos, settings, policy)?;
    write(options, &found, || print::report(&found))
}

fn write(
    options: &Options,
    found: &impl Serialize,
    report: impl Fn() -> String,
) -> anyhow::Result<()> {
    print(&if options.json {
        serde_json::to_string_pretty(found)?
    } else {
        report()
    })
}

fn compared(
    photos_from: String,
    photos: &[Photo],
    settings: Settings,
    policy: &SizePolicy,
) -> anyhow::Result<Comparison> {
    let peer = Peer::install()?;
    let mut sides = Sides::start(&peer, settings)?;
    let rows = sides.rows(photos);
    let two = sides.two_threads(&read_by_both(photos, &rows));
    drop(sides);
    let memory = memory::measure(photos, &settings, Some(&peer))?;
    let summary = summary::of(&rows, &two, &memory.memory);
    let over_entropy_floor = split::measure(photos, &settings, policy).over_entropy_floor;
    let Settings {
        long_edge,
        quality: sharp_jpeg_quality,
        rounds,
    } = settings;
    let jpeg_quality = policy.jpeg_quality;
    Ok(Comparison {
        photos_from,
        long_edge,
        jpeg_quality,
        sharp_jpeg_quality,
        rounds,
        no_summary: summary.as_ref().err().map(ToString::to_string),
        summary: summary.ok(),
        over_entropy_floor,
        memory,
        rows,
    })
}

/// A side that refuses a photo is done with it at once: such photos say nothing of time.
fn read_by_both(photos: &[Photo], rows: &[Row]) -> Vec<Photo> {
    let both = photos
        .iter()
        .zip(rows)
        .filter(|(_, row)| row.both().is_some());
    both.map(|(photo, _)| photo.clone()).collect()
}
