//! Scaling and turning. Scaled first and turned then: a small picture turns at almost no cost.
//!
//! A JPEG's luma and chroma stay apart to the end, chroma at half of the size as it will be sent; only a colour profile
//! brings them together earlier.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};

use super::PhotoError;
use super::colour::{self, NotApplied};
use super::jpeg::{Colours, Plane};

/// Decoded pixels.
pub(super) enum Picture {
    /// As they are in a JPEG, perhaps at a part of the size.
    Planes {
        planes: Vec<Plane>,
        colours: Colours,
    },
    /// Red, green, blue.
    Rgb(RgbImage),
}

/// A picture of the size that is sent, upright.
pub(super) enum Upright {
    /// Grey.
    Grey(GrayImage),
    /// Luma, and chroma at half of its size, rounded up.
    YCbCr([GrayImage; 3]),
    /// Red, green, blue.
    Rgb(RgbImage),
}

impl Upright {
    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        match self {
            Self::Grey(luma) | Self::YCbCr([luma, ..]) => luma.dimensions(),
            Self::Rgb(picture) => picture.dimensions(),
        }
    }

    fn turned(self, orientation: Orientation) -> Self {
        let plane = |plane| turned(plane, orientation);
        match self {
            Self::Grey(luma) => Self::Grey(plane(luma)),
            Self::YCbCr(planes) => Self::YCbCr(planes.map(plane)),
            Self::Rgb(picture) => {
                let mut picture = DynamicImage::ImageRgb8(picture);
                picture.apply_orientation(orientation);
                Self::Rgb(picture.into_rgb8())
            }
        }
    }

    /// The luma, row by row.
    pub(super) fn luma(&self) -> std::borrow::Cow<'_, [u8]> {
        match self {
            Self::Grey(luma) | Self::YCbCr([luma, ..]) => luma.as_raw().into(),
            Self::Rgb(picture) => picture.pixels().map(|pixel| luma(pixel.0)).collect(),
        }
    }
}

fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x7FFF) >> 16) as u8
}

/// Scales a photo that is stored `size` pixels large to `long_edge` at most, converts it to sRGB, and turns it upright.
/// Tells whether it has a colour profile that was not applied.
pub(super) fn scale_and_turn(
    picture: Picture,
    size: (u32, u32),
    long_edge: u32,
    orientation: Orientation,
    icc: Option<&[u8]>,
) -> Result<(Upright, Option<NotApplied>), PhotoError> {
    let to = fitted(size.0, size.1, long_edge);
    let mut scaler = Scaler {
        resizer: Resizer::new(),
        to,
        orientation,
    };
    let (scaled, not_applied) = match picture {
        Picture::Rgb(picture) => in_srgb(scaler.rgb(picture)?, icc),
        Picture::Planes { planes, colours } => scaler.planes(&planes, colours, icc)?,
    };
    Ok((scaled.turned(orientation), not_applied))
}

/// A scaled picture, and whether it is still in the colours of a profile.
type Converted = (Upright, Option<NotApplied>);

fn in_srgb(picture: RgbImage, icc: Option<&[u8]>) -> Converted {
    let way = match colour::of_rgb(icc) {
        Err(NotApplied) => return in_srgb_if_grey(picture, icc),
        Ok(None) => return (Upright::Rgb(picture), None),
        Ok(Some(way)) => way,
    };
    match way.picture(picture.as_raw(), picture.dimensions()) {
        Some(converted) => (Upright::Rgb(converted), None),
        None => (Upright::Rgb(picture), Some(NotApplied)),
    }
}

/// A profile of grey stands in files whose pixels came as red, green and blue.
fn in_srgb_if_grey(picture: RgbImage, icc: Option<&[u8]>) -> Converted {
    let is_grey = picture.pixels().all(|pixel| {
        let [r, g, b] = pixel.0;
        r == g && g == b
    });
    match colour::of_grey(icc) {
        Ok(Some(greys)) if is_grey => {
            let grey = DynamicImage::ImageRgb8(picture).into_luma8();
            (Upright::Rgb(greys.rgb(&grey)), None)
        }
        Ok(None) if is_grey => (Upright::Rgb(picture), None),
        _ => (Upright::Rgb(picture), Some(NotApplied)),
    }
}

fn grey_in_srgb(picture: GrayImage, icc: Option<&[u8]>) -> Converted {
    match colour::of_grey(icc) {
        Err(not_applied) => (Upright::Grey(picture), Some(not_applied)),
        Ok(None) => (Upright::Grey(picture), None),
        Ok(Some(greys)) => match greys.grey(&picture) {
            Some(grey) => (Upright::Grey(grey), None),
            None => (Upright::Rgb(greys.rgb(&picture)), None),
        },
    }
}

