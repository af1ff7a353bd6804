//! EXIF data in every format and every way that programs write it.

use image::codecs::{png::PngEncoder, webp::WebPEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};

use super::metadata::Position;
use super::size_policy::{CURRENT_VERSION, SizePolicy};
use super::*;

/// A number of a tag's type, as it stands in the file.
type Value = (u16, Vec<u8>);

/// A directory: its entries by tag.
type Entries = Vec<(u16, Value)>;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const SLONG: u16 = 9;
const TYPES: [(u16, usize); 4] = [(1, 1), (SHORT, 2), (LONG, 4), (SLONG, 4)];

fn integer(kind: u16, number: u32) -> Value {
    let length = TYPES.iter().find(|(known, _)| *known == kind).unwrap().1;
    (kind, number.to_be_bytes()[4 - length..].to_vec())
}

fn text(text: &str) -> Value {
    (2, [text.as_bytes(), &[0]].concat())
}

/// Degrees, minutes and seconds, as RATIONAL (5) or SRATIONAL (10).
fn degrees(kind: u16, parts: [i32; 3]) -> Value {
    let part = |part: i32| [part.to_be_bytes(), 1i32.to_be_bytes()].concat();
    (kind, parts.map(part).concat())
}

/// A TIFF structure: a first directory, and those that it points to, with pointers of this type.
fn tiff(first: &Entries, pointed: &[(u16, Entries)], pointer: u16) -> Vec<u8> {
    let pointers = |at: &[u32]| {
        let numbers = at.iter().chain(std::iter::repeat(&0));
        let pointers = pointed.iter().zip(numbers);
        let pointers = pointers.map(|((tag, _), at)| (*tag, integer(pointer, *at)));
        first.iter().cloned().chain(pointers).collect::<Entries>()
    };
    let mut end = 8 + directory(&pointers(&[]), 8).len() as u32;
    let mut starts = Vec::new();
    let mut parts = Vec::new();
    for (_, entries) in pointed {
        starts.push(end);
        parts.extend(directory(entries, end));
        end = 8 + (directory(&pointers(&[]), 8).len() + parts.len()) as u32;
    }
    let first = directory(&pointers(&starts), 8);
    [b"MM\0*\0\0\0\x08".to_vec(), first, parts].concat()
}

fn directory(entries: &Entries, at: u32) -> Vec<u8> {
    let mut head = (entries.len() as u16).to_be_bytes().to_vec();
    let mut tail: Vec<u8> = Vec::new();
    let tail_at = at as usize + 2 + 12 * entries.len() + 4;
    for (tag, (kind, data)) in entries {
        let size = match kind {
            1 | 2 => 1,
            3 => 2,
            5 | 10 => 8,
            _ => 4,
        };
        let count = (data.len() / size) as u32;
        head.extend([tag.to_be_bytes(), kind.to_be_bytes()].concat());
        head.extend(count.to_be_bytes());
        if data.len() <= 4 {
            head.extend([&data[..], &[0; 4]].concat().drain(..4));
        } else {
            head.extend(((tail_at + tail.len()) as u32).to_be_bytes());
            tail.extend(data);
        }
    }
    [head, vec![0; 4], tail].concat()
}

fn oriented(value: Value) -> Vec<u8> {
    tiff(&vec![(0x0112, value)], &[], LONG)
}

/// Another colour in each corner.
const CORNERS: [[u8; 3]; 4] = [[220, 20, 20], [20, 200, 20], [20, 20, 220], [250, 250, 250]];

/// An upright picture.
fn corners() -> RgbImage {
    RgbImage::from_fn(96, 64, |x, y| {
        let corner = usize::from(x >= 48) + 2 * usize::from(y >= 32);
        Rgb(CORNERS[corner])
    })
}

