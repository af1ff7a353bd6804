//! HEIC, what iPhones write unless told otherwise: turned and mirrored as the file says, by a library.
//!
//! # Invariants
//! - A grid of tiles, as phones write it, is never in memory as a whole: strip by strip it is decoded and scaled to the
//!   height that is sent.
//! - What `memory` reckons covers what `decode` takes, whatever the header says: the library is told to refuse coded
//!   pictures that are larger.
//! - A grid gives the same pixels as if it were decoded whole.
//! - What is transparent shows white, as in the other formats.

mod colours;
mod reckon;
mod strips;
#[cfg(test)]
mod tests;

use heifer::{Error, Options};
use heifer_isobmff::boxes::{Grid, Property};
use heifer_isobmff::{HeifFile, ItemId};
use image::metadata::Orientation;
use image::{RgbImage, RgbaImage};

use self::strips::Strips;
use super::{Decoded, check, onto_white};
use crate::PhotoError;
use crate::scale::Picture;
use crate::size_policy::Limits;

/// Coded pictures are larger than what they show by less than one of the codec's largest blocks on each edge.
const CODED_BLOCK: u32 = 64;

pub(super) fn decode(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<Decoded, PhotoError> {
    let file = HeifFile::parse(bytes).map_err(damaged)?;
    let stored = stored_size(&file)?;
    let strips = strips(&file, stored, bytes, limits)?;
    let icc = colours::profile(&file)?;
    let (size, rgb) = match &strips {
        Some(strips) => (strips.size(), strips.decode(long_edge)?),
        None => {
            // Says also what the library must not be given.
            reckon::whole(&file, coded_pixels(stored))?;
            let rgb = turned_by_library(bytes, coded_pixels(stored), |picture| picture)?;
            (rgb.dimensions(), rgb)
        }
    };
    check(size, bytes, limits, strips.is_some())?;
    // EXIF repeats the orientation that has been applied already.
    Ok(Decoded {
        size,
        picture: Picture::Rgb(rgb),
        orientation: Orientation::NoTransforms,
        icc,
        exif: file.exif(file.primary_id).ok().flatten(),
    })
}

pub(super) fn memory(bytes: &[u8], limits: &Limits, long_edge: u32) -> Result<usize, PhotoError> {
    let file = HeifFile::parse(bytes).map_err(damaged)?;
    let stored = stored_size(&file)?;
    match strips(&file, stored, bytes, limits)? {
        Some(strips) => strips.memory(long_edge),
        None => reckon::whole(&file, coded_pixels(stored)),
    }
}

/// The photo's strips, if it has any; within the limits as a whole, and as it is stored.
fn strips<'a>(
    file: &'a HeifFile<'a>,
    stored: (u32, u32),
    bytes: &[u8],
    limits: &Limits,
) -> Result<Option<Strips<'a>>, PhotoError> {
    let strips = Strips::of(file)?;
    check(stored, bytes, limits, strips.is_some())?;
    if let Some(strips) = &strips {
        check(strips.size(), bytes, limits, true)?;
    }
    Ok(strips)
}

fn stored_size(file: &HeifFile<'_>) -> Result<(u32, u32), PhotoError> {
    let size = file.image_size(file.primary_id).map_err(damaged)?;
    size.ok_or_else(|| PhotoError::Damaged("the file does not tell its size".into()))
}

/// The most pixels that are coded for a picture of this size.
fn coded_pixels((width, height): (u32, u32)) -> u64 {
    let whole = |edge: u32| u64::from(edge.div_ceil(CODED_BLOCK)) * u64::from(CODED_BLOCK);
    whole(width) * whole(height)
}

/// On one thread, since how many photos are decoded at once is decided outside.
fn turned_by_library(
    bytes: &[u8],
    most_pixels: u64,
    turn: impl FnOnce(heifer::Image<u8>) -> heifer::Image<u8>,
) -> Result<RgbImage, PhotoError> {
    let options = Options {
        max_threads: 1,
        max_pixels: most_pixels,
    };
    let picture = turn(heifer::decode_rgba8(bytes, &options).map_err(reason)?);
    let (width, height) = (picture.width, picture.height);
    let rgb = if picture.has_alpha {
        let transparent = RgbaImage::from_raw(width, height, picture.data);
        transparent.map(|picture| onto_white(&picture))
    } else {
        RgbImage::from_raw(width, height, picture.into_rgb8())
    };
    rgb.ok_or_else(|| PhotoError::Processing("the decoder gave too few pixels".into()))
}

/// What pictures are called that tell how opaque another is, as the library knows them.
const OPACITY: [&str; 2] = [
    "urn:mpeg:hevc:2015:auxid:1",
    "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
];

/// The pictures that are said to be how opaque another is.
fn opacity(file: &HeifFile<'_>, id: ItemId) -> impl Iterator<Item = ItemId> {
    let beside = file.referencing_items(id, b"auxl").into_iter();
    beside.filter(|beside| {
        let Ok(mut properties) = file.item_properties(*beside) else {
            return false;
        };
        properties.any(|property| {
            matches!(property, Property::AuxiliaryType(called) if OPACITY.contains(&called.as_str()))
        })
    })
}

/// The width and height of the tiles of a grid, where they fill it: the library panics where they don't.
fn tile_of(file: &HeifFile<'_>, id: ItemId, grid: &Grid) -> Result<(u32, u32), PhotoError> {
    let first = file.referenced_items(id, b"dimg").first();
    let size = first.and_then(|first| file.image_size(*first).ok()?);
    let fills = |tile: u32, count: u16, edge: u32| {
        tile > 0 && u64::from(tile) * u64::from(count) >= u64::from(edge)
    };
    match size {
        Some((width, height))
            if fills(width, grid.columns, grid.output_width)
                && fills(height, grid.rows, grid.output_height) =>
        {
            Ok((width, height))
        }
        _ => Err(PhotoError::Damaged("its tiles do not fill it".into())),
    }
}

fn damaged(cause: heifer_isobmff::Error) -> PhotoError {
    PhotoError::Damaged(cause.to_string())
}

fn reason(error: Error) -> PhotoError {
    match error {
        Error::Unsupported(_) => PhotoError::Unsupported("of this HEIC file"),
        other => PhotoError::Damaged(other.to_string()),
    }
}
