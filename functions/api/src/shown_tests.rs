//! What is shown stays within what a function may answer.

use std::time::Duration;

use aws::http;
use aws::listing::MOST_PHOTOS;
use evaluation::decide::note::{LONGEST_REASON, Note, NoteKind, SLOTS};
use evaluation::decide::record::finalise;
use evaluation::decide::sighting::{Elsewhere, Likeness};
use evaluation::decide::start::{FromCache, Limits, NewEvaluation, Request, Reuse, open};
use evaluation::domain::bounds::{LONGEST_COMMENT, LONGEST_NAME, LONGEST_READING};
use evaluation::domain::ids::{DrNumber, EvaluationId, Score, StepKey};
use evaluation::domain::outcome::{ColourProfile, Facts, Finding};
use evaluation::domain::plan::{Mode, Photo, plan};
use evaluation::domain::published;
use evaluation::domain::reading::FlagCode;
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::{VersionPart, Versions};
use photos::metadata::{Metadata, Position};
use photos::quality::Quality;

use evaluation::decide::cache::{CachedAnswer, Reused};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::review::Reviews;
use evaluation::decide::stale::{Freshness, StaleReason};
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::outcome::PhotoOutcome;
use evaluation::domain::reading::Flag;
use evaluation::domain::scope::Scope;
use evaluation::run::evidence::Evidence;
use evaluation::run::show::Shown;
use evaluation::show::evaluation::{MOST_SINCE, view};
use evaluation::show::evidence;
use evaluation::show::photo::MOST_LOOKS;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Lambda's limit of an answer, in which the body is a text within JSON.
pub(crate) const LARGEST_ANSWER: usize = 6 * 1024 * 1024;
/// The longest text that a camera's name may be.
const LONGEST_CAMERA: usize = 129;

fn filled(with: &str, bytes: usize) -> String {
    with.repeat(bytes / with.len())
}

fn begun(text: &str) -> NewEvaluation {
    let catalogue = Catalogue::shipped("v3").unwrap();
    let versions = Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v3".into(),
        other => format!("{other:?}"),
    });
    let photo = |at: usize| {
        let name = format!("{at:03}{}", filled(text, LONGEST_NAME - 3));
        let key = format!("photos/DR1/{name}");
        Photo::new(&key, &name, &format!("\"{at:032x}-1000\""), catalogue)
    };
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Final,
        catalogue: None,
    };
    let limits = Limits {
        photos_per_batch: 10,
        deadline: Duration::from_secs(60),
        kept_for: Duration::from_secs(90 * 24 * 3600),
    };
    let photos = (0..MOST_PHOTOS).map(photo).collect();
    let plan = plan(photos, Mode::Full, catalogue, &versions);
    let id = EvaluationId::from_parts(Timestamp::default(), [1; 10]);
    let (known, now) = (FromCache::default(), Timestamp::default());
    open(id, &request, plan, versions, &limits, known, now)
}

/// The most that may be said of a photo, which looks like every other.
fn ended(record: &PhotoRecord, text: &str) -> PhotoRecord {
    let catalogue = Catalogue::shipped("v3").unwrap();
    let finding = |step| Finding {
        step,
        score: Score::try_from(9).unwrap(),
        comment: filled(text, LONGEST_COMMENT),
        reading: Some(filled(text, LONGEST_READING)),
        fail_code: Some("a_code_of_the_catalogue".into()),
        certainty: None,
        code: None,
    };
    let findings = Scope::All.steps(catalogue).into_iter().map(finding);
    let outcome = PhotoOutcome::Evaluated {
        findings: findings.collect(),
    };
    let facts = Facts {
        quality: Quality {
            sharpness: 0.8,
            bright: 200,
            perceptual_hash: 7,
        },
        metadata: Metadata {
            captured_at: Some("2026-01-14T10:15:02".into()),
            camera: Some(filled(text, 4 * LONGEST_CAMERA)),
            camera_serial: Some("SECRET-7".into()),
            position: Some(Position {
                latitude: -26.20417,
                longitude: 28.04731,
            }),
        },
        colour_profile: Some(ColourProfile::NotApplied),
    };
    PhotoRecord {
        report: Some(Report {
            facts: Some(facts),
            ..Report::bare(outcome, Timestamp::default())
        }),
        also_in: Some(Elsewhere {
            dr_number: DrNumber::parse("DR2").unwrap(),
            photo: filled(text, LONGEST_NAME),
            how: Likeness::LooksTheSame,
        }),
        ..record.clone()
    }
}

