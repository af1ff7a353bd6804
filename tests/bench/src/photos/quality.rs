//! How much like its reference a sent JPEG looks: SSIMULACRA2, where 100 is the same, 90 can't be told apart, 70 is
//! high quality, and half a point is what nobody sees.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{Rgb32FImage, RgbImage};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use super::reference::Reference;
use super::side::Figures;

/// The score of a side's answer, which must hold the JPEG.
pub(crate) fn of(reference: &Reference, figures: &Figures) -> anyhow::Result<f64> {
    let base64 = figures.jpeg.as_ref().context("the answer holds no JPEG")?;
    let sent = image::load_from_memory(&STANDARD.decode(base64)?)?.into_rgb8();
    score(&reference.at(sent.width(), sent.height())?, &sent)
}

/// The score of a picture beside what it should look like; both of one size.
pub(crate) fn score(reference: &Rgb32FImage, sent: &RgbImage) -> anyhow::Result<f64> {
    let reference = frame(
        reference.pixels().map(|pixel| pixel.0).collect(),
        reference.dimensions(),
    )?;
    let level = |value: u8| f32::from(value) / 255.0;
    let sent = frame(
        sent.pixels().map(|pixel| pixel.0.map(level)).collect(),
        sent.dimensions(),
    )?;
    Ok(compute_frame_ssimulacra2(reference, sent)?)
}

fn frame(pixels: Vec<[f32; 3]>, (width, height): (u32, u32)) -> anyhow::Result<Rgb> {
    let (transfer, primaries) = (TransferCharacteristic::SRGB, ColorPrimaries::BT709);
    Rgb::new(pixels, width as usize, height as usize, transfer, primaries)
        .map_err(|cause| anyhow::anyhow!("{cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(noise: u8) -> RgbImage {
        RgbImage::from_fn(64, 48, |x, y| {
            image::Rgb([
                (x * 3) as u8,
                (y * 4) as u8,
                if x % 7 < 3 { 90 } else { 90 + noise },
            ])
        })
    }

    #[test]
    fn the_same_picture_scores_100_and_a_worse_one_less() {
        let exact = image::DynamicImage::ImageRgb8(picture(0)).into_rgb32f();
        let [same, near, far] = [0, 8, 80].map(|noise| score(&exact, &picture(noise)).unwrap());
        assert!(
            same > 99.9 && same > near && near > far,
            "{same} {near} {far}"
        );
    }
}
