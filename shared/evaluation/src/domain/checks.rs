//! Applying the checks on readings before the photos are judged, and showing them beside the verdict.
//!
//! # Invariants
//! - A photo's step that a check fails has a score below the pass mark, and no other score changes; none is raised.
//! - Verdicts stay monotone: the checks look at one photo at a time.

use super::bounds::{LONGEST_MESSAGE, MOST_FLAGS, cut};
use super::catalogue::Catalogue;
use super::ids::{DrNumber, Score};
use super::judge::{Judgement, PhotoResult, Remedy, StepOutcome};
use super::outcome::{Finding, PhotoOutcome};
use super::reading::{Flag, FlagCode, Reads, Wrong, check};

/// The photos with what the checks make of their scores, and what people should look at, by photo.
pub fn checked(
    catalogue: &Catalogue,
    dr: &DrNumber,
    photos: Vec<PhotoResult>,
) -> (Vec<PhotoResult>, Vec<Flag>) {
    let mut flags = Vec::new();
    let photos = photos
        .into_iter()
        .map(|photo| check_photo(catalogue, dr, photo, &mut flags))
        .collect();
    flags.sort();
    (photos, flags)
}

fn check_photo(
    catalogue: &Catalogue,
    dr: &DrNumber,
    photo: PhotoResult,
    flags: &mut Vec<Flag>,
) -> PhotoResult {
    let PhotoResult { name, outcome } = photo;
    let PhotoOutcome::Evaluated { findings } = outcome else {
        return PhotoResult { name, outcome };
    };
    let one = |finding: Finding| {
        let Some((code, message, fails)) = wrong(catalogue, &finding, dr) else {
            return finding;
        };
        flags.push(Flag {
            photo: name.clone(),
            step: Some(finding.step.clone()),
            code,
            message: cut(&message, LONGEST_MESSAGE),
            fails,
        });
        if fails {
            capped(finding, catalogue.pass_score)
        } else {
            finding
        }
    };
    let findings = findings.into_iter().map(one).collect();
    PhotoResult {
        name,
        outcome: PhotoOutcome::Evaluated { findings },
    }
}

/// What is wrong with what the photo's finding read, if anything.
fn wrong(catalogue: &Catalogue, finding: &Finding, dr: &DrNumber) -> Option<Wrong> {
    let reads = catalogue.step(&finding.step)?.reads.as_ref()?;
    let passes = finding.score >= catalogue.pass_score;
    // A code of the right form is right, whatever was read beside it.
    if let (Reads::Serial(format), Some(code)) = (reads, &finding.code)
        && format.fits(code)
    {
        return None;
    }
    check(reads, finding.reading.as_deref(), passes, dr)
}

/// Just below the pass mark at most; the model's own reason no longer is the reason.
fn capped(finding: Finding, pass: Score) -> Finding {
    let highest = Score::try_from(pass.value().saturating_sub(1)).unwrap_or(finding.score);
    Finding {
        score: finding.score.min(highest),
        fail_code: None,
        // The program is sure of what it reads.
        certainty: None,
        ..finding
    }
}

/// The judgement with its flags; a step that a check failed says so.
pub fn flagged(mut judgement: Judgement, flags: Vec<Flag>) -> Judgement {
    for row in judgement
        .steps
        .iter_mut()
        .filter(|row| row.outcome == StepOutcome::Fail)
    {
        let decided = |flag: &&Flag| {
            flag.fails
                && flag.step.as_ref() == Some(&row.step)
                && Some(&flag.photo) == row.photo.as_ref()
        };
        if let Some(flag) = flags.iter().find(decided) {
            row.reason = Some(flag.message.clone());
            row.remedy = Some(remedy(flag.code));
        }
    }
    let (flags, flags_left_out) = kept(flags);
    Judgement {
        flags,
        flags_left_out,
        ..judgement
    }
}

/// What is to be done about what a check failed: light that is too weak and another DR's label are of the work, what
/// could not be read is of the photo.
fn remedy(code: FlagCode) -> Remedy {
    match code {
        FlagCode::PowerTooWeak | FlagCode::OtherDrNumber => Remedy::Mend,
        _ => Remedy::Retake,
    }
}

