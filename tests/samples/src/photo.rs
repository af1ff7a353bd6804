//! A sample photo as a file.

use fastrand::Rng;
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::truth::Truth;
use crate::{code, exif, label, scene};

/// How a photo is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Width when held upright.
    pub width: u32,
    /// Height when held upright.
    pub height: u32,
    /// EXIF orientation, 1 to 8: the pixels are stored turned so that this turns them upright.
    pub orientation: u8,
    /// What makes this photo's noise its own.
    pub seed: u64,
}

/// Noise in levels: at 12 MP a file then weighs 2 to 5 MB.
const NOISE: u8 = 9;
/// Light and shade in levels: enough that no two photos look the same.
const LIGHT: u8 = 50;
/// When photos are taken unless said otherwise.
pub(crate) const TAKEN: &str = "2026:01:14 10:15:02";
/// The quality that phones use.
const QUALITY: u8 = 90;

/// The upright picture.
pub fn picture(truth: &Truth, view: &View) -> anyhow::Result<RgbImage> {
    let mut random = Rng::with_seed(view.seed ^ (u64::from(truth.photo) << 32));
    let step = truth.shows.first().map(|shown| shown.step.as_str());
    let mut canvas = scene::draw(view.width, view.height, step, &mut random);
    canvas.add_light(LIGHT, &mut random);
    code::draw(&mut canvas, truth).map_err(|cause| {
        anyhow::anyhow!("The truth of {} does not fit a code: {cause}", truth.photo)
    })?;
    label::draw(&mut canvas, truth)?;
    canvas.add_noise(NOISE, &mut random);
    Ok(canvas.into_picture())
}

/// The JPEG file.
pub fn jpeg(truth: &Truth, view: &View) -> anyhow::Result<Vec<u8>> {
    jpeg_taken(truth, view, TAKEN)
}

/// The same, taken at this time (`2026:01:14 10:15:02`).
pub fn jpeg_taken(truth: &Truth, view: &View, time: &str) -> anyhow::Result<Vec<u8>> {
    stored(picture(truth, view)?, view.orientation, time)
}

/// An upright picture as the file that a phone of this orientation writes.
pub(crate) fn stored(picture: RgbImage, orientation: u8, time: &str) -> anyhow::Result<Vec<u8>> {
    let mut stored = DynamicImage::ImageRgb8(picture);
    stored.apply_orientation(undo(orientation));
    let stored = stored.into_rgb8();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.add_app_segment(1, exif::segment(orientation, time))?;
    encoder.encode(
        stored.as_raw(),
        u16::try_from(stored.width())?,
        u16::try_from(stored.height())?,
        ColorType::Rgb,
    )?;
    Ok(bytes)
}

/// What turns upright pixels into those that `orientation` turns upright.
fn undo(orientation: u8) -> Orientation {
    match Orientation::from_exif(orientation).unwrap_or(Orientation::NoTransforms) {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        other => other,
    }
}
