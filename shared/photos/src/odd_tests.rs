//! Real files of odd kinds, where they are: `../shared/photos/odd`, whose `MANIFEST.tsv` says what each is. Of each kind
//! the project's own tests make one, too.

use std::path::Path;

use image::RgbImage;

use super::size_policy::{CURRENT_VERSION, SizePolicy};
use super::*;

/// The odd file, where the folder is.
fn read(name: &str) -> Option<Vec<u8>> {
    read_shared(&format!("odd/{name}"))
}

fn read_shared(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/photos");
    if !folder.is_dir() {
        let folder = folder.display();
        eprintln!("{folder} is not there, so {name} was skipped: it does not come with a clone");
        return None;
    }
    Some(std::fs::read(folder.join(name)).unwrap())
}

#[test]
fn every_odd_file_has_its_right_result_here() {
    let Some(manifest) = read("MANIFEST.tsv") else {
        return;
    };
    let manifest = String::from_utf8(manifest).unwrap();
    let names = manifest
        .lines()
        .skip(1)
        .filter_map(|line| line.split('\t').next());
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 10, "{names:?}");
    let tests = include_str!("odd_tests.rs");
    for name in names {
        assert!(
            tests.contains(&format!("\"{name}\"")),
            "{name} is in no test"
        );
    }
}

/// The shared photos' mean colours in sRGB, from Pillow, libheif and Little CMS.
const MEANS: [(&str, [f64; 3]); 17] = [
    ("real/bimg-iphone-xs-p3-o6.jpg", [134.9, 134.7, 135.1]),
    ("real/bimg-jolla.jpg", [191.1, 114.2, 28.3]),
    ("real/exifr-pixel.jpg", [114.8, 127.3, 140.9]),
    ("real/exifsamples-iphone6.jpg", [146.6, 142.5, 140.1]),
    ("real/exifsamples-nokia83.jpg", [67.2, 115.3, 174.2]),
    ("real/exifsamples-olympus-ep3-422.jpg", [99.8, 82.2, 51.4]),
    ("real/govips-galaxy-s8-o6.jpg", [131.2, 123.6, 116.3]),
    ("real/govips-note10-o6.jpg", [143.0, 124.5, 106.3]),
    ("real/immich-book-progressive.jpg", [157.3, 135.2, 115.8]),
    (
        "real/immich-craft-beer-24mp-progressive.jpg",
        [96.9, 88.6, 77.5],
    ),
    (
        "real/immich-japanese-shop-progressive.jpg",
        [38.9, 40.3, 31.1],
    ),
    ("real/lychee-aarhus-nexus5x.jpg", [122.9, 115.7, 114.0]),
    ("real/lychee-hochuferweg-nexus5x.jpg", [98.0, 116.5, 125.5]),
    ("real/lychee-train-iphone6s.jpg", [124.3, 128.0, 129.1]),
    (
        "special/derived-hochuferweg-12mp.webp",
        [98.0, 116.6, 125.3],
    ),
    ("special/govips-iphone-xs-o6.heic", [150.7, 123.0, 92.4]),
    ("special/lychee-sewing-threads.heic", [139.1, 120.4, 106.3]),
];

#[test]
fn the_colours_of_all_shared_photos_are_those_that_others_see() {
    let is_read = |name: &str| cfg!(feature = "heic") || !name.ends_with(".heic");
    for (name, expected) in MEANS.into_iter().filter(|(name, _)| is_read(name)) {
        if let Some(bytes) = read_shared(name) {
            assert_near(
                name,
                mean(&seen(&prepared(&bytes)), 0..8, 0..8),
                expected,
                2.0,
            );
        }
    }
}

#[cfg(feature = "heic")]
#[test]
fn a_position_of_signed_numbers_is_read() {
    if let Some(bytes) = read("nokia_709_nclx.heif") {
        let position = prepared(&bytes).metadata.position.unwrap();
        assert!((position.latitude - 40.66299).abs() < 1e-4, "{position:?}");
        assert!((position.longitude + 3.76374).abs() < 1e-4, "{position:?}");
    }
}

fn prepared(bytes: &[u8]) -> Prepared {
    let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
    prepare(bytes, policy, policy.long_edge).unwrap()
}

fn seen(prepared: &Prepared) -> RgbImage {
    let picture = image::load_from_memory(&prepared.jpeg).unwrap();
    picture.into_rgb8()
}

