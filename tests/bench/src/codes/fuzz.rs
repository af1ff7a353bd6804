//! Pictures made to harm the reader of codes: real ones in pieces, over each other, turned and noisy, and patterns that
//! look like the beginnings of codes everywhere.
//!
//! # Invariants
//! - The same seed tries the same pictures, as far as the time goes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use image::imageops::{FilterType, resize, rotate90};
use image::{GrayImage, Luma};
use photos::{BUDGET, LONG_EDGE};
use serde::Serialize;

use super::codes_of;
use super::folder::Picture;
use crate::report::print;

/// A photo's codes take this long at most, in CPU time: what they may, and the part that has begun by then.
const MOST: Duration = Duration::from_millis(1500);

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Campaign {
    runs: u64,
    seconds: f64,
    /// Pictures on which something was read.
    with_codes: u64,
    /// Pictures that were given up when their time was up.
    late: u64,
    /// Panics of the library, caught by the reader.
    panics_caught: usize,
    /// Panics of the reader itself.
    panics: usize,
    slowest_ms: f64,
}

pub(super) fn run(
    pictures: &[Picture],
    time: Duration,
    seed: u64,
    json: bool,
) -> anyhow::Result<()> {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|what| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{what}");
    }));
    let (mut random, begun) = (Rng::with_seed(seed), Instant::now());
    let mut campaign = Campaign::default();
    while begun.elapsed() < time {
        let picture = harmful(pictures, &mut random);
        match catch_unwind(AssertUnwindSafe(|| codes_of(&picture))) {
            Ok((codes, ms)) => {
                campaign.with_codes += u64::from(!codes.is_empty());
                campaign.late += u64::from(ms > BUDGET.as_secs_f64() * 1e3);
                if ms > campaign.slowest_ms {
                    campaign.slowest_ms = ms;
                }
            }
            Err(_) => campaign.panics += 1,
        }
        campaign.runs += 1;
    }
    campaign.seconds = begun.elapsed().as_secs_f64();
    campaign.panics_caught = PANICS.load(Ordering::Relaxed) - campaign.panics;
    print(&if json {
        serde_json::to_string_pretty(&campaign)?
    } else {
        format!("{campaign:#?}")
    })?;
    anyhow::ensure!(campaign.panics == 0, "the reader panicked");
    anyhow::ensure!(
        campaign.slowest_ms <= MOST.as_secs_f64() * 1e3,
        "a picture took too long"
    );
    Ok(())
}

/// A picture of a size that photos have when codes are looked for.
fn harmful(pictures: &[Picture], random: &mut Rng) -> GrayImage {
    let edge = |random: &mut Rng| random.u32(1..=LONG_EDGE);
    let full = random.bool();
    let (width, height) = if full {
        (LONG_EDGE, 1200)
    } else {
        (edge(random), edge(random))
    };
    let mut canvas = match random.u32(..5) {
        0 => noise(width, height, random),
        1 => stripes(width, height, random),
        2 => eyes(width, height, random),
        3 => cells(width, height, random),
        _ => GrayImage::from_pixel(width, height, Luma([random.u8(..)])),
    };
    for _ in 0..random.u32(..6) {
        if let Some(picture) = random.choice(pictures) {
            paste(&mut canvas, &picture.luma, random);
        }
    }
    for _ in 0..random.u32(..4) {
        harm(&mut canvas, random);
    }
    canvas
}

fn noise(width: u32, height: u32, random: &mut Rng) -> GrayImage {
    GrayImage::from_fn(width, height, |_, _| Luma([random.u8(..)]))
}

/// Lines of code-like widths, along rows or columns.
fn stripes(width: u32, height: u32, random: &mut Rng) -> GrayImage {
    let (module, across) = (random.u32(1..6), random.bool());
    let bits: Vec<u8> = (0..=LONG_EDGE).map(|_| 255 * random.u8(..2)).collect();
    GrayImage::from_fn(width, height, |x, y| {
        let at = if across { x } else { y } / module;
        Luma([bits.get(at as usize).copied().unwrap_or(255)])
    })
}

/// The eyes of QR codes, everywhere.
fn eyes(width: u32, height: u32, random: &mut Rng) -> GrayImage {
    let module = random.u32(1..8);
    let apart = 7 + random.u32(1..12);
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = ((x / module) % apart, (y / module) % apart);
        let ring = x.abs_diff(3).max(y.abs_diff(3));
        Luma([if ring == 3 || ring < 2 { 0 } else { 255 }])
    })
}

/// Squares by chance, as codes are filled, with solid edges here and there.
fn cells(width: u32, height: u32, random: &mut Rng) -> GrayImage {
    let (module, apart) = (random.u32(1..8), random.u32(8..40));
    let bits: Vec<u8> = (0..4096).map(|_| 255 * random.u8(..2)).collect();
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (x / module, y / module);
        let edge = x % apart == 0 || y % apart == apart - 1;
        let bit = bits.get((x * 61 + y * 17) as usize % bits.len()).copied();
        Luma([if edge { 0 } else { bit.unwrap_or(0) }])
    })
}

fn paste(canvas: &mut GrayImage, picture: &GrayImage, random: &mut Rng) {
    let scale = 0.2 + random.f64() * 1.3;
    let to = |edge: u32| ((f64::from(edge) * scale) as u32).clamp(1, LONG_EDGE);
    let (width, height) = (to(picture.width()), to(picture.height()));
    let mut part = resize(picture, width, height, FilterType::Triangle);
    for _ in 0..random.u32(..4) {
        part = rotate90(&part);
    }
    let (x, y) = (random.u32(..canvas.width()), random.u32(..canvas.height()));
    image::imageops::replace(canvas, &part, i64::from(x), i64::from(y));
}

fn harm(canvas: &mut GrayImage, random: &mut Rng) {
    let (width, height) = canvas.dimensions();
    let (from, rows) = (random.u32(..height), random.u32(1..=height));
    let kind = random.u32(..4);
    let level = random.u8(..);
    for y in from..(from.saturating_add(rows)).min(height) {
        for x in 0..width {
            let Some(pixel) = canvas.get_pixel_mut_checked(x, y) else {
                continue;
            };
            let Luma([value]) = pixel;
            *value = match kind {
                0 => value.saturating_add(random.u8(..64)),
                1 => 255 - *value,
                2 if x % 7 == 0 => level,
                3 if random.u32(..50) == 0 => random.u8(..),
                _ => *value,
            };
        }
    }
}
