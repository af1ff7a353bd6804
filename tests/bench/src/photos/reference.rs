//! What a photo should look like: decoded in full by a library, turned upright, in sRGB, scaled in floating point.

use std::io::Cursor;

use anyhow::{Context, bail, ensure};
use fast_image_resize::images::TypedImage;
use fast_image_resize::pixels::F32x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, Rgb32FImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// The most pixels of a reference: a header may claim more than there is memory for.
const MOST_PIXELS: u64 = 250_000_000;

/// A photo in full.
pub(crate) struct Reference {
    picture: RgbImage,
    orientation: Orientation,
}

impl Reference {
    /// A picture as it was stored, and how it is to be turned.
    pub(crate) fn new(picture: RgbImage, orientation: Orientation) -> Self {
        Self {
            picture,
            orientation,
        }
    }

    /// Decodes a photo; an error for what the library `image` does not read.
    pub(crate) fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut decoder = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()?
            .into_decoder()?;
        let (width, height) = decoder.dimensions();
        ensure!(
            u64::from(width) * u64::from(height) <= MOST_PIXELS,
            "it claims {width} x {height} pixels"
        );
        let orientation = decoder.orientation()?;
        let profile = decoder.icc_profile()?;
        let mut picture = DynamicImage::from_decoder(decoder)?.into_rgb8();
        if let Some(profile) = profile {
            to_srgb(&mut picture, &profile)?;
        }
        Ok(Self {
            picture,
            orientation,
        })
    }

    /// White where a colour of the picture is at an end of its range, black elsewhere.
    pub(crate) fn cut_off(&self) -> Self {
        let mut picture = self.picture.clone();
        let ends = |pixel: &Rgb<u8>| pixel.0.iter().any(|value| matches!(value, 0 | 255));
        picture.pixels_mut().for_each(|pixel| {
            *pixel = if ends(pixel) {
                Rgb([255; 3])
            } else {
                Rgb([0; 3])
            }
        });
        Self {
            picture,
            orientation: self.orientation,
        }
    }

    /// Megapixels.
    pub(crate) fn megapixels(&self) -> f64 {
        f64::from(self.picture.width()) * f64::from(self.picture.height()) / 1e6
    }

    /// The picture as it was stored.
    pub(crate) fn stored(&self) -> &RgbImage {
        &self.picture
    }

    /// The upright size that fits a long edge.
    pub(crate) fn fitted(&self, long_edge: u32) -> (u32, u32) {
        let (width, height) = self.picture.dimensions();
        let scale = (f64::from(long_edge) / f64::from(width.max(height))).min(1.0);
        let [width, height] =
            [width, height].map(|edge| (f64::from(edge) * scale).round().max(1.0) as u32);
        if turns(self.orientation) {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Upright, of this size, each channel 0 to 1.
    pub(crate) fn at(&self, width: u32, height: u32) -> anyhow::Result<Rgb32FImage> {
        let (across, down) = if turns(self.orientation) {
            (height, width)
        } else {
            (width, height)
        };
        let mut small = DynamicImage::ImageRgb32F(lanczos(&self.picture, across, down)?);
        small.apply_orientation(self.orientation);
        Ok(small.into_rgb32f())
    }
}

fn turns(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(
        orientation,
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH
    )
}

fn lanczos(picture: &RgbImage, width: u32, height: u32) -> anyhow::Result<Rgb32FImage> {
    let pixel = |p: &Rgb<u8>| F32x3::new(p.0.map(|value| f32::from(value) / 255.0));
    let pixels = picture.pixels().map(pixel).collect();
    let (from_width, from_height) = picture.dimensions();
    let from = TypedImage::from_pixels(from_width, from_height, pixels)?;
    let mut to = TypedImage::<F32x3>::new(width, height);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    // Typed: the other call compiles the kernels of every kind of pixel.
    Resizer::new().resize_typed(&from, &mut to, &options)?;
    let values = to.pixels().iter().flat_map(|pixel| pixel.0);
    let values = values.map(|value| value.clamp(0.0, 1.0)).collect();
    Rgb32FImage::from_raw(width, height, values).context("the resizer gave too few pixels")
}

/// Only a profile of RGB says anything about RGB pixels.
fn to_srgb(picture: &mut RgbImage, profile: &[u8]) -> anyhow::Result<()> {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        return Ok(());
    };
    if profile.color_space != DataColorSpace::Rgb {
        return Ok(());
    }
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default());
    let Ok(transform) = transform else {
        bail!("the colour profile can't be converted")
    };
    let before = picture.as_raw().clone();
    transform
        .transform(&before, picture)
        .context("the colours could not be converted")
}
