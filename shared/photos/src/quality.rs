//! What a photo is worth before the VLM sees it: sharpness, exposure, and a hash of how it looks, all from the luma
//! of the small picture that is sent anyway.
//!
//! # Invariants
//! - Measuring never refuses a photo; what follows from a measure is the caller's to say.
//! - The same pixels give the same measures.
//!
//! The thresholds are calibrated: `bench photos --calibrate` prints what real photos and their blurred, darkened,
//! re-encoded and cropped variants measure, and how far the two sides of each threshold are apart.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Below this a photo is too blurred to judge.
pub const LEAST_SHARPNESS: f32 = 0.40;
/// Below this, in levels of 255, even the brightest parts of a photo are dark.
pub const LEAST_BRIGHT: u8 = 60;
/// Hashes that differ in so many bits or fewer are of the same photo.
pub const MOST_HASH_DISTANCE: u32 = 6;

/// The share of pixels that are brighter than what counts as a photo's bright parts.
const BRIGHTER: f64 = 0.05;
/// Pixels over which the second blur reaches.
const WINDOW: u32 = 9;
/// Of a step from one pixel to the next, counted from the window's first: the pixel that leaves the window, the two
/// pixels, and the one that enters it.
const AROUND: [usize; 4] = [0, 4, 5, 9];
/// The hash compares neighbours among so many cells, across and down.
const CELLS: (usize, usize) = (9, 8);

/// Measures of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// 0 to 1: how much of the differences between neighbours goes when the picture is blurred once more. What is
    /// blurred already loses little.
    pub sharpness: f32,
    /// The luma, 0 to 255, that only a twentieth of the pixels exceeds.
    pub bright: u8,
    /// 64 bits, each telling whether a part is brighter than its right neighbour. As text, in hexadecimal digits:
    /// JSON's readers round large numbers.
    #[serde(with = "hexadecimal")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
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
        Self {
            sharpness: sharpness(luma, width),
            bright: bright(luma),
            perceptual_hash: hash(luma, width),
        }
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
    let sum = |one: (u64, u64), other: (u64, u64)| (one.0 + other.0, one.1 + other.1);
    let rows = luma.chunks_exact(width.max(1));
    let across = rows
        .map(|row| lost(AROUND.map(|at| row.get(at..).unwrap_or_default())))
        .fold((0, 0), sum);
    let below = |y: usize| {
        AROUND.map(|at| {
            luma.chunks_exact(width.max(1))
                .nth(y + at)
                .unwrap_or_default()
        })
    };
    let down = (0..luma.len() / width.max(1))
        .map(|y| lost(below(y)))
        .fold((0, 0), sum);
    let share = |(all, lost): (u64, u64)| {
        if all == 0 {
            0.0
        } else {
            lost as f32 / all as f32
        }
    };
    share(across).min(share(down))
}

/// The variation between neighbours, and how much of it a box blur takes away, both in ninths of a level. The blurred
/// picture's step from one pixel to the next is what enters the window less what leaves it.
fn lost([leaves, ones, others, enters]: [&[u8]; 4]) -> (u64, u64) {
    let (mut all, mut lost) = (0u32, 0u32);
    for (((leaves, one), other), enters) in leaves.iter().zip(ones).zip(others).zip(enters) {
        let variation = u32::from(one.abs_diff(*other)) * WINDOW;
        all += variation;
        lost += variation.saturating_sub(u32::from(enters.abs_diff(*leaves)));
    }
    (all.into(), lost.into())
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
    let found = (0..=255u8)
        .rev()
        .zip(counts.iter().rev())
        .find(|(_, count)| {
            above += **count;
            above > most
        });
    found.map_or(0, |(value, _)| value)
}

fn hash(luma: &[u8], width: usize) -> u64 {
    let cells = cells(luma, width);
    let darker = cells.chunks_exact(CELLS.0).flat_map(|row| {
        row.windows(2)
            .map(|pair| matches!(pair, [left, right] if left > right))
    });
    darker.fold(0, |hash, bit| hash << 1 | u64::from(bit))
}

/// Mean luma of 9 × 8 cells, in 256ths of a level.
fn cells(luma: &[u8], width: usize) -> Vec<u64> {
    let height = luma.len().checked_div(width).unwrap_or(0);
    let mut sums = vec![(0u64, 0u64); CELLS.0 * CELLS.1];
    for (y, row) in luma.chunks_exact(width.max(1)).enumerate() {
        let cells = sums
            .chunks_exact_mut(CELLS.0)
            .nth(y * CELLS.1 / height.max(1))
            .into_iter()
            .flatten();
        for (column, (sum, count)) in cells.enumerate() {
            let [from, to] = [column, column + 1].map(|column| (column * width).div_ceil(CELLS.0));
            let part = row.get(from..to).unwrap_or_default();
            *sum += part.iter().map(|value| u64::from(*value)).sum::<u64>();
            *count += part.len() as u64;
        }
    }
    sums.into_iter()
        .map(|(sum, count)| 256 * sum / count.max(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 200;

    /// Squares whose edges take `soft` pixels, of this brightness.
    fn picture(soft: i32, most: i32) -> Vec<u8> {
        let edge = |at: usize| {
            ((at as i32 % 40 - 20).abs() - 10).clamp(-soft, soft) as f32 / soft as f32 / 2.0 + 0.5
        };
        let at =
            |index: usize| edge(index % WIDTH) * (0.5 + edge(index / WIDTH) / 2.0) * most as f32;
        (0..WIDTH * 150).map(|index| at(index) as u8).collect()
    }

    #[test]
    fn soft_edges_are_blurred_whatever_the_contrast() {
        let [sharp, softer, soft] =
            [1, 4, 9].map(|edge| Quality::of(&picture(edge, 200), WIDTH).sharpness);
        assert!(sharp > softer && softer > soft, "{sharp} {softer} {soft}");
        let faint = Quality::of(&picture(1, 60), WIDTH).sharpness;
        assert!((faint - sharp).abs() < 0.05, "{faint} {sharp}");
    }

    #[test]
    fn a_dark_photo_is_dark_and_a_lamp_in_it_changes_nothing() {
        let mut luma = vec![20; 10_000];
        luma[..300].fill(255);
        assert_eq!(Quality::of(&luma, 100).bright, 20);
        assert!(
            Quality::of(&luma, 100).is_dark() && !Quality::of(&picture(2, 220), WIDTH).is_dark()
        );
    }

    #[test]
    fn a_photo_looks_like_itself_brighter_and_not_like_another() {
        let of = |luma: &[u8]| Quality::of(luma, WIDTH);
        let slope: Vec<u8> = (0..WIDTH * 150)
            .map(|index| (index % WIDTH) as u8)
            .collect();
        let brighter: Vec<u8> = picture(3, 220)
            .iter()
            .map(|value| value.saturating_add(9))
            .collect();
        assert!(of(&picture(3, 200)).looks_like(&of(&brighter)));
        assert!(!of(&picture(3, 200)).looks_like(&of(&slope)));
    }

    #[test]
    fn nothing_at_all_is_measured_without_harm() {
        for (luma, width) in [
            (&[][..], 0),
            (&[], 7),
            (&[1, 2, 3], 0),
            (&[9], 1),
            (&[1, 2, 3, 4, 5], 2),
        ] {
            assert!(Quality::of(luma, width).sharpness >= 0.0);
        }
    }
}
