//! What the library takes for a picture, by the headers alone.

use std::cell::Cell;

use heifer::heifer_hevc_dec::nal::{NalUnit, NalUnitType, split_annex_b};
use heifer::heifer_hevc_dec::params::Sps;
use heifer_isobmff::{HeifFile, ItemId};

use super::{coded_pixels, damaged, opacity, tile_of};
use crate::PhotoError;

/// Pictures that one photo may be put together from; real ones have up to some hundreds.
const MOST_PICTURES: u32 = 10_000;
/// Pictures within pictures, as the library has it.
const MOST_DEPTH: u32 = 4;
/// Of a pixel as it comes from the library: red, green, blue, opacity.
const RGBA: usize = 4;
/// Of a pixel, beside that: what was found out about its block, and the allocator's share. 0.2 to 0.3 were measured.
const BESIDE: usize = 1;
/// Bytes of a sample, as the library has it.
const SAMPLE: usize = 2;
/// How often a coded picture's bytes are in memory beside the file: in one piece, and in its parts.
const COPIES: usize = 2;

/// The bytes that decoding the whole photo takes at most, with no coded picture of more than `most_pixels`.
pub(super) fn whole(file: &HeifFile<'_>, most_pixels: u64) -> Result<usize, PhotoError> {
    let reckoning = Reckoning {
        file,
        most_pixels,
        pictures: Cell::new(0),
    };
    reckoning.item(file.primary_id, 0)
}

/// The bytes that decoding a coded picture takes at most, up to its RGBA in two colour spaces. The library refuses more
/// pixels than `most_pixels`.
pub(super) fn coded(file: &HeifFile<'_>, id: ItemId, most_pixels: u64) -> usize {
    // Where there is no stream the library refuses, as where it has no header.
    let stream = file.hevc_bitstream(id).unwrap_or_default();
    let taken = headers(&stream).map(|header| {
        let pixels = pixels(&header).min(most_pixels);
        let samples = SAMPLE * samples_of_two_pixels(&header) / 2;
        // Its samples and a copy of them, cropped; or the samples and RGBA.
        let at_the_peak = (2 * samples).max(samples + RGBA).max(2 * RGBA) + BESIDE;
        bytes(pixels, at_the_peak)
    });
    taken.max().unwrap_or(0) + COPIES * stream.len()
}

/// The headers of a stream, wherever they are in it: what the file says beside it may be wrong.
pub(super) fn headers(stream: &[u8]) -> impl Iterator<Item = Sps> {
    split_annex_b(stream).filter_map(|nal| {
        let nal = NalUnit::parse(nal).ok()?;
        (nal.header.unit_type == NalUnitType::Sps).then(|| Sps::parse(&nal.rbsp).ok())?
    })
}

fn pixels(header: &Sps) -> u64 {
    u64::from(header.pic_width_in_luma_samples) * u64::from(header.pic_height_in_luma_samples)
}

/// 2 without colour, 3 where chroma has half of the width and height, 4 where it has half of the width, else 6.
fn samples_of_two_pixels(header: &Sps) -> usize {
    match header.chroma_format_idc {
        0 => 2,
        1 => 3,
        2 => 4,
        _ => 6,
    }
}

fn bytes(pixels: u64, each: usize) -> usize {
    usize::try_from(pixels)
        .unwrap_or(usize::MAX)
        .saturating_mul(each)
}

/// The reckoning for one photo.
struct Reckoning<'a> {
    file: &'a HeifFile<'a>,
    most_pixels: u64,
    /// How many pictures were looked at.
    pictures: Cell<u32>,
}

impl Reckoning<'_> {
    /// A picture with what it is put together from.
    fn item(&self, id: ItemId, depth: u32) -> Result<usize, PhotoError> {
        self.pictures.set(self.pictures.get() + 1);
        if self.pictures.get() > MOST_PICTURES || depth > MOST_DEPTH {
            return Err(PhotoError::Damaged(
                "it consists of too many pictures".into(),
            ));
        }
        let parts = self.file.referenced_items(id, b"dimg").iter();
        let mut parts = parts.map(|part| self.item(*part, depth + 1));
        let (pixels, taken) = match &self.file.item(id).map_err(damaged)?.item_type.0 {
            b"hvc1" => {
                let stored = self.file.image_size(id).map_err(damaged)?;
                let pixels = stored.map_or(self.most_pixels, coded_pixels);
                (pixels, coded(self.file, id, self.most_pixels))
            }
            b"grid" => {
                let grid = self.file.grid(id).map_err(damaged)?;
                tile_of(self.file, id, &grid)?;
                // One tile after the other.
                let tile = parts.try_fold(0, |most, part| part.map(|part| most.max(part)))?;
                let pixels = u64::from(grid.output_width) * u64::from(grid.output_height);
                (
                    pixels,
                    bytes(pixels.min(self.most_pixels), RGBA).saturating_add(tile),
                )
            }
            _ => {
                // All parts at once.
                let whole = bytes(self.most_pixels, RGBA);
                let taken =
                    parts.try_fold(whole, |sum, part| part.map(|part| part.saturating_add(sum)))?;
                (self.most_pixels, taken)
            }
        };
        let rgba = bytes(pixels.min(self.most_pixels), RGBA);
        let opacity = self.opacity(id, depth)?;
        // In two colour spaces, or before and after it is turned.
        Ok(taken.max(rgba.saturating_add(opacity)).max(2 * rgba))
    }

    /// What is said to be how opaque a picture is; the library decodes it, too.
    fn opacity(&self, id: ItemId, depth: u32) -> Result<usize, PhotoError> {
        let beside = opacity(self.file, id).map(|beside| self.item(beside, depth + 1));
        beside
            .collect::<Result<Vec<_>, _>>()
            .map(|beside| beside.into_iter().max().unwrap_or(0))
    }
}
