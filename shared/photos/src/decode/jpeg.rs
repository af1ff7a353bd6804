//! JPEG: by our own decoder, at the part of the size that the target needs.

use image::metadata::Orientation;

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

impl From<JpegError> for PhotoError {
    fn from(error: JpegError) -> Self {
        match error {
            JpegError::Damaged(_) => Self::Damaged(error.to_string()),
            JpegError::Unsupported(coding) => Self::UnsupportedJpeg(coding),
        }
    }
}

pub(super) fn decode(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<Decoded, PhotoError> {
    let jpeg = read(bytes, limits)?;
    let size = jpeg.size();
    let (exif, icc) = (
        jpeg.exif().map(<[u8]>::to_vec),
        jpeg.icc().map(<[u8]>::to_vec),
    );
    let (colours, eighths) = (jpeg.colours(), eighths(&jpeg, long_edge));
    let picture = Picture::Planes {
        planes: jpeg.decode(&eighths)?,
        colours,
    };
    Ok(Decoded {
        size,
        picture,
        orientation: exif
            .as_deref()
            .map_or(Orientation::NoTransforms, orientation),
        icc,
        exif,
    })
}

pub(super) fn memory(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<usize, PhotoError> {
    let jpeg = read(bytes, limits)?;
    Ok(jpeg.memory(&eighths(&jpeg, long_edge)))
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Jpeg<'a>, PhotoError> {
    let jpeg = Jpeg::read(bytes)?;
    check(jpeg.size(), bytes, limits, true)?;
    Ok(jpeg)
}

/// For each component the least N of N/8 that is large enough. Chroma is sent at half of the target's size.
fn eighths(jpeg: &Jpeg<'_>, long_edge: u32) -> Vec<usize> {
    let (width, height) = jpeg.size();
    let (to_width, to_height) = fitted(width, height, long_edge);
    let is_luma = |index: usize| match jpeg.colours() {
        Colours::YCbCr | Colours::Ycck => !(1..=2).contains(&index),
        _ => true,
    };
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
