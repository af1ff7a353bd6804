//! Decoding: by what the content is, whatever the name says.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Rgb};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::size_policy::Limits;
use super::{Decoded, PhotoError};

/// Brands of HEIF files, at byte 8 after `ftyp`.
const HEIF_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif"];

/// Decodes a photo to RGB.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, PhotoError> {
    if bytes.is_empty() {
        return Err(PhotoError::Empty);
    }
    if bytes.len() as u64 > limits.most_bytes {
        return Err(PhotoError::TooLarge { width: 0, height: 0, bytes: bytes.len() as u64 });
    }
    if bytes.get(4..8) == Some(b"ftyp") && bytes.get(8..12).is_some_and(|brand| HEIF_BRANDS.contains(&brand)) {
        return Err(PhotoError::Unsupported("HEIC/HEIF"));
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => jpeg(bytes, limits),
        Ok(format @ (ImageFormat::Png | ImageFormat::WebP)) => other(bytes, format, limits),
        Ok(format) => Err(PhotoError::Unsupported(format.extensions_str().first().copied().unwrap_or("of this file"))),
        Err(cause) => Err(PhotoError::Unknown(cause.to_string())),
    }
}

/// Strict: a file that ends early, or whose entropy-coded data is broken, is an error.
fn jpeg(bytes: &[u8], limits: &Limits) -> Result<Decoded, PhotoError> {
    let edge = limits.most_edge as usize;
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(edge).set_max_height(edge);
    let options = options.jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let damaged = |cause: zune_jpeg::errors::DecodeErrors| PhotoError::Damaged(format!("{cause:?}"));
    decoder.decode_headers().map_err(|cause| too_large_or(cause, bytes))?;
    let info = decoder.info().ok_or_else(|| PhotoError::Damaged("no frame header".into()))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check(width, height, bytes, limits)?;
    let orientation =
        decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif)).unwrap_or(Orientation::NoTransforms);
    let rgb = decoder.decode().map_err(damaged)?;
    Ok(Decoded { width, height, rgb, orientation })
}

/// The decoder knows only that a dimension is beyond its bound; the header's own figures are for the user.
fn too_large_or(cause: zune_jpeg::errors::DecodeErrors, bytes: &[u8]) -> PhotoError {
    let text = format!("{cause:?}");
    if text.contains("width") || text.contains("height") {
        let edge = u64::from(u16::MAX);
        return PhotoError::TooLarge { width: edge, height: edge, bytes: bytes.len() as u64 };
    }
    PhotoError::Damaged(text)
}

fn other(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Decoded, PhotoError> {
    let damaged = |cause: image::ImageError| PhotoError::Damaged(cause.to_string());
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check(width, height, bytes, limits)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let rgb = if picture.color().has_alpha() { onto_white(&picture) } else { picture.into_rgb8().into_raw() };
    Ok(Decoded { width, height, rgb, orientation })
}

fn onto_white(picture: &DynamicImage) -> Vec<u8> {
    let blend = |value: u8, alpha: u8| {
        let (value, alpha) = (u16::from(value), u16::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let white = |pixel: &image::Rgba<u8>| {
        let [r, g, b, alpha] = pixel.0;
        Rgb([blend(r, alpha), blend(g, alpha), blend(b, alpha)]).0
    };
    picture.to_rgba8().pixels().flat_map(white).collect()
}

fn check(width: u32, height: u32, bytes: &[u8], limits: &Limits) -> Result<(), PhotoError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(PhotoError::Damaged("the image has no pixels".into()));
    }
    if width.max(height) > limits.most_edge || pixels > limits.most_pixels {
        return Err(PhotoError::TooLarge { width: width.into(), height: height.into(), bytes: bytes.len() as u64 });
    }
    Ok(())
}
