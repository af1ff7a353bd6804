//! What a step extracts from a photo, and the program's checks on it: pure rules over what the model read.
//!
//! # Invariants
//! - A check only lowers: it may fail a photo's step or flag it for people, it never raises a score.
//! - What depends on the DR is worked out here, after the answer: the same answer may serve another DR's photo.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{DrNumber, StepKey};
use super::label::{Label, label, number};
use super::power::{Shown, shown};
use super::serial::{self, SerialFormat};
use super::unread::said;

/// What a step's reading is, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reads {
    /// A device's serial.
    Serial(SerialFormat),
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
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
///
/// Those from `SerialContradicts` on, which the release before does not know, are never stored: they are worked out where
/// an evaluation is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagCode {
    /// The label carries another DR's number.
    OtherDrNumber,
    /// What was read on the label is no DR number, or nothing was read beside a score that passes.
    NotADrNumber,
    /// The power is in the band that fails.
    PowerTooWeak,
    /// The power is in the band that warns.
    PowerWeak,
    /// The power is stronger than plausible, in dB, or no power at all; only the last fails.
    PowerImplausible,
    /// The serial does not have the form that it should.
    SerialUnexpected,
    /// The photo was used in another DR before.
    UsedInAnotherDr,
    /// A bar code says another serial than the model read.
    SerialContradicts,
    /// The serial was seen in another DR too.
    SerialInAnotherDr,
    /// It was taken long before it was uploaded.
    TakenLongBefore,
    /// It was taken after it was uploaded, by the camera's clock.
    TakenInTheFuture,
    /// The camera's clock was never set.
    ClockNeverSet,
    /// It was taken hours before or after the DR's others.
    TakenHoursApart,
    /// It was taken far from where the DR is.
    TakenFarAway,
    /// Its camera was in another DR far away at about the same time.
    CameraInTwoPlaces,
    /// It shows a screen or a print instead of what was to be photographed.
    PhotoOfAPhoto,
    /// One that a later release gives.
    #[serde(other)]
    Unknown,
}

/// Something that people should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
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

impl FlagCode {
    /// What everybody may read of it, if its own words name other DRs, which are for reviewers.
    fn words_for_everybody(self) -> Option<&'static str> {
        match self {
            Self::UsedInAnotherDr => Some("The photo was used in another DR"),
            Self::SerialInAnotherDr => Some("The serial is on a photo of another DR, too"),
            Self::CameraInTwoPlaces => Some(
                "The same camera took a photo in another DR, too far away for the time between",
            ),
            // Who knows what a later release says.
            Self::Unknown => Some("A later release flags this"),
            Self::OtherDrNumber
            | Self::NotADrNumber
            | Self::PowerTooWeak
            | Self::PowerWeak
            | Self::PowerImplausible
            | Self::SerialUnexpected
            | Self::SerialContradicts
            | Self::TakenLongBefore
            | Self::TakenInTheFuture
            | Self::ClockNeverSet
            | Self::TakenHoursApart
            | Self::TakenFarAway
            | Self::PhotoOfAPhoto => None,
        }
    }
}

impl Flag {
    /// The flag as everybody may read it: without the names of other DRs and of their photos.
    pub fn for_everybody(self) -> Self {
        match self.code.words_for_everybody() {
            Some(words) => Self {
                message: words.to_owned(),
                ..self
            },
            None => self,
        }
    }
}

/// What a check found wrong: the code, the words, and whether the photo's step fails by it.
pub type Wrong = (FlagCode, String, bool);

/// What a reading says; none if it is not what the step reads.
pub fn extract(reads: &Reads, reading: &str) -> Option<Extracted> {
    match reads {
        Reads::Serial(_) => serial::read(reading).map(Extracted::Serial),
        Reads::PowerDbm { .. } => shown(said(reading)?).weakest.map(Extracted::PowerDbm),
        Reads::DrNumber => number(reading).map(Extracted::DrNumber),
        Reads::HousingType { types } => {
            let fits = |kind: &&String| kind.eq_ignore_ascii_case(reading.trim());
            types.iter().find(fits).cloned().map(Extracted::HousingType)
        }
    }
}

