//! Letters and the digits of displays, drawn at any size.

use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{
    FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width,
};

use crate::canvas::Colour;

/// The raster that letters are drawn from, which is smoothed.
const RASTER: RasterHeight = RasterHeight::Size32;
/// The segments of a digit that light, a bit each: top, top right, lower right, bottom, lower left, top left, middle.
const SEGMENTS: [(char, u8); 11] = [
    ('0', 0b011_1111),
    ('1', 0b000_0110),
    ('2', 0b101_1011),
    ('3', 0b100_1111),
    ('4', 0b110_0110),
    ('5', 0b110_1101),
    ('6', 0b111_1101),
    ('7', 0b000_0111),
    ('8', 0b111_1111),
    ('9', 0b110_1111),
    ('-', 0b100_0000),
];
/// Of a digit's height: its width, the thickness of a segment, the room behind it, and behind a point.
const DIGIT: f64 = 0.52;
const THICK: f64 = 0.13;
const GAP: f64 = 0.2;
const POINT: f64 = 0.28;
/// How far a display's digits lean, of their height.
const LEAN: f64 = 0.08;

/// Rows of the raster from the top of a capital letter to the line that it stands on.
fn capital() -> (usize, usize) {
    let letter = get_raster('H', FontWeight::Regular, RASTER);
    let is_inked = |row: &[u8]| row.iter().any(|ink| *ink > 100);
    let inked: Vec<bool> = letter
        .iter()
        .flat_map(RasterizedChar::rows)
        .map(is_inked)
        .collect();
    let first = inked.iter().position(|is| *is).unwrap_or(0);
    let count = inked.iter().filter(|is| **is).count().max(1);
    (first, first + count)
}

/// How wide a line of letters is whose capitals are so high, in pixels.
pub(crate) fn width(text: &str, height: f64) -> f64 {
    let (top, bottom) = capital();
    let scale = height / (bottom - top) as f64;
    text.chars().count() as f64 * get_raster_width(FontWeight::Regular, RASTER) as f64 * scale
}

/// Writes letters, their capitals `height` pixels high, with the top left corner of the first at (x, y).
pub(crate) fn write(
    picture: &mut RgbImage,
    text: &str,
    (x, y): (f64, f64),
    height: f64,
    bold: bool,
    colour: Colour,
) {
    let weight = if bold {
        FontWeight::Bold
    } else {
        FontWeight::Regular
    };
    let (top, bottom) = capital();
    let scale = height / (bottom - top) as f64;
    let advance = get_raster_width(weight, RASTER) as f64 * scale;
    for (number, letter) in (0..).zip(text.chars()) {
        let Some(letter) = get_raster(letter, weight, RASTER) else {
            continue;
        };
        let (left, above) = (x + f64::from(number) * advance, y - top as f64 * scale);
        let size = (advance, RASTER.val() as f64 * scale);
        ink(picture, (left, above), size, colour, |u, v| {
            smooth(&letter, u / scale - 0.5, v / scale - 0.5)
        });
    }
}

/// How much ink is between the points of a raster, 0 to 1.
fn smooth(letter: &RasterizedChar, x: f64, y: f64) -> f64 {
    let at = |column: f64, row: f64| {
        let inside = column >= 0.0 && row >= 0.0;
        let ink = letter.pixel(column as usize, row as usize);
        f64::from(ink.filter(|_| inside).unwrap_or(0)) / 255.0
    };
    let (left, above) = (x.floor(), y.floor());
    let (right, below) = (x - left, y - above);
    let across = |row: f64| at(left, row) * (1.0 - right) + at(left + 1.0, row) * right;
    across(above) * (1.0 - below) + across(above + 1.0) * below
}

/// How wide digits of a display are that are so high, in pixels.
pub(crate) fn display_width(text: &str, height: f64) -> f64 {
    let of = |letter: char| if letter == '.' { POINT } else { DIGIT + GAP };
    height * (text.chars().map(of).sum::<f64>() + LEAN)
}

/// Shows a number as displays of seven segments do, `height` pixels high, with its top left corner at (x, y).
pub(crate) fn display(
    picture: &mut RgbImage,
    text: &str,
    (mut x, y): (f64, f64),
    height: f64,
    colour: Colour,
) {
    for letter in text.chars() {
        let (left, above) = (x, y);
        let shape = |u: f64, v: f64| {
            let (u, v) = (u / height - LEAN * (1.0 - v / height), v / height);
            f64::from(u8::from(lights(letter, u, v)))
        };
        let size = (height * (DIGIT + LEAN), height);
        ink(picture, (left, above), size, colour, |u, v| {
            sampled(u, v, shape)
        });
        x += height * if letter == '.' { POINT } else { DIGIT + GAP };
    }
}

