//! Codes that are drawn, and read again.

use image::{GrayImage, Luma};
use proptest::prelude::*;
use rxing::{BarcodeFormat, MultiFormatWriter, Writer};

use super::*;
use crate::codes::MOST_CODES;

const KINDS: [(BarcodeFormat, CodeKind); 4] = [
    (BarcodeFormat::CODE_128, CodeKind::Code128),
    (BarcodeFormat::CODE_39, CodeKind::Code39),
    (BarcodeFormat::QR_CODE, CodeKind::QrCode),
    (BarcodeFormat::DATA_MATRIX, CodeKind::DataMatrix),
];

/// A grey wall with some noise in it.
fn wall(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 7 & 15;
        Luma([(150 + noise) as u8])
    })
}

/// Draws a code on white paper at this place, a module so many pixels wide; returns its size.
fn draw(wall: &mut GrayImage, format: BarcodeFormat, text: &str, at: (u32, u32), module: u32) {
    let bits = MultiFormatWriter.encode(text, &format, 1, 1).unwrap();
    let lines = bits.getHeight() == 1;
    let (width, height) = (bits.getWidth(), if lines { 24 } else { bits.getHeight() });
    let quiet = 10;
    for y in 0..(height + 2 * quiet) * module {
        for x in 0..(width + 2 * quiet) * module {
            let (column, row) = (
                (x / module).wrapping_sub(quiet),
                (y / module).wrapping_sub(quiet),
            );
            let inside = column < width && row < height;
            let dark = inside && bits.get(column, if lines { 0 } else { row });
            wall.put_pixel(at.0 + x, at.1 + y, Luma([if dark { 25 } else { 235 }]));
        }
    }
}

fn read(wall: &GrayImage) -> Vec<Code> {
    read_codes(wall.as_raw(), wall.width(), wall.height(), BUDGET * 20)
}

fn code(kind: CodeKind, text: &str) -> Code {
    Code {
        kind,
        text: text.into(),
    }
}

#[test]
fn each_kind_is_read_small_and_turned() {
    for (format, kind) in KINDS {
        let mut picture = wall(1600, 1200);
        draw(&mut picture, format, "ALCLF4A1B2C3", (700, 400), 2);
        for turn in 0..4 {
            let expected = [code(kind, "ALCLF4A1B2C3")];
            assert_eq!(read(&picture), expected, "{kind:?}, turned {turn} times");
            picture = image::imageops::rotate90(&picture);
        }
    }
}

#[test]
fn all_codes_of_a_label_are_read_beside_and_below_each_other() {
    let mut picture = wall(1600, 1200);
    let lines = BarcodeFormat::CODE_128;
    draw(&mut picture, lines, "A4FC770012AB", (100, 100), 3);
    draw(&mut picture, lines, "ALCLF4A1B2C3", (800, 100), 3);
    draw(&mut picture, lines, "3FE45655AAAA", (100, 300), 3);
    draw(
        &mut picture,
        BarcodeFormat::QR_CODE,
        "HTTP://A.B",
        (900, 500),
        4,
    );
    let expected = [
        code(CodeKind::Code128, "3FE45655AAAA"),
        code(CodeKind::Code128, "A4FC770012AB"),
        code(CodeKind::Code128, "ALCLF4A1B2C3"),
        code(CodeKind::QrCode, "HTTP://A.B"),
    ];
    assert_eq!(read(&picture), expected);
}

#[test]
fn the_kinds_that_deceive_are_not_read() {
    let mut picture = wall(1600, 1200);
    draw(
        &mut picture,
        BarcodeFormat::EAN_13,
        "5901234123457",
        (100, 100),
        4,
    );
    draw(
        &mut picture,
        BarcodeFormat::UPC_A,
        "485963095124",
        (100, 500),
        4,
    );
    assert!(read(&picture).is_empty());
}

#[test]
fn once_the_time_is_up_nothing_more_is_looked_for() {
    let mut picture = wall(400, 300);
    draw(&mut picture, BarcodeFormat::QR_CODE, "A1", (20, 20), 4);
    let of = |budget| read_codes(picture.as_raw(), 400, 300, budget);
    assert!(of(Duration::ZERO).is_empty());
    assert_eq!(of(BUDGET * 20), [code(CodeKind::QrCode, "A1")]);
}

#[test]
fn a_code_of_a_later_release_can_be_read_back() {
    let read: Code = serde_json::from_str(r#"{"kind": "hieroglyphs", "text": "x"}"#).unwrap();
    assert_eq!(read.kind, CodeKind::Other);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_pixels_are_read_without_a_panic_and_say_little(width in 0u32..90, height in 0u32..90, seed: u64, module in 1u32..6) {
        let pixel = |x: u32, y: u32| {
            let cell = u64::from(x / module) << 32 | u64::from(y / module);
            (seed ^ cell).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56
        };
        let luma: Vec<u8> = (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y) as u8)).collect();
        let codes = read_codes(&luma, width, height, BUDGET);
        prop_assert!(codes.len() <= MOST_CODES);
    }
}
