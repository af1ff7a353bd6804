//! The checklist as values, and as laws beside a full evaluation of the same photos.

mod laws;

use std::time::Duration;

use photos::quality::Quality;
use proptest::prelude::*;

use super::*;
use crate::decide::cache::{CachedAnswer, Reused, choose};
use crate::decide::fixtures::id;
use crate::decide::note::NoteKind;
use crate::decide::photo_record::PhotoRecord;
use crate::decide::record::finalise;
use crate::decide::sighting::{Elsewhere, Likeness};
use crate::decide::start::{FromCache, Limits, Request, Reuse, open};
use crate::domain::checklist::StepState;
use crate::domain::ids::{PhotoId, Score};
use crate::domain::judge::{Judgement, StepOutcome};
use crate::domain::outcome::{Finding, PhotoOutcome, Reason, ReasonCode};
use crate::domain::plan::{Mode, plan};
use crate::domain::report::Report;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::versions::{VersionPart, Versions};

const NOW: Timestamp = Timestamp::MIN;

/// What is kept about a photo.
#[derive(Debug, Clone)]
enum Known {
    Nothing,
    Asked,
    Answered(Scope, Vec<Finding>),
    Ended(ReasonCode),
}
use Known::{Answered, Asked, Ended, Nothing};

fn catalogue() -> &'static Catalogue {
    Catalogue::shipped("v4").unwrap()
}

fn dr() -> DrNumber {
    DrNumber::parse("DR1730550").unwrap()
}

fn finding(step: &str, score: u8) -> Finding {
    let reading = match step {
        "power_meter" => Some("-18.4 dBm"),
        "ont_lights_and_dr_label" => Some("DR1730550"),
        _ => None,
    };
    Finding {
        step: StepKey::parse(step).unwrap(),
        score: Score::try_from(score).unwrap(),
        comment: "c".into(),
        reading: reading.map(Into::into),
        fail_code: None,
        certainty: None,
        code: None,
    }
}

fn shows(steps: &[(&str, u8)]) -> Known {
    let findings = steps.iter().map(|(step, score)| finding(step, *score));
    Answered(Scope::All, findings.collect())
}

fn failed(step: &str, code: &str) -> Known {
    let fail_code = Some(code.into());
    Answered(
        Scope::All,
        vec![Finding {
            fail_code,
            ..finding(step, 3)
        }],
    )
}

fn versions() -> Versions {
    Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v4".into(),
        other => format!("{other:?}-1"),
    })
}

/// Photos of these names and contents.
fn planned(photos: &[(&str, &str, Known)]) -> Plan {
    let photo = |(name, etag, _): &(&str, &str, Known)| {
        Photo::new(&format!("photos/DR1730550/{name}"), name, etag, catalogue())
    };
    let photos = photos.iter().map(photo).collect();
    plan(photos, Mode::Full, catalogue(), &versions())
}

fn reason(code: ReasonCode) -> Reason {
    Reason::new(code, "What is wrong with it, and what to do.")
}

fn kept(photos: &[(&str, &str, Known)]) -> Kept {
    let mut kept = Kept::default();
    for (name, etag, known) in photos {
        let id = PhotoId::of(name, etag);
        match known {
            Nothing => (),
            Asked => drop(kept.unanswered.insert(id, Unanswered::Asked)),
            Ended(code) => drop(kept.unanswered.insert(id, Unanswered::Ended(reason(*code)))),
            Answered(scope, findings) => {
                let answer = answered(*scope, findings.clone());
                kept.known.insert(id, choose(Scope::All, &[answer]));
            }
        }
    }
    kept
}

fn answered(scope: Scope, mut findings: Vec<Finding>) -> Reused {
    let steps = scope.steps(catalogue());
    findings.retain(|finding| steps.contains(&finding.step));
    let report = Report::bare(PhotoOutcome::Evaluated { findings }, NOW);
    let answer = CachedAnswer::of(&id(1), NOW, &report).unwrap();
    Reused { scope, answer }
}

fn of(photos: &[(&str, &str, Known)]) -> Checklist {
    let plan = planned(photos);
    checklist(catalogue(), &dr(), plan, kept(photos), Said::default())
}

/// Photos whose names say nothing, each another file.
fn of_known(known: Vec<Known>) -> Checklist {
    let named = numbered(known);
    let photos: Vec<_> = named
        .iter()
        .map(|(name, known)| (name.as_str(), name.as_str(), known.clone()))
        .collect();
    of(&photos)
}

fn numbered(known: Vec<Known>) -> Vec<(String, Known)> {
    let named = known.into_iter().enumerate();
    named
        .map(|(at, known)| (format!("{at:02}.jpg"), known))
        .collect()
}

