//! `bench codes`: reading bar codes on pictures whose truth is known, and on pictures made to harm the reader.
//!
//! # Invariants
//! - A picture is read as the functions read it: at the same size, within the same time.

mod folder;
mod fuzz;
mod present;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use image::GrayImage;
use image::imageops::{FilterType, resize};
use photos::codes::Code;
use photos::{BUDGET, LONG_EDGE, read_codes};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use self::folder::Picture;
use crate::report::print;

/// Which pictures.
#[derive(Args)]
pub(crate) struct Options {
    /// Pictures, and beside each a text of the same name with what its code says; without one it has none.
    folder: PathBuf,
    /// Harm the pictures for so many seconds instead, and look for panics and for pictures that take too long.
    #[arg(long)]
    fuzz: Option<u64>,
    /// What makes this run's chance its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// How the pictures of one kind were read.
#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct Tally {
    /// Pictures.
    pictures: usize,
    /// Of which what they say was read.
    read: usize,
    /// What was read and is not so.
    wrong: Vec<String>,
    /// Pictures whose code was not read.
    missed: Vec<String>,
    /// CPU milliseconds: the median and the most.
    ms: (f64, f64),
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let pictures = folder::read(&options.folder)?;
    if let Some(seconds) = options.fuzz {
        return fuzz::run(
            &pictures,
            Duration::from_secs(seconds),
            options.seed,
            options.json,
        );
    }
    let tallies = tally(&pictures);
    print(&if options.json {
        serde_json::to_string_pretty(&tallies)?
    } else {
        present::table(&tallies)
    })?;
    let wrong: usize = tallies.values().map(|tally| tally.wrong.len()).sum();
    anyhow::ensure!(wrong == 0, "{wrong} codes were read wrongly");
    Ok(())
}

fn tally(pictures: &[Picture]) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, (Tally, Vec<f64>)> = BTreeMap::new();
    for picture in pictures {
        let (codes, ms) = codes_of(&picture.luma);
        for group in [picture.group.as_str(), "all"] {
            let (tally, times) = tallies.entry(group.to_owned()).or_default();
            note(tally, picture, &codes);
            times.push(ms);
        }
    }
    let whole = |(group, (tally, mut times)): (String, (Tally, Vec<f64>))| {
        times.sort_by(f64::total_cmp);
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        let ms = (at(times.len() / 2), at(times.len().saturating_sub(1)));
        (group, Tally { ms, ..tally })
    };
    tallies.into_iter().map(whole).collect()
}

fn note(tally: &mut Tally, picture: &Picture, codes: &[Code]) {
    tally.pictures += 1;
    let is_true = |code: &&Code| Some(&code.text) == picture.says.as_ref();
    let wrong = codes.iter().filter(|code| !is_true(code));
    let told = |code: &Code| format!("{}: {:?} {:?}", picture.name, code.kind, code.text);
    tally.wrong.extend(wrong.map(told));
    if codes.iter().any(|code| is_true(&code)) {
        tally.read += 1;
    } else if picture.says.is_some() {
        tally.missed.push(picture.name.clone());
    }
}

/// The codes of a picture, and the CPU milliseconds that they took.
fn codes_of(luma: &GrayImage) -> (Vec<Code>, f64) {
    let scaled = scaled(luma);
    let before = thread_ms();
    let codes = read_codes(scaled.as_raw(), scaled.width(), scaled.height(), BUDGET);
    (codes, thread_ms() - before)
}

/// As large as codes are looked for, at most.
fn scaled(luma: &GrayImage) -> GrayImage {
    let (width, height) = luma.dimensions();
    let long = width.max(height);
    if long <= LONG_EDGE {
        return luma.clone();
    }
    let to = |edge: u32| ((u64::from(edge) * u64::from(LONG_EDGE) / u64::from(long)) as u32).max(1);
    resize(luma, to(width), to(height), FilterType::Lanczos3)
}

fn thread_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
