//! Preparing a photo for the VLM: decoded, scaled down, turned upright, encoded anew without any metadata.
//!
//! # Invariants
//! - The file's limits and dimensions are checked before its pixels take memory.
//! - A file that ends early is an error, never a half-grey picture.
//! - The same bytes give the same JPEG, so that the VLM server can cache by content.

mod decode;
mod failure;
pub mod quality;
mod scale;
pub mod size_policy;
#[doc(hidden)]
pub mod stages;

use image::metadata::Orientation;

use serde::{Deserialize, Serialize};

pub use self::failure::PhotoError;
use self::size_policy::SizePolicy;
use self::stages::{Laps, Times};

/// A photo as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The JPEG.
    pub jpeg: Vec<u8>,
    /// Its figures.
    pub figures: ImageFigures,
}

/// What was sent to the VLM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFigures {
    /// Bytes of the photo in S3.
    pub original_bytes: u64,
    /// Bytes of the JPEG sent (before base64).
    pub sent_bytes: u64,
    /// Width sent, in pixels.
    pub width: u32,
    /// Height sent, in pixels.
    pub height: u32,
    /// Tokens this image costs the model.
    pub image_tokens: u32,
}

/// Decoded pixels, not yet turned.
struct Decoded {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
    orientation: Orientation,
}

/// Prepares a photo: `long_edge` pixels at most, never enlarged.
pub fn prepare(bytes: &[u8], policy: &SizePolicy, long_edge: u32) -> Result<Prepared, PhotoError> {
    prepare_timed(bytes, policy, long_edge).map(|(prepared, _)| prepared)
}

/// As `prepare`, which is this without the times.
#[doc(hidden)]
pub fn prepare_timed(bytes: &[u8], policy: &SizePolicy, long_edge: u32) -> Result<(Prepared, Times), PhotoError> {
    let (mut laps, mut times) = (Laps::start(), Times::default());
    let decoded = decode::decode(bytes, &policy.limits)?;
    times.decode = laps.lap();
    let upright = scale::scale_and_turn(decoded, long_edge)?;
    times.scale = laps.lap();
    let (width, height) = upright.dimensions();
    let jpeg = scale::encode(&upright, policy.jpeg_quality)?;
    times.encode = laps.lap();
    let figures = ImageFigures {
        original_bytes: bytes.len() as u64,
        sent_bytes: jpeg.len() as u64,
        width,
        height,
        image_tokens: image_tokens(width, height),
    };
    Ok((Prepared { jpeg, figures }, times))
}

/// Tokens of an image for Qwen3-VL: a token per 32 × 32 pixels, each edge rounded half to even, two around them;
/// 64 to 16,384 in all. Measured on a vLLM server at 17 sizes.
pub fn image_tokens(width: u32, height: u32) -> u32 {
    let cells = |edge: u32| (f64::from(edge) / 32.0).round_ties_even() as u32;
    (cells(width).saturating_mul(cells(height)).saturating_add(2)).clamp(64, 16_384)
}

#[cfg(test)]
#[path = "photos_tests.rs"]
mod tests;
