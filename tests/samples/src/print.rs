//! Small print at a known size: the label of an ONT, the display of a power meter and the plate of a UPS in one photo,
//! as phones take it.
//!
//! # Invariants
//! - The same view, height and seed give the same bytes.
//! - All letters of a photo that count are as high as was asked: capitals of labels and digits of displays.

use fastrand::Rng;
use image::{Rgb, RgbImage, imageops};

use crate::canvas::Colour;
use crate::photo::{TAKEN, View, stored};
use crate::scene;
use crate::type_face::{display, display_width, width, write};

/// What small print stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A printed label: dark on white.
    Label,
    /// A power meter's display: seven segments.
    Meter,
    /// A plate with a serial: light on dark.
    Serial,
}

/// A text in a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// What it stands on.
    pub kind: Kind,
    /// The text.
    pub text: String,
}

/// How a phone's lens softens what it shows, as the σ of pixels of 12 megapixels.
const SOFT: f32 = 1.1;
/// Noise in levels.
const NOISE: u8 = 9;
/// Most degrees that something is turned by: nobody holds a phone straight.
const MOST_TURN: f64 = 4.0;
/// Room around letters, in their heights.
const MARGIN: f64 = 1.2;
/// From one line of letters to the next, in their heights.
const LINE: f64 = 1.9;
const PAPER: Colour = [238, 238, 232];
const INK: Colour = [28, 28, 32];
const PLATE: Colour = [44, 46, 52];
const ON_PLATE: Colour = [214, 214, 208];
const LCD: Colour = [152, 170, 140];
const LCD_INK: Colour = [36, 44, 38];

/// A photo with a text of each kind, the letters `height` of its long edge high.
pub fn jpeg(view: &View, height: f64) -> anyhow::Result<(Vec<u8>, Vec<Print>)> {
    let mut random = Rng::with_seed(view.seed);
    let letters = height * f64::from(view.width.max(view.height));
    let soft = SOFT * f64::from(view.width.max(view.height)) as f32 / 4000.0;
    let mut canvas = scene::draw(
        view.width,
        view.height,
        Some("wall_installation"),
        &mut random,
    );
    let mut prints = Vec::new();
    for (number, kind) in (0..).zip([Kind::Label, Kind::Meter, Kind::Serial]) {
        let texts = texts(kind, &mut random);
        let drawn = match kind {
            Kind::Label => label(&texts, letters),
            Kind::Meter => meter(&texts, letters),
            Kind::Serial => plate(&texts, letters),
        };
        let mut chance = |most: f64| most * (random.f64() * 2.0 - 1.0);
        let place = (
            0.5 + chance(0.12),
            0.2 + 0.3 * f64::from(number) + chance(0.02),
        );
        let turn = chance(MOST_TURN);
        canvas.lay(&imageops::blur(&drawn, soft.max(0.1)), place, turn);
        prints.extend(texts.into_iter().map(|text| Print { kind, text }));
    }
    canvas.add_noise(NOISE, &mut random);
    Ok((
        stored(canvas.into_picture(), view.orientation, TAKEN)?,
        prints,
    ))
}

/// What is to be read.
fn texts(kind: Kind, random: &mut Rng) -> Vec<String> {
    let mut some = |count: usize, of: &str| -> String {
        let letters: Vec<char> = of.chars().collect();
        (0..count).filter_map(|_| random.choice(&letters)).collect()
    };
    match kind {
        Kind::Label => vec![
            format!("S/N ALCL{}", some(8, "0123456789ABCDEF")),
            format!("DR17{}", some(5, "0123456789")),
        ],
        Kind::Meter => vec![format!(
            "-{}{}.{}",
            some(1, "12"),
            some(1, "0123456789"),
            some(2, "0123456789")
        )],
        Kind::Serial => vec![format!(
            "SN {}{}{}",
            some(2, "23456789"),
            some(1, "BHKTX"),
            some(9, "0123456789")
        )],
    }
}

fn label(texts: &[String], letters: f64) -> RgbImage {
    let mut picture = sheet(texts, letters, PAPER);
    lines(texts, letters, |text, at| {
        write(&mut picture, text, at, letters, false, INK);
    });
    picture
}

fn plate(texts: &[String], letters: f64) -> RgbImage {
    let mut picture = sheet(texts, letters, PLATE);
    lines(texts, letters, |text, at| {
        write(&mut picture, text, at, letters, true, ON_PLATE);
    });
    picture
}

/// The digits, and the unit, smaller, behind them.
fn meter(texts: &[String], letters: f64) -> RgbImage {
    let wide = texts.iter().map(|text| display_width(text, letters));
    let unit = letters * 0.6;
    let wide = wide.fold(0.0, f64::max) + width(" dBm", unit);
    let mut picture = empty(wide, letters, texts.len(), LCD);
    lines(texts, letters, |text, (x, y)| {
        display(&mut picture, text, (x, y), letters, LCD_INK);
        let behind = x + display_width(text, letters) + letters * 0.2;
        write(
            &mut picture,
            "dBm",
            (behind, y + letters - unit),
            unit,
            false,
            LCD_INK,
        );
    });
    picture
}

fn sheet(texts: &[String], letters: f64, colour: Colour) -> RgbImage {
    let wide = texts.iter().map(|text| width(text, letters));
    empty(wide.fold(0.0, f64::max), letters, texts.len(), colour)
}

fn empty(wide: f64, letters: f64, lines: usize, colour: Colour) -> RgbImage {
    let high = letters * (1.0 + LINE * lines.saturating_sub(1) as f64);
    let [width, height] = [wide, high].map(|edge| (edge + 2.0 * MARGIN * letters).ceil() as u32);
    RgbImage::from_pixel(width, height, Rgb(colour))
}

fn lines(texts: &[String], letters: f64, mut each: impl FnMut(&str, (f64, f64))) {
    let margin = MARGIN * letters;
    for (number, text) in (0..).zip(texts) {
        each(text, (margin, margin + LINE * letters * f64::from(number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(seed: u64) -> View {
        View {
            width: 800,
            height: 600,
            orientation: 1,
            seed,
        }
    }

    #[test]
    fn a_photo_is_the_same_each_time_and_another_with_another_seed() {
        let [one, same, other] = [1, 1, 2].map(|seed| jpeg(&view(seed), 0.02).unwrap());
        assert_eq!(one, same);
        assert_ne!(one.1, other.1);
        assert_ne!(one.0, other.0);
    }

    #[test]
    fn each_kind_is_there_and_larger_letters_cover_more() {
        let dark = |height| {
            let (jpeg, prints) = jpeg(&view(3), height).unwrap();
            let kinds: Vec<Kind> = prints.iter().map(|print| print.kind).collect();
            assert_eq!(kinds, [Kind::Label, Kind::Label, Kind::Meter, Kind::Serial]);
            let picture = image::load_from_memory(&jpeg).unwrap().into_luma8();
            picture.pixels().filter(|pixel| pixel.0[0] < 80).count()
        };
        assert!(dark(0.03) > 2 * dark(0.015));
    }
}
