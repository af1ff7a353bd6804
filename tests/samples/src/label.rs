//! Labels with real bar codes, as they stand on devices: lines on an ONT, a square on a UPS; small, and turned on some.

use anyhow::Context;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::StepKey;
use evaluation::domain::reading::Reads;
use rxing::common::BitMatrix;
use rxing::{BarcodeFormat, MultiFormatWriter, Writer};

use crate::canvas::Canvas;
use crate::truth::{Shown, Truth};

/// The corner that the other codes leave free, as fractions: of the width from the left, and of the height from the
/// bottom.
const CORNER: (f64, f64) = (0.02, 0.04);
/// The label's edges at most: of the width, and of the height.
const MOST: (f64, f64) = (0.41, 0.44);
/// How high lines are, in modules.
const LINES: u32 = 30;
/// White modules around a code.
const QUIET: u32 = 10;
const PAPER: [u8; 3] = [245, 245, 245];
const INK: [u8; 3] = [12, 12, 12];

/// Draws the label of the first device in view, if there is one.
pub fn draw(canvas: &mut Canvas, truth: &Truth) -> anyhow::Result<()> {
    let Some((text, lines)) = truth.shows.iter().find_map(code) else {
        return Ok(());
    };
    let format = if lines {
        BarcodeFormat::CODE_128
    } else {
        BarcodeFormat::DATA_MATRIX
    };
    let bits = MultiFormatWriter.encode(&text, &format, 1, 1);
    let bits = bits
        .map_err(anyhow::Error::from)
        .with_context(|| format!("{text:?} does not fit a code"))?;
    put(
        canvas,
        &modules(&bits, lines),
        truth.photo.is_multiple_of(2),
    );
    Ok(())
}

/// What the code of a device's step says, and whether in lines: devices of a known form have those.
fn code(shown: &Shown) -> Option<(String, bool)> {
    let key = StepKey::parse(&shown.step).ok()?;
    let step = Catalogue::current().ok()?.step(&key)?;
    let Some(Reads::Serial(format)) = &step.reads else {
        return None;
    };
    let text = shown.code.clone().or_else(|| shown.reading.clone())?;
    (!text.is_empty()).then_some((text, format.prefix.is_some()))
}

/// Rows of modules without what is white around them; true is dark.
fn modules(bits: &BitMatrix, lines: bool) -> Vec<Vec<bool>> {
    let row = |y| -> Vec<bool> { (0..bits.getWidth()).map(|x| bits.get(x, y)).collect() };
    let rows: Vec<Vec<bool>> = if lines {
        vec![row(0); LINES as usize]
    } else {
        (0..bits.getHeight()).map(row).collect()
    };
    let dark = |x: usize| rows.iter().any(|row| row.get(x) == Some(&true));
    let width = rows.first().map_or(0, Vec::len);
    let (Some(first), Some(last)) = (
        (0..width).find(|x| dark(*x)),
        (0..width).rfind(|x| dark(*x)),
    ) else {
        return Vec::new();
    };
    let within = |row: &Vec<bool>| row.get(first..=last).map(<[bool]>::to_vec);
    rows.iter()
        .filter(|row| row.contains(&true))
        .filter_map(within)
        .collect()
}

fn put(canvas: &mut Canvas, rows: &[Vec<bool>], turned: bool) {
    let (width, height) = canvas.size();
    let (across, down) = (
        rows.first().map_or(0, Vec::len) as u32 + 2 * QUIET,
        rows.len() as u32 + 2 * QUIET,
    );
    let (wide, high) = if turned {
        (down, across)
    } else {
        (across, down)
    };
    let room = |share: f64, edge: u32, modules: u32| share * f64::from(edge) / f64::from(modules);
    let module = room(MOST.0, width, wide).min(room(MOST.1, height, high));
    // As on a real label: small on a large photo, and never of parts of a pixel.
    let module = (module as u32).min(width.max(height) / 500 + 1).max(1);
    let left = (CORNER.0 * f64::from(width)) as u32;
    let bottom = height - (CORNER.1 * f64::from(height)) as u32;
    let top = bottom.saturating_sub(high * module);
    canvas.fill(left, top, wide * module, high * module, PAPER);
    for (y, row) in rows.iter().enumerate() {
        for x in (0..row.len()).filter(|x| row.get(*x) == Some(&true)) {
            let (x, y) = (x as u32 + QUIET, y as u32 + QUIET);
            let (x, y) = if turned { (y, across - 1 - x) } else { (x, y) };
            canvas.fill(left + x * module, top + y * module, module, module, INK);
        }
    }
}
