//! HEIC, what iPhones write unless told otherwise. The library turns and mirrors as the file says and converts to sRGB.

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
    } else if is(&HEIC) {
        Ok(Format::Heif)
    } else {
        Err(PhotoError::Unsupported("of a video"))
    }
}

#[cfg(feature = "heic")]
pub(super) use heic::{decode, memory};

#[cfg(feature = "heic")]
mod heic {
    use heifer::{Error, Options};
    use heifer_isobmff::HeifFile;
    use image::RgbImage;
    use image::metadata::Orientation;

    use super::super::{Decoded, check};
    use crate::PhotoError;
    use crate::scale::Picture;
    use crate::size_policy::Limits;

    /// Bytes that decoding a pixel takes at most; measured on iPhone and Samsung photos (14 to 24).
    const BYTES_A_PIXEL: usize = 24;

    pub(in super::super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PhotoError> {
        let (width, height) = stored_size(bytes)?;
        check((width, height), bytes, limits)?;
        // No more pixels than the memory was reckoned for; and one thread, since how many photos are decoded at once is
        // decided outside.
        let options = Options {
            max_threads: 1,
            max_pixels: u64::from(width) * u64::from(height),
        };
        let picture = heifer::decode_srgb_rgba8(bytes, &options).map_err(reason)?;
        let size = (picture.width, picture.height);
        check(size, bytes, limits)?;
        let exif = heifer::read_metadata(bytes)
            .ok()
            .and_then(|metadata| metadata.exif);
        let rgb = RgbImage::from_raw(size.0, size.1, picture.into_rgb8());
        let rgb =
            rgb.ok_or_else(|| PhotoError::Processing("the decoder gave too few pixels".into()))?;
        // EXIF repeats the orientation that the library has applied already.
        Ok(Decoded {
            size,
            picture: Picture::Rgb(rgb),
            orientation: Orientation::NoTransforms,
            icc: None,
            exif,
        })
    }

    pub(in super::super) fn memory(bytes: &[u8], limits: &Limits) -> Result<usize, PhotoError> {
        let (width, height) = stored_size(bytes)?;
        check((width, height), bytes, limits)?;
        Ok(width as usize * height as usize * BYTES_A_PIXEL)
    }

    fn stored_size(bytes: &[u8]) -> Result<(u32, u32), PhotoError> {
        let damaged = |cause: heifer_isobmff::Error| PhotoError::Damaged(cause.to_string());
        let file = HeifFile::parse(bytes).map_err(damaged)?;
        let primary = file.primary_item().map_err(damaged)?.id;
        let size = file.image_size(primary).map_err(damaged)?;
        size.ok_or_else(|| PhotoError::Damaged("the file does not tell its size".into()))
    }

    fn reason(error: Error) -> PhotoError {
        match error {
            Error::Unsupported(_) => PhotoError::Unsupported("of this HEIC file"),
            other => PhotoError::Damaged(other.to_string()),
        }
    }
}

#[cfg(not(feature = "heic"))]
pub(super) use without::{decode, memory};

#[cfg(not(feature = "heic"))]
mod without {
    use super::super::Decoded;
    use crate::PhotoError;
    use crate::size_policy::Limits;

    pub(in super::super) fn decode(_: &[u8], _: &Limits) -> Result<Decoded, PhotoError> {
        Err(PhotoError::Unsupported("HEIC"))
    }

    pub(in super::super) fn memory(_: &[u8], _: &Limits) -> Result<usize, PhotoError> {
        Err(PhotoError::Unsupported("HEIC"))
    }
}
