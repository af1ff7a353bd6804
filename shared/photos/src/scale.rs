//! Scaling, turning and encoding. Scaled first and turned then: a small picture turns at almost no cost.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::{Decoded, PhotoError};

/// Scales to `long_edge` at most, and turns upright.
pub(super) fn scale_and_turn(decoded: Decoded, long_edge: u32) -> Result<RgbImage, PhotoError> {
    let orientation = decoded.orientation;
    let mut picture = DynamicImage::ImageRgb8(scale(decoded, long_edge)?);
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

fn scale(decoded: Decoded, long_edge: u32) -> Result<RgbImage, PhotoError> {
    let Decoded { width, height, rgb, .. } = decoded;
    let wrong = |what: &str| PhotoError::Processing(what.into());
    let (to_width, to_height) = fitted(width, height, long_edge);
    if (to_width, to_height) == (width, height) {
        return RgbImage::from_raw(width, height, rgb).ok_or_else(|| wrong("the decoder gave too few pixels"));
    }
    let from = ImageRef::new(width, height, &rgb, PixelType::U8x3).map_err(|cause| wrong(&cause.to_string()))?;
    let mut to = Image::new(to_width, to_height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&from, &mut to, &options).map_err(|cause| wrong(&cause.to_string()))?;
    RgbImage::from_raw(to_width, to_height, to.into_vec()).ok_or_else(|| wrong("the resizer gave too few pixels"))
}

/// The largest size of the same shape within `long_edge`, never larger than the original, never empty.
pub(super) fn fitted(width: u32, height: u32, long_edge: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= long_edge {
        return (width, height);
    }
    let fit = |edge: u32| (f64::from(edge) * f64::from(long_edge) / f64::from(longest)).round().max(1.0) as u32;
    (fit(width), fit(height))
}

/// Encodes with 4:2:0 chroma, as phones do.
pub(super) fn encode(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, PhotoError> {
    let (Ok(width), Ok(height)) = (u16::try_from(picture.width()), u16::try_from(picture.height())) else {
        return Err(PhotoError::Processing("the picture is larger than a JPEG can be".into()));
    };
    let mut jpeg = Vec::with_capacity(picture.as_raw().len() / 8);
    let mut encoder = Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode(picture.as_raw(), width, height, ColorType::Rgb)
        .map_err(|cause| PhotoError::Processing(cause.to_string()))?;
    Ok(jpeg)
}
