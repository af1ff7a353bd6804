//! A grid of tiles, strip by strip.
//!
//! A strip is what becomes a column of the upright photo: a column of tiles, or a row of them where the file says that
//! the photo lies on its side. Each strip is written as a small file of its own, so that the library's public way with
//! edges is used, and turned.
//!
//! # Invariants
//! - The pixels are those of the whole photo, decoded, turned and scaled at once: tiles are coded apart from each other,
//!   and the scaler too scales bytes downwards first and then across.

use std::ops::Range;

use heifer::Image;
use heifer_isobmff::boxes::{ColorInfo, Grid, HevcConfig, Property};
use heifer_isobmff::writer::{HeifWriter, ImageSpec};
use heifer_isobmff::{HeifFile, ItemId};
use image::{RgbImage, imageops};

use super::{coded_pixels, damaged, opacity, reckon, tile_of, turned_by_library};
use crate::PhotoError;
use crate::scale::{fitted, to_height};

/// Of a strip's pixel: red, green, blue and opacity, before and after the strip is turned.
const BYTES_A_PIXEL: usize = 4 + 4;
/// How often a strip's tiles are in memory beside the photo's file: as parts, as items, and as the strip's file.
const COPIES: usize = 3;

/// A photo that consists of plain tiles.
pub(super) struct Strips<'a> {
    file: &'a HeifFile<'a>,
    grid: Grid,
    tiles: &'a [ItemId],
    /// Width and height of a tile, as the first one says.
    tile: (u32, u32),
    turns: Vec<Turn>,
}

/// What the file says is to be done with the assembled picture.
#[derive(Clone, Copy)]
enum Turn {
    /// Quarters against the clock.
    Rotate(u8),
    /// Top to bottom, or left to right.
    Mirror { top_bottom: bool },
}

/// Tiles, by their rows and columns in the grid.
struct Strip {
    rows: Range<u32>,
    columns: Range<u32>,
}

/// Where something is in a picture.
#[derive(Clone, Copy)]
struct Area {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl<'a> Strips<'a> {
    /// None if the photo is no grid, or one that phones don't write: cropped, transparent, or of tiles with a life of
    /// their own.
    pub(super) fn of(file: &'a HeifFile<'a>) -> Result<Option<Self>, PhotoError> {
        let Ok(grid) = file.grid(file.primary_id) else {
            return Ok(None);
        };
        let tile = tile_of(file, file.primary_id, &grid)?;
        let Some(turns) = turns(file) else {
            return Ok(None);
        };
        let strips = Self {
            file,
            grid,
            tiles: file.referenced_items(file.primary_id, b"dimg"),
            tile,
            turns,
        };
        let is_opaque = opacity(file, file.primary_id).next().is_none();
        Ok((is_opaque && strips.is_plain()).then_some(strips))
    }

    /// Width and height of the upright photo.
    pub(super) fn size(&self) -> (u32, u32) {
        let whole = self.upright(self.canvas());
        (whole.width, whole.height)
    }

    /// The upright photo at its own width, and at the height at which it is sent within `long_edge`.
    pub(super) fn decode(&self, long_edge: u32) -> Result<RgbImage, PhotoError> {
        let (width, height) = self.size();
        let (_, height) = fitted(width, height, long_edge);
        let mut photo = RgbImage::new(width, height);
        for strip in self.strips() {
            let (pixels, at) = (self.pixels(&strip), self.area(&strip));
            let turned = |picture| self.turns.iter().fold(picture, Turn::of);
            let rgb = turned_by_library(&self.as_file(&strip)?, pixels, turned)?;
            let rgb = to_height(rgb, height)?;
            imageops::replace(&mut photo, &rgb, self.upright(at).x.into(), 0);
        }
        Ok(photo)
    }

    /// The bytes that `decode` takes at most.
    pub(super) fn memory(&self, long_edge: u32) -> Result<usize, PhotoError> {
        let (width, height) = self.size();
        let (_, height) = fitted(width, height, long_edge);
        let strip = |strip: Strip| {
            let area = self.area(&strip);
            let tiles = strip.tiles(self.grid.columns.into());
            let bytes = tiles.map(|tile| self.tile_bytes(tile));
            BYTES_A_PIXEL * area.width as usize * area.height as usize
                + COPIES * bytes.sum::<usize>()
        };
        let tile = |&id| reckon::coded(self.file, id, coded_pixels(self.tile));
        let tile = self.tiles.iter().map(tile).max().unwrap_or(0);
        let strip = self.strips().map(strip).max().unwrap_or(0);
        Ok(3 * width as usize * height as usize + strip + tile)
    }

