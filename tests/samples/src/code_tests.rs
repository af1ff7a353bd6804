//! The codes survive what the pipeline may do, and nothing else.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, Rgb};

use super::*;
use crate::drs::{Dr, made_up, samples};
use crate::photo::{jpeg, picture};

fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let (from_width, from_height) = picture.dimensions();
    let from = TypedImageRef::<U8x3>::from_buffer(from_width, from_height, picture.as_raw());
    let mut pixels = vec![0; (width * height * 3) as usize];
    let mut to = TypedImage::<U8x3>::from_buffer(width, height, &mut pixels).unwrap();
    let options = ResizeOptions::new();
    // Typed: the other call compiles the kernels of every kind of pixel.
    Resizer::new()
        .resize_typed(&from.unwrap(), &mut to, &options)
        .unwrap();
    RgbImage::from_raw(width, height, pixels).unwrap()
}

/// As the pipeline sends it: `long_edge` at most, JPEG q85.
fn sent(picture: &RgbImage, long_edge: u32) -> RgbImage {
    let (w, h) = picture.dimensions();
    let fit =
        |edge: u32| (f64::from(edge) * f64::from(long_edge) / f64::from(w.max(h))).round() as u32;
    let small = resized(picture, fit(w), fit(h));
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 85);
    encoder
        .encode(
            small.as_raw(),
            small.width() as u16,
            small.height() as u16,
            jpeg_encoder::ColorType::Rgb,
        )
        .unwrap();
    image::load_from_memory(&bytes).unwrap().into_rgb8()
}

/// A landscape and a portrait photo with small print.
fn photos() -> Vec<(Truth, RgbImage)> {
    let dr = &samples().unwrap()[0];
    [8, 10, 7]
        .map(|index| {
            (
                dr.truth(index).unwrap(),
                picture(&dr.truth(index).unwrap(), &Dr::view(index, 12.0, 1)).unwrap(),
            )
        })
        .into()
}

fn without_readings(truth: &Truth) -> Truth {
    let mut truth = truth.clone();
    truth
        .shows
        .iter_mut()
        .for_each(|shown| shown.reading = shown.reading.take().map(|_| String::new()));
    truth
}

#[test]
fn large_codes_survive_800_pixels_and_small_print_needs_1280() {
    for (truth, picture) in photos() {
        assert!(truth.small_print().is_some());
        assert_eq!(
            read(&sent(&picture, 1280)),
            Ok(truth.clone()),
            "{} x {}",
            picture.width(),
            picture.height()
        );
        assert_eq!(read(&sent(&picture, 800)), Ok(without_readings(&truth)));
    }
}

#[test]
fn every_sample_photo_reads_as_its_truth() {
    for dr in samples()
        .unwrap()
        .iter()
        .chain([&made_up("DR1", 12, 3).unwrap()])
    {
        for index in 0..dr.photos.len() {
            let truth = dr.truth(index).unwrap();
            let picture = picture(&truth, &Dr::view(index, 1.3, 1)).unwrap();
            assert_eq!(
                read(&sent(&picture, 1280)),
                Ok(truth),
                "{}",
                dr.photos[index].name
            );
        }
    }
}

#[test]
fn a_photo_turned_or_mirrored_cant_be_read() {
    let (_, picture) = &photos()[0];
    let small = DynamicImage::ImageRgb8(sent(picture, 1280));
    for value in 2..=8 {
        let mut turned = small.clone();
        turned.apply_orientation(Orientation::from_exif(value).unwrap());
        assert!(read(&turned.into_rgb8()).is_err(), "orientation {value}");
    }
}

#[test]
fn a_photo_squeezed_cropped_cut_off_or_too_small_cant_be_read() {
    let (_, picture) = &photos()[0];
    let small = sent(picture, 1280);
    let (w, h) = small.dimensions();
    assert!(read(&resized(&small, w, h * 9 / 10)).is_err(), "squeezed");
    for (x, y, width, height) in [
        (w / 10, 0, w * 9 / 10, h),
        (0, 0, w * 9 / 10, h),
        (0, h / 10, w, h * 9 / 10),
        (0, 0, w, h * 9 / 10),
    ] {
        let crop = image::imageops::crop_imm(&small, x, y, width, height).to_image();
        assert!(read(&crop).is_err(), "cropped {x} {y} {width} {height}");
    }
    let grey_below = |row: u32| {
        let mut cut = small.clone();
        cut.enumerate_pixels_mut()
            .filter(|(_, y, _)| *y > row)
            .for_each(|(_, _, pixel)| *pixel = Rgb([128; 3]));
        cut
    };
    assert_eq!(read(&grey_below(h / 2)), Err(Unreadable::Half));
    assert!(read(&resized(&small, 160, 120)).is_err(), "too small");
    for percent in [90, 98] {
        assert_eq!(
            read(&grey_below(h * percent / 100)),
            Err(Unreadable::NoCorner),
            "cut off below {percent} %"
        );
    }
    let (x, y) = (w * 3 / 100, h * 3 / 100);
    for (x, y, width, height) in [
        (x, 0, w - x, h),
        (0, y, w, h - y),
        (0, 0, w - x, h),
        (0, 0, w, h - y),
    ] {
        let crop = image::imageops::crop_imm(&small, x, y, width, height).to_image();
        assert_eq!(
            read(&crop),
            Err(Unreadable::NoCorner),
            "cropped by 3 % {x} {y}"
        );
    }
}

#[test]
fn no_photo_can_be_read_at_250_pixels() {
    let dr = &samples().unwrap()[0];
    for index in 0..dr.photos.len() {
        let picture = picture(&dr.truth(index).unwrap(), &Dr::view(index, 2.0, 9)).unwrap();
        assert!(
            read(&sent(&picture, 250)).is_err(),
            "{}",
            dr.photos[index].name
        );
    }
}

#[test]
fn a_photo_without_a_code_shows_nothing() {
    let plain = Canvas::fading(800, 600, [200, 200, 200], [90, 90, 90]).into_picture();
    assert_eq!(read(&plain), Err(Unreadable::NoCode));
}

#[test]
fn files_weigh_what_phone_photos_weigh_and_are_the_same_each_time() {
    let dr = &samples().unwrap()[0];
    let truth = dr.truth(0).unwrap();
    let bytes = jpeg(&truth, &Dr::view(0, 12.0, 1)).unwrap();
    assert!(
        (2_000_000..5_000_000).contains(&bytes.len()),
        "{} bytes",
        bytes.len()
    );
    let small = Dr::view(5, 1.3, 1);
    assert_eq!(jpeg(&truth, &small).unwrap(), jpeg(&truth, &small).unwrap());
}
