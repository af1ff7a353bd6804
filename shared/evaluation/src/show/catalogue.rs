//! A catalogue as callers see it: its steps, what each asks for, and why it may fail.
//!
//! # Invariants
//! - What tells how answers are checked (thresholds of readings, when and where photos may be taken) is left out: it is
//!   for who writes a catalogue, and would say what to write on a photo.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::catalogue::{Catalogue, Step};
use crate::domain::ids::{Score, StepKey};
use crate::domain::judge::Remedy;

/// A list of steps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Catalogue)]
pub struct CatalogueView<'a> {
    /// Its version: what it says of a version never changes.
    #[schema(example = "v4")]
    catalogue_version: &'a str,
    /// A step passes from this score on.
    #[schema(value_type = u8, minimum = 0, maximum = 10)]
    pass_score: Score,
    /// An evaluation passes when this share of its steps does, in percent, and all critical ones.
    #[schema(minimum = 1, maximum = 100)]
    pass_percent: u8,
    /// Why any step may fail.
    fail_codes: Vec<FailCode<'a>>,
    /// The steps, in the order people know them.
    steps: Vec<CatalogueStep<'a>>,
}

/// A step of a catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct CatalogueStep<'a> {
    /// The step.
    #[schema(value_type = String, example = "cable_entry_outside")]
    step: &'a StepKey,
    /// Its place in the list people use, from 1.
    #[schema(minimum = 1)]
    number: u8,
    /// Its name for people.
    #[schema(example = "Cable entry outside")]
    label: &'a str,
    /// Whether an evaluation can't pass without it.
    critical: bool,
    /// What a photo must show.
    #[schema(example = "the hole where the cable enters, from outside, closed with sealant")]
    passes_when: &'a str,
    /// Why it fails where no code says more.
    #[schema(example = "The sealed entry is not in view from outside")]
    fail_reason: &'a str,
    /// Why it may fail, beside what any step may have.
    fail_codes: Vec<FailCode<'a>>,
}

/// Why a step may fail.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct FailCode<'a> {
    /// The reason for programs.
    #[schema(example = "not_sealed")]
    fail_code: &'a str,
    /// The same for people.
    #[schema(example = "The entry is not sealed")]
    reason: &'a str,
    /// What the technician is to do then.
    remedy: Remedy,
}

/// What callers see of a catalogue.
pub fn view(catalogue: &Catalogue) -> CatalogueView<'_> {
    let step = |step| of_step(catalogue, step);
    CatalogueView {
        catalogue_version: &catalogue.version,
        pass_score: catalogue.pass_score,
        pass_percent: catalogue.pass_percent,
        fail_codes: codes(catalogue, &catalogue.fail_reasons),
        steps: catalogue.steps.iter().map(step).collect(),
    }
}

fn of_step<'a>(catalogue: &'a Catalogue, step: &'a Step) -> CatalogueStep<'a> {
    CatalogueStep {
        step: &step.key,
        number: step.number,
        label: &step.label,
        critical: step.critical,
        passes_when: &step.passes_when,
        fail_reason: &step.fail_reason,
        fail_codes: codes(catalogue, &step.fail_reasons),
    }
}

fn codes<'a>(catalogue: &Catalogue, reasons: &'a BTreeMap<String, String>) -> Vec<FailCode<'a>> {
    let code = |(fail_code, reason): (&'a String, &'a String)| FailCode {
        fail_code,
        reason,
        remedy: match catalogue.bad_work.contains(fail_code) {
            true => Remedy::Mend,
            false => Remedy::Retake,
        },
    };
    reasons.iter().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_says_what_is_to_be_done() {
        let catalogue = Catalogue::shipped("v4").unwrap();
        let seen = view(catalogue);
        let entry = seen.steps.iter().find(|step| step.number == 3).unwrap();
        let reasons = [
            (
                "no_entry",
                "The entry is not in view from outside",
                Remedy::Retake,
            ),
            ("not_sealed", "The entry is not sealed", Remedy::Mend),
        ];
        let reasons = reasons.map(|(fail_code, reason, remedy)| FailCode {
            fail_code,
            reason,
            remedy,
        });
        assert_eq!(entry.fail_codes, reasons);
        let any: Vec<&str> = seen.fail_codes.iter().map(|one| one.fail_code).collect();
        assert_eq!(any, ["cut_off", "hidden", "screen_or_print", "unclear"]);
    }

    #[test]
    fn nothing_says_what_readings_are_checked_for() {
        for version in Catalogue::known_versions() {
            let catalogue = Catalogue::shipped(version).unwrap();
            let shown = serde_json::to_string(&view(catalogue)).unwrap();
            for hidden in ["warn_from", "reads", "ALCL", "plausibility", "name_hints"] {
                assert!(!shown.contains(hidden), "{version}: {hidden}");
            }
        }
    }
}
