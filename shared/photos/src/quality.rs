//! What a photo is worth before the VLM sees it: sharpness, exposure, and a hash of how it looks, all from the luma of the
//! small picture that is sent anyway.
//!
//! # Invariants
//! - Measuring never refuses a photo; what follows from a measure is the caller's to say.
//! - The same pixels give the same measures.
//!
//! The thresholds are calibrated: `bench photos --calibrate` prints what real photos and their blurred, darkened,
//! re-encoded and cropped variants measure, and how far the two sides of each threshold are apart.

use serde::{Deserialize, Serialize};

/// Below this a photo is too blurred to judge.
pub const LEAST_SHARPNESS: f32 = 0.40;
/// Below this, in levels of 255, even the brightest parts of a photo are dark.
pub const LEAST_BRIGHT: u8 = 60;
/// Hashes that differ in so many bits or fewer are of the same photo.
pub const MOST_HASH_DISTANCE: u32 = 6;

/// The share of pixels that are brighter than what counts as a photo's bright parts.
const BRIGHTER: f64 = 0.05;
/// Half of the window, in pixels, over which the blur of a second look reaches.
const REACH: usize = 4;
/// The hash compares neighbours among so many cells, across and down.
const CELLS: (usize, usize) = (9, 8);

/// Measures of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// 0 to 1: how much of the differences between neighbours goes when the picture is blurred once more. What is blurred
    /// already loses little.
    pub sharpness: f32,
    /// The luma, 0 to 255, that only a twentieth of the pixels exceeds.
    pub bright: u8,
    /// 64 bits, each telling whether a part is brighter than its right neighbour. As text, in hexadecimal digits: JSON's
    /// readers round large numbers.
    #[serde(with = "hexadecimal")]
    pub perceptual_hash: u64,
}

mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{hash:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        u64::from_str_radix(&String::deserialize(deserializer)?, 16).map_err(de::Error::custom)
    }
}

impl Quality {
    /// Measures luma, row by row, `width` pixels wide.
    pub fn of(luma: &[u8], width: usize) -> Self {
        Self { sharpness: sharpness(luma, width), bright: bright(luma), perceptual_hash: hash(luma, width) }
    }

    /// Whether it is too blurred to judge.
    pub fn is_blurred(&self) -> bool {
        self.sharpness < LEAST_SHARPNESS
    }

    /// Whether it is too dark to judge.
    pub fn is_dark(&self) -> bool {
        self.bright < LEAST_BRIGHT
    }

    /// Whether it looks like another: the same photo, perhaps encoded anew.
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.perceptual_hash ^ other.perceptual_hash).count_ones() <= MOST_HASH_DISTANCE
    }
}

/// After Crete et al., "The blur effect" (2007): 1 less the share of variation that survives a box blur, along the
/// direction that has less sharpness, so that motion blur counts.
fn sharpness(luma: &[u8], width: usize) -> f32 {
    if width == 0 {
        return 0.0;
    }
    let rows = luma.chunks_exact(width).map(lost);
    let across = rows.fold((0, 0), |(all, lost), (row, row_lost)| (all + row, lost + row_lost));
    let columns = (0..width).map(|x| lost(&luma.iter().skip(x).step_by(width).copied().collect::<Vec<_>>()));
    let down = columns.fold((0, 0), |(all, lost), (column, column_lost)| (all + column, lost + column_lost));
    let share = |(all, lost): (u64, u64)| if all == 0 { 0.0 } else { lost as f32 / all as f32 };
    share(across).min(share(down))
}

/// The variation along a line, and how much of it a box blur takes away, both in ninths of a level.
fn lost(line: &[u8]) -> (u64, u64) {
    let window = 2 * REACH + 1;
    let (mut all, mut lost) = (0, 0);
    // The blurred line's step from one pixel to the next is what enters the window less what leaves it.
    for (pair, around) in line.windows(2).skip(REACH).zip(line.windows(window + 1)) {
        let (&[one, other], [leaves, .., enters]) = (pair, around) else { continue };
        let variation = u64::from(one.abs_diff(other)) * window as u64;
        all += variation;
        lost += variation.saturating_sub(u64::from(enters.abs_diff(*leaves)));
    }
    (all, lost)
}

