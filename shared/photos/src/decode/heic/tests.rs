//! Grids that the tests put together from tiles of their own, beside what the library makes of them as a whole.

use std::sync::LazyLock;

use heifer::EncodeOptions;
use heifer_isobmff::boxes::ColorInfo;
use heifer_isobmff::writer::{HeifWriter, ImageSpec};
use image::Rgb;
use moxcms::ColorProfile;

use super::strips::slices;
use super::*;
use crate::scale::{Upright, fitted, scale_and_turn};
use crate::size_policy::{CURRENT_VERSION, SizePolicy};

const TILE: u32 = 64;
/// Tiles beyond that repeat the first ones.
const DIFFERENT: u32 = 9;

/// How a grid is written.
#[derive(Clone, Default)]
struct Grid {
    columns: u16,
    rows: u16,
    /// Width and height of the photo, before it is turned.
    size: (u32, u32),
    quarters: Option<u8>,
    /// Width and height of what is kept around the middle.
    crop: Option<(u32, u32)>,
    /// 0 from top to bottom, 1 from left to right.
    mirror: Option<u8>,
    profile: Option<Vec<u8>>,
}

/// A tile that is like no other: colours run across it, and differ by its number.
fn tile(number: u32) -> RgbImage {
    RgbImage::from_fn(TILE, TILE, |x, y| {
        let level = |value: u32| (value % 256) as u8;
        Rgb([
            level(x * 4 + number * 37),
            level(y * 4 + number * 11),
            level((x ^ y) * 3 + number * 71),
        ])
    })
}

impl Grid {
    /// In the order in which they are applied.
    fn properties(&self) -> Vec<([u8; 4], Vec<u8>)> {
        let crop = self.crop.map(|(width, height)| {
            [width, 1, height, 1, 0, 1, 0, 1]
                .map(u32::to_be_bytes)
                .concat()
        });
        [
            (*b"clap", crop),
            (*b"irot", self.quarters.map(|turn| vec![turn])),
            (*b"imir", self.mirror.map(|turn| vec![turn])),
        ]
        .into_iter()
        .filter_map(|(name, content)| Some((name, content?)))
        .collect()
    }

    fn write(&self) -> Vec<u8> {
        let mut writer = HeifWriter::new();
        let count = u32::from(self.rows) * u32::from(self.columns);
        let tiles: Vec<u32> = (0..count).map(|number| add(&mut writer, number)).collect();
        let ((width, height), profile) = (self.size, self.profile.clone().map(ColorInfo::Icc));
        let id = writer.add_grid(
            self.rows,
            self.columns,
            width,
            height,
            &tiles,
            profile.as_ref(),
            None,
        );
        // The writer knows no turns: profiles hold their places, and are renamed.
        let properties = self.properties();
        for (name, content) in &properties {
            writer.add_icc_profile(id, &[&name[..], &content[..]].concat());
        }
        let mut bytes = writer.finish();
        for (name, content) in properties {
            let place = [&b"colrprof"[..], &name[..]].concat();
            let at = bytes.windows(12).position(|found| found == place).unwrap();
            bytes[at..at + 4].copy_from_slice(&name);
            bytes[at + 4..at + 4 + content.len()].copy_from_slice(&content);
        }
        bytes
    }
}

/// The tiles, coded once.
fn coded(number: u32) -> &'static [u8] {
    static CODED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let options = EncodeOptions::default();
        let coded = |number| heifer::encode_rgb8(TILE, TILE, tile(number).as_raw(), &options);
        (0..DIFFERENT)
            .map(|number| coded(number).unwrap())
            .collect()
    });
    &CODED[(number % DIFFERENT) as usize]
}

fn add(writer: &mut HeifWriter, number: u32) -> u32 {
    let file = HeifFile::parse(coded(number)).unwrap();
    let config = file.hevc_config(file.primary_id).unwrap().unwrap().clone();
    let data = file.item_data(file.primary_id).unwrap();
    let slices = slices(&data, 4).unwrap();
    writer.add_image(&ImageSpec::new(TILE, TILE, config, &slices))
}

fn limits() -> &'static Limits {
    &SizePolicy::shipped(CURRENT_VERSION).unwrap().limits
}

fn whole(bytes: &[u8]) -> RgbImage {
    turned_by_library(bytes, 1 << 20, |picture| picture).unwrap()
}

fn scaled(picture: RgbImage, size: (u32, u32), long_edge: u32) -> RgbImage {
    let upright = Orientation::NoTransforms;
    match scale_and_turn(Picture::Rgb(picture), size, long_edge, upright, None).unwrap() {
        Upright::Rgb(picture) => picture,
        _ => panic!("not in red, green and blue"),
    }
}

/// Every way to turn a grid.
fn turned(grid: &Grid) -> Vec<Grid> {
    let mut turned = Vec::new();
    for quarters in [None, Some(0), Some(1), Some(2), Some(3)] {
        for mirror in [None, Some(0), Some(1)] {
            turned.push(Grid {
                quarters,
                mirror,
                ..grid.clone()
            });
        }
    }
    turned
}