/// The picture as it is stored by a camera that is held this way.
fn stored(orientation: u8) -> RgbImage {
    let undo = match Orientation::from_exif(orientation).unwrap() {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        other => other,
    };
    let mut picture = DynamicImage::ImageRgb8(corners());
    picture.apply_orientation(undo);
    picture.into_rgb8()
}

fn prepared(bytes: &[u8]) -> Prepared {
    let policy = SizePolicy::shipped(CURRENT_VERSION).unwrap();
    prepare(bytes, policy, policy.long_edge).unwrap()
}

fn assert_upright(bytes: &[u8], what: &str) {
    let prepared = prepared(bytes);
    let picture = image::load_from_memory(&prepared.jpeg).unwrap().into_rgb8();
    assert_eq!(picture.dimensions(), (96, 64), "{what}");
    let at = [(2, 2), (93, 2), (2, 61), (93, 61)];
    for ((x, y), expected) in at.into_iter().zip(CORNERS) {
        let seen = picture.get_pixel(x, y).0;
        let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 30);
        assert!(near, "{what}: {seen:?} instead of {expected:?} at {x}, {y}");
    }
}

fn jpeg(picture: &RgbImage, exif: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.add_app_segment(1, exif.to_vec()).unwrap();
    let (width, height) = picture.dimensions();
    encoder
        .encode(picture, width as u16, height as u16, ColorType::Rgb)
        .unwrap();
    bytes
}

fn written(mut encoder: impl ImageEncoder, picture: &RgbImage, exif: &[u8]) {
    if !exif.is_empty() {
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
    }
    let (width, height) = picture.dimensions();
    encoder
        .write_image(picture, width, height, image::ExtendedColorType::Rgb8)
        .unwrap();
}

fn webp(picture: &RgbImage, exif: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    written(WebPEncoder::new_lossless(&mut bytes), picture, exif);
    bytes
}

fn png(picture: &RgbImage, exif: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    written(PngEncoder::new(&mut bytes), picture, exif);
    bytes
}

/// A PNG with one more chunk right before its end.
fn png_with_chunk(picture: &RgbImage, name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut bytes = png(picture, &[]);
    let end = bytes.split_off(bytes.len() - 12);
    let named = [&name[..], data].concat();
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(&named);
    bytes.extend(checksum(&named).to_be_bytes());
    [bytes, end].concat()
}

fn checksum(bytes: &[u8]) -> u32 {
    let bit = |sum: u32| sum >> 1 ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
    let byte = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| bit(sum));
    !bytes.iter().fold(u32::MAX, byte)
}

/// EXIF data as ImageMagick writes it into a text.
fn profile(exif: &[u8]) -> Vec<u8> {
    let digits: Vec<String> = exif.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<String> = digits.chunks(36).map(|line| line.concat()).collect();
    format!("\nexif\n{:8}\n{}\n", exif.len(), lines.join("\n")).into_bytes()
}

fn deflated(text: &[u8]) -> Vec<u8> {
    fdeflate::compress_to_vec(text)
}

#[test]
fn every_orientation_of_any_type_ends_upright_in_jpeg_png_and_webp() {
    let prefixes: [&[u8]; 3] = [b"Exif\0\0", b"", b"Exif\0\0Exif\0\0"];
    for orientation in 1..=8u8 {
        let picture = stored(orientation);
        for ((kind, _), prefix) in TYPES.iter().flat_map(|kind| prefixes.map(|it| (kind, it))) {
            let tiff = oriented(integer(*kind, orientation.into()));
            let exif = [prefix, &tiff].concat();
            let what = format!("{orientation} of type {kind} behind {prefix:?}");
            assert_upright(&png(&picture, &exif), &what);
            assert_upright(&webp(&picture, &exif), &what);
            if !prefix.is_empty() {
                assert_upright(&jpeg(&picture, &exif), &what);
            }
        }
    }
}

