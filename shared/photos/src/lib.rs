//! Preparing a photo for the VLM: decoded, scaled down, turned upright, encoded anew without any metadata.
//!
//! # Invariants
//! - The file's limits and dimensions are checked before its pixels take memory.
//! - A file that ends early is an error, never a half-grey picture.
//! - The same bytes give the same JPEG, so that the VLM server can cache by content; on x86 CPUs with AVX2 and on those without, the encoder rounds differently.

mod colour;
mod decode;
mod encode;
mod failure;
mod jpeg;
pub mod metadata;
pub mod quality;
mod scale;
pub mod size_policy;
#[doc(hidden)]
pub mod stages;

use serde::{Deserialize, Serialize};

pub use self::failure::PhotoError;
use self::metadata::Metadata;
use self::quality::Quality;
use self::size_policy::SizePolicy;
use self::stages::{Laps, Times};

/// A photo as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The JPEG.
    pub jpeg: Vec<u8>,
    /// Its figures.
    pub figures: ImageFigures,
    /// How sharp and bright it is, and a hash of how it looks.
    pub quality: Quality,
    /// What its EXIF data says.
    pub metadata: Metadata,
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

/// Prepares a photo: `long_edge` pixels at most, never enlarged.
pub fn prepare(bytes: &[u8], policy: &SizePolicy, long_edge: u32) -> Result<Prepared, PhotoError> {
    prepare_timed(bytes, policy, long_edge).map(|(prepared, _)| prepared)
}

/// As `prepare`, which is this without the times.
#[doc(hidden)]
pub fn prepare_timed(
    bytes: &[u8],
    policy: &SizePolicy,
    long_edge: u32,
) -> Result<(Prepared, Times), PhotoError> {
    let (mut laps, mut times) = (Laps::start(), Times::default());
    let decoded = decode::decode(bytes, &policy.limits, long_edge)?;
    times.decode = laps.lap();
    let decode::Decoded {
        size,
        picture,
        orientation,
        icc,
        exif,
    } = decoded;
    let upright = scale::scale_and_turn(picture, size, long_edge, orientation, icc.as_deref())?;
    times.scale = laps.lap();
    let (width, height) = upright.size();
    let quality = Quality::of(&upright.luma(), width as usize);
    let metadata = exif.as_deref().map(Metadata::read).unwrap_or_default();
    times.inspect = laps.lap();
    let jpeg = encode::encode(&upright, policy.jpeg_quality, policy.chroma_quality)?;
    times.encode = laps.lap();
    let figures = ImageFigures {
        original_bytes: bytes.len() as u64,
        sent_bytes: jpeg.len() as u64,
        width,
        height,
        image_tokens: image_tokens(width, height),
    };
    Ok((
        Prepared {
            jpeg,
            figures,
            quality,
            metadata,
        },
        times,
    ))
}

/// The bytes of memory that preparing a photo takes at most beside the file itself, by its header alone. A file that
/// `prepare` would refuse by its header is refused here too.
pub fn memory_needed(
    bytes: &[u8],
    policy: &SizePolicy,
    long_edge: u32,
) -> Result<usize, PhotoError> {
    // The scaled picture, the resizer's buffer, and the JPEG: together less than six bytes for each pixel of a square.
    let edge = long_edge as usize;
    Ok(decode::memory(bytes, &policy.limits, long_edge)?.saturating_add(6 * edge * edge))
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