/// The mean of each channel in a part of the picture: its columns and rows, in eighths.
fn mean(picture: &RgbImage, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> [f64; 3] {
    let (width, height) = picture.dimensions();
    let at = |eighth: u32, edge: u32| edge * eighth / 8;
    let pixels = || {
        let rows = at(rows.start, height)..at(rows.end, height);
        rows.flat_map(|y| (at(columns.start, width)..at(columns.end, width)).map(move |x| (x, y)))
    };
    let count = pixels().count() as f64;
    [0, 1, 2].map(|channel| {
        let levels = pixels().map(|(x, y)| f64::from(picture.get_pixel(x, y).0[channel]));
        levels.sum::<f64>() / count
    })
}

fn assert_near(what: &str, seen: [f64; 3], expected: [f64; 3], most: f64) {
    let near = |(seen, expected): (f64, f64)| (seen - expected).abs() <= most;
    let all = seen.into_iter().zip(expected).all(near);
    assert!(all, "{what}: {seen:.1?} instead of {expected:?}");
}

/// A file whose size and mean colours are known, from libheif or from Pillow and Little CMS.
fn assert_means(name: &str, size: (u32, u32), expected: [f64; 3]) {
    if let Some(bytes) = read(name) {
        let prepared = prepared(&bytes);
        let picture = seen(&prepared);
        assert_eq!(picture.dimensions(), size, "{name}");
        assert_near(name, mean(&picture, 0..8, 0..8), expected, 1.5);
        assert_eq!(prepared.colour_profile, None, "{name}");
    }
}

#[cfg(feature = "heic")]
#[test]
fn heics_have_the_brightness_that_all_programs_show() {
    assert_means("xiaomi_709_no_icc.heic", (800, 600), [182.9, 195.0, 199.8]);
    assert_means("nokia_709_nclx.heif", (800, 600), [123.2, 114.1, 109.7]);
    assert_means("single_640x426.heif", (640, 426), [62.8, 51.1, 43.6]);
    assert_means(
        "one_tile_grid_1025x900.heic",
        (800, 702),
        [98.6, 107.4, 108.5],
    );
    assert_means("alpha_128.heif", (128, 128), [190.7, 169.3, 190.7]);
}

#[test]
fn profiles_of_grey_and_with_odd_tags_are_applied() {
    assert_means("grey_dot_gain.jpg", (715, 483), [99.8, 99.8, 99.8]);
    assert_means("corbis_rgb_icc.jpg", (512, 384), [204.3, 47.5, 36.3]);
}

#[test]
fn arithmetic_coding_is_said_to_be_what_is_not_supported() {
    if let Some(bytes) = read("arithmetic.jpg") {
        let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
        let refused = prepare(&bytes, policy, policy.long_edge).unwrap_err();
        assert!(matches!(
            refused,
            PhotoError::UnsupportedJpeg("arithmetic coding")
        ));
    }
}

#[test]
fn junk_beside_the_picture_does_not_show_at_its_edge() {
    if let Some(bytes) = read("edge_junk_719.jpg") {
        let picture = seen(&prepared(&bytes));
        assert_eq!(picture.dimensions(), (579, 800));
        let last = |x: u32| {
            let column = image::imageops::crop_imm(&picture, x, 0, 1, 800).to_image();
            mean(&column, 0..8, 0..8)
        };
        assert_near("the last column", last(578), last(574), 6.0);
    }
}

#[test]
fn a_webp_is_turned_although_exif_stands_before_its_exif_data() {
    if let Some(bytes) = read("orientation_6.webp") {
        let picture = seen(&prepared(&bytes));
        for (columns, rows, expected) in [
            (0..4, 0..4, [94.0, 73.0, 80.0]),
            (4..8, 0..4, [107.0, 117.0, 155.0]),
            (0..4, 4..8, [82.0, 57.0, 54.0]),
            (4..8, 4..8, [76.0, 74.0, 93.0]),
        ] {
            assert_near("a quarter", mean(&picture, columns, rows), expected, 4.0);
        }
    }
}

#[test]
fn a_png_tells_when_and_where_behind_its_pixels() {
    let Some(bytes) = read("exif_after_idat_gps.png") else {
        return;
    };
    let told = prepared(&bytes).metadata;
    let position = told.position.unwrap();
    assert_eq!(told.captured_at.as_deref(), Some("2003-12-14T12:01:44"));
    assert!((position.latitude - 50.2996).abs() < 1e-4, "{position:?}");
    assert!((position.longitude - 14.8203).abs() < 1e-4, "{position:?}");
}

#[test]
fn a_png_whose_end_is_cut_is_read() {
    if let Some(bytes) = read("iend_cut.png") {
        let figures = prepared(&bytes).figures;
        assert_eq!((figures.width, figures.height), (128, 128));
    }
}

#[test]
fn a_webcams_frame_without_huffman_tables_is_read() {
    if let Some(bytes) = read("mjpeg_no_dht.jpg") {
        let figures = prepared(&bytes).figures;
        assert_eq!((figures.width, figures.height), (800, 600));
    }
}