/// One photo that shows all steps with this score.
fn all(score: u8) -> Known {
    let steps = catalogue().steps.iter();
    let findings = steps.map(|step| finding(step.key.as_str(), score));
    Answered(Scope::All, findings.collect())
}

fn step<'a>(checklist: &'a Checklist, step: &str) -> &'a ChecklistStep {
    let mut steps = checklist.steps.iter();
    steps.find(|one| one.step.as_str() == step).unwrap()
}

fn photo<'a>(checklist: &'a Checklist, name: &str) -> &'a ChecklistPhoto {
    let mut photos = checklist.photos.iter();
    photos.find(|photo| photo.name == name).unwrap()
}

fn messages(checklist: &Checklist) -> Vec<&str> {
    let all = checklist.to_do.iter();
    all.map(|to_do| to_do.message.as_str()).collect()
}

#[test]
fn before_the_first_photo_all_is_to_be_taken_critical_steps_first() {
    let empty = of(&[]);
    assert!(!empty.safe_to_leave && empty.photos.is_empty());
    assert_eq!(empty.verdict_so_far, Verdict::Fail);
    let order: Vec<_> = empty
        .to_do
        .iter()
        .map(|to_do| (to_do.critical, to_do.remedy))
        .collect();
    let expected: Vec<_> = [
        vec![(true, Remedy::Take); 6],
        vec![(false, Remedy::Take); 4],
    ]
    .concat();
    assert_eq!(order, expected);
    let first = "House photo: take a photo that shows the whole front of the house, identifiable.";
    assert_eq!(empty.to_do[0].message, first);
    assert!(
        empty
            .steps
            .iter()
            .all(|step| step.state == StepState::NotSeen)
    );
}

#[test]
fn what_passes_is_seen_and_nothing_is_left() {
    let done = of_known(vec![all(8)]);
    assert!(done.safe_to_leave && done.to_do.is_empty());
    let power = step(&done, "power_meter");
    assert_eq!(power.state, StepState::Seen);
    assert_eq!(power.score.map(Score::value), Some(8));
    assert_eq!(power.photo.as_deref(), Some("00.jpg"));
    assert_eq!(power.reading.as_deref(), Some("-18.4 dBm"));
    assert_eq!((&power.reason, power.remedy), (&None, None));
    assert_eq!(done.photos[0].shows.len(), 10);
    assert!(done.photos[0].shows.iter().all(|shown| shown.passes));
}

#[test]
fn a_bad_photo_is_told_apart_from_bad_work() {
    let photos = [
        ("a.jpg", "a", failed("cable_entry_outside", "not_sealed")),
        ("b.jpg", "b", failed("house_photo", "unclear")),
    ];
    let weak = of(&photos);
    let entry = step(&weak, "cable_entry_outside");
    assert_eq!(
        (entry.state, entry.remedy),
        (StepState::Weak, Some(Remedy::Mend))
    );
    assert_eq!(entry.fail_code.as_deref(), Some("not_sealed"));
    let house = step(&weak, "house_photo");
    assert_eq!(
        (house.state, house.remedy),
        (StepState::Weak, Some(Remedy::Retake))
    );
    let to_do = messages(&weak);
    assert_eq!(
        to_do[..2],
        [
            "House photo: The photo is too dark, blurred or far away. Take the photo again; it must show the whole \
             front of the house, identifiable.",
            "Cable entry outside: The entry is not sealed. Mend that, then take the photo again.",
        ]
    );
    assert_eq!(weak.to_do[1].photo.as_deref(), Some("a.jpg"));
}

#[test]
fn what_the_program_reads_fails_a_step_as_in_an_evaluation_and_warns() {
    let mut other = finding("ont_lights_and_dr_label", 9);
    other.reading = Some("DR1733758".into());
    let checklist = of(&[("a.jpg", "a", Answered(Scope::All, vec![other]))]);
    let label = step(&checklist, "ont_lights_and_dr_label");
    assert_eq!(
        (label.state, label.remedy),
        (StepState::Weak, Some(Remedy::Mend))
    );
    assert_eq!(
        label.reason.as_deref(),
        Some("The label says DR1733758, not DR1730550")
    );
    assert_eq!(label.fail_code, None);
    let [warning] = photo(&checklist, "a.jpg").warnings.as_slice() else {
        panic!("{:?}", checklist.photos);
    };
    assert_eq!(serde_json::json!(warning.code), "other_dr_number");
    assert!(warning.fails && warning.step.as_ref() == Some(&label.step));
    let shown = &checklist.photos[0].shows[0];
    assert!(!shown.passes && shown.score.value() == 6, "as it is judged");
}

