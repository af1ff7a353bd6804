//! A photo's way from the file to the JPEG that is sent.

use std::time::Duration;

use crate::quality::Quality;
use crate::read_codes::{self, BUDGET, read_codes};
use crate::size_policy::SizePolicy;
use crate::stages::{Clock, Laps, Times};
use crate::{
    ColourProfile, ImageFigures, PhotoError, Prepared, decode, encode, exif_data, image_tokens,
    scale,
};

/// Prepares a photo: `long_edge` pixels at most, never enlarged.
///
/// ```no_run
/// use photos::prepare;
/// use photos::size_policy::{CURRENT_VERSION, SizePolicy};
///
/// let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
/// let prepared = prepare(&std::fs::read("photo.heic").unwrap(), policy, policy.long_edge).unwrap();
/// assert!(prepared.figures.width.max(prepared.figures.height) <= policy.long_edge);
/// ```
pub fn prepare(bytes: &[u8], policy: &SizePolicy, long_edge: u32) -> Result<Prepared, PhotoError> {
    prepare_timed(bytes, policy, long_edge, || Duration::ZERO).map(|(prepared, _)| prepared)
}

/// As `prepare`, and looks for bar codes on the pixels that were decoded. It takes `MEMORY` and at most `BUDGET` more.
pub fn prepare_with_codes(
    bytes: &[u8],
    policy: &SizePolicy,
    long_edge: u32,
) -> Result<Prepared, PhotoError> {
    on_its_way(bytes, policy, long_edge, || Duration::ZERO, true).map(|(prepared, _)| prepared)
}

/// As `prepare`, which is this with a clock that stands still.
#[doc(hidden)]
pub fn prepare_timed(
    bytes: &[u8],
    policy: &SizePolicy,
    long_edge: u32,
    clock: Clock,
) -> Result<(Prepared, Times), PhotoError> {
    on_its_way(bytes, policy, long_edge, clock, false)
}

fn on_its_way(
    bytes: &[u8],
    policy: &SizePolicy,
    long_edge: u32,
    clock: Clock,
    with_codes: bool,
) -> Result<(Prepared, Times), PhotoError> {
    let (mut laps, mut times) = (Laps::start(clock), Times::default());
    let decoded = decode::decode(bytes, &policy.limits, long_edge)?;
    times.decode = laps.lap();
    let decode::Decoded {
        size,
        picture,
        orientation,
        icc,
        exif,
    } = decoded;
    let large = with_codes.then(|| read_codes::large(&picture)).flatten();
    let (upright, not_applied) =
        scale::scale_and_turn(picture, size, long_edge, orientation, icc.as_deref())?;
    times.scale = laps.lap();
    let (width, height) = upright.size();
    let quality = Quality::of(&upright.luma(), width as usize);
    let codes = match large {
        _ if !with_codes => Vec::new(),
        Some((luma, (width, height))) => read_codes(&luma, width, height, BUDGET),
        None => read_codes(&upright.luma(), width, height, BUDGET),
    };
    let metadata = exif.as_deref().map(exif_data::read).unwrap_or_default();
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
            colour_profile: not_applied.map(|_| ColourProfile::NotApplied),
            codes,
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
    // The scaled picture, before and after its colours are converted, the resizer's buffer, and the JPEG: together less
    // than twelve bytes for each pixel of a square.
    let edge = long_edge as usize;
    Ok(decode::memory(bytes, &policy.limits, long_edge)?.saturating_add(12 * edge * edge))
}
