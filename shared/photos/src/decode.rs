//! Decoding: by what the content is, whatever the name says.

mod content;
#[cfg(feature = "heic")]
mod heic;
#[cfg(not(feature = "heic"))]
#[path = "decode/no_heic.rs"]
mod heic;
mod heif;
mod jpeg;
mod other;
mod png;
mod webp;

use image::metadata::Orientation;
use image::{ImageFormat, RgbImage, RgbaImage};

use super::PhotoError;
use super::scale::Picture;
use super::size_policy::Limits;

/// A decoded photo, not yet turned, perhaps at a part of its size.
pub(super) struct Decoded {
    /// Width and height as stored, in pixels.
    pub(super) size: (u32, u32),
    pub(super) picture: Picture,
    pub(super) orientation: Orientation,
    /// The colour profile, if the pixels are still in its colours.
    pub(super) icc: Option<Vec<u8>>,
    /// The EXIF data.
    pub(super) exif: Option<Vec<u8>>,
}

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Heif,
    Other(ImageFormat),
}

/// Decodes a photo that will be `long_edge` pixels large.
pub(super) fn decode(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<Decoded, PhotoError> {
    match format(bytes, limits)? {
        Format::Jpeg => jpeg::decode(bytes, limits, long_edge),
        Format::Heif => heic::decode(bytes, limits, long_edge),
        Format::Other(format) => other::decode(bytes, format, limits),
    }
}

/// The bytes of memory that decoding will take, by the header alone.
pub(super) fn memory(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<usize, PhotoError> {
    match format(bytes, limits)? {
        Format::Jpeg => jpeg::memory(bytes, limits, long_edge),
        Format::Heif => heic::memory(bytes, limits, long_edge),
        Format::Other(format) => other::memory(bytes, format, limits),
    }
}

/// What the file is; nothing and too much are refused here.
fn format(bytes: &[u8], limits: &Limits) -> Result<Format, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    if bytes.len() as u64 > limits.most_bytes {
        return Err(PhotoError::TooLarge {
            width: 0,
            height: 0,
            bytes: bytes.len() as u64,
        });
    }
    kind(bytes)
}

/// Bytes from a file's beginning by which `no_photo` knows what it is.
pub const HEAD_BYTES: usize = content::HEAD;

/// What a file is that is no photo, by its first `HEAD_BYTES`; none if it is a photo, or may be one.
///
/// ```
/// use photos::no_photo;
///
/// assert_eq!(no_photo(b"%PDF-1.7"), Some("a PDF"));
/// assert_eq!(no_photo(&[0xFF, 0xD8, 0xFF, 0xE0]), None);
/// ```
pub fn no_photo(head: &[u8]) -> Option<&'static str> {
    match kind(head) {
        Err(PhotoError::NoPhoto(what)) => Some(what),
        _ => None,
    }
}

fn kind(bytes: &[u8]) -> Result<Format, PhotoError> {
    if bytes.get(4..8) == Some(b"ftyp") {
        return heif::format(bytes);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Ok(Format::Jpeg),
        Ok(format @ (ImageFormat::Png | ImageFormat::WebP)) => Ok(Format::Other(format)),
        Ok(format) => Err(PhotoError::Unsupported(content::name(format))),
        Err(cause) => {
            let unknown = || PhotoError::Unknown(cause.to_string());
            Err(content::what_else(bytes).unwrap_or_else(unknown))
        }
    }
}

/// Refuses dimensions beyond the limits; more is allowed where a photo is scaled while it is decoded.
fn check(
    (width, height): (u32, u32),
    bytes: &[u8],
    limits: &Limits,
    scaled: bool,
) -> Result<(), PhotoError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(PhotoError::Damaged("the image has no pixels".into()));
    }
    if width.max(height) > limits.most_edge || pixels > limits.pixels(scaled) {
        return Err(PhotoError::TooLarge {
            width: width.into(),
            height: height.into(),
            bytes: bytes.len() as u64,
        });
    }
    Ok(())
}

/// What is transparent shows white, as on the page of whoever looks at it.
fn onto_white(picture: &RgbaImage) -> RgbImage {
    let mut white = RgbImage::new(picture.width(), picture.height());
    for (to, pixel) in white.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, alpha] = pixel.0;
        to.0 = [r, g, b].map(|value| blend(value, alpha));
    }
    white
}

fn blend(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u16::from(value), u16::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FORMATS;
    use crate::size_policy::{CURRENT_VERSION, SizePolicy};

    /// How a file of this format begins.
    fn beginning(name: &str) -> &'static [u8] {
        match name {
            "JPEG" => &[0xFF, 0xD8, 0xFF, 0xE0],
            "HEIC" => b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
            "PNG" => b"\x89PNG\r\n\x1a\n",
            "WebP" => b"RIFF\0\0\0\0WEBPVP8 ",
            other => panic!("say how a file of the format {other} begins"),
        }
    }

    #[test]
    fn every_format_that_users_are_told_of_is_known_by_its_content() {
        let limits = &SizePolicy::shipped(CURRENT_VERSION).unwrap().limits;
        for name in FORMATS {
            let known = format(beginning(name), limits);
            assert!(known.is_ok(), "{name}: {known:?}");
        }
        assert!(format(b"GIF89a", limits).is_err());
    }
}