#[test]
fn each_photo_says_how_it_stands_with_it() {
    let long = format!("{}.jpg", "n".repeat(300));
    let photos = [
        ("a.jpg", "a", shows(&[("house_photo", 9)])),
        ("b.jpg", "b", Asked),
        ("c.jpg", "c", Nothing),
        ("d.jpg", "d", Ended(ReasonCode::NotAnImage)),
        ("e.mov", "e", Ended(ReasonCode::NotAPhoto)),
        ("f.jpg", "f", Ended(ReasonCode::Deadline)),
        ("g.jpg", "a", Nothing),
        (long.as_str(), "h", Nothing),
    ];
    let checklist = of(&photos);
    let state = |name: &str| photo(&checklist, name).state;
    for (name, expected) in [
        ("a.jpg", PhotoState::LookedAt),
        ("b.jpg", PhotoState::BeingLookedAt),
        ("c.jpg", PhotoState::NotLookedAt),
        ("d.jpg", PhotoState::Unreadable),
        ("e.mov", PhotoState::Unreadable),
        ("f.jpg", PhotoState::NotLookedAt),
        ("g.jpg", PhotoState::LookedAt),
    ] {
        assert_eq!(state(name), expected, "{name}");
    }
    let copy = photo(&checklist, "g.jpg");
    assert_eq!(copy.same_photo_as.as_deref(), Some("a.jpg"));
    assert_eq!(copy.shows, photo(&checklist, "a.jpg").shows);
    assert_eq!(copy.warnings[0].code, WarningCode::SamePhoto);
    let reason = photo(&checklist, "d.jpg").reason.clone().unwrap();
    assert_eq!(reason.code, ReasonCode::NotAnImage);
    let misnamed = checklist
        .photos
        .iter()
        .find(|photo| photo.name.starts_with("nnn"))
        .unwrap();
    assert_eq!(misnamed.state, PhotoState::Unreadable);
    assert_eq!((checklist.photos_total, checklist.photos_open), (8, 3));
    // What is no photo is no gap: nothing is to be done about it.
    let about_photos = checklist.to_do.iter().filter(|to_do| to_do.step.is_none());
    let again: Vec<_> = about_photos
        .map(|to_do| to_do.photo.clone().unwrap())
        .collect();
    assert_eq!(again, ["d.jpg", misnamed.name.as_str()]);
    assert_eq!(
        checklist
            .to_do
            .iter()
            .rposition(|to_do| to_do.step.is_some()),
        Some(8)
    );
}

#[test]
fn a_photo_that_nobody_has_looked_at_may_spare_taking_another() {
    let names: Vec<String> = (0..4).map(|at| format!("IMG_{at}.jpg")).collect();
    let mut photos = vec![
        ("DR1730550_ph_powm1_1.jpg", "p", Asked),
        ("DR1730550_ph_ups_1.jpg", "u", Asked),
    ];
    photos.extend(
        names
            .iter()
            .map(|name| (name.as_str(), name.as_str(), Nothing)),
    );
    let checklist = of(&photos);
    let power = step(&checklist, "power_meter");
    assert_eq!(power.may_be_on.len(), 5, "{power:?}");
    assert_eq!(power.may_be_on[0], "DR1730550_ph_powm1_1.jpg");
    let to_do = checklist
        .to_do
        .iter()
        .find(|to_do| to_do.step.as_ref() == Some(&power.step));
    let expected = "Power meter reading: DR1730550_ph_powm1_1.jpg, IMG_0.jpg, IMG_1.jpg and 2 more may show it, and \
                    nobody has looked yet. If not, take a photo that shows a readable value in dBm.";
    assert_eq!(to_do.unwrap().message, expected);
}

#[test]
fn what_was_taken_again_is_not_asked_for_again_before_somebody_has_looked() {
    for (score, photos, expected) in [
        (
            4,
            vec![("DR1730550_ph_powm2_2.jpg", Asked)],
            Some("DR1730550_ph_powm2_2.jpg may show it better"),
        ),
        // Its name promises nothing: it is no reason to leave.
        (4, vec![("IMG_1.jpg", Asked)], None),
        (9, vec![("DR1730550_ph_ups_1.jpg", Asked)], None),
    ] {
        let mut all = vec![(
            "DR1730550_ph_powm1_1.jpg",
            "p",
            shows(&[("power_meter", score)]),
        )];
        all.extend(photos.into_iter().map(|(name, state)| (name, name, state)));
        let checklist = of(&all);
        let to_do = checklist
            .to_do
            .iter()
            .find(|to_do| to_do.photo.as_deref() == Some("DR1730550_ph_powm1_1.jpg"));
        let message = to_do
            .map(|to_do| to_do.message.as_str())
            .unwrap_or_default();
        match expected {
            Some(words) => assert!(
                message.contains(words) && message.contains("If not, "),
                "{message}"
            ),
            None => assert!(!message.contains("nobody has looked"), "{message}"),
        }
    }
}