#[test]
fn exif_data_of_a_png_may_stand_behind_its_pixels_or_in_a_text() {
    let (picture, exif) = (stored(6), oriented(integer(SHORT, 6)));
    let with_prefix = [b"Exif\0\0", &exif[..]].concat();
    assert_upright(&png_with_chunk(&picture, b"eXIf", &exif), "behind");
    let international = b"Raw profile type exif\0\0\0en\0what\0";
    for (name, head, text) in [
        (
            b"tEXt",
            &b"Raw profile type exif\0"[..],
            profile(&with_prefix),
        ),
        (b"tEXt", b"Raw profile type APP1\0", profile(&exif)),
        (
            b"zTXt",
            b"Raw profile type exif\0\0",
            deflated(&profile(&with_prefix)),
        ),
        (b"iTXt", international, profile(&with_prefix)),
        (
            b"iTXt",
            b"Raw profile type APP1\0\x01\0\0\0",
            deflated(&profile(&exif)),
        ),
    ] {
        let data = [head, &text].concat();
        let what = String::from_utf8_lossy(head).into_owned();
        assert_upright(&png_with_chunk(&picture, name, &data), &what);
        // Cut anywhere it is no EXIF data, and the picture is there all the same.
        for kept in (0..data.len()).step_by(7) {
            prepared(&png_with_chunk(&picture, name, &data[..kept]));
        }
    }
}

#[test]
fn a_position_is_read_whatever_the_types_of_its_numbers() {
    let gps = |kind, latitude: [i32; 3]| {
        vec![
            (1, text("S")),
            (2, degrees(kind, latitude)),
            (3, text("E")),
            (4, degrees(kind, [18, 25, 12])),
        ]
    };
    for (kind, pointer, latitude) in [
        (5, LONG, [33, 55, 30]),
        (10, LONG, [33, 55, 30]),
        (10, SLONG, [33, 55, 30]),
        (10, LONG, [-33, 55, 30]),
    ] {
        let when = vec![(0x9003, text("2026:01:14 10:15:02"))];
        let pointed = [(0x8769, when), (0x8825, gps(kind, latitude))];
        let exif = tiff(&vec![], &pointed, pointer);
        for photo in [
            jpeg(&corners(), &[b"Exif\0\0", &exif[..]].concat()),
            png(&corners(), &exif),
            webp(&corners(), &exif),
        ] {
            let told = prepared(&photo).metadata;
            let Position {
                latitude,
                longitude,
            } = told.position.unwrap();
            assert!(
                (latitude + 33.925).abs() < 1e-9,
                "{kind} {pointer}: {latitude}"
            );
            assert!(
                (longitude - 18.42).abs() < 1e-9,
                "{kind} {pointer}: {longitude}"
            );
            assert_eq!(told.captured_at.as_deref(), Some("2026-01-14T10:15:02"));
        }
    }
}

#[test]
fn positions_that_do_not_exist_and_times_that_make_no_sense_are_left_out() {
    let position = |latitude: [i32; 3]| {
        let gps = vec![(2, degrees(10, latitude)), (4, degrees(10, [18, 25, 12]))];
        let exif = tiff(&vec![], &[(0x8825, gps)], LONG);
        prepared(&png(&corners(), &exif)).metadata.position
    };
    assert!(position([90, 0, 0]).is_some());
    assert_eq!(position([91, 0, 0]), None);
    let time = |written: &str| {
        let exif = tiff(&vec![(0x0132, text(written))], &[], LONG);
        prepared(&png(&corners(), &exif)).metadata.captured_at
    };
    assert!(time("2026:12:31 23:59:60").is_some());
    for odd in [
        "    :  :     :  :  ",
        "0000:01:14 10:15:02",
        "2026:13:14 10:15:02",
        "2026:01:00 10:15:02",
        "2026:01:14 24:15:02",
        "2026:01:14 10:60:02",
        "2026:01:14 10:15",
        "2026-01-14 10:15:02",
        "2026:1:14 10:15:02",
    ] {
        assert_eq!(time(odd), None, "{odd}");
    }
}