fn grids() -> Vec<Grid> {
    let grid = |columns, rows, size| Grid {
        columns,
        rows,
        size,
        ..Grid::default()
    };
    let mut grids = turned(&grid(3, 2, (150, 101)));
    grids.push(Grid {
        profile: Some(ColorProfile::new_display_p3().encode().unwrap()),
        ..grid(2, 2, (127, 65))
    });
    // Tiles that nothing is seen of.
    grids.extend(turned(&grid(3, 3, (64, 70))));
    grids
}

#[test]
fn a_grid_by_strips_has_the_pixels_of_the_whole() {
    for grid in grids() {
        let bytes = grid.write();
        let file = HeifFile::parse(&bytes).unwrap();
        let strips = Strips::of(&file).unwrap().unwrap();
        let whole = whole(&bytes);
        let turns = (grid.size, grid.quarters, grid.mirror);
        assert_eq!(strips.size(), whole.dimensions(), "{turns:?}");
        assert!(strips.decode(1000).unwrap() == whole, "{turns:?}");
        for long_edge in [96, 40] {
            let by_strips = strips.decode(long_edge).unwrap();
            let (width, height) = whole.dimensions();
            assert_eq!(by_strips.height(), fitted(width, height, long_edge).1);
            let [one, other] = [by_strips, whole.clone()]
                .map(|picture| scaled(picture, whole.dimensions(), long_edge));
            assert!(one == other, "{turns:?} at {long_edge}");
        }
    }
}

#[test]
fn a_photo_of_any_turn_is_decoded_with_its_size() {
    for grid in turned(&Grid {
        columns: 3,
        rows: 2,
        size: (150, 101),
        ..Grid::default()
    }) {
        let decoded = decode(&grid.write(), limits(), 800).unwrap();
        let on_its_side = grid.quarters.is_some_and(|quarters| quarters % 2 == 1);
        let size = if on_its_side { (101, 150) } else { (150, 101) };
        assert_eq!(decoded.size, size);
    }
}

#[test]
fn a_coded_picture_may_be_larger_than_what_it_shows() {
    // In blocks of 8, 426 becomes 432: a limit by what is shown refused such a file.
    for size in [(64, 42), (1, 1), (65, 63)] {
        let picture = RgbImage::from_pixel(size.0, size.1, Rgb([90, 120, 30]));
        let options = EncodeOptions::default();
        let bytes = heifer::encode_rgb8(size.0, size.1, picture.as_raw(), &options).unwrap();
        assert_eq!(decode(&bytes, limits(), 800).unwrap().size, size);
    }
    let one_tile = Grid {
        columns: 1,
        rows: 1,
        size: (63, 40),
        ..Grid::default()
    };
    assert_eq!(
        decode(&one_tile.write(), limits(), 800).unwrap().size,
        (63, 40)
    );
}

#[test]
fn a_grid_takes_the_memory_of_a_strip_and_not_of_the_photo() {
    let memory = |columns, rows| {
        let size = (u32::from(columns) * TILE, u32::from(rows) * TILE);
        let grid = Grid {
            columns,
            rows,
            size,
            ..Grid::default()
        };
        memory(&grid.write(), limits(), 32).unwrap() as f64
    };
    let (small, wide) = (memory(2, 2), memory(8, 2));
    // The picture at the height that is sent grows with the width; the strip and the tile stay.
    assert!(wide < 1.5 * small, "{small} {wide}");
}

#[test]
fn a_cropped_grid_is_cropped_and_turned() {
    for grid in turned(&Grid {
        columns: 2,
        rows: 2,
        size: (120, 100),
        crop: Some((80, 50)),
        ..Grid::default()
    }) {
        let decoded = decode(&grid.write(), limits(), 800).unwrap();
        let on_its_side = grid.quarters.is_some_and(|quarters| quarters % 2 == 1);
        assert_eq!(decoded.size, if on_its_side { (50, 80) } else { (80, 50) });
    }
}

#[test]
fn a_grid_that_its_tiles_do_not_fill_is_damaged() {
    // The library panics over it.
    for size in [(129, 100), (100, 129), (65_000, 64)] {
        let grid = Grid {
            columns: 2,
            rows: 2,
            size,
            ..Grid::default()
        };
        // A cropped one is not decoded by strips.
        let cropped = Grid {
            crop: Some((60, 60)),
            ..grid.clone()
        };
        for bytes in [grid.write(), cropped.write()] {
            let (decoded, reckoned) =
                (decode(&bytes, limits(), 800), memory(&bytes, limits(), 800));
            assert!(matches!(
                (decoded.err(), reckoned.err()),
                (
                    Some(PhotoError::Damaged(_) | PhotoError::TooLarge { .. }),
                    Some(PhotoError::Damaged(_) | PhotoError::TooLarge { .. })
                )
            ));
        }
    }
}

#[test]
fn a_grid_that_is_cut_off_or_says_nonsense_is_an_error() {
    let bytes = Grid {
        columns: 2,
        rows: 2,
        size: (128, 100),
        ..Grid::default()
    }
    .write();
    for kept in (0..bytes.len()).step_by(37) {
        assert!(decode(&bytes[..kept], limits(), 800).is_err(), "{kept}");
    }
    for at in (0..bytes.len()).step_by(29) {
        let mut odd = bytes.clone();
        odd[at] ^= 0x55;
        let reckoned = memory(&odd, limits(), 800);
        let decoded = decode(&odd, limits(), 800);
        assert!(reckoned.is_ok() || decoded.is_err(), "{at}");
    }
}
