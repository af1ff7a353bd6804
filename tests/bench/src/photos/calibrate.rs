//! How far apart good photos and bad ones are, in the measures that are taken before the VLM is asked: what the
//! thresholds in `photos::quality` stand on.

use image::imageops::{FilterType, crop_imm, fast_blur, resize};
use image::{DynamicImage, RgbImage};
use jpeg_encoder::{ColorType, Encoder};
use photos::prepare;
use photos::quality::{LEAST_BRIGHT, LEAST_SHARPNESS, MOST_HASH_DISTANCE, Quality};
use photos::size_policy::SizePolicy;
use serde::Serialize;

use super::attempt::{self, LeftOut, attempt};
use super::folder::Photo;
use super::reference::Reference;
use crate::report::spread::Spread;
use crate::report::table::Table;

/// Long edge of the photos before they are harmed: variants of the full size would measure the same, later.
const EDGE: u32 = 1600;
/// Standard deviations of the blur, in pixels of a photo of 1600: at 800 half as many.
const BLURS: [f32; 6] = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0];
/// From this blur on a photo counts as too blurred: serials are lost and edges take 15 pixels of 800.
const BAD_BLUR: f32 = 8.0;
/// Up to this blur it is as sharp as phones' photos get.
const GOOD_BLUR: f32 = 1.0;
/// What is left of the light.
const LIGHTS: [f32; 5] = [1.0, 0.5, 0.25, 0.125, 0.06];
/// With this much light or more a photo is still to be judged.
const GOOD_LIGHT: f32 = 0.5;
/// With this much or less it is not.
const BAD_LIGHT: f32 = 0.125;

/// A measure of a variant, over all photos.
#[derive(Debug, Serialize)]
pub(crate) struct Variant {
    /// What was done to the photos.
    pub(crate) variant: String,
    /// The smallest measure.
    pub(crate) least: f64,
    /// Quartiles.
    pub(crate) spread: Spread,
    /// The largest measure.
    pub(crate) most: f64,
}

/// A threshold and what lies on its sides.
#[derive(Debug, Serialize)]
pub(crate) struct Calibration {
    /// What is measured.
    pub(crate) measure: &'static str,
    /// The threshold as it is.
    pub(crate) threshold: f64,
    /// Good photos, on the wrong side of it, of how many.
    pub(crate) good_refused: (usize, usize),
    /// Bad photos, on the wrong side of it, of how many.
    pub(crate) bad_passed: (usize, usize),
    /// Each variant.
    pub(crate) variants: Vec<Variant>,
}

/// Everything.
#[derive(Debug, Serialize)]
pub(crate) struct Calibrations {
    /// Each measure.
    pub(crate) measures: Vec<Calibration>,
    /// The photos that it was not measured with.
    pub(crate) left_out: Vec<LeftOut>,
}