/// As many flags as are kept, and how many more there were. What fails a step is the reason of a verdict, so it is
/// kept first; beside that the first by photo are.
fn kept(mut flags: Vec<Flag>) -> (Vec<Flag>, usize) {
    let left_out = flags.len().saturating_sub(MOST_FLAGS);
    flags.sort_by_key(|flag| !flag.fails);
    flags.truncate(MOST_FLAGS);
    flags.sort();
    (flags, left_out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::StepKey;
    use crate::domain::judge::{Verdict, judge};
    use crate::domain::reading::Extracted;
    use crate::domain::scope::Scope;
    use crate::domain::serial::ProvenBy;

    fn catalogue() -> &'static Catalogue {
        Catalogue::shipped("v3").unwrap()
    }

    fn keys() -> Vec<StepKey> {
        Scope::All.steps(catalogue())
    }

    fn photo(name: &str, step: &str, score: u8, reading: &str) -> PhotoResult {
        let finding = Finding {
            step: StepKey::parse(step).unwrap(),
            score: Score::try_from(score).unwrap(),
            comment: "c".into(),
            reading: Some(reading.into()),
            fail_code: Some("unclear".into()),
            certainty: None,
            code: None,
        };
        PhotoResult {
            name: name.into(),
            outcome: PhotoOutcome::Evaluated {
                findings: vec![finding],
            },
        }
    }

    fn verdict(photos: Vec<PhotoResult>) -> Judgement {
        let (photos, flags) = checked(catalogue(), &DrNumber::parse("DR1730550").unwrap(), photos);
        flagged(judge(catalogue(), &keys(), &photos), flags)
    }

    fn row(judgement: &Judgement, step: &str) -> (StepOutcome, u8, Option<String>) {
        let row = judgement
            .steps
            .iter()
            .find(|row| row.step.as_str() == step)
            .unwrap();
        (row.outcome, row.score.unwrap().value(), row.reason.clone())
    }

    #[test]
    fn another_drs_label_fails_its_photo_only_and_is_flagged_beside_the_verdict() {
        let other = photo("a.jpg", "ont_lights_and_dr_label", 10, "DR1733758");
        let alone = verdict(vec![other.clone()]);
        let (outcome, score, reason) = row(&alone, "ont_lights_and_dr_label");
        assert_eq!((outcome, score), (StepOutcome::Fail, 6));
        assert_eq!(
            reason.as_deref(),
            Some("The label says DR1733758, not DR1730550")
        );
        let remedy = |judgement: &Judgement| {
            judgement
                .steps
                .iter()
                .find_map(|row| row.remedy.filter(|_| row.photo.is_some()))
        };
        assert_eq!(
            remedy(&alone),
            Some(Remedy::Mend),
            "the label is another one's"
        );
        let both = verdict(vec![
            other,
            photo("b.jpg", "ont_lights_and_dr_label", 8, "DR1730550"),
        ]);
        assert_eq!(
            row(&both, "ont_lights_and_dr_label"),
            (StepOutcome::Pass, 8, None)
        );
        assert_eq!(
            both.flags
                .iter()
                .map(|flag| (flag.code, flag.fails))
                .collect::<Vec<_>>(),
            [(FlagCode::OtherDrNumber, true)]
        );
    }

    #[test]
    fn weak_power_is_flagged_and_weaker_power_fails() {
        let weak = verdict(vec![photo("a.jpg", "power_meter", 9, "-26 dBm")]);
        assert_eq!(
            (row(&weak, "power_meter").0, weak.flags.len()),
            (StepOutcome::Pass, 1)
        );
        let weaker = verdict(vec![photo("a.jpg", "power_meter", 9, "-30 dBm")]);
        assert_eq!(
            (row(&weaker, "power_meter").0, weaker.verdict),
            (StepOutcome::Fail, Verdict::Fail)
        );
    }

    #[test]
    fn a_fail_code_of_the_model_gives_the_canonical_reason() {
        let (_, _, reason) = row(
            &verdict(vec![photo("a.jpg", "power_meter", 3, "-18 dBm")]),
            "power_meter",
        );
        assert_eq!(
            reason.as_deref(),
            Some("The photo is too dark, blurred or far away")
        );
    }

    #[test]
    fn of_too_many_flags_those_that_fail_a_step_are_kept_and_the_rest_is_counted() {
        let name = |at: usize| format!("{at:03}.jpg");
        let weak = (0..MOST_FLAGS + 7).map(|at| photo(&name(at), "power_meter", 9, "-26 dBm"));
        let failing = photo("zzz.jpg", "ont_lights_and_dr_label", 10, "DR1733758");
        let judged = verdict(weak.chain([failing]).collect());
        assert_eq!(judged.flags.len(), MOST_FLAGS);
        assert_eq!(judged.flags_left_out, 8);
        let last = judged.flags.last().unwrap();
        assert_eq!((last.photo.as_str(), last.fails), ("zzz.jpg", true));
        assert!(judged.flags.is_sorted());
        let (_, _, reason) = row(&judged, "ont_lights_and_dr_label");
        let said = "The label says DR1733758, not DR1730550";
        assert_eq!(reason.as_deref(), Some(said));
    }

    #[test]
    fn a_serial_says_what_proves_it_and_a_code_counts_before_what_was_read() {
        let row = |version: &str, code: Option<&str>, reading: &str| {
            let catalogue = Catalogue::shipped(version).unwrap();
            let mut photo = photo("a.jpg", "ont_back_and_barcode", 9, reading);
            if let PhotoOutcome::Evaluated { findings } = &mut photo.outcome {
                findings[0].code = code.map(str::to_owned);
            }
            let dr = DrNumber::parse("DR1730550").unwrap();
            let (photos, flags) = checked(catalogue, &dr, vec![photo]);
            let steps = judge(catalogue, &keys(), &photos).steps;
            let row = steps.into_iter().nth(5).unwrap();
            (row.extracted, row.proven_by, flags.len())
        };
        let serial = |text: &str| Some(Extracted::Serial(text.into()));
        let (ours, misread) = ("ALCLF4A1B2C3", "ALCLF4A1B2C8");
        let by = Some;
        for (version, code, reading, expected) in [
            (
                "v4",
                Some(ours),
                ours,
                (serial(ours), by(ProvenBy::Both), 0),
            ),
            (
                "v4",
                Some(ours),
                misread,
                (serial(ours), by(ProvenBy::Code), 0),
            ),
            (
                "v4",
                Some(ours),
                "HWTC1",
                (serial(ours), by(ProvenBy::Code), 0),
            ),
            ("v4", None, ours, (serial(ours), by(ProvenBy::Model), 0)),
            (
                "v4",
                None,
                "ALCL1",
                (serial("ALCL1"), by(ProvenBy::Model), 1),
            ),
            ("v4", None, "unreadable", (None, None, 1)),
            ("v3", None, "ALCL1", (serial("ALCL1"), None, 0)),
        ] {
            assert_eq!(
                row(version, code, reading),
                expected,
                "{version} {code:?} {reading}"
            );
        }
    }

    #[test]
    fn an_older_catalogue_checks_nothing() {
        let photos = vec![photo("a.jpg", "power_meter", 9, "-30 dBm")];
        let old = Catalogue::shipped("v1").unwrap();
        let (same, flags) = checked(old, &DrNumber::parse("DR1730550").unwrap(), photos.clone());
        assert_eq!((same, flags.len()), (photos, 0));
    }

    proptest! {
        #[test]
        fn checks_never_raise_a_score_and_flags_say_every_change(score in 0u8..=10, tenths in -400i32..100, dr in "DR[0-9]{7}") {
            for before in [photo("a.jpg", "power_meter", score, &format!("{} dBm", f64::from(tenths) / 10.0)), photo("b.jpg", "ont_lights_and_dr_label", score, &dr)] {
                let (after, flags) = checked(catalogue(), &DrNumber::parse("DR1730550").unwrap(), vec![before.clone()]);
                let score_of = |photo: &PhotoResult| match &photo.outcome {
                    PhotoOutcome::Evaluated { findings } => findings[0].score.value(),
                    PhotoOutcome::NotEvaluated { .. } => unreachable!(),
                };
                let (was, is) = (score_of(&before), score_of(&after[0]));
                prop_assert!(is <= was && (is == was || flags.iter().any(|flag| flag.fails)));
                prop_assert!(!flags.iter().any(|flag| flag.fails) || is < 7);
            }
        }
    }
}
