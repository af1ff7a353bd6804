//! Preparing photos that the tests draw themselves, and files that are none.

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
fn every_exif_orientation_ends_upright() {
    let upright = DynamicImage::ImageRgb8(marked(1200, 900));
    for value in 1..=8u8 {
        let orientation = Orientation::from_exif(value).unwrap();
        let undo = match orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        };
        let mut stored = upright.clone();
        stored.apply_orientation(undo);
        let prepared = prepare(&jpeg_of(&stored.into_rgb8(), Some(value)), &policy(), 800).unwrap();
        assert_eq!(
            (prepared.figures.width, prepared.figures.height),
            (800, 600),
            "orientation {value}"
        );
        assert!(is_upright(&opened(&prepared)), "orientation {value}");
    }
}

#[test]
fn an_orientation_that_makes_no_sense_is_none() {
    for value in [0, 9, 99] {
        let prepared = prepare(&jpeg_of(&marked(400, 300), Some(value)), &policy(), 800).unwrap();
        assert!(is_upright(&opened(&prepared)));
    }
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

#[test]
fn every_orientation_ends_upright_whatever_the_sampling_and_the_rounding() {
    let upright = DynamicImage::ImageRgb8(marked(1201, 803));
    for (value, sampling) in (1..=8u8).zip(
        [
            SamplingFactor::F_1_1,
            SamplingFactor::F_2_1,
            SamplingFactor::F_2_2,
        ]
        .iter()
        .cycle(),
    ) {
        let orientation = Orientation::from_exif(value).unwrap();
        let undo = match orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        };
        let mut stored = upright.clone();
        stored.apply_orientation(undo);
        let photo = jpeg_with(&stored.into_rgb8(), |encoder| {
            encoder.set_sampling_factor(*sampling);
            encoder.set_progressive(value % 2 == 0);
            encoder.add_app_segment(1, exif(value)).unwrap();
        });
        let prepared = prepare(&photo, &policy(), 800).unwrap();
        assert_eq!(
            (prepared.figures.width, prepared.figures.height),
            (800, 535),
            "orientation {value}"
        );
        assert!(is_upright(&opened(&prepared)), "orientation {value}");
    }
}

#[test]
fn grey_and_four_colour_jpegs_are_photos() {
    let mut grey = Vec::new();
    Encoder::new(&mut grey, 90)
        .encode(&[90; 64 * 64], 64, 64, ColorType::Luma)
        .unwrap();
    let prepared = opened(&prepare(&grey, &policy(), 800).unwrap());
    assert!(
        prepared
            .pixels()
            .all(|pixel| pixel.0.iter().all(|level| level.abs_diff(90) < 4))
    );
    // No cyan, full magenta and yellow, no black: red. The encoder, as Adobe, writes inks inverted.
    let mut inks = Vec::new();
    Encoder::new(&mut inks, 95)
        .encode(&[0, 255, 255, 0].repeat(64 * 64), 64, 64, ColorType::Cmyk)
        .unwrap();
    let [r, g, b] = opened(&prepare(&inks, &policy(), 800).unwrap())
        .get_pixel(30, 30)
        .0;
    assert!(r > 200 && g < 50 && b < 50, "{r} {g} {b}");
}

#[test]
fn colours_of_another_profile_become_srgb() {
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let srgb = moxcms::ColorProfile::new_srgb().encode().unwrap();
    let red = RgbImage::from_pixel(64, 64, Rgb([200, 60, 60]));
    let with = |icc: &[u8]| {
        let photo = jpeg_with(&red, |encoder| encoder.add_icc_profile(icc).unwrap());
        opened(&prepare(&photo, &policy(), 800).unwrap())
            .get_pixel(30, 30)
            .0
    };
    let [plain, wide] = [with(&srgb), with(&profile)];
    assert!(
        plain[0].abs_diff(200) < 4 && plain[1].abs_diff(60) < 4,
        "{plain:?}"
    );
    assert!(
        wide[0] > 210 && wide[1] < 52,
        "P3's reds are redder: {wide:?}"
    );
    assert!(
        with(&profile[..profile.len() / 2])[0].abs_diff(200) < 4,
        "a profile that can't be read is none"
    );
}