/// A photo and the same, harmed.
struct Variants {
    blurred: Vec<Quality>,
    darkened: Vec<Quality>,
    same: Vec<(&'static str, Quality)>,
}

/// Measures all photos and variants.
pub(crate) fn measure(photos: &[Photo], policy: &SizePolicy) -> Calibrations {
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for photo in photos {
        eprintln!("    {} …", photo.name);
        let read = || Reference::decode(&std::fs::read(&photo.path)?);
        match attempt(|| variants(&read()?, policy)) {
            Ok(variants) => all.push(variants),
            Err(reason) => left_out.push(LeftOut {
                photo: photo.name.clone(),
                reason,
            }),
        }
    }
    Calibrations {
        measures: vec![sharpness(&all), exposure(&all), hashes(&all)],
        left_out,
    }
}

fn variants(reference: &Reference, policy: &SizePolicy) -> anyhow::Result<Variants> {
    let (width, height) = reference.fitted(EDGE);
    let photo = DynamicImage::ImageRgb32F(reference.at(width, height)?).into_rgb8();
    let of = |picture: &RgbImage, quality: u8| measured(picture, quality, policy);
    let blurred = |sigma: f32| {
        if sigma > 0.0 {
            of(&fast_blur(&photo, sigma), 90)
        } else {
            of(&photo, 90)
        }
    };
    let darkened = |light: f32| {
        let mut dark = photo.clone();
        dark.iter_mut()
            .for_each(|value| *value = (f32::from(*value) * light) as u8);
        of(&dark, 90)
    };
    let (cut_x, cut_y) = (width / 50, height / 50);
    let cropped = crop_imm(&photo, cut_x, cut_y, width - 2 * cut_x, height - 2 * cut_y).to_image();
    Ok(Variants {
        blurred: BLURS
            .into_iter()
            .map(blurred)
            .collect::<anyhow::Result<_>>()?,
        darkened: LIGHTS
            .into_iter()
            .map(darkened)
            .collect::<anyhow::Result<_>>()?,
        same: vec![
            ("encoded anew, q50", of(&photo, 50)?),
            (
                "half the size",
                of(
                    &resize(
                        &photo,
                        (width / 2).max(1),
                        (height / 2).max(1),
                        FilterType::Triangle,
                    ),
                    85,
                )?,
            ),
            ("half the light", darkened(0.5)?),
            ("cropped by 2 % each side", of(&cropped, 90)?),
        ],
    })
}

/// As a photo that comes in: a JPEG that is prepared, and of which the luma of what is sent is measured.
fn measured(picture: &RgbImage, quality: u8, policy: &SizePolicy) -> anyhow::Result<Quality> {
    let mut photo = Vec::new();
    let (width, height) = (
        u16::try_from(picture.width())?,
        u16::try_from(picture.height())?,
    );
    Encoder::new(&mut photo, quality).encode(picture.as_raw(), width, height, ColorType::Rgb)?;
    let sent =
        image::load_from_memory(&prepare(&photo, policy, policy.long_edge)?.jpeg)?.into_luma8();
    Ok(Quality::of(sent.as_raw(), sent.width() as usize))
}

fn sharpness(all: &[Variants]) -> Calibration {
    let of = |index: usize| {
        values(all, move |photo| {
            photo.blurred.get(index).map(|q| f64::from(q.sharpness))
        })
    };
    let named = BLURS
        .iter()
        .enumerate()
        .map(|(index, sigma)| (*sigma, format!("blur σ {sigma}"), of(index)));
    let is_refused = |value: f64| value < f64::from(LEAST_SHARPNESS);
    let sides = |sigma: f32| (sigma <= GOOD_BLUR, sigma >= BAD_BLUR);
    calibration(
        "sharpness",
        LEAST_SHARPNESS.into(),
        named,
        sides,
        is_refused,
    )
}

fn exposure(all: &[Variants]) -> Calibration {
    let of = |index: usize| {
        values(all, move |photo| {
            photo.darkened.get(index).map(|q| f64::from(q.bright))
        })
    };
    let named = LIGHTS
        .iter()
        .enumerate()
        .map(|(index, light)| (*light, format!("light × {light}"), of(index)));
    let is_refused = |value: f64| value < f64::from(LEAST_BRIGHT);
    let sides = |light: f32| (light >= GOOD_LIGHT, light <= BAD_LIGHT);
    calibration(
        "bright parts, levels",
        LEAST_BRIGHT.into(),
        named,
        sides,
        is_refused,
    )
}

/// The good side here is that different photos are told apart, the bad one that the same photo passes as new.
fn hashes(all: &[Variants]) -> Calibration {
    let original = |photo: &Variants| photo.blurred.first().map(|q| q.perceptual_hash);
    let apart = |one: u64, other: u64| f64::from((one ^ other).count_ones());
    let originals: Vec<u64> = all.iter().filter_map(original).collect();
    let pairs = originals.iter().enumerate().flat_map(|(index, one)| {
        originals
            .iter()
            .skip(index + 1)
            .map(move |other| apart(*one, *other))
    });
    let mut named = vec![(0.0, "two photos".to_owned(), pairs.collect::<Vec<_>>())];
    let kinds = all.first().map_or(0, |photo| photo.same.len());
    for index in 0..kinds {
        let name = all
            .first()
            .and_then(|photo| photo.same.get(index))
            .map_or("", |(name, _)| name);
        let of = |photo: &Variants| {
            Some(apart(
                original(photo)?,
                photo.same.get(index)?.1.perceptual_hash,
            ))
        };
        named.push((1.0, format!("the same, {name}"), values(all, of)));
    }
    let is_refused = |value: f64| value <= f64::from(MOST_HASH_DISTANCE);
    calibration(
        "hash distance, bits",
        MOST_HASH_DISTANCE.into(),
        named.into_iter(),
        |kind| (kind < 0.5, kind > 0.5),
        is_refused,
    )
}

fn values(all: &[Variants], of: impl Fn(&Variants) -> Option<f64>) -> Vec<f64> {
    all.iter().filter_map(of).collect()
}

/// Counts, on either side, what is refused; `sides` tells whether a variant counts as good or as bad.
fn calibration(
    measure: &'static str,
    threshold: f64,
    variants: impl Iterator<Item = (f32, String, Vec<f64>)>,
    sides: impl Fn(f32) -> (bool, bool),
    is_refused: impl Fn(f64) -> bool,
) -> Calibration {
    let mut found = Calibration {
        measure,
        threshold,
        good_refused: (0, 0),
        bad_passed: (0, 0),
        variants: vec![],
    };
    for (parameter, variant, values) in variants {
        let (is_good, is_bad) = sides(parameter);
        let refused = values.iter().filter(|value| is_refused(**value)).count();
        if is_good {
            found.good_refused = (
                found.good_refused.0 + refused,
                found.good_refused.1 + values.len(),
            );
        } else if is_bad {
            found.bad_passed = (
                found.bad_passed.0 + values.len() - refused,
                found.bad_passed.1 + values.len(),
            );
        }
        let Some(spread) = Spread::of(values.iter().copied()) else {
            // Of two photos, say, where there is one.
            continue;
        };
        let (least, most) = (
            values.iter().copied().fold(f64::MAX, f64::min),
            values.iter().copied().fold(f64::MIN, f64::max),
        );
        found.variants.push(Variant {
            variant,
            least,
            spread,
            most,
        });
    }
    found
}

/// The report for a person.
pub(crate) fn report(found: &Calibrations) -> String {
    let tables = found.measures.iter().map(one);
    let left_out = (!found.left_out.is_empty()).then(|| attempt::report(&found.left_out));
    tables.chain(left_out).collect::<Vec<_>>().join("\n\n")
}

fn one(calibration: &Calibration) -> String {
    let mut table = Table::new([calibration.measure, "least", "q1", "median", "q3", "most"]);
    let shown = |value: f64| {
        if value.abs() < 2.0 {
            format!("{value:.3}")
        } else {
            format!("{value:.0}")
        }
    };
    for Variant {
        variant,
        least,
        spread,
        most,
    } in &calibration.variants
    {
        table.row([
            variant.clone(),
            shown(*least),
            shown(spread.q1),
            shown(spread.median),
            shown(spread.q3),
            shown(*most),
        ]);
    }
    let ((refused, good), (passed, bad)) = (calibration.good_refused, calibration.bad_passed);
    let threshold = shown(calibration.threshold);
    format!(
        "{}\nThreshold {threshold}: {refused} of {good} good ones are flagged, {passed} of {bad} bad ones are not.",
        table.render()
    )
}
