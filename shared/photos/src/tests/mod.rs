//! Preparing photos that the tests draw themselves, and files that are none.

mod colours;
mod refused;
mod upright;

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

use super::scale::fitted;
use super::size_policy::{CURRENT_VERSION, SizePolicy};
use super::*;

fn policy() -> SizePolicy {
    SizePolicy::shipped(CURRENT_VERSION).unwrap().clone()
}

/// Red left, blue right, white on top.
fn marked(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        match (y < height / 4, x < width / 2) {
            (true, _) => Rgb([255, 255, 255]),
            (false, true) => Rgb([220, 20, 20]),
            (false, false) => Rgb([20, 20, 220]),
        }
    })
}

fn jpeg_of(picture: &RgbImage, orientation: Option<u8>) -> Vec<u8> {
    jpeg_with(picture, |encoder| {
        if let Some(orientation) = orientation {
            encoder.add_app_segment(1, exif(orientation)).unwrap();
        }
    })
}

fn encoded(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut bytes), format)
        .unwrap();
    bytes
}

fn opened(prepared: &Prepared) -> RgbImage {
    image::load_from_memory(&prepared.jpeg).unwrap().into_rgb8()
}

fn is_upright(picture: &RgbImage) -> bool {
    let (w, h) = picture.dimensions();
    let [top, left, right] = [(w / 2, h / 10), (w / 4, h * 3 / 4), (w * 3 / 4, h * 3 / 4)]
        .map(|(x, y)| picture.get_pixel(x, y).0);
    top.iter().all(|c| *c > 200)
        && left[0] > 150
        && left[2] < 100
        && right[2] > 150
        && right[0] < 100
}

#[test]
fn the_long_edge_fits_and_nothing_is_enlarged() {
    for (width, height, expected) in [
        (1600, 1200, (800, 600)),
        (1200, 1600, (600, 800)),
        (300, 200, (300, 200)),
        (3000, 2, (800, 1)),
    ] {
        let figures = prepare(&jpeg_of(&marked(width, height), None), &policy(), 800)
            .unwrap()
            .figures;
        assert_eq!((figures.width, figures.height), expected);
    }
}

#[test]
fn what_is_sent_carries_no_metadata_and_is_the_same_each_time() {
    let photo = jpeg_of(&marked(1600, 1200), Some(6));
    let prepared = prepare(&photo, &policy(), 800).unwrap();
    assert!(!prepared.jpeg.windows(4).any(|bytes| bytes == b"Exif"));
    assert_eq!(prepared, prepare(&photo, &policy(), 800).unwrap());
    assert_eq!(prepared.figures.sent_bytes, prepared.jpeg.len() as u64);
}

#[test]
fn png_webp_grey_and_transparent_pictures_are_photos_whatever_their_name() {
    let marked = DynamicImage::ImageRgb8(marked(400, 300));
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        assert!(is_upright(&opened(
            &prepare(&encoded(marked.clone(), format), &policy(), 800).unwrap()
        )));
    }
    let grey = encoded(
        DynamicImage::ImageLuma8(GrayImage::from_pixel(64, 64, image::Luma([90]))),
        ImageFormat::Png,
    );
    assert!(
        opened(&prepare(&grey, &policy(), 800).unwrap())
            .pixels()
            .all(|p| p.0.iter().all(|c| c.abs_diff(90) < 4))
    );
    let clear = encoded(
        DynamicImage::ImageRgba8(RgbaImage::from_pixel(64, 64, Rgba([0, 0, 0, 0]))),
        ImageFormat::Png,
    );
    assert!(
        opened(&prepare(&clear, &policy(), 800).unwrap())
            .pixels()
            .all(|p| p.0.iter().all(|c| *c > 250))
    );
}

#[cfg(feature = "heic")]
#[test]
fn heic_is_a_photo_and_damaged_heic_an_error() {
    let picture = marked(320, 240);
    let heic = heifer::encode_rgb8(
        320,
        240,
        picture.as_raw(),
        &heifer::EncodeOptions::default(),
    )
    .unwrap();
    assert!(is_upright(&opened(
        &prepare(&heic, &policy(), 800).unwrap()
    )));
    assert!(memory_needed(&heic, &policy(), 800).unwrap() >= 320 * 240 * 14);
    let small = SizePolicy {
        limits: size_policy::Limits {
            most_pixels: 1000,
            most_pixels_scaled: None,
            ..policy().limits
        },
        ..policy()
    };
    assert!(matches!(
        prepare(&heic, &small, 800),
        Err(PhotoError::TooLarge {
            width: 320,
            height: 240,
            ..
        })
    ));
    for kept in (30..heic.len() / 2).step_by(41) {
        assert!(
            prepare(&heic[..kept], &policy(), 800).is_err(),
            "{kept} of {}",
            heic.len()
        );
    }
}