/// Inks become colours by their profile, or else as if each took its share of the light.
fn inks_in_srgb(planes: &[GrayImage; 4], colours: Colours, icc: Option<&[u8]>) -> Converted {
    let light = light(planes, colours);
    let [first, ..] = planes;
    let size = first.dimensions();
    let way = colour::of_inks(icc);
    if let Ok(Some(way)) = &way {
        let inks: Vec<u8> = light
            .iter()
            .flatten()
            .map(|level| u8::MAX - level)
            .collect();
        if let Some(picture) = way.picture(&inks, size) {
            return (Upright::Rgb(picture), None);
        }
    }
    let mut picture = RgbImage::new(size.0, size.1);
    for (pixel, [c, m, y, k]) in picture.pixels_mut().zip(&light) {
        let share = |level: u8| ((u16::from(level) * u16::from(*k) + 127) / 255) as u8;
        pixel.0 = [*c, *m, *y].map(share);
    }
    (Upright::Rgb(picture), way.err())
}

/// The light that cyan, magenta, yellow and black leave.
fn light([first, second, third, black]: &[GrayImage; 4], colours: Colours) -> Vec<[u8; 4]> {
    let samples = first.as_raw().iter().zip(second.as_raw());
    let samples = samples.zip(third.as_raw().iter().zip(black.as_raw()));
    let of = |((a, b), (c, k)): ((&u8, &u8), (&u8, &u8))| match colours {
        Colours::Ycck => {
            let [r, g, b] = rgb(*a, *b, *c);
            [r, g, b, *k]
        }
        Colours::Inks => [*a, *b, *c, *k].map(|level| u8::MAX - level),
        _ => [*a, *b, *c, *k],
    };
    samples.map(of).collect()
}

/// A part of an upright picture, as wide as it is, at the height of the scaled picture.
///
/// Scaling bytes, the resizer goes down first and across then: parts that are scaled down one by one and across together
/// give the same pixels as all at once.
#[cfg(feature = "heic")]
pub(super) fn to_height(part: RgbImage, height: u32) -> Result<RgbImage, PhotoError> {
    let mut scaler = Scaler {
        resizer: Resizer::new(),
        to: (part.width(), height),
        orientation: Orientation::NoTransforms,
    };
    scaler.rgb(part)
}

fn turned(plane: GrayImage, orientation: Orientation) -> GrayImage {
    let mut picture = DynamicImage::ImageLuma8(plane);
    picture.apply_orientation(orientation);
    picture.into_luma8()
}

fn together([first, second, third]: &[GrayImage; 3], colours: Colours) -> RgbImage {
    let mut picture = RgbImage::new(first.width(), first.height());
    let samples = first
        .as_raw()
        .iter()
        .zip(second.as_raw())
        .zip(third.as_raw());
    for (pixel, ((a, b), c)) in picture.pixels_mut().zip(samples) {
        pixel.0 = if colours == Colours::Rgb {
            [*a, *b, *c]
        } else {
            rgb(*a, *b, *c)
        };
    }
    picture
}

/// As JFIF says, in 2^-16ths.
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    let level = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [
        level(y + 91_881 * cr),
        level(y - 22_554 * cb - 46_802 * cr),
        level(y + 116_130 * cb),
    ]
}

struct Scaler {
    resizer: Resizer,
    to: (u32, u32),
    orientation: Orientation,
}

impl Scaler {
    /// The planes of a JPEG, in sRGB. Luma and chroma stay apart where no profile brings them together.
    fn planes(
        &mut self,
        planes: &[Plane],
        colours: Colours,
        icc: Option<&[u8]>,
    ) -> Result<Converted, PhotoError> {
        match (colours, planes) {
            (Colours::Grey, [luma]) => Ok(grey_in_srgb(self.plane(luma)?, icc)),
            (Colours::YCbCr, [y, cb, cr]) => {
                let way = colour::of_rgb(icc);
                if let Ok(Some(_)) = way {
                    let planes = [self.plane(y)?, self.plane(cb)?, self.plane(cr)?];
                    return Ok(in_srgb(together(&planes, colours), icc));
                }
                let planes = [self.plane(y)?, self.half(cb)?, self.half(cr)?];
                Ok((Upright::YCbCr(planes), way.err()))
            }
            (Colours::Rgb, [r, g, b]) => {
                let planes = [self.plane(r)?, self.plane(g)?, self.plane(b)?];
                Ok(in_srgb(together(&planes, colours), icc))
            }
            (_, [a, b, c, k]) => {
                let planes = [
                    self.plane(a)?,
                    self.plane(b)?,
                    self.plane(c)?,
                    self.plane(k)?,
                ];
                Ok(inks_in_srgb(&planes, colours, icc))
            }
            _ => Err(PhotoError::Processing(
                "the decoder gave a wrong number of planes".into(),
            )),
        }
    }

