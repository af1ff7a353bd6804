//! The catalogue of steps: data with a version, checked when it is loaded.
//!
//! # Invariants
//! - A `Catalogue` that exists is consistent: unique keys and numbers, every hint names one of its steps,
//!   its thresholds are in range and something in it is critical (`check`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use super::ids::{Score, StepKey};
use super::plausibility::Limits;
use super::reading::Reads;

macro_rules! shipped {
    ($($version:literal),+) => {
        &[$(($version, include_str!(concat!("../catalogues/", $version, ".json")))),+]
    };
}

/// The catalogues that ship with the program, oldest first. A version, once released, never changes.
///
/// - v1: the ten steps.
/// - v2: the same, four of them told to the model in the words that say what to look for.
/// - v3: v2 with fail codes, and with what is expected of readings.
/// - v4: v3 with the form of serials, which are looked for in bar codes too; with when and where photos may be taken, and
///   a fail code for photos of screens and prints.
const SHIPPED: &[(&str, &str)] = shipped!["v1", "v2", "v3", "v4"];

/// The version that is asked unless a deployment says otherwise: the newest.
pub const CURRENT_VERSION: &str = match SHIPPED {
    [.., (version, _)] => version,
    [] => "",
};

/// A list of installation steps, its thresholds, and what photo names hint at.
///
/// ```
/// use evaluation::domain::catalogue::Catalogue;
///
/// let catalogue = Catalogue::shipped("v1").unwrap();
/// assert_eq!(catalogue.steps.iter().filter(|step| step.critical).count(), 6);
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The version, stored with every result and part of every cache key.
    pub version: String,
    /// A step passes from this score on.
    pub pass_score: Score,
    /// An evaluation passes when at least this share of its asked steps passes, in percent.
    pub pass_percent: u8,
    /// Reasons for failing that any step may have: code to words.
    #[serde(default)]
    pub fail_reasons: BTreeMap<String, String>,
    /// Fail codes of bad work: what is to be mended on site. All others are of the photo, which is to be taken again.
    #[serde(default)]
    pub bad_work: BTreeSet<String>,
    /// The steps, in the order people know them.
    pub steps: Vec<Step>,
    /// When and where photos may be taken; without it nothing is said of that.
    #[serde(default)]
    pub plausibility: Option<Limits>,
    /// The fail code that says that a photo shows a screen or a print instead of what was to be photographed.
    #[serde(default)]
    pub photo_of_a_photo: Option<String>,
    /// Photo type (as in `DR1_ph_{type}_1.jpg`) to step.
    pub name_hints: BTreeMap<String, StepKey>,
}

/// One installation step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Position in the list people use, from 1.
    pub number: u8,
    /// The step's name in code, JSON and answers.
    pub key: StepKey,
    /// The step's name for people.
    pub label: String,
    /// Whether the evaluation can't pass without it.
    pub critical: bool,
    /// What the photo must show.
    pub passes_when: String,
    /// The one canonical reason for failing.
    pub fail_reason: String,
    /// Reasons for failing that are this step's own: code to words.
    #[serde(default)]
    pub fail_reasons: BTreeMap<String, String>,
    /// What the reading is and what is expected of it, if the step has one.
    #[serde(default)]
    pub reads: Option<Reads>,
    /// What must be read from the photo, if anything: such photos are sent larger.
    pub small_print: Option<String>,
}

/// Why a catalogue was refused; for operators.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file is not a catalogue.
    #[error("the catalogue is not valid JSON of the expected shape")]
    Shape(#[from] serde_json::Error),
    /// The file has the shape but contradicts itself.
    #[error("catalogue {version}: {problem}")]
    Inconsistent {
        /// The catalogue's version.
        version: String,
        /// What is wrong.
        problem: String,
    },
    /// No catalogue of that version ships with the program.
    #[error(
        "there is no catalogue {0:?}; set CATALOGUE_VERSION to a version that ships with this release"
    )]
    Unknown(String),
}

