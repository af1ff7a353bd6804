//! PNG and WebP, by the `image` crate. Of an animation the first picture counts.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation::NoTransforms;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{Decoded, check, onto_white, png, webp};
use crate::PhotoError;
use crate::exif_data::orientation;
use crate::scale::Picture;
use crate::size_policy::Limits;

/// Bytes of EXIF data or a colour profile; what is larger is passed over.
const MOST_METADATA_BYTES: usize = 4_000_000;

/// Of a pixel with red, green and blue.
const RGB: usize = 3;
/// The same with opacity.
const RGBA: usize = 4;
/// Of a pixel, beside its colours: rows, texts and a colour profile. Next to nothing was measured.
const BESIDE_PNG: usize = 1;
/// The same with the decoder's own picture, as luma and chroma or as RGBA, and its opacity.
const BESIDE_WEBP: usize = 4 + 1;
/// What the decoder of WebP takes for a part of the file, by the size that stands in the file: 24 bits. Whether there is
/// so much it finds out afterwards.
const CLAIMED_WEBP: usize = 1 << 24;

pub(super) fn decode(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
) -> Result<Decoded, PhotoError> {
    let whole = whole(bytes, format);
    let mut decoder = open(&whole, format, limits)?;
    let size = decoder.dimensions();
    let small = |data: &Vec<u8>| data.len() <= MOST_METADATA_BYTES;
    let exif = match format {
        ImageFormat::Png => png::exif(bytes),
        _ => decoder.exif_metadata().ok().flatten(),
    };
    let exif = exif.filter(small);
    let icc = decoder.icc_profile().ok().flatten().filter(small);
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let rgb = if picture.color().has_alpha() {
        onto_white(&picture.into_rgba8())
    } else {
        picture.into_rgb8()
    };
    Ok(Decoded {
        size,
        picture: Picture::Rgb(rgb),
        orientation: exif.as_deref().map_or(NoTransforms, orientation),
        icc,
        exif,
    })
}

/// The decoder's pixels and what they become.
pub(super) fn memory(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
) -> Result<usize, PhotoError> {
    let whole = whole(bytes, format);
    let decoder = open(&whole, format, limits)?;
    let (width, height) = decoder.dimensions();
    let pixels = width as usize * height as usize;
    let (beside, parts) = if format == ImageFormat::WebP {
        (BESIDE_WEBP, bytes.len() + CLAIMED_WEBP)
    } else {
        (BESIDE_PNG, 0)
    };
    let copy = if let Cow::Owned(copy) = &whole {
        copy.len()
    } else {
        0
    };
    Ok(copy + parts + pixels * (bytes_a_pixel(decoder.color_type()) + beside))
}

/// The file as the decoder needs it.
fn whole(bytes: &[u8], format: ImageFormat) -> Cow<'_, [u8]> {
    match format {
        ImageFormat::Png => png::ended(bytes),
        _ => bytes.into(),
    }
}

/// Of a pixel: as decoded, and as it is converted from that, step by step; the step that takes most counts.
fn bytes_a_pixel(colours: ColorType) -> usize {
    let decoded = usize::from(colours.bytes_per_pixel());
    match colours {
        ColorType::Rgb8 => RGB,
        ColorType::Rgba8 => RGBA + RGB,
        colours if colours.has_alpha() => (decoded + RGBA).max(RGBA + RGB),
        _ => decoded + RGB,
    }
}

/// Reads the header, and refuses what is beyond the limits; the decoder's own memory is limited too.
fn open<'a>(
    bytes: &'a [u8],
    format: ImageFormat,
    limits: &Limits,
) -> Result<impl ImageDecoder + 'a, PhotoError> {
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format)
        .into_decoder()
        .map_err(damaged)?;
    check(decoder.dimensions(), bytes, limits, false)?;
    if format == ImageFormat::WebP && webp::has_larger_frame(bytes, decoder.dimensions()) {
        return Err(PhotoError::Damaged(
            "a frame is larger than the picture".into(),
        ));
    }
    let mut own = image::Limits::default();
    own.max_alloc = Some(limits.most_pixels.saturating_mul(8));
    decoder.set_limits(own).map_err(damaged)?;
    Ok(decoder)
}

fn damaged(cause: image::ImageError) -> PhotoError {
    PhotoError::Damaged(cause.to_string())
}