/// A profile of four inks that lay grey over white: black ink 80 % of it, the others 20 % each.
fn profile_of_inks() -> Vec<u8> {
    let identity = |many: usize| (0..many).flat_map(|_| 0..=255u8).collect::<Vec<u8>>();
    let corner = |inks: usize| {
        let has = |ink: usize| (inks >> (3 - ink) & 1) as i32;
        let lightness = 255 - 51 * (has(0) + has(1) + has(2)) - 204 * has(3);
        [lightness.max(0) as u8, 128, 128]
    };
    let unit = |at: usize| u32::from(at.is_multiple_of(4)) << 16;
    let matrix: Vec<u8> = (0..9).flat_map(|at| unit(at).to_be_bytes()).collect();
    let table = [
        b"mft1\0\0\0\0\x04\x03\x02\0".to_vec(),
        matrix,
        identity(4),
        (0..16).flat_map(corner).collect(),
        identity(3),
    ]
    .concat();
    let mut profile = vec![0; 128];
    let size = (128 + 4 + 12 + table.len()) as u32;
    for (at, part) in [
        (0, &size.to_be_bytes()[..]),
        (8, &[2, 0x40, 0, 0]),
        (12, b"prtrCMYKLab "),
        (36, b"acsp"),
        (68, &[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]),
    ] {
        profile[at..at + part.len()].copy_from_slice(part);
    }
    let tag = [
        &1u32.to_be_bytes()[..],
        b"A2B0",
        &144u32.to_be_bytes(),
        &(table.len() as u32).to_be_bytes(),
    ];
    [profile, tag.concat(), table].concat()
}

/// A photo of one colour with this profile, as it is sent, and what is said of the profile.
fn with_profile(pixel: &[u8], colours: ColorType, icc: &[u8]) -> ([u8; 3], Option<ColourProfile>) {
    let mut photo = Vec::new();
    let mut encoder = Encoder::new(&mut photo, 95);
    encoder.add_icc_profile(icc).unwrap();
    encoder
        .encode(&pixel.repeat(64 * 64), 64, 64, colours)
        .unwrap();
    let prepared = prepare(&photo, &policy(), 800).unwrap();
    let sent = opened(&prepared).get_pixel(30, 30).0;
    (sent, prepared.colour_profile)
}

#[test]
fn grey_becomes_srgb_by_its_profile() {
    let gamma = |gamma| {
        moxcms::ColorProfile::new_gray_with_gamma(gamma)
            .encode()
            .unwrap()
    };
    let (sent, said) = with_profile(&[100], ColorType::Luma, &gamma(1.0));
    // Linear light of 100 / 255 in the curve of sRGB.
    assert!(sent.iter().all(|level| level.abs_diff(169) < 4), "{sent:?}");
    assert_eq!(said, None);
    let (sent, said) = with_profile(&[100], ColorType::Luma, &gamma(2.2));
    assert!(sent.iter().all(|level| level.abs_diff(100) < 6), "{sent:?}");
    assert_eq!(said, None);
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let (sent, said) = with_profile(&[100], ColorType::Luma, &p3);
    assert!(sent.iter().all(|level| level.abs_diff(100) < 4), "{sent:?}");
    assert_eq!(said, None);
    // In a PNG grey comes as red, green and blue.
    let grey = DynamicImage::ImageLuma8(GrayImage::from_pixel(64, 64, image::Luma([100])));
    let mut png = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::set_icc_profile(&mut encoder, gamma(1.0)).unwrap();
    grey.write_with_encoder(encoder).unwrap();
    let prepared = prepare(&png, &policy(), 800).unwrap();
    let sent = opened(&prepared).get_pixel(30, 30).0;
    assert!(sent.iter().all(|level| level.abs_diff(169) < 4), "{sent:?}");
}

#[test]
fn inks_become_srgb_by_their_profile() {
    let icc = profile_of_inks();
    // No ink, and black ink alone, whose lightness is 20 %: 48 of 255.
    let (paper, said) = with_profile(&[0, 0, 0, 0], ColorType::Cmyk, &icc);
    assert!(paper.iter().all(|level| *level > 250), "{paper:?}");
    assert_eq!(said, None);
    let (black, said) = with_profile(&[0, 0, 0, 255], ColorType::Cmyk, &icc);
    assert!(
        black.iter().all(|level| level.abs_diff(48) < 6),
        "{black:?}"
    );
    assert_eq!(said, None);
    // A fifth less light for cyan, which this profile says is grey: 80 % are 198 of 255.
    let (cyan, _) = with_profile(&[255, 0, 0, 0], ColorType::Cmyk, &icc);
    assert!(cyan.iter().all(|level| level.abs_diff(198) < 6), "{cyan:?}");
}