/// What is wrong with what was read, or with that nothing was although the photo `passes` for this step.
pub fn check(reads: &Reads, reading: Option<&str>, passes: bool, dr: &DrNumber) -> Option<Wrong> {
    match reads {
        Reads::DrNumber => check_label(reading, passes, dr),
        Reads::PowerDbm {
            strongest,
            warn_from,
            fail_from,
        } => check_power(reading, passes, [*strongest, *warn_from, *fail_from]),
        Reads::Serial(format) => check_serial(reading?, passes, format),
        Reads::HousingType { .. } => None,
    }
}

/// A step that asks for a readable power does not pass without one, whatever the model scored.
fn check_power(reading: Option<&str>, passes: bool, limits: [f64; 3]) -> Option<Wrong> {
    let Some(text) = reading.and_then(said) else {
        let why = || "No power in dBm was read, and the step asks for one".to_owned();
        return passes.then(|| (FlagCode::PowerImplausible, why(), true));
    };
    let shown = shown(text);
    let Some(dbm) = shown.weakest else {
        let why = if shown.dark {
            format!("The meter shows no light ({text:?})")
        } else {
            format!("{text:?} is no power in dBm")
        };
        return Some((FlagCode::PowerImplausible, why, true));
    };
    match check_dbm(dbm, limits) {
        Some(wrong @ (_, _, true)) => Some(wrong),
        // The power that was not read may be the weakest.
        _ if shown.unread => {
            let why = format!("Not all powers on the display could be read ({text:?})");
            Some((FlagCode::PowerImplausible, why, true))
        }
        wrong => wrong.or_else(|| beside(&shown, text)),
    }
}

fn check_dbm(dbm: f64, [strongest, warn_from, fail_from]: [f64; 3]) -> Option<Wrong> {
    if dbm <= fail_from {
        let why = format!("{dbm} dBm is {fail_from} dBm or weaker");
        Some((FlagCode::PowerTooWeak, why, true))
    } else if dbm <= warn_from {
        let why = format!("{dbm} dBm is weak ({warn_from} dBm or below)");
        Some((FlagCode::PowerWeak, why, false))
    } else if dbm > strongest {
        let why = format!("{dbm} dBm is stronger than plausible ({strongest} dBm)");
        Some((FlagCode::PowerImplausible, why, false))
    } else {
        None
    }
}

/// What people should look at although the power itself is good.
fn beside(shown: &Shown, text: &str) -> Option<Wrong> {
    let why = if shown.relative {
        format!("{text:?} is in dB, not in dBm")
    } else if shown.dark {
        format!("A channel shows no light ({text:?})")
    } else {
        return None;
    };
    Some((FlagCode::PowerImplausible, why, false))
}

fn check_serial(reading: &str, passes: bool, format: &SerialFormat) -> Option<Wrong> {
    let form = format.words()?;
    let why = match serial::read(reading) {
        Some(serial) if format.fits(&serial) => return None,
        Some(_) => format!("{reading:?} is no serial, which {form}"),
        None if passes => format!("{reading:?} is no serial"),
        None => return None,
    };
    Some((FlagCode::SerialUnexpected, why, false))
}

fn check_label(reading: Option<&str>, passes: bool, dr: &DrNumber) -> Option<Wrong> {
    let not_read = |why: String| Some((FlagCode::NotADrNumber, why, false));
    match reading.map(|reading| (label(reading, dr), said(reading))) {
        Some((Label::Own, _)) => None,
        Some((Label::Other(other), _)) => Some((
            FlagCode::OtherDrNumber,
            format!("The label says {other}, not {dr}"),
            true,
        )),
        Some((Label::NoNumber, Some(text))) => {
            not_read(format!("{text:?} on the label is no DR number"))
        }
        Some((Label::NoNumber, None)) | None if passes => {
            not_read("The DR number on the label was not read".into())
        }
        Some((Label::NoNumber, None)) | None => None,
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
