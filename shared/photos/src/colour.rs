//! Colours as the VLM expects them: sRGB.

use image::RgbImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// The most that a profile may shift a colour, in levels of 255, to count as sRGB: rounding alone shifts by 1.
const SAME: u8 = 2;
/// Colours that tell whether a profile differs from sRGB.
const PROBES: [u8; 24] = [
    255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128, 200, 60, 60, 60, 200, 60, 60, 60, 200, 32, 32,
    32,
];

/// The way from a photo's colours to sRGB.
pub(super) struct ToSrgb(std::sync::Arc<moxcms::Transform8BitExecutor>);

impl ToSrgb {
    /// `None` if the profile is sRGB, or none for RGB, or can't be read: the photo is then taken to be sRGB.
    pub(super) fn from(icc: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        if profile.color_space != DataColorSpace::Rgb {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let way = profile
            .create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default())
            .ok()?;
        let mut after = PROBES;
        way.transform(&PROBES, &mut after).ok()?;
        let differs = PROBES
            .iter()
            .zip(&after)
            .any(|(before, after)| before.abs_diff(*after) > SAME);
        differs.then_some(Self(way))
    }

    /// Converts a picture.
    pub(super) fn convert(&self, picture: RgbImage) -> RgbImage {
        let mut converted = RgbImage::new(picture.width(), picture.height());
        match self.0.transform(picture.as_raw(), &mut converted) {
            Ok(()) => converted,
            Err(_) => picture,
        }
    }
}