#[test]
fn a_profile_that_can_not_be_applied_is_said() {
    let inks = profile_of_inks();
    let grey = moxcms::ColorProfile::new_gray_with_gamma(1.0)
        .encode()
        .unwrap();
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    for (pixel, colours, icc) in [
        (&[200, 60, 60][..], ColorType::Rgb, &inks),
        (&[200, 60, 60], ColorType::Rgb, &grey),
        (&[200, 60, 60], ColorType::Rgb, &p3[..300].to_vec()),
        (&[100], ColorType::Luma, &inks),
        (&[0, 255, 255, 0], ColorType::Cmyk, &p3),
    ] {
        let (_, said) = with_profile(pixel, colours, icc);
        assert_eq!(said, Some(ColourProfile::NotApplied), "{colours:?}");
    }
}

#[test]
fn a_profile_whose_colorants_have_an_odd_type_is_applied() {
    let mut p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let expected = with_profile(&[200, 60, 60], ColorType::Rgb, &p3);
    assert!(expected.0[0] > 210 && expected.1.is_none());
    let mut mended = 0;
    for at in 132..p3.len() - 20 {
        if &p3[at..at + 8] == b"XYZ \0\0\0\0" {
            p3[at..at + 4].copy_from_slice(&[0x17, 0xA5, 5, 0xB8]);
            mended += 1;
        }
    }
    assert!(mended >= 3, "{mended}");
    assert_eq!(with_profile(&[200, 60, 60], ColorType::Rgb, &p3), expected);
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

fn refusal(bytes: &[u8]) -> PhotoError {
    prepare(bytes, &policy(), 800).unwrap_err()
}

#[test]
fn files_that_are_no_photos_get_a_reason() {
    let photo = jpeg_of(&marked(1600, 1200), None);
    let half = &photo[..photo.len() / 2];
    let headless = [&b"GIF89a"[..], &[0; 20]].concat();
    let heic = [&[0, 0, 0, 24][..], b"ftypheic", &[0; 20]].concat();
    for bytes in [
        &b""[..],
        &[0xFF, 0xD8, 0xFF],
        b"just a text",
        &photo[..100],
        half,
        &photo[..photo.len() - 40],
        &headless,
        &heic,
    ] {
        assert!(
            !matches!(
                refusal(bytes),
                PhotoError::TooLarge { .. } | PhotoError::Processing(_)
            ),
            "{} bytes",
            bytes.len()
        );
    }
    let avif = [&[0, 0, 0, 24][..], b"ftypavif", &[0; 20]].concat();
    assert!(matches!(refusal(&avif), PhotoError::Unsupported("AVIF")));
    let video = [&[0, 0, 0, 24][..], b"ftypisom", &[0; 20]].concat();
    assert!(matches!(refusal(&video), PhotoError::NoPhoto("a video")));
}

#[test]
fn what_an_app_wrapped_the_photo_in_is_said() {
    let photo = jpeg_of(&marked(40, 30), None);
    let head = |head: &str| [head.as_bytes(), &photo].concat();
    let form = "--7d9\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
    let signed = format!("a00;chunk-signature={}\r\n", "0".repeat(64));
    for (bytes, said) in [
        (head(form), "the boundary of a form"),
        (head(&signed), "the frame of an aws-chunked upload"),
        (head("A00\r\n"), "the frame of an aws-chunked upload"),
        (
            b"/9j/4AAQSkZJRg".to_vec(),
            "base64 instead of the photo's bytes",
        ),
        (
            b"\"iVBORw0KGgoAAAA".to_vec(),
            "base64 instead of the photo's bytes",
        ),
        (
            b"AAAAGGZ0eXBoZWlj".to_vec(),
            "base64 instead of the photo's bytes",
        ),
        (
            b"data:image/jpeg;base64,/9j/".to_vec(),
            "the head of a data URL",
        ),
    ] {
        let refusal = refusal(&bytes);
        assert!(
            matches!(refusal, PhotoError::Wrapped(how) if how == said),
            "{refusal}"
        );
    }
}

#[test]
fn what_is_something_else_than_a_photo_is_said() {
    let quicktime = [&[0, 0, 0, 8][..], b"wide", &[0; 20]].concat();
    let avi = b"RIFF\0\0\0\0AVI LIST".to_vec();
    for (bytes, said) in [
        (quicktime, "a video"),
        (avi, "a video"),
        (b"%PDF-1.7\n".to_vec(), "a PDF"),
        (b"PK\x03\x04".to_vec(), "a ZIP archive"),
        (b"\n<!DOCTYPE html><p>".to_vec(), "a web page"),
        (
            b"<?xml version=\"1.0\"?><Error>".to_vec(),
            "an XML document",
        ),
        (b"{\"message\": 1}".to_vec(), "a JSON document"),
        (b"RIFF\0\0\0\0WAVEfmt ".to_vec(), "a sound"),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(),
            "a Windows or Office file (such as Thumbs.db)",
        ),
        ("12 Meter, gemessen von Jürgen".into(), "a text"),
        ("é".repeat(2000).into_bytes(), "a text"),
        (b"\xFF\xFEh\0i\0".to_vec(), "a text"),
    ] {
        let refusal = refusal(&bytes);
        assert!(
            matches!(refusal, PhotoError::NoPhoto(what) if what == said),
            "{refusal}"
        );
    }
    for (bytes, said) in [
        (&b"\xFF\x0A\0\0"[..], "JPEG XL"),
        (b"\0\0\0\x0CjP  \r\n", "JPEG 2000"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "CR3 (raw)"),
        (b"GIF89a", "GIF"),
    ] {
        let refusal = refusal(bytes);
        assert!(
            matches!(refusal, PhotoError::Unsupported(what) if what == said),
            "{refusal}"
        );
    }
    assert!(matches!(refusal(&[1, 2, 3, 0xFF]), PhotoError::Unknown(_)));
}