#[test]
fn metadata_is_read_and_not_sent_on() {
    let tiff = tiff_with_camera();
    let photo = jpeg_with(&marked(64, 64), |encoder| {
        encoder
            .add_app_segment(1, [&b"Exif\0\0"[..], &tiff].concat())
            .unwrap();
    });
    let prepared = prepare(&photo, &policy(), 800).unwrap();
    assert_eq!(prepared.metadata.camera.as_deref(), Some("Acme One"));
    assert_eq!(
        prepared.metadata.captured_at.as_deref(),
        Some("2026-01-14T10:15:02")
    );
    assert!(
        !prepared
            .jpeg
            .windows(4)
            .any(|bytes| bytes == b"Exif" || bytes == b"Acme")
    );
    for kept in 0..tiff.len() {
        let photo = jpeg_with(&marked(16, 16), |encoder| {
            encoder
                .add_app_segment(1, [&b"Exif\0\0"[..], &tiff[..kept]].concat())
                .unwrap();
        });
        assert!(
            prepare(&photo, &policy(), 800).is_ok(),
            "a cut of {kept} bytes"
        );
    }
}

/// Maker, model and time, in the first directory.
fn tiff_with_camera() -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x03".to_vec();
    let entries = [
        (0x010Fu16, "Acme\0"),
        (0x0110, "Acme One\0"),
        (0x0132, "2026:01:14 10:15:02\0"),
    ];
    let mut data: Vec<u8> = Vec::new();
    for (tag, text) in entries {
        let offset = 8 + 2 + 12 * entries.len() + 4 + data.len();
        tiff.extend(
            [
                &tag.to_be_bytes()[..],
                &[0, 2],
                &(text.len() as u32).to_be_bytes(),
                &(offset as u32).to_be_bytes(),
            ]
            .concat(),
        );
        data.extend(text.as_bytes());
    }
    [tiff, vec![0; 4], data].concat()
}

fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

fn jpeg_with(picture: &RgbImage, set: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 92);
    set(&mut encoder);
    encoder
        .encode(
            picture.as_raw(),
            picture.width() as u16,
            picture.height() as u16,
            ColorType::Rgb,
        )
        .unwrap();
    bytes
}

#[test]
fn never_again_a_portrait_photo_costs_more_than_a_landscape_one() {
    let tokens = |w, h| {
        prepare(&jpeg_of(&marked(w, h), None), &policy(), 800)
            .unwrap()
            .figures
            .image_tokens
    };
    assert_eq!(tokens(1600, 1200), tokens(1200, 1600));
}

#[test]
fn never_again_small_print_is_lost_to_one_size_for_all() {
    let sent = |small_print| {
        prepare(
            &jpeg_of(&marked(2000, 1500), None),
            &policy(),
            policy().long_edge_for(small_print),
        )
        .unwrap()
        .figures
        .width
    };
    assert_eq!((sent(false), sent(true)), (800, 1280));
}

#[test]
fn image_tokens_are_those_measured_on_a_real_server() {
    for (width, height, tokens) in [
        (640, 480, 302),
        (800, 600, 477),
        (800, 1067, 827),
        (1280, 960, 1202),
        (1600, 1200, 1902),
        (4000, 3000, 11752),
        (32, 32, 64),
    ] {
        assert_eq!(image_tokens(width, height), tokens, "{width} x {height}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(head in prop_oneof![Just(vec![0xFF, 0xD8, 0xFF]), Just(b"\x89PNG\r\n\x1a\n".to_vec()), Just(vec![])], tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [head, tail].concat();
        let _ = prepare(&bytes, &policy(), 800);
    }

    #[test]
    fn a_damaged_photo_is_an_error_or_a_picture_of_the_right_size(at in 2usize..2000, value: u8, cut in 0usize..3000) {
        let mut photo = jpeg_of(&marked(160, 120), Some(6));
        let length = photo.len();
        photo[at % length] = value;
        photo.truncate(length - cut % length);
        if let Ok(prepared) = prepare(&photo, &policy(), 800) {
            prop_assert!(prepared.figures.width.max(prepared.figures.height) <= 800);
        }
    }

    #[test]
    fn fitting_keeps_the_shape_and_the_bound(width in 1u32..20_000, height in 1u32..20_000, edge in 32u32..4096) {
        let (w, h) = fitted(width, height, edge);
        prop_assert!(w >= 1 && h >= 1 && w.max(h) <= edge.max(1) || (w, h) == (width, height));
        prop_assert!(w <= width && h <= height);
        let exact = f64::from(width.min(height)) * f64::from(w.max(h)) / f64::from(width.max(height));
        prop_assert!((f64::from(w.min(h)) - exact).abs() <= 1.0);
    }
}
