//! What the photographer of a photo should know while still in front of the house.
//!
//! # Invariants
//! - What compares a photo with the DR's others is said only once all of them were looked at: before, they are too few.
//! - No position is said, and no other DR.

use std::collections::BTreeMap;

use photos::metadata::Position;
use photos::quality::Quality;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::known::{KnownPhotos, quality};
use crate::decide::photo_record::PhotoRecord;
use crate::decide::plausibility;
use crate::decide::serials::contradictions;
use crate::decide::sighting::look_alike;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::StepKey;
use crate::domain::photo_rules;
use crate::domain::reading::{Flag, FlagCode};
use crate::show::words::words;

/// Warnings of one photo that are shown, those first that fail a step.
const MOST_WARNINGS: usize = 10;
/// Photos that look like one that are named.
const MOST_ALIKE: usize = 3;

/// The kinds of warnings: those of flags, and some that are no flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// It is too dark to judge.
    TooDark,
    /// It is too blurred to judge.
    TooBlurred,
    /// It shows none of the steps.
    ShowsNoStep,
    /// It is the same file as another photo of the DR.
    SamePhoto,
    /// It looks like another photo of the DR.
    LooksLike,
    /// A flag's.
    #[serde(untagged)]
    Flag(FlagCode),
}

impl PartialSchema for WarningCode {
    fn schema() -> RefOr<Schema> {
        let own = [
            Self::TooDark,
            Self::TooBlurred,
            Self::ShowsNoStep,
            Self::SamePhoto,
            Self::LooksLike,
        ];
        words::<FlagCode>(
            "The kinds of warnings: some of their own, and those of flags.",
            &own,
        )
    }
}

impl ToSchema for WarningCode {}

/// Something about a photo.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Warning {
    /// The kind.
    pub code: WarningCode,
    /// The step; none if it is about the whole photo.
    pub step: Option<StepKey>,
    /// In words.
    pub message: String,
    /// Whether it fails the photo's step.
    pub fails: bool,
}

impl Warning {
    fn whole(code: WarningCode, message: String) -> Self {
        Self {
            code,
            step: None,
            message,
            fails: false,
        }
    }

    fn of_flag(flag: Flag) -> (String, Self) {
        let flag = flag.for_everybody();
        let warning = Self {
            code: WarningCode::Flag(flag.code),
            step: flag.step,
            message: flag.message,
            fails: flag.fails,
        };
        (flag.photo, warning)
    }
}

/// The warnings about photos, by name, and how many more there are. `judged` are the flags of their judgement,
/// `expected` is where the DR is.
pub(super) fn warnings(
    catalogue: &Catalogue,
    known: &KnownPhotos,
    judged: &[Flag],
    expected: Option<Position>,
) -> (BTreeMap<String, Vec<Warning>>, usize) {
    let records = &known.records;
    let mut flags = [judged.to_vec(), contradictions(records)].concat();
    if known.open().is_empty() {
        flags.extend(plausibility::flags(catalogue, records, expected));
    }
    let own = records.iter().flat_map(|record| {
        let named = |warning| (record.photo.name.clone(), warning);
        of_photo(known, record).into_iter().map(named)
    });
    let mut all: BTreeMap<String, Vec<Warning>> = BTreeMap::new();
    for (photo, warning) in own.chain(flags.into_iter().map(Warning::of_flag)) {
        all.entry(photo).or_default().push(warning);
    }
    let mut left_out = 0;
    for warnings in all.values_mut() {
        warnings.sort_by(|a, b| (!a.fails, a).cmp(&(!b.fails, b)));
        left_out += warnings.len().saturating_sub(MOST_WARNINGS);
        warnings.truncate(MOST_WARNINGS);
    }
    (all, left_out)
}

fn of_photo(known: &KnownPhotos, record: &PhotoRecord) -> Vec<Warning> {
    let measured = quality(record).and_then(|quality| of_quality(&quality));
    let name = &record.photo.name;
    let findings = known.findings.get(name).filter(|_| record.is_answered());
    let nothing = findings.is_some_and(Vec::is_empty).then(|| {
        let message = "The photo shows none of the steps.";
        Warning::whole(WarningCode::ShowsNoStep, message.into())
    });
    let original = known.originals.get(&record.photo.photo_id);
    let same = original.map(|original| {
        let message = format!("The same photo as {original}, which is looked at instead.");
        Warning::whole(WarningCode::SamePhoto, message)
    });
    let all = [measured, nothing, same, alike(known, record)];
    all.into_iter().flatten().collect()
}

fn of_quality(quality: &Quality) -> Option<Warning> {
    let code = match quality.is_dark() {
        true => WarningCode::TooDark,
        false => WarningCode::TooBlurred,
    };
    photo_rules::warning(quality).map(|words| Warning::whole(code, words.into()))
}

/// That it looks like others of the DR, which are other files.
fn alike(known: &KnownPhotos, record: &PhotoRecord) -> Option<Warning> {
    let own = quality(record)?;
    let is_alike = |other: &&PhotoRecord| {
        let is_other = other.photo.photo_id != record.photo.photo_id;
        is_other && quality(other).is_some_and(|other| look_alike(&own, &other))
    };
    let others = known.records.iter().filter(is_alike).take(MOST_ALIKE);
    let others: Vec<&str> = others.map(|other| other.photo.name.as_str()).collect();
    (!others.is_empty()).then(|| {
        let message = format!("The photo looks the same as {}.", others.join(", "));
        Warning::whole(WarningCode::LooksLike, message)
    })
}
