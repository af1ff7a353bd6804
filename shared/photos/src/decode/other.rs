//! PNG and WebP, by the `image` crate. Of an animation the first picture counts.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgb, RgbImage};

use super::{Decoded, check};
use crate::PhotoError;
use crate::scale::Picture;
use crate::size_policy::Limits;

/// Bytes of EXIF data or a colour profile; what is larger is passed over.
const MOST_METADATA_BYTES: usize = 4_000_000;

pub(super) fn decode(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
) -> Result<Decoded, PhotoError> {
    let mut decoder = open(bytes, format, limits)?;
    let size = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let small = |data: &Vec<u8>| data.len() <= MOST_METADATA_BYTES;
    let exif = decoder.exif_metadata().ok().flatten().filter(small);
    let icc = decoder.icc_profile().ok().flatten().filter(small);
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let rgb = if picture.color().has_alpha() {
        onto_white(picture)
    } else {
        picture.into_rgb8()
    };
    Ok(Decoded {
        size,
        picture: Picture::Rgb(rgb),
        orientation,
        icc,
        exif,
    })
}

/// The decoder's pixels and the RGB they become.
pub(super) fn memory(
    bytes: &[u8],
    format: ImageFormat,
    limits: &Limits,
) -> Result<usize, PhotoError> {
    let decoder = open(bytes, format, limits)?;
    let (width, height) = decoder.dimensions();
    let pixels = width as usize * height as usize;
    Ok(pixels * (usize::from(decoder.color_type().bytes_per_pixel()) + 4 + 3))
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
    check(decoder.dimensions(), bytes, limits)?;
    let mut own = image::Limits::default();
    own.max_alloc = Some(limits.most_pixels.saturating_mul(8));
    decoder.set_limits(own).map_err(damaged)?;
    Ok(decoder)
}

fn damaged(cause: image::ImageError) -> PhotoError {
    PhotoError::Damaged(cause.to_string())
}

fn onto_white(picture: DynamicImage) -> RgbImage {
    let (width, height) = (picture.width(), picture.height());
    let picture = picture.into_rgba8();
    let mut white = RgbImage::new(width, height);
    for (to, pixel) in white.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, alpha] = pixel.0;
        *to = Rgb([r, g, b].map(|value| blend(value, alpha)));
    }
    white
}

fn blend(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u16::from(value), u16::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