fn bright(luma: &[u8]) -> u8 {
    let mut counts = [0u64; 256];
    for value in luma {
        if let Some(count) = counts.get_mut(usize::from(*value)) {
            *count += 1;
        }
    }
    let most = (luma.len() as f64 * BRIGHTER) as u64;
    let mut above = 0;
    let found = (0..=255u8).rev().zip(counts.iter().rev()).find(|(_, count)| {
        above += **count;
        above > most
    });
    found.map_or(0, |(value, _)| value)
}

fn hash(luma: &[u8], width: usize) -> u64 {
    let cells = cells(luma, width);
    let darker = cells
        .chunks_exact(CELLS.0)
        .flat_map(|row| row.windows(2).map(|pair| matches!(pair, [left, right] if left > right)));
    darker.fold(0, |hash, bit| hash << 1 | u64::from(bit))
}

/// Mean luma of 9 × 8 cells.
fn cells(luma: &[u8], width: usize) -> Vec<u64> {
    let height = luma.len().checked_div(width).unwrap_or(0).max(1);
    let mut sums = vec![(0u64, 0u64); CELLS.0 * CELLS.1];
    for (y, row) in luma.chunks_exact(width.max(1)).enumerate() {
        for (x, value) in row.iter().enumerate() {
            let cell = y * CELLS.1 / height * CELLS.0 + x * CELLS.0 / width.max(1);
            if let Some((sum, count)) = sums.get_mut(cell) {
                (*sum, *count) = (*sum + u64::from(*value), *count + 1);
            }
        }
    }
    sums.into_iter().map(|(sum, count)| 256 * sum / count.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 200;

    /// Squares whose edges take `soft` pixels, of this brightness.
    fn picture(soft: i32, most: i32) -> Vec<u8> {
        let edge = |at: usize| ((at as i32 % 40 - 20).abs() - 10).clamp(-soft, soft) as f32 / soft as f32 / 2.0 + 0.5;
        let at = |index: usize| edge(index % WIDTH) * (0.5 + edge(index / WIDTH) / 2.0) * most as f32;
        (0..WIDTH * 150).map(|index| at(index) as u8).collect()
    }

    #[test]
    fn soft_edges_are_blurred_whatever_the_contrast() {
        let [sharp, softer, soft] = [1, 4, 9].map(|edge| Quality::of(&picture(edge, 200), WIDTH).sharpness);
        assert!(sharp > softer && softer > soft, "{sharp} {softer} {soft}");
        let faint = Quality::of(&picture(1, 60), WIDTH).sharpness;
        assert!((faint - sharp).abs() < 0.05, "{faint} {sharp}");
    }

    #[test]
    fn a_dark_photo_is_dark_and_a_lamp_in_it_changes_nothing() {
        let mut luma = vec![20; 10_000];
        luma[..300].fill(255);
        assert_eq!(Quality::of(&luma, 100).bright, 20);
        assert!(Quality::of(&luma, 100).is_dark() && !Quality::of(&picture(2, 220), WIDTH).is_dark());
    }

    #[test]
    fn a_photo_looks_like_itself_brighter_and_not_like_another() {
        let of = |luma: &[u8]| Quality::of(luma, WIDTH);
        let slope: Vec<u8> = (0..WIDTH * 150).map(|index| (index % WIDTH) as u8).collect();
        let brighter: Vec<u8> = picture(3, 220).iter().map(|value| value.saturating_add(9)).collect();
        assert!(of(&picture(3, 200)).looks_like(&of(&brighter)));
        assert!(!of(&picture(3, 200)).looks_like(&of(&slope)));
    }

    #[test]
    fn nothing_at_all_is_measured_without_harm() {
        for (luma, width) in [(&[][..], 0), (&[], 7), (&[1, 2, 3], 0), (&[9], 1), (&[1, 2, 3, 4, 5], 2)] {
            assert!(Quality::of(luma, width).sharpness >= 0.0);
        }
    }
}
