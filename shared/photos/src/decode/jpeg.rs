//! JPEG: by our own decoder, at the part of the size that the target needs; what that does not know, by a library.

use image::RgbImage;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, check};
use crate::PhotoError;
use crate::exif_data::orientation;
use crate::jpeg::{Colours, Jpeg, JpegError};
use crate::scale::{Picture, fitted};
use crate::size_policy::Limits;

/// How much larger than the target luma is decoded, at least, where a photo's size allows: the resizer needs
/// something to choose from, with 1.0 the worst photo loses 4 points of SSIMULACRA2 against libvips. With 1.5, and
/// 1.25 for chroma, the median photo loses 0.1 points against 2.0 for both, and a photo takes a sixth less CPU time
/// (`bench photos`).
const LEAST_OVERSIZE: f64 = 1.5;
/// The same for chroma, in which little is seen of the difference.
const CHROMA_OVERSIZE: f64 = 1.25;

/// What the library takes for a pixel: of a progressive file coefficients of two bytes for four colours, the RGB they
/// become, and a byte beside it; 11.05 was measured.
const BYTES_BY_LIBRARY: usize = 4 * 2 + 3 + 1;

impl From<JpegError> for PhotoError {
    fn from(error: JpegError) -> Self {
        Self::Damaged(error.to_string())
    }
}

pub(super) fn decode(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<Decoded, PhotoError> {
    let jpeg = read(bytes, limits)?;
    let size = jpeg.size();
    let (exif, icc) = (
        jpeg.exif().map(<[u8]>::to_vec),
        jpeg.icc().map(<[u8]>::to_vec),
    );
    let orientation = exif
        .as_deref()
        .map_or(image::metadata::Orientation::NoTransforms, orientation);
    let picture = match jpeg.foreign() {
        Some(_) => by_library(bytes, size)?,
        None => {
            let (colours, eighths) = (jpeg.colours(), eighths(&jpeg, long_edge));
            Picture::Planes {
                planes: jpeg.decode(&eighths)?,
                colours,
            }
        }
    };
    Ok(Decoded {
        size,
        picture,
        orientation,
        icc,
        exif,
    })
}

pub(super) fn memory(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<usize, PhotoError> {
    let jpeg = read(bytes, limits)?;
    let (width, height) = jpeg.size();
    match jpeg.foreign() {
        Some(_) => Ok(width as usize * height as usize * BYTES_BY_LIBRARY),
        None => Ok(jpeg.memory(&eighths(&jpeg, long_edge))),
    }
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Jpeg<'a>, PhotoError> {
    let jpeg = Jpeg::read(bytes)?;
    check(jpeg.size(), bytes, limits)?;
    Ok(jpeg)
}

/// For each component the least N of N/8 that is large enough. Chroma is sent at half of the target's size.
fn eighths(jpeg: &Jpeg<'_>, long_edge: u32) -> Vec<usize> {
    let (width, height) = jpeg.size();
    let (to_width, to_height) = fitted(width, height, long_edge);
    let is_luma = |index: usize| index == 0 || jpeg.colours() == Colours::Rgb;
    let of = |(index, (wide, high)): (usize, (f64, f64))| {
        let (share, oversize) = if is_luma(index) {
            (1.0, LEAST_OVERSIZE)
        } else {
            (0.5, CHROMA_OVERSIZE)
        };
        let needed = (f64::from(to_width) * share / wide).max(f64::from(to_height) * share / high);
        ((needed * oversize * 8.0).ceil() as usize).clamp(1, 8)
    };
    jpeg.component_sizes()
        .into_iter()
        .enumerate()
        .map(of)
        .collect()
}

/// Strict: a file that ends early, or whose entropy-coded data is broken, is an error.
fn by_library(bytes: &[u8], (width, height): (u32, u32)) -> Result<Picture, PhotoError> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let options = options
        .set_max_width(width as usize)
        .set_max_height(height as usize);
    let pixels = JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode();
    let pixels = pixels.map_err(|cause| PhotoError::Damaged(format!("{cause:?}")))?;
    let picture = RgbImage::from_raw(width, height, pixels);
    picture
        .map(Picture::Rgb)
        .ok_or_else(|| PhotoError::Processing("the decoder gave too few pixels".into()))
}
