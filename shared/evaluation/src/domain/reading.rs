//! What a step extracts from a photo, and the program's checks on it: pure rules over what the model read.
//!
//! # Invariants
//! - A check only lowers: it may fail a photo's step or flag it for people, it never raises a score.
//! - What depends on the DR is worked out here, after the answer: the same answer may serve another DR's photo.

use serde::{Deserialize, Serialize};

use super::ids::{DrNumber, StepKey};

/// Light that arrives at an ONT lies within these, in dBm; anything else was misread.
const POSSIBLE_DBM: std::ops::RangeInclusive<f64> = -60.0..=10.0;

/// What a step's reading is, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reads {
    /// A device's serial.
    Serial {
        /// What it begins with.
        #[serde(default)]
        prefix: Option<String>,
    },
    /// Optical power in dBm.
    PowerDbm {
        /// Stronger is not plausible.
        strongest: f64,
        /// From here down it is weak.
        warn_from: f64,
        /// From here down the step fails.
        fail_from: f64,
    },
    /// The DR number on the label.
    DrNumber,
    /// The kind of house.
    HousingType {
        /// The kinds there are.
        types: Vec<String>,
    },
}

/// A reading as a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extracted {
    /// A serial in capital letters and digits.
    Serial(String),
    /// Optical power in dBm.
    PowerDbm(f64),
    /// A DR number.
    DrNumber(String),
    /// The kind of house, as the catalogue spells it.
    HousingType(String),
}

/// The kinds of flags, stable for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagCode {
    /// The label carries another DR's number.
    OtherDrNumber,
    /// What was read on the label is no DR number.
    NotADrNumber,
    /// The power is in the band that fails.
    PowerTooWeak,
    /// The power is in the band that warns.
    PowerWeak,
    /// The power is stronger than plausible, or no power at all.
    PowerImplausible,
    /// The serial does not begin as it should.
    SerialUnexpected,
    /// The photo was used in another DR before.
    UsedInAnotherDr,
}

/// Something that people should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flag {
    /// The photo's name.
    pub photo: String,
    /// The step; none if it is about the whole photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepKey>,
    /// The kind.
    pub code: FlagCode,
    /// In words.
    pub message: String,
    /// Whether it fails this photo's step.
    pub fails: bool,
}

/// What a reading says; none if it is not what the step reads.
pub fn extract(reads: &Reads, reading: &str) -> Option<Extracted> {
    match reads {
        Reads::Serial { .. } => Some(plain(reading))
            .filter(|serial| serial.len() >= 4)
            .map(Extracted::Serial),
        Reads::PowerDbm { .. } => dbm(reading).map(Extracted::PowerDbm),
        Reads::DrNumber => DrNumber::parse(&plain(reading))
            .ok()
            .map(|number| Extracted::DrNumber(number.into())),
        Reads::HousingType { types } => {
            let fits = |kind: &&String| kind.eq_ignore_ascii_case(reading.trim());
            types.iter().find(fits).cloned().map(Extracted::HousingType)
        }
    }
}

/// What is wrong with what was read, if anything: the code, the words, and whether the photo's step fails by it.
pub fn check(reads: &Reads, reading: &str, dr: &DrNumber) -> Option<(FlagCode, String, bool)> {
    match (reads, extract(reads, reading)) {
        (Reads::DrNumber, value) => check_label(value, reading, dr),
        (
            Reads::PowerDbm {
                strongest,
                warn_from,
                fail_from,
            },
            value,
        ) => match value {
            Some(Extracted::PowerDbm(dbm)) if dbm <= *fail_from => Some((
                FlagCode::PowerTooWeak,
                format!("{dbm} dBm is {fail_from} dBm or weaker"),
                true,
            )),
            Some(Extracted::PowerDbm(dbm)) if dbm <= *warn_from => Some((
                FlagCode::PowerWeak,
                format!("{dbm} dBm is weak ({warn_from} dBm or below)"),
                false,
            )),
            Some(Extracted::PowerDbm(dbm)) if dbm <= *strongest => None,
            _ => Some((
                FlagCode::PowerImplausible,
                format!("{reading:?} is no plausible power in dBm"),
                false,
            )),
        },
        (
            Reads::Serial {
                prefix: Some(prefix),
            },
            value,
        ) => match value {
            Some(Extracted::Serial(serial)) if serial.starts_with(prefix.as_str()) => None,
            _ => Some((
                FlagCode::SerialUnexpected,
                format!("{reading:?} does not begin with {prefix}"),
                false,
            )),
        },
        (Reads::Serial { prefix: None } | Reads::HousingType { .. }, _) => None,
    }
}

fn check_label(
    value: Option<Extracted>,
    reading: &str,
    dr: &DrNumber,
) -> Option<(FlagCode, String, bool)> {
    match value {
        Some(Extracted::DrNumber(label)) if same_number(&label, dr.as_str()) => None,
        Some(Extracted::DrNumber(label)) if same_shape(&label, dr.as_str()) => Some((
            FlagCode::OtherDrNumber,
            format!("The label says {label}, not {dr}"),
            true,
        )),
        _ => Some((
            FlagCode::NotADrNumber,
            format!("{reading:?} on the label is no DR number"),
            false,
        )),
    }
}

/// Equal but for letters that print like digits, and for a label that leaves the letters in front out.
fn same_number(label: &str, dr: &str) -> bool {
    let (label, dr) = (folded(label), folded(dr));
    let digits = |text: &str| {
        text.trim_start_matches(|c: char| !c.is_ascii_digit())
            .to_owned()
    };
    label == dr || (label.starts_with(|c: char| c.is_ascii_digit()) && label == digits(&dr))
}

/// As long, and with the same letters in front: only that is taken for another DR's number, and not for a misreading.
fn same_shape(label: &str, dr: &str) -> bool {
    let letters = |text: &str| {
        text.chars()
            .take_while(char::is_ascii_alphabetic)
            .collect::<String>()
    };
    label.len() == dr.len()
        && (letters(label) == letters(dr) || label.bytes().all(|b| b.is_ascii_digit()))
}

fn folded(text: &str) -> String {
    let fold = |c| match c {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    text.chars().map(fold).collect()
}

/// Capital letters and digits only.
fn plain(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// `-18.4 dBm`, also with a typographic minus or a comma. A value without its sign is not guessed at: it stays
/// positive, and so is flagged.
fn dbm(reading: &str) -> Option<f64> {
    let text = reading
        .trim()
        .to_ascii_lowercase()
        .replace(['\u{2212}', '\u{2013}'], "-")
        .replace(',', ".");
    let text = text.strip_suffix("dbm").unwrap_or(&text).trim().to_owned();
    let value: f64 = text
        .strip_prefix('-')
        .map_or(Some(text.as_str()), |rest| Some(rest.trim()))?
        .parse()
        .ok()?;
    let value = if text.starts_with('-') { -value } else { value };
    POSSIBLE_DBM.contains(&value).then_some(value)
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
