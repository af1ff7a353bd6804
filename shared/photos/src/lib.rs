//! Preparing a photo for the VLM: decoded, scaled down, turned upright, encoded anew without any metadata.
//!
//! # Invariants
//! - The file's limits and dimensions are checked before its pixels take memory.
//! - A file that ends early is an error, never a half-grey picture.
//! - The same bytes give the same JPEG, so that the VLM server can cache by content; on x86 CPUs with AVX2 and on
//!   those without, the encoder rounds differently.

pub mod codes;
#[cfg(feature = "codecs")]
mod colour;
#[cfg(feature = "codecs")]
mod decode;
#[cfg(feature = "codecs")]
mod encode;
#[cfg(feature = "codecs")]
mod exif_data;
mod failure;
#[cfg(feature = "codecs")]
mod found;
#[cfg(feature = "codecs")]
mod jpeg;
pub mod metadata;
#[cfg(feature = "codecs")]
mod prepare;
pub mod quality;
#[cfg(feature = "codecs")]
mod read_codes;
#[cfg(feature = "codecs")]
mod read_squares;
#[cfg(feature = "codecs")]
mod scale;
pub mod size_policy;
#[cfg(feature = "codecs")]
#[doc(hidden)]
pub mod stages;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::codes::Code;
#[cfg(feature = "codecs")]
pub use self::decode::{HEAD_BYTES, no_photo};
pub use self::failure::PhotoError;
use self::metadata::Metadata;
#[cfg(feature = "codecs")]
pub use self::prepare::{memory_needed, prepare, prepare_timed, prepare_with_codes};
use self::quality::Quality;
#[cfg(feature = "codecs")]
pub use self::read_codes::{BUDGET, LONG_EDGE, MEMORY, read_codes};

/// The formats that are read, by the names that users know. `decode` knows each by its content.
pub const FORMATS: [&str; 4] = ["JPEG", "HEIC", "PNG", "WebP"];

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
    /// What became of its colour profile, where that is worth telling.
    pub colour_profile: Option<ColourProfile>,
    /// Its bar codes, if they were looked for.
    pub codes: Vec<Code>,
}

/// What became of a photo's colour profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColourProfile {
    /// It could not be applied: the colours that were sent may be off.
    NotApplied,
}

/// What was sent to the VLM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Tokens of an image for Qwen3-VL: a token per 32 × 32 pixels, each edge rounded half to even, two around them;
/// 64 to 16,384 in all. Measured on a vLLM server at 17 sizes.
pub fn image_tokens(width: u32, height: u32) -> u32 {
    let cells = |edge: u32| (f64::from(edge) / 32.0).round_ties_even() as u32;
    (cells(width).saturating_mul(cells(height)).saturating_add(2)).clamp(64, 16_384)
}

#[cfg(feature = "codecs")]
#[cfg(test)]
mod exif_tests;
#[cfg(feature = "codecs")]
#[cfg(test)]
mod odd_tests;
#[cfg(feature = "codecs")]
#[cfg(test)]
mod tests;