impl Catalogue {
    /// The shipped catalogue of this version. Each is read once in a process.
    pub fn shipped(version: &str) -> Result<&'static Self, CatalogueError> {
        static CATALOGUES: LazyLock<BTreeMap<String, Catalogue>> = LazyLock::new(|| {
            let read = SHIPPED
                .iter()
                .filter_map(|(_, json)| Catalogue::from_json(json).ok());
            read.map(|catalogue| (catalogue.version.clone(), catalogue))
                .collect()
        });
        let unknown = || CatalogueError::Unknown(version.into());
        CATALOGUES.get(version).ok_or_else(unknown)
    }

    /// The versions of all shipped catalogues, oldest first.
    pub fn known_versions() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(version, _)| *version)
    }

    /// The shipped catalogue that is asked unless a deployment says otherwise.
    pub fn current() -> Result<&'static Self, CatalogueError> {
        Self::shipped(CURRENT_VERSION)
    }

    /// Reads and checks a catalogue.
    pub fn from_json(json: &str) -> Result<Self, CatalogueError> {
        let catalogue: Self = serde_json::from_str(json)?;
        match catalogue.problem() {
            None => Ok(catalogue),
            Some(problem) => Err(CatalogueError::Inconsistent {
                version: catalogue.version,
                problem,
            }),
        }
    }

    /// What photo names call this step, in alphabetical order.
    pub fn photo_types<'a>(&'a self, step: &'a StepKey) -> impl Iterator<Item = &'a str> {
        let of_step =
            move |(kind, of): (&'a String, &StepKey)| (of == step).then_some(kind.as_str());
        self.name_hints.iter().filter_map(of_step)
    }

    /// The step with this key.
    pub fn step(&self, key: &StepKey) -> Option<&Step> {
        self.steps.iter().find(|step| &step.key == key)
    }

    /// What a fail code of this step says, if it has such a one.
    pub fn fail_words<'a>(&'a self, step: &'a Step, code: &str) -> Option<&'a str> {
        step.fail_reasons
            .get(code)
            .or_else(|| self.fail_reasons.get(code))
            .map(String::as_str)
    }

    /// A fail code that is no plain word (it goes into the prompt and the answer's schema), or that says nothing.
    fn bad_fail_code(&self) -> Option<&str> {
        let all = self
            .steps
            .iter()
            .flat_map(|step| &step.fail_reasons)
            .chain(&self.fail_reasons);
        let plain = |code: &str| {
            !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        all.filter(|(code, words)| !plain(code) || words.trim().is_empty())
            .map(|(code, _)| code.as_str())
            .next()
    }

    /// A code of bad work that no step has.
    fn unknown_bad_work(&self) -> Option<&str> {
        let known = |code: &String| {
            let of_steps = self.steps.iter().map(|step| &step.fail_reasons);
            of_steps
                .chain([&self.fail_reasons])
                .any(|codes| codes.contains_key(code))
        };
        self.bad_work
            .iter()
            .find(|code| !known(code))
            .map(String::as_str)
    }

    fn problem(&self) -> Option<String> {
        let keys: BTreeSet<_> = self.steps.iter().map(|step| &step.key).collect();
        let numbers: BTreeSet<_> = self.steps.iter().map(|step| step.number).collect();
        let stray = self
            .name_hints
            .iter()
            .find(|(_, step)| !keys.contains(step));
        let unknown_code = self.photo_of_a_photo.as_ref();
        let unknown_code = unknown_code.filter(|code| !self.fail_reasons.contains_key(*code));
        let unnamed = self.steps.iter().find(|s| {
            s.label.trim().is_empty()
                || s.passes_when.trim().is_empty()
                || s.fail_reason.trim().is_empty()
        });
        if self.version.trim().is_empty() {
            Some("the version is empty".into())
        } else if keys.len() != self.steps.len() || numbers.len() != self.steps.len() {
            Some("two steps share a key or a number".into())
        } else if !self.steps.iter().any(|step| step.critical) {
            Some("no step is critical, so quick mode would ask nothing".into())
        } else if !(1..=100).contains(&self.pass_percent) || self.pass_score.value() == 0 {
            Some("pass_percent must be 1 to 100 and pass_score 1 to 10".into())
        } else if let Some((hint, step)) = stray {
            Some(format!("the hint {hint:?} names the unknown step {step}"))
        } else if let Some(code) = unknown_code {
            Some(format!(
                "photo_of_a_photo names the unknown fail code {code:?}"
            ))
        } else if let Some(code) = self.unknown_bad_work() {
            Some(format!("bad_work names the unknown fail code {code:?}"))
        } else if let Some(problem) = self.plausibility.and_then(|limits| limits.problem()) {
            Some(problem.into())
        } else if let Some(code) = self.bad_fail_code() {
            Some(format!(
                "the fail code {code:?} must be lower-case letters and underscores, with words"
            ))
        } else {
            unnamed.map(|step| {
                format!(
                    "step {} lacks a label, passes_when or fail_reason",
                    step.key
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(from: &str, to: &str) -> String {
        let json = SHIPPED[0].1.replace(from, to);
        assert_ne!(json, SHIPPED[0].1, "the change must apply");
        json
    }

    #[test]
    fn every_shipped_catalogue_reads() {
        for (version, json) in SHIPPED {
            let catalogue = Catalogue::from_json(json).unwrap();
            assert_eq!(catalogue.version, *version);
            assert_eq!(*Catalogue::shipped(&catalogue.version).unwrap(), catalogue);
        }
    }

    #[test]
    fn version_one_has_ten_steps_of_which_six_are_critical() {
        let catalogue = Catalogue::shipped("v1").unwrap();
        assert_eq!(catalogue.steps.len(), 10);
        assert_eq!(
            catalogue.steps.iter().filter(|step| step.critical).count(),
            6
        );
    }

    #[test]
    fn version_three_asks_the_steps_of_version_two_and_adds_codes_and_readings() {
        let (before, current) = (
            Catalogue::shipped("v2").unwrap(),
            Catalogue::shipped("v3").unwrap(),
        );
        let bare = |step: &Step| Step {
            fail_reasons: BTreeMap::new(),
            reads: None,
            ..step.clone()
        };
        assert_eq!(
            current.steps.iter().map(bare).collect::<Vec<_>>(),
            before.steps
        );
        assert_eq!(
            (
                &current.name_hints,
                current.pass_score,
                current.pass_percent
            ),
            (&before.name_hints, before.pass_score, before.pass_percent)
        );
        assert!(
            current
                .steps
                .iter()
                .all(|step| !step.fail_reasons.is_empty())
        );
        assert_eq!(
            current
                .steps
                .iter()
                .filter(|step| step.reads.is_some())
                .count(),
            5
        );
    }

    #[test]
    fn fail_codes_are_plain_words() {
        let json = SHIPPED[2].1.replace("\"no_pole\"", "\"No pole!\"");
        assert!(
            Catalogue::from_json(&json)
                .unwrap_err()
                .to_string()
                .contains("No pole!")
        );
    }

    #[test]
    fn version_four_says_when_and_where_photos_may_be_taken() {
        let (_, json) = SHIPPED[3];
        let catalogue = Catalogue::from_json(json).unwrap();
        assert_eq!(catalogue.plausibility, Some(Limits::default()));
        for (from, to) in [
            ("\"metres_apart\": 150", "\"metres_apart\": 0"),
            ("\"hours_apart\": 12", "\"hours_apart\": 0"),
            ("\"photo_of_a_photo\": \"", "\"photo_of_a_photo\": \"no_"),
        ] {
            let changed = json.replace(from, to);
            assert_ne!(changed, json, "the change must apply");
            assert!(Catalogue::from_json(&changed).is_err(), "{to}");
        }
    }

    #[test]
    fn bad_work_is_told_by_codes_that_there_are() {
        let v4 = SHIPPED[3].1;
        assert!(
            Catalogue::shipped("v4")
                .unwrap()
                .bad_work
                .contains("not_sealed")
        );
        let json = v4.replace(
            "\"bad_work\": [\"not_sealed\"",
            "\"bad_work\": [\"not_painted\"",
        );
        let error = Catalogue::from_json(&json).unwrap_err().to_string();
        assert!(error.contains("not_painted"), "{error}");
        assert!(Catalogue::shipped("v3").unwrap().bad_work.is_empty());
    }

    #[test]
    fn an_unknown_version_says_which_setting_to_change() {
        assert!(
            Catalogue::shipped("v99")
                .unwrap_err()
                .to_string()
                .contains("CATALOGUE_VERSION")
        );
    }

    #[test]
    fn contradictions_are_refused_at_load() {
        for json in [
            changed("\"cable_span\", \"label\"", "\"house_photo\", \"label\""),
            changed("\"number\": 2", "\"number\": 1"),
            changed(
                "\"wall\": \"wall_installation\"",
                "\"wall\": \"wall_of_china\"",
            ),
            changed("\"critical\": true", "\"critical\": false"),
            changed("\"pass_percent\": 70", "\"pass_percent\": 101"),
            changed("\"pass_score\": 7", "\"pass_score\": 0"),
            changed("\"label\": \"House photo\"", "\"label\": \" \""),
            changed("\"version\": \"v1\"", "\"version\": \"\""),
        ] {
            assert!(
                matches!(
                    Catalogue::from_json(&json),
                    Err(CatalogueError::Inconsistent { .. })
                ),
                "{json}"
            );
        }
        for json in [
            "{}".to_string(),
            changed("\"pass_score\": 7", "\"pass_score\": 11"),
            changed("\"version\"", "\"versoin\""),
        ] {
            assert!(
                matches!(Catalogue::from_json(&json), Err(CatalogueError::Shape(_))),
                "{json}"
            );
        }
    }
}
