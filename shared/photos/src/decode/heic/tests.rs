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
        with_properties(writer, id, &self.properties())
    }
}

/// The file, with more said of a picture. The writer knows no turns: profiles hold their places, and are renamed.
fn with_properties(mut writer: HeifWriter, id: u32, properties: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    for (name, content) in properties {
        writer.add_icc_profile(id, &[&name[..], &content[..]].concat());
    }
    let mut bytes = writer.finish();
    for (name, content) in properties {
        let place = [&b"colrprof"[..], &name[..]].concat();
        let at = bytes.windows(12).position(|found| found == place).unwrap();
        bytes[at..at + 4].copy_from_slice(name);
        bytes[at + 4..at + 4 + content.len()].copy_from_slice(content);
    }
    bytes
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
        (Upright::Rgb(picture), None) => picture,
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

/// A picture that is coded alone, added with these colours.
fn add_picture(writer: &mut HeifWriter, picture: &RgbImage, color: Option<ColorInfo>) -> u32 {
    let (width, height) = picture.dimensions();
    let options = EncodeOptions::default();
    let bytes = heifer::encode_rgb8(width, height, picture.as_raw(), &options).unwrap();
    let file = HeifFile::parse(&bytes).unwrap();
    let config = file.hevc_config(file.primary_id).unwrap().unwrap().clone();
    let data = file.item_data(file.primary_id).unwrap();
    let slices = slices(&data, 4).unwrap();
    writer.add_image(&ImageSpec {
        color,
        ..ImageSpec::new(width, height, config, &slices)
    })
}

const CORNERS: [[u8; 3]; 4] = [[200, 40, 40], [40, 180, 40], [40, 40, 200], [240, 240, 240]];

/// An upright picture with another colour in each corner.
fn corners() -> RgbImage {
    RgbImage::from_fn(128, 64, |x, y| {
        Rgb(CORNERS[usize::from(x >= 64) + 2 * usize::from(y >= 32)])
    })
}

/// How a HEIC says the eight orientations of EXIF: quarters against the clock, then a mirror (1 from left to right).
const AS_TURNS: [(u8, Option<u8>); 8] = [
    (0, None),
    (0, Some(1)),
    (2, None),
    (0, Some(0)),
    (3, Some(1)),
    (3, None),
    (1, Some(1)),
    (1, None),
];

#[test]
fn every_orientation_ends_upright_in_one_picture_and_in_a_grid() {
    for (orientation, (quarters, mirror)) in (1..=8u8).zip(AS_TURNS) {
        let undo = match Orientation::from_exif(orientation).unwrap() {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        };
        let mut stored = image::DynamicImage::ImageRgb8(corners());
        stored.apply_orientation(undo);
        let stored = stored.into_rgb8();
        let (width, height) = stored.dimensions();
        let turns = Grid {
            quarters: Some(quarters),
            mirror,
            ..Grid::default()
        };
        let mut alone = HeifWriter::new();
        let id = add_picture(&mut alone, &stored, None);
        alone.set_primary(id);
        let mut grid = HeifWriter::new();
        let (columns, rows) = ((width / TILE) as u16, (height / TILE) as u16);
        let mut tiles = Vec::new();
        for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
            let (x, y) = (u32::from(x) * TILE, u32::from(y) * TILE);
            let tile = image::imageops::crop_imm(&stored, x, y, TILE, TILE).to_image();
            tiles.push(add_picture(&mut grid, &tile, None));
        }
        let whole = grid.add_grid(rows, columns, width, height, &tiles, None, None);
        for (writer, id) in [(alone, id), (grid, whole)] {
            let bytes = with_properties(writer, id, &turns.properties());
            let decoded = decode(&bytes, limits(), 800).unwrap();
            let Picture::Rgb(picture) = decoded.picture else {
                panic!("not in red, green and blue");
            };
            assert_eq!(decoded.size, (128, 64), "{orientation}");
            let at = [(3, 3), (124, 3), (3, 60), (124, 60)];
            for ((x, y), expected) in at.into_iter().zip(CORNERS) {
                let seen = picture.get_pixel(x, y).0;
                let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 30);
                assert!(near, "{orientation}: {seen:?} at {x}, {y}");
            }
        }
    }
}

/// What becomes of a colour that is coded with these colours.
fn sent(primaries: u16, transfer: u16) -> Result<[u8; 3], PhotoError> {
    let picture = RgbImage::from_pixel(64, 64, Rgb([180, 90, 60]));
    let options = EncodeOptions::default();
    let bytes = heifer::encode_rgb8(64, 64, picture.as_raw(), &options).unwrap();
    let file = HeifFile::parse(&bytes).unwrap();
    let Some(ColorInfo::Nclx {
        matrix, full_range, ..
    }) = strips::nclx(&file, file.primary_id)
    else {
        panic!("the encoder says nothing of colours");
    };
    let color = ColorInfo::Nclx {
        primaries,
        transfer,
        matrix,
        full_range,
    };
    let mut writer = HeifWriter::new();
    let id = add_picture(&mut writer, &picture, Some(color));
    writer.set_primary(id);
    let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
    let prepared = crate::prepare(&writer.finish(), policy, 800)?;
    let picture = image::load_from_memory(&prepared.jpeg).unwrap().into_rgb8();
    Ok(picture.get_pixel(30, 30).0)
}

#[test]
fn the_transfer_of_a_camera_is_no_tone_curve() {
    let near = |one: [u8; 3], other: [u8; 3]| one.iter().zip(other).all(|(a, b)| a.abs_diff(b) < 4);
    for (primaries, transfer) in [(1, 13), (2, 2), (1, 1), (1, 6), (5, 6), (1, 14), (1, 15)] {
        let seen = sent(primaries, transfer).unwrap();
        assert!(
            near(seen, [180, 90, 60]),
            "{primaries} {transfer}: {seen:?}"
        );
    }
    // What no camera writes by mistake counts: these primaries, and linear light.
    let [red, green, _] = sent(12, 1).unwrap();
    assert!(red > 186 && green < 90, "{red} {green}");
    let [_, green, _] = sent(1, 8).unwrap();
    assert!(green > 140, "{green}");
    assert!(matches!(sent(9, 16), Err(PhotoError::Unsupported(_))));
}

#[test]
fn what_is_transparent_shows_white() {
    let pixels: Vec<u8> = (0..64 * 64)
        .flat_map(|at| {
            let alpha = if at % 64 < 32 { 0 } else { 255 };
            [90, 120, 30, alpha]
        })
        .collect();
    let options = EncodeOptions::default();
    let bytes = heifer::encode_rgba8(64, 64, &pixels, &options).unwrap();
    let Picture::Rgb(picture) = decode(&bytes, limits(), 800).unwrap().picture else {
        panic!("not in red, green and blue");
    };
    let [left, right] = [4, 60].map(|x| picture.get_pixel(x, 30).0);
    assert!(left.iter().all(|level| *level > 245), "{left:?}");
    assert!(right[0].abs_diff(90) < 12 && right[2] < 60, "{right:?}");
}