    /// Whether each tile is a coded picture and nothing else.
    fn is_plain(&self) -> bool {
        let (rows, columns) = (usize::from(self.grid.rows), usize::from(self.grid.columns));
        self.tiles.len() == rows * columns && self.tiles.iter().all(|id| is_plain(self.file, *id))
    }

    fn canvas(&self) -> Area {
        Area {
            x: 0,
            y: 0,
            width: self.grid.output_width,
            height: self.grid.output_height,
        }
    }

    /// Each has a part of the canvas.
    fn strips(&self) -> impl Iterator<Item = Strip> {
        let canvas = self.canvas();
        let seen = |edge: u32, tile: u32, all: u16| edge.div_ceil(tile).min(all.into());
        let rows = seen(canvas.height, self.tile.1, self.grid.rows);
        let columns = seen(canvas.width, self.tile.0, self.grid.columns);
        let on_its_side = self.lies_on_its_side();
        let many = if on_its_side { rows } else { columns };
        (0..many).map(move |at| Strip {
            rows: if on_its_side { at..at + 1 } else { 0..rows },
            columns: if on_its_side { 0..columns } else { at..at + 1 },
        })
    }

    fn lies_on_its_side(&self) -> bool {
        let quarters = |turn: &Turn| match turn {
            Turn::Rotate(quarters) => u32::from(*quarters),
            Turn::Mirror { .. } => 0,
        };
        self.turns.iter().map(quarters).sum::<u32>() % 2 == 1
    }

    /// The part of the canvas that a strip fills: all of it, in the direction of the strip.
    fn area(&self, strip: &Strip) -> Area {
        let canvas = self.canvas();
        let part = |at: &Range<u32>, tile: u32, edge: u32| {
            let start = at.start.saturating_mul(tile).min(edge);
            (start, at.end.saturating_mul(tile).min(edge) - start)
        };
        if self.lies_on_its_side() {
            let (y, height) = part(&strip.rows, self.tile.1, canvas.height);
            Area {
                y,
                height,
                ..canvas
            }
        } else {
            let (x, width) = part(&strip.columns, self.tile.0, canvas.width);
            Area { x, width, ..canvas }
        }
    }

    /// The most pixels of the strip, or of one of its tiles.
    fn pixels(&self, strip: &Strip) -> u64 {
        let area = self.area(strip);
        coded_pixels(self.tile).max(u64::from(area.width) * u64::from(area.height))
    }

    /// Where a part of the canvas is in the upright photo.
    fn upright(&self, part: Area) -> Area {
        let canvas = self.canvas();
        let turned = self.turns.iter().fold(
            (part, (canvas.width, canvas.height)),
            |(part, within), turn| turn.of_area(part, within),
        );
        turned.0
    }

    fn tile_bytes(&self, tile: usize) -> usize {
        let id = self.tiles.get(tile).copied().unwrap_or_default();
        self.file.item_data(id).map_or(0, |data| data.len())
    }

    /// A file that shows the strip, not turned yet.
    fn as_file(&self, strip: &Strip) -> Result<Vec<u8>, PhotoError> {
        let area = self.area(strip);
        let count = |range: &Range<u32>| u16::try_from(range.len()).unwrap_or(u16::MAX);
        let mut writer = HeifWriter::new();
        let mut tiles = Vec::new();
        for tile in strip.tiles(self.grid.columns.into()) {
            let id = self.tiles.get(tile).copied().unwrap_or_default();
            tiles.push(self.copy(id, &mut writer)?);
        }
        let (rows, columns) = (count(&strip.rows), count(&strip.columns));
        let (width, height) = (area.width, area.height);
        writer.add_grid(rows, columns, width, height, &tiles, None, None);
        Ok(writer.finish())
    }