/// The largest evaluation whose texts consist of this, as it is shown.
fn shown(text: &str) -> Value {
    let NewEvaluation {
        evaluation, photos, ..
    } = begun(text);
    let photos: Vec<PhotoRecord> = photos.iter().map(|record| ended(record, text)).collect();
    let catalogue = Catalogue::shipped("v3").unwrap();
    let verdict = finalise(&evaluation, &photos, Some(catalogue), Timestamp::default()).unwrap();
    let evaluation = Evaluation {
        judgement: Some(verdict.judgement),
        ..evaluation
    };
    let flags = flags(text);
    let metres = photos
        .iter()
        .map(|record| (record.photo.photo_id.clone(), 1112));
    let metres = metres.collect();
    json!(view(
        &evaluation,
        &photos,
        &flags,
        &metres,
        &[StaleReason::Photos],
        published::known(&evaluation.versions.catalogue),
        &vec![note(&"\"".repeat(LONGEST_REASON)); SLOTS.len()],
    ))
}

pub(crate) fn note(reason: &str) -> Note {
    let step = StepKey::parse("power_meter").unwrap();
    let at = Timestamp::from_millis(0);
    Note::new(step, NoteKind::Disagree, reason, Some("u"), at).unwrap()
}

/// More flags than are shown, each as long as they get.
fn flags(text: &str) -> Vec<Flag> {
    let flag = Flag {
        photo: filled(text, LONGEST_NAME),
        step: None,
        code: FlagCode::TakenFarAway,
        message: filled(text, LONGEST_NAME + 100),
        fails: false,
    };
    vec![flag; MOST_SINCE + 7]
}