/// A shape's share of a pixel.
fn sampled(u: f64, v: f64, shape: impl Fn(f64, f64) -> f64) -> f64 {
    let places = [-0.375, -0.125, 0.125, 0.375];
    let points = places
        .iter()
        .flat_map(|x| places.iter().map(move |y| (u + x, v + y)));
    points.map(|(u, v)| shape(u, v)).sum::<f64>() / 16.0
}

/// Whether a point of a digit, in heights of it, is lit.
fn lights(letter: char, u: f64, v: f64) -> bool {
    if letter == '.' {
        return (0.0..THICK).contains(&u) && (1.0 - THICK..1.0).contains(&v);
    }
    let lit = SEGMENTS.iter().find(|(known, _)| *known == letter);
    let lit = lit.map_or(0, |(_, lit)| *lit);
    let (right, middle) = (DIGIT - THICK, 0.5 - THICK / 2.0);
    let across = |top: f64| {
        (THICK / 2.0..DIGIT - THICK / 2.0).contains(&u) && (top..top + THICK).contains(&v)
    };
    let down = |left: f64, top: f64| {
        (left..left + THICK).contains(&u) && (top + THICK / 2.0..top + 0.5).contains(&v)
    };
    let segments = [
        across(0.0),
        down(right, 0.0),
        down(right, 0.5 - THICK / 2.0),
        across(1.0 - THICK),
        down(0.0, 0.5 - THICK / 2.0),
        down(0.0, 0.0),
        across(middle),
    ];
    let within = |(number, is_in): (usize, &bool)| *is_in && lit >> number & 1 == 1;
    segments.iter().enumerate().any(within)
}

/// Puts ink on the pixels of an area, as much as `amount` says of each one's middle.
fn ink(
    picture: &mut RgbImage,
    (left, above): (f64, f64),
    (width, height): (f64, f64),
    colour: Colour,
    amount: impl Fn(f64, f64) -> f64,
) {
    let range = |from: f64, length: f64, edge: u32| {
        from.max(0.0) as u32..((from + length).ceil().max(0.0) as u32).min(edge)
    };
    let columns = range(left, width, picture.width());
    for y in range(above, height, picture.height()) {
        for x in columns.clone() {
            let amount = amount(f64::from(x) + 0.5 - left, f64::from(y) + 0.5 - above);
            let Rgb(pixel) = picture.get_pixel_mut(x, y);
            let mix = |from: u8, to: u8| {
                (f64::from(from) * (1.0 - amount) + f64::from(to) * amount).round() as u8
            };
            for (level, to) in pixel.iter_mut().zip(colour) {
                *level = mix(*level, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and columns with ink.
    fn inked(picture: &RgbImage) -> (usize, usize) {
        let dark = |x, y| picture.get_pixel(x, y).0[0] < 128;
        let (width, height) = picture.dimensions();
        let rows = (0..height).filter(|y| (0..width).any(|x| dark(x, *y)));
        let columns = (0..width).filter(|x| (0..height).any(|y| dark(*x, y)));
        (rows.count(), columns.count())
    }

    #[test]
    fn capitals_and_digits_are_as_high_as_they_should_be() {
        for height in [12.0, 40.0, 90.0] {
            let mut letters = RgbImage::from_pixel(200, 150, Rgb([255; 3]));
            write(&mut letters, "H", (20.0, 20.0), height, false, [0; 3]);
            let mut digits = RgbImage::from_pixel(200, 150, Rgb([255; 3]));
            display(&mut digits, "8", (20.0, 20.0), height, [0; 3]);
            for picture in [letters, digits] {
                let (rows, columns) = inked(&picture);
                assert!(
                    (rows as f64 - height).abs() <= 1.0 + height / 12.0,
                    "{rows} of {height}"
                );
                assert!(columns > 3, "{columns}");
            }
        }
    }

    #[test]
    fn each_digit_looks_like_no_other() {
        let mut seen = std::collections::BTreeSet::new();
        for (digit, _) in SEGMENTS {
            let mut picture = RgbImage::from_pixel(60, 60, Rgb([255; 3]));
            display(&mut picture, &digit.to_string(), (5.0, 5.0), 48.0, [0; 3]);
            assert!(seen.insert(picture.into_raw()), "{digit}");
        }
    }
}
