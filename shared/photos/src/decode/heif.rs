//! What an ISO media file is: HEIC is read, AVIF and videos are not.

use super::Format;
use crate::PhotoError;

/// Brands of HEIF files with HEVC pictures, and the generic ones.
const HEIC: [&[u8]; 7] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1",
];
/// Brands of AVIF files, which are HEIF files with AV1 pictures.
const AVIF: [&[u8]; 2] = [b"avif", b"avis"];
/// Brands looked at; real files have up to 10.
const MOST_BRANDS: usize = 32;

/// What an ISO media file is, by its brands.
pub(super) fn format(bytes: &[u8]) -> Result<Format, PhotoError> {
    let length = bytes
        .first_chunk()
        .map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let end = length.min(8 + 4 * MOST_BRANDS).min(bytes.len());
    let brands: Vec<&[u8]> = bytes.get(8..end).unwrap_or_default().chunks(4).collect();
    let is = |known: &[&[u8]]| brands.iter().any(|brand| known.contains(brand));
    if is(&AVIF) {
        Err(PhotoError::Unsupported("AVIF"))
    } else if is(&[b"crx "]) {
        Err(PhotoError::Unsupported("CR3 (raw)"))
    } else if is(&HEIC) {
        Ok(Format::Heif)
    } else {
        Err(PhotoError::NoPhoto("a video"))
    }
}