#[test]
fn the_largest_answer_is_within_what_a_function_may_answer() {
    for text in ["a", "\"", "\\", "\u{ad}", "ä", "\u{1f3e0}"] {
        let answer = serde_json::to_vec(&http::json(200, &shown(text))).unwrap();
        assert!(answer.len() < LARGEST_ANSWER, "{text:?}: {}", answer.len());
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let shown = shown("a");
    let photo = &shown["photos"][0];
    assert_eq!(photo["looks_like"].as_array().unwrap().len(), MOST_LOOKS);
    let left_out = MOST_PHOTOS - 1 - MOST_LOOKS;
    assert_eq!(photo["looks_like_left_out"], left_out);
    let flags = shown["flags"].as_array().unwrap().len();
    let all = flags as u64 + shown["flags_left_out"].as_u64().unwrap();
    assert!(shown["flags_left_out"].as_u64().unwrap() > 0);
    assert!(
        all >= (MOST_PHOTOS + MOST_SINCE + 7) as u64,
        "one at least for each photo that another DR used"
    );
    assert!(flags >= MOST_SINCE);
}

#[test]
fn how_far_a_photo_is_is_shown_and_not_where_nor_by_which_camera_it_was_taken() {
    let shown = shown("a");
    let photo = &shown["photos"][0];
    assert_eq!(photo["metres_from_expected"], 1112);
    let metadata = photo["facts"]["metadata"].as_object().unwrap();
    let names: Vec<&String> = metadata.keys().collect();
    assert_eq!(names, ["camera", "captured_at"]);
    let text = shown.to_string();
    assert!(!text.contains("26.204") && !text.contains("28.047") && !text.contains("SECRET-7"));
    assert!(!text.contains("DR2"));
}

/// An answer that is used, and the DR whose evaluation of this number asked.
fn reused(number: u8, asked_in: Option<&str>) -> Reused {
    let outcome = PhotoOutcome::Evaluated { findings: vec![] };
    let report = Report::bare(outcome, Timestamp::default());
    let answer = CachedAnswer::of(&numbered(number), Timestamp::default(), &report).unwrap();
    Reused {
        scope: Scope::Critical,
        answer: CachedAnswer {
            asked_in: asked_in.map(|dr| DrNumber::parse(dr).unwrap()),
            ..answer
        },
    }
}

fn numbered(number: u8) -> EvaluationId {
    EvaluationId::from_parts(Timestamp::default(), [number; 10])
}

#[test]
fn only_reviewers_are_shown_that_another_dr_s_answer_is_used_wherever_the_photo_was_seen_first() {
    let mut largest = largest("a");
    let [pending, found, ..] = largest.shown.photos.as_mut_slice() else {
        panic!("no photos");
    };
    // Nobody looked at this photo yet, so nothing says where else it is; the last answer is from a release before.
    (pending.report, pending.also_in) = (None, None);
    pending.reused = vec![
        reused(2, Some("DR1")),
        reused(3, Some("DR2")),
        reused(4, None),
    ];
    found.also_in = None;
    let report = found.report.as_mut().unwrap();
    report.answered_for = Some(numbered(5));
    report.answered_in = Some(DrNumber::parse("DR2").unwrap());
    let evaluation = &largest.shown.evaluation;
    let photos = &largest.shown.photos;
    let shown = json!(view(
        evaluation,
        photos,
        &[],
        &BTreeMap::new(),
        &[],
        None,
        &[]
    ));
    let of = |shown: &Value, at: usize| shown["photos"][at]["reused_from"].clone();
    assert_eq!(of(&shown, 0), json!([numbered(2)]));
    assert_eq!(of(&shown, 1), json!([]));
    let evidence = json!(evidence::view(&largest));
    assert_eq!(of(&evidence, 0), json!([2, 3, 4].map(numbered)));
    assert_eq!(of(&evidence, 1), json!([numbered(5)]));
}

/// The largest evaluation, with all that is known of it.
pub(crate) fn largest(text: &str) -> Evidence {
    let NewEvaluation {
        evaluation, photos, ..
    } = begun(text);
    let photos: Vec<PhotoRecord> = photos.iter().map(|record| ended(record, text)).collect();
    let catalogue = Catalogue::shipped("v3").unwrap();
    let verdict = finalise(&evaluation, &photos, Some(catalogue), Timestamp::default()).unwrap();
    let shown = Shown {
        evaluation: Evaluation {
            judgement: Some(verdict.judgement),
            ..evaluation
        },
        photos,
        freshness: Freshness {
            changed_at: Timestamp::MIN,
            valid_from: Timestamp::MIN,
        },
        flags: flags(text),
        expected: None,
        metres: BTreeMap::new(),
        is_misplaced: false,
        notes: Vec::new(),
        reviews: Reviews::of_items(Vec::new(), Timestamp::default()),
    };
    Evidence {
        shown,
        serials: Vec::new(),
        cameras: Vec::new(),
    }
}

/// The most that reviewers may be shown.
fn evidence(text: &str) -> Value {
    json!(evidence::view(&largest(text)))
}

#[test]
fn reviewers_are_shown_where_by_which_camera_and_in_which_other_dr_within_what_a_function_may_answer()
 {
    let shown = evidence("a");
    let photo = &shown["photos"][0];
    assert_eq!(photo["position"]["latitude"], -26.20417);
    assert_eq!(photo["camera_serial"], "SECRET-7");
    assert_eq!(photo["also_in"]["dr_number"], "DR2");
    assert!(shown["flags_left_out"].as_u64().unwrap() > 0);
    for text in ["a", "\"", "\\", "\u{ad}", "ä", "\u{1f3e0}"] {
        let answer = serde_json::to_vec(&http::json(200, &evidence(text))).unwrap();
        assert!(answer.len() < LARGEST_ANSWER, "{text:?}: {}", answer.len());
    }
}

#[test]
fn photos_that_are_too_dark_to_be_told_apart_do_not_look_like_each_other() {
    let NewEvaluation {
        evaluation, photos, ..
    } = begun("a");
    let dark = |record: &PhotoRecord| {
        let mut record = ended(record, "a");
        let report = record.report.as_mut().unwrap();
        report.facts.as_mut().unwrap().quality.bright = 3;
        record
    };
    let photos: Vec<PhotoRecord> = photos.iter().map(dark).collect();
    let shown = view(
        &evaluation,
        &photos,
        &[],
        &BTreeMap::new(),
        &[],
        published::known(&evaluation.versions.catalogue),
        &[note("why")],
    );
    let shown = json!(shown);
    assert_eq!(shown["notes"][0]["reason"], "why");
    assert_eq!(shown["photos"][0]["looks_like"], serde_json::json!([]));
}