#[test]
fn a_photo_cut_anywhere_is_an_error_and_never_half_grey() {
    let noise = RgbImage::from_fn(320, 240, |x, y| {
        Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8])
    });
    for progressive in [false, true] {
        let mut photo = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut photo, 90);
        encoder.set_progressive(progressive);
        encoder
            .encode(noise.as_raw(), 320, 240, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        for kept in (0..photo.len() - 16).step_by(97) {
            assert!(
                prepare(&photo[..kept], &policy(), 800).is_err(),
                "progressive {progressive}: {kept} of {}",
                photo.len()
            );
        }
        let appended = [&photo[..], &[0xFF, 0xDA, 1, 2, 0xFF, 0xD8, 3]].concat();
        assert!(
            prepare(&appended, &policy(), 800).is_ok(),
            "phones append data behind the image"
        );
    }
}

#[test]
fn a_png_is_read_without_its_end_and_refused_without_its_pixels() {
    let noise = RgbImage::from_fn(32, 24, |x, y| {
        Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, 9])
    });
    let photo = encoded(DynamicImage::ImageRgb8(noise), ImageFormat::Png);
    let whole = prepare(&photo, &policy(), 800).unwrap().jpeg;
    let pixels = photo.windows(4).position(|name| name == b"IDAT").unwrap();
    for kept in 8..photo.len() {
        match prepare(&photo[..kept], &policy(), 800) {
            Ok(prepared) => assert!(kept > pixels + 4 && prepared.jpeg == whole, "{kept}"),
            // Behind the pixels there are two checksums and the end.
            Err(_) => assert!(kept < photo.len() - 20, "{kept}"),
        }
    }
    assert!(pixels < photo.len() - 12);
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_memory_is_taken() {
    let mut photo = jpeg_of(&marked(64, 64), None);
    let frame = photo
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    photo[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
    assert!(matches!(refusal(&photo), PhotoError::TooLarge { .. }));
    let small = SizePolicy {
        limits: size_policy::Limits {
            most_pixels: 100,
            most_pixels_scaled: None,
            ..policy().limits
        },
        ..policy()
    };
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let bytes = encoded(DynamicImage::ImageRgb8(marked(40, 30)), format);
        assert!(matches!(
            prepare(&bytes, &small, 800),
            Err(PhotoError::TooLarge {
                width: 40,
                height: 30,
                ..
            })
        ));
    }
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
    fn a_changed_profile_never_panics(at in 0usize..400, value: u8, kept in 100usize..4000) {
        let gamma = moxcms::ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
        let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        for (icc, pixel, colours) in [
            (profile_of_inks(), &[9, 90, 200, 30][..], ColorType::Cmyk),
            (gamma, &[90], ColorType::Luma),
            (p3, &[9, 90, 200], ColorType::Rgb),
        ] {
            let mut icc = icc[..kept.min(icc.len())].to_vec();
            let at = at % icc.len();
            icc[at] = value;
            with_profile(pixel, colours, &icc);
        }
    }

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