    fn rgb(&mut self, picture: RgbImage) -> Result<RgbImage, PhotoError> {
        let (width, height) = picture.dimensions();
        if (width, height) == self.to {
            return Ok(picture);
        }
        let part = (f64::from(width), f64::from(height));
        let pixels = self.resize::<U8x3>((width, height), picture.as_raw(), self.to, part)?;
        RgbImage::from_raw(self.to.0, self.to.1, pixels).ok_or_else(too_few)
    }

    /// A plane at the full size.
    fn plane(&mut self, plane: &Plane) -> Result<GrayImage, PhotoError> {
        self.grey(plane, self.to, (plane.width, plane.height))
    }

    /// A plane at half of the size, rounded up: of an odd edge the last sample reaches half a sample beyond the photo.
    fn half(&mut self, plane: &Plane) -> Result<GrayImage, PhotoError> {
        let half = (self.to.0.div_ceil(2), self.to.1.div_ceil(2));
        let (across, down) = starts_at_the_start(self.orientation);
        let beyond = |half: u32, full: u32, start: bool| {
            if start {
                f64::from(2 * half) / f64::from(full)
            } else {
                1.0
            }
        };
        let width = (plane.width * beyond(half.0, self.to.0, across)).min(plane.stride as f64);
        let height = (plane.height * beyond(half.1, self.to.1, down)).min(plane.rows() as f64);
        self.grey(plane, half, (width, height))
    }

    fn grey(
        &mut self,
        plane: &Plane,
        to: (u32, u32),
        part: (f64, f64),
    ) -> Result<GrayImage, PhotoError> {
        let (Ok(width), Ok(height)) = (u32::try_from(plane.stride), u32::try_from(plane.rows()))
        else {
            return Err(too_few());
        };
        let samples = self.resize::<U8>((width, height), &plane.samples, to, part)?;
        GrayImage::from_raw(to.0, to.1, samples).ok_or_else(too_few)
    }

    /// Resizes the part of `from` that is the photo. DCT scaling rounds sizes up: without the fractional part the
    /// picture would be squeezed, and worse by 19 to 75 points of SSIMULACRA2.
    fn resize<P: PixelTrait + Default>(
        &mut self,
        size: (u32, u32),
        samples: &[u8],
        to: (u32, u32),
        part: (f64, f64),
    ) -> Result<Vec<u8>, PhotoError> {
        let from = TypedImageRef::<P>::from_buffer(size.0, size.1, samples).map_err(wrong)?;
        let mut scaled = vec![0; to.0 as usize * to.1 as usize * size_of::<P>()];
        let mut target = TypedImage::<P>::from_buffer(to.0, to.1, &mut scaled).map_err(wrong)?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        self.resizer
            .resize_typed(&from, &mut target, &options.crop(0.0, 0.0, part.0, part.1))
            .map_err(wrong)?;
        Ok(scaled)
    }
}

/// Whether the first column, and the first row, of the stored picture are also first in the upright one (or become its
/// first row and column).
fn starts_at_the_start(orientation: Orientation) -> (bool, bool) {
    match orientation {
        Orientation::NoTransforms | Orientation::Rotate90FlipH => (true, true),
        Orientation::FlipHorizontal | Orientation::Rotate270 => (false, true),
        Orientation::FlipVertical | Orientation::Rotate90 => (true, false),
        Orientation::Rotate180 | Orientation::Rotate270FlipH => (false, false),
    }
}

fn wrong(cause: impl std::fmt::Display) -> PhotoError {
    PhotoError::Processing(cause.to_string())
}

fn too_few() -> PhotoError {
    PhotoError::Processing("there are too few pixels".into())
}

/// The largest size of the same shape within `long_edge`, never larger than the original, never empty.
pub(super) fn fitted(width: u32, height: u32, long_edge: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= long_edge {
        return (width, height);
    }
    let fit = |edge: u32| {
        (f64::from(edge) * f64::from(long_edge) / f64::from(longest))
            .round()
            .max(1.0) as u32
    };
    (fit(width), fit(height))
}