#[test]
fn warnings_say_what_the_photographer_can_still_mend() {
    let photos = [
        ("a.jpg", "a", shows(&[])),
        ("b.jpg", "b", shows(&[("house_photo", 9)])),
    ];
    let mut kept = kept(&photos);
    let elsewhere = Elsewhere {
        dr_number: DrNumber::parse("DR7").unwrap(),
        photo: "x.jpg".into(),
        how: Likeness::SameFile,
    };
    kept.seen.insert(PhotoId::of("b.jpg", "b"), elsewhere);
    let checklist = checklist(catalogue(), &dr(), planned(&photos), kept, Said::default());
    let codes = |name: &str| {
        let warnings = &photo(&checklist, name).warnings;
        warnings
            .iter()
            .map(|warning| serde_json::json!(warning.code))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes("a.jpg"), ["shows_no_step"]);
    assert_eq!(codes("b.jpg"), ["used_in_another_dr"]);
}

#[test]
fn photos_that_are_hard_to_judge_or_alike_are_warned_of() {
    let clear = Quality {
        sharpness: 0.8,
        bright: 200,
        perceptual_hash: 7,
    };
    let house = shows(&[("house_photo", 9)]);
    let photos = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"].map(|name| (name, name, house.clone()));
    let mut kept = kept(&photos);
    let qualities = [
        clear,
        clear,
        Quality { bright: 3, ..clear },
        Quality {
            sharpness: 0.1,
            perceptual_hash: !7,
            ..clear
        },
    ];
    for ((name, etag, _), quality) in photos.iter().zip(qualities) {
        let known = kept.known.get_mut(&PhotoId::of(name, etag)).unwrap();
        known.reused[0].answer.quality = Some(quality);
    }
    let checklist = checklist(catalogue(), &dr(), planned(&photos), kept, Said::default());
    let codes = checklist.photos.iter().map(|photo| {
        let codes = photo.warnings.iter().map(|warning| warning.code);
        codes.collect::<Vec<_>>()
    });
    let expected = [
        vec![WarningCode::LooksLike],
        vec![WarningCode::LooksLike],
        vec![WarningCode::TooDark],
        vec![WarningCode::TooBlurred],
    ];
    assert_eq!(codes.collect::<Vec<_>>(), expected);
    let alike = &checklist.photos[0].warnings[0].message;
    assert_eq!(alike, "The photo looks the same as b.jpg.");
    assert!(
        checklist.photos[2].warnings[0]
            .message
            .contains("more light")
    );
}

#[test]
fn what_was_asked_of_the_critical_steps_counts_and_the_photo_stays_open() {
    let findings = vec![finding("house_photo", 9), finding("cable_span", 9)];
    let photos = [("a.jpg", "a", Answered(Scope::Critical, findings))];
    let checklist = of(&photos);
    assert_eq!(step(&checklist, "house_photo").state, StepState::Seen);
    assert_eq!(step(&checklist, "cable_span").state, StepState::NotSeen);
    assert_eq!(
        (checklist.photos_open, checklist.photos[0].state),
        (1, PhotoState::NotLookedAt)
    );
    assert_eq!(checklist.photos[0].warnings, []);
}

#[test]
fn a_note_stands_there_and_changes_nothing() {
    let photos = [("a.jpg", "a", all(6))];
    let step = StepKey::parse("house_photo").unwrap();
    let note = Note::new(step, NoteKind::Disagree, "It is the house.", Some("u"), NOW).unwrap();
    let said = Said {
        notes: vec![note.clone()],
        expected: None,
        reviews: Vec::new(),
    };
    let with = checklist(catalogue(), &dr(), planned(&photos), kept(&photos), said);
    let without = of(&photos);
    assert_eq!(with.notes, [note]);
    assert_eq!(
        Checklist {
            notes: vec![],
            ..with
        },
        without
    );
}

#[test]
fn the_largest_checklist_is_within_what_a_function_may_answer() {
    const MOST_BYTES: usize = 6 * 1024 * 1024;
    let names: Vec<String> = (0..200).map(|at| format!("{at:0251}.jpg")).collect();
    let wordy = |score: u8| {
        let steps = catalogue().steps.iter();
        let wordy = |step: &crate::domain::catalogue::Step| Finding {
            comment: "ä".repeat(150),
            reading: Some("\"".repeat(100)),
            fail_code: Some("barcode_unreadable".into()),
            ..finding(step.key.as_str(), score)
        };
        Answered(Scope::All, steps.map(wordy).collect())
    };
    let photos: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), name.as_str(), wordy(9)))
        .collect();
    let said = Said::default();
    let checklist = checklist(catalogue(), &dr(), planned(&photos), kept(&photos), said);
    let bytes = serde_json::to_string(&checklist).unwrap().len();
    assert!(bytes < MOST_BYTES / 2, "{bytes}");
}