    fn copy(&self, tile: ItemId, writer: &mut HeifWriter) -> Result<ItemId, PhotoError> {
        let config = self.file.hevc_config(tile).map_err(damaged)?;
        let config =
            config.ok_or_else(|| PhotoError::Damaged("a tile without its header".into()))?;
        let data = self.file.item_data(tile).map_err(damaged)?;
        let slices = slices(&data, config.nal_length_size.into())?;
        let config = HevcConfig {
            nal_length_size: 4,
            ..config.clone()
        };
        let color = nclx(self.file, tile);
        Ok(writer.add_image(&ImageSpec {
            color,
            ..ImageSpec::new(self.tile.0, self.tile.1, config, &slices)
        }))
    }
}

impl Strip {
    /// The tiles' places in the list of all, row by row.
    fn tiles(&self, columns: usize) -> impl Iterator<Item = usize> {
        let Self { rows, columns: own } = self;
        let (rows, own) = (rows.clone(), own.clone());
        rows.flat_map(move |row| {
            let first = row as usize * columns;
            own.clone().map(move |column| first + column as usize)
        })
    }
}

impl Turn {
    fn of(picture: Image<u8>, turn: &Self) -> Image<u8> {
        match *turn {
            Self::Rotate(0) => picture,
            Self::Rotate(quarters) => picture.rotate_ccw(quarters),
            Self::Mirror { top_bottom } => picture.mirror(top_bottom),
        }
    }

    /// Where a part of a picture is after the turn, and the picture's size then.
    fn of_area(&self, part: Area, (width, height): (u32, u32)) -> (Area, (u32, u32)) {
        let Area { x, y, .. } = part;
        let (right, below) = (width - x - part.width, height - y - part.height);
        match *self {
            Self::Rotate(quarters) if quarters % 2 == 1 => {
                let (x, y) = if quarters % 4 == 1 {
                    (y, right)
                } else {
                    (below, x)
                };
                let (width_now, height_now) = (part.height, part.width);
                let part = Area {
                    x,
                    y,
                    width: width_now,
                    height: height_now,
                };
                (part, (height, width))
            }
            Self::Rotate(quarters) if quarters % 4 == 0 => (part, (width, height)),
            Self::Rotate(_) => (
                Area {
                    x: right,
                    y: below,
                    ..part
                },
                (width, height),
            ),
            Self::Mirror { top_bottom: true } => (Area { y: below, ..part }, (width, height)),
            Self::Mirror { top_bottom: false } => (Area { x: right, ..part }, (width, height)),
        }
    }
}

/// What is to be done with the assembled picture; none if it is to be cropped.
fn turns(file: &HeifFile<'_>) -> Option<Vec<Turn>> {
    let turn = |property: &Property| match property {
        Property::CleanAperture { .. } => Some(None),
        Property::Rotation(quarters) => Some(Some(Turn::Rotate(*quarters))),
        Property::Mirror(top_bottom) => Some(Some(Turn::Mirror {
            top_bottom: *top_bottom,
        })),
        _ => None,
    };
    file.item_properties(file.primary_id)
        .ok()?
        .filter_map(turn)
        .collect()
}

/// Whether it is a coded picture that is shown as it is.
fn is_plain(file: &HeifFile<'_>, id: ItemId) -> bool {
    let (Ok(item), Ok(mut properties)) = (file.item(id), file.item_properties(id)) else {
        return false;
    };
    let changes = |property: &Property| {
        matches!(
            property,
            Property::CleanAperture { .. } | Property::Rotation(_) | Property::Mirror(_)
        )
    };
    item.item_type.0 == *b"hvc1"
        && file.referencing_items(id, b"auxl").is_empty()
        && !properties.any(changes)
        && file.hevc_config(id).is_ok_and(|config| config.is_some())
}

pub(super) fn nclx(file: &HeifFile<'_>, id: ItemId) -> Option<ColorInfo> {
    file.item_properties(id)
        .ok()?
        .find_map(|property| match property {
            Property::Color(colours @ ColorInfo::Nclx { .. }) => Some(colours.clone()),
            _ => None,
        })
}

/// The parts of a coded picture, each behind its length.
pub(super) fn slices(mut data: &[u8], length_bytes: usize) -> Result<Vec<Vec<u8>>, PhotoError> {
    let cut = || PhotoError::Damaged("a tile ends early".into());
    let mut slices = Vec::new();
    while !data.is_empty() {
        let (length, rest) = data.split_at_checked(length_bytes).ok_or_else(cut)?;
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (slice, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        slices.push(slice.to_vec());
        data = rest;
    }
    Ok(slices)
}
