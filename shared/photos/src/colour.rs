//! Colours as the VLM expects them: sRGB.
//!
//! # Invariants
//! - A profile is applied, or needless, or it is said that it was not applied: never passed over silently.

use image::{GrayImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// The most that a profile may shift a colour, in levels of 255, to count as sRGB: rounding alone shifts by 1.
const SAME: u8 = 2;
/// What white is at least, in levels of 255: a profile that makes it darker is misread.
const WHITE: u8 = 200;
/// Colours that tell whether a profile differs from sRGB; the first is white.
const PROBES: [u8; 27] = [
    255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128, 200, 60, 60, 60, 200, 60, 60,
    60, 200, 32, 32, 32,
];

/// Tags whose type is known whatever the profile says of it.
const COLORANTS: [&[u8; 4]; 4] = [b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt"];
/// Bytes of a profile's header and the number of its tags, and of what stands of each tag in front.
const HEADER: usize = 132;
const TAG: usize = 12;

/// The profile is there and can't be applied to these pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotApplied;

/// What is to be done with the colours: nothing, where the photo has no profile or that of sRGB.
pub(super) type Way<T> = Result<Option<T>, NotApplied>;

/// The way from colours of some samples to sRGB.
pub(super) struct ToSrgb(std::sync::Arc<moxcms::Transform8BitExecutor>);

/// The sRGB of each level of grey.
pub(super) struct Greys(Vec<[u8; 3]>);

/// The way of red, green and blue.
pub(super) fn of_rgb(icc: Option<&[u8]>) -> Way<ToSrgb> {
    let Some(icc) = icc else {
        return Ok(None);
    };
    let way = ToSrgb::from(icc, DataColorSpace::Rgb, Layout::Rgb)?;
    let after = way.levels(&PROBES, 3)?;
    let differs = |(before, after): (&u8, &u8)| before.abs_diff(*after) > SAME;
    if after.iter().take(3).any(|level| *level < WHITE) {
        return Err(NotApplied);
    }
    let differs = PROBES.iter().zip(&after).any(differs);
    Ok(differs.then_some(way))
}

/// The way of grey, by a profile of grey or one of red, green and blue.
pub(super) fn of_grey(icc: Option<&[u8]>) -> Way<Greys> {
    let Some(icc) = icc else {
        return Ok(None);
    };
    let levels = || 0..=u8::MAX;
    let after = match ToSrgb::from(icc, DataColorSpace::Gray, Layout::Gray) {
        Ok(way) => way.levels(&levels().collect::<Vec<u8>>(), 1)?,
        Err(NotApplied) => {
            let way = of_rgb(Some(icc))?;
            let three: Vec<u8> = levels().flat_map(|level| [level; 3]).collect();
            match way {
                Some(way) => way.levels(&three, 3)?,
                None => return Ok(None),
            }
        }
    };
    let (after, _) = after.as_chunks::<3>();
    if after
        .last()
        .is_none_or(|white| white.iter().any(|level| *level < WHITE))
    {
        return Err(NotApplied);
    }
    let differs = |(level, after): (u8, &[u8; 3])| after.iter().any(|to| to.abs_diff(level) > SAME);
    let differs = levels().zip(after).any(differs);
    Ok(differs.then(|| Greys(after.to_vec())))
}

/// The way of cyan, magenta, yellow and black, as ink.
pub(super) fn of_inks(icc: Option<&[u8]>) -> Way<ToSrgb> {
    let Some(icc) = icc else {
        return Ok(None);
    };
    let way = ToSrgb::from(icc, DataColorSpace::Cmyk, Layout::Rgba)?;
    let paper = way.levels(&[0; 4], 4)?;
    if paper.iter().any(|level| *level < WHITE) {
        return Err(NotApplied);
    }
    Ok(Some(way))
}

impl ToSrgb {
    fn from(icc: &[u8], space: DataColorSpace, layout: Layout) -> Result<Self, NotApplied> {
        let profile = ColorProfile::new_from_slice(&mended(icc)).map_err(|_| NotApplied)?;
        if profile.color_space != space {
            return Err(NotApplied);
        }
        let srgb = ColorProfile::new_srgb();
        let options = TransformOptions::default();
        let way = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, options);
        way.map(Self).map_err(|_| NotApplied)
    }

    /// The red, green and blue of some samples, of which each pixel has so many.
    fn levels(&self, samples: &[u8], each: usize) -> Result<Vec<u8>, NotApplied> {
        let mut after = vec![0; samples.len() / each * 3];
        let converted = self.0.transform(samples, &mut after);
        converted.map(|()| after).map_err(|_| NotApplied)
    }

    /// Converts samples to a picture of this size.
    pub(super) fn picture(&self, samples: &[u8], (width, height): (u32, u32)) -> Option<RgbImage> {
        let mut picture = RgbImage::new(width, height);
        let converted = self.0.transform(samples, &mut picture);
        converted.ok().map(|()| picture)
    }
}

impl Greys {
    /// The picture, if it stays grey.
    pub(super) fn grey(&self, picture: &GrayImage) -> Option<GrayImage> {
        let is_grey = |[r, g, b]: &[u8; 3]| r.abs_diff(*g) <= 1 && g.abs_diff(*b) <= 1;
        if !self.0.iter().all(is_grey) {
            return None;
        }
        let level = |level: &u8| self.of(*level).map_or(*level, |[_, green, _]| green);
        let levels = picture.as_raw().iter().map(level).collect();
        GrayImage::from_raw(picture.width(), picture.height(), levels)
    }

    /// The picture in colours.
    pub(super) fn rgb(&self, picture: &GrayImage) -> RgbImage {
        let mut rgb = RgbImage::new(picture.width(), picture.height());
        for (to, level) in rgb.pixels_mut().zip(picture.as_raw()) {
            to.0 = self.of(*level).unwrap_or([*level; 3]);
        }
        rgb
    }

    fn of(&self, level: u8) -> Option<[u8; 3]> {
        self.0.get(usize::from(level)).copied()
    }
}

/// The profile with the types that its colorants must have: some programs write others.
fn mended(icc: &[u8]) -> Vec<u8> {
    let mut mended = icc.to_vec();
    let long = |at: usize| {
        let bytes = icc.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*bytes) as usize)
    };
    let count = long(HEADER - 4).unwrap_or(0).min(icc.len() / TAG);
    for at in (0..count).map(|tag| HEADER + tag * TAG) {
        let is_colorant = COLORANTS
            .iter()
            .any(|name| icc.get(at..at + 4) == Some(&name[..]));
        if let (true, Some(stands_at), Some(20)) = (is_colorant, long(at + 4), long(at + 8))
            && let Some(kind) = mended
                .get_mut(stands_at..)
                .and_then(|rest| rest.get_mut(..4))
        {
            kind.copy_from_slice(b"XYZ ");
        }
    }
    mended
}
