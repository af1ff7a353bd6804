//! The rules of judging as values and as laws; the predecessor's failures, each by name.

use proptest::prelude::*;

use super::*;
use crate::domain::outcome::ReasonCode;

fn catalogue() -> &'static Catalogue {
    Catalogue::shipped("v1").unwrap()
}

fn all_steps() -> Vec<StepKey> {
    crate::domain::scope::Scope::All.steps(catalogue())
}

fn evaluated(name: &str, findings: &[(&str, u8)]) -> PhotoResult {
    let finding = |(step, score): &(&str, u8)| Finding {
        step: StepKey::parse(step).unwrap(),
        score: Score::try_from(*score).unwrap(),
        comment: format!("seen in {name}"),
        reading: None,
        fail_code: None,
        certainty: None,
        code: None,
    };
    let findings = findings.iter().map(finding).collect();
    PhotoResult {
        name: name.into(),
        outcome: PhotoOutcome::Evaluated { findings },
    }
}

fn gap(name: &str) -> PhotoResult {
    PhotoResult {
        name: name.into(),
        outcome: PhotoOutcome::not_evaluated(ReasonCode::Deadline, "no answer in time"),
    }
}

/// A photo per step, all with the same score.
fn a_photo_per_step(score: u8) -> Vec<PhotoResult> {
    all_steps()
        .iter()
        .map(|step| evaluated(&format!("{step}.jpg"), &[(step.as_str(), score)]))
        .collect()
}

fn row<'a>(judgement: &'a Judgement, step: &str) -> &'a StepVerdict {
    judgement
        .steps
        .iter()
        .find(|row| row.step.as_str() == step)
        .unwrap()
}

#[test]
fn a_score_of_seven_passes_and_six_does_not() {
    let seven = judge(catalogue(), &all_steps(), &a_photo_per_step(7));
    let six = judge(catalogue(), &all_steps(), &a_photo_per_step(6));
    assert_eq!(
        (seven.verdict, seven.average_score),
        (Verdict::Pass, Some(7.0))
    );
    assert_eq!((six.verdict, six.average_score), (Verdict::Fail, Some(6.0)));
}

#[test]
fn seventy_percent_of_the_steps_and_every_critical_one_must_pass() {
    let without = |missing: &[&str]| {
        let photos: Vec<_> = a_photo_per_step(9)
            .into_iter()
            .filter(|p| !missing.iter().any(|m| p.name.starts_with(m)))
            .collect();
        judge(catalogue(), &all_steps(), &photos).verdict
    };
    assert_eq!(
        without(&["cable_span", "cable_entry_inside", "wall_installation"]),
        Verdict::Pass
    );
    assert_eq!(
        without(&[
            "cable_span",
            "cable_entry_inside",
            "wall_installation",
            "ups_serial"
        ]),
        Verdict::Fail
    );
    assert_eq!(without(&["power_meter"]), Verdict::Fail);
}

#[test]
fn the_best_score_wins_and_ties_go_to_the_first_photo_by_name() {
    let photos = [
        evaluated("c.jpg", &[("house_photo", 8)]),
        evaluated("b.jpg", &[("house_photo", 8)]),
        evaluated("a.jpg", &[("house_photo", 3)]),
    ];
    let judgement = judge(catalogue(), &all_steps(), &photos);
    assert_eq!(
        row(&judgement, "house_photo").photo.as_deref(),
        Some("b.jpg")
    );
    assert_eq!(
        row(&judgement, "house_photo").comment.as_deref(),
        Some("seen in b.jpg")
    );
}

#[test]
fn the_average_is_over_the_asked_steps_with_one_decimal() {
    let asked: Vec<_> = all_steps().into_iter().take(3).collect();
    let judgement = judge(
        catalogue(),
        &asked,
        &[evaluated(
            "a.jpg",
            &[("house_photo", 10), ("cable_span", 10)],
        )],
    );
    assert_eq!(judgement.average_score, Some(6.7));
    assert_eq!(judgement.steps.len(), 3);
}

#[test]
fn quick_mode_says_that_photos_were_not_looked_at() {
    let photos = [
        evaluated("a.jpg", &[("house_photo", 3)]),
        skipped("b.jpg"),
        skipped("c.jpg"),
    ];
    let judgement = judge(catalogue(), &all_steps(), &photos);
    for (step, outcome) in [
        ("house_photo", StepOutcome::Fail),
        ("power_meter", StepOutcome::NotEvaluated),
    ] {
        let row = row(&judgement, step);
        assert_eq!(row.outcome, outcome, "{row:?}");
        assert!(
            row.reason
                .as_deref()
                .unwrap()
                .contains("2 photos were not looked at in quick mode"),
            "{row:?}"
        );
    }
}

fn skipped(name: &str) -> PhotoResult {
    PhotoResult {
        name: name.into(),
        outcome: PhotoOutcome::not_evaluated(ReasonCode::NotNeeded, "the verdict stood"),
    }
}

#[test]
fn nothing_fails_by_a_step_that_nobody_looked_for() {
    let mut photos = a_photo_per_step(9);
    photos.retain(|photo| photo.name != "power_meter.jpg");
    photos.push(skipped("wall.jpg"));
    let judgement = judge(catalogue(), &all_steps(), &photos);
    let open = row(&judgement, "power_meter");
    assert_eq!(
        (judgement.verdict, open.outcome),
        (Verdict::Incomplete, StepOutcome::NotEvaluated)
    );
    let reason = open.reason.as_deref().unwrap();
    assert!(
        reason.starts_with("Not known: 1 photos were not looked at"),
        "{reason}"
    );
}

#[test]
fn too_few_steps_fail_only_if_the_unknown_ones_are_not_enough() {
    let but = |left_out: &[&str]| {
        let mut photos = a_photo_per_step(9);
        photos.retain(|photo| !left_out.iter().any(|step| photo.name.starts_with(step)));
        photos.push(skipped("x.jpg"));
        photos
    };
    let others = [
        "cable_span",
        "cable_entry_inside",
        "wall_installation",
        "ups_serial",
    ];
    let verdict = |photos: &[PhotoResult]| judge(catalogue(), &all_steps(), photos).verdict;
    assert_eq!(verdict(&but(&others)), Verdict::Incomplete);
    let mut failing = but(&others);
    failing.extend(others.map(|step| evaluated(step, &[(step, 3)])));
    assert_eq!(verdict(&failing), Verdict::Fail);
}

#[test]
fn never_again_passed_8_of_44_steps() {
    let photos: Vec<_> = (0..44)
        .map(|n| {
            evaluated(
                &format!("{n:02}.jpg"),
                &[("house_photo", 8), ("power_meter", 9)],
            )
        })
        .collect();
    assert_eq!(judge(catalogue(), &all_steps(), &photos).steps.len(), 10);
}

#[test]
fn never_again_a_failed_batch_looks_like_no_photo_found() {
    let mut photos = a_photo_per_step(9);
    photos.retain(|photo| photo.name != "power_meter.jpg");
    photos.push(gap("power_meter.jpg"));
    let judgement = judge(catalogue(), &all_steps(), &photos);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert_eq!(
        row(&judgement, "power_meter").outcome,
        StepOutcome::NotEvaluated
    );
    photos.retain(|photo| photo.name != "power_meter.jpg");
    let judgement = judge(catalogue(), &all_steps(), &photos);
    assert_eq!(
        (judgement.verdict, row(&judgement, "power_meter").outcome),
        (Verdict::Fail, StepOutcome::Missing)
    );
}

#[test]
fn never_again_an_error_becomes_a_score_or_an_approval() {
    let judgement = judge(catalogue(), &all_steps(), &[gap("a.jpg"), gap("b.jpg")]);
    assert_eq!(
        (judgement.verdict, judgement.average_score),
        (Verdict::Incomplete, None)
    );
    assert!(
        judgement
            .steps
            .iter()
            .all(|row| row.score.is_none() && row.outcome == StepOutcome::NotEvaluated)
    );
}

#[test]
fn never_again_evidence_points_at_the_wrong_photo_when_another_fails_to_load() {
    let photos = [
        gap("a.jpg"),
        evaluated("b.jpg", &[("house_photo", 9)]),
        gap("c.jpg"),
        evaluated("d.jpg", &[("cable_span", 4)]),
    ];
    let judgement = judge(catalogue(), &all_steps(), &photos);
    assert_eq!(
        row(&judgement, "house_photo").photo.as_deref(),
        Some("b.jpg")
    );
    assert_eq!(
        row(&judgement, "cable_span").photo.as_deref(),
        Some("d.jpg")
    );
}

#[test]
fn a_pass_stands_despite_gaps() {
    let mut photos = a_photo_per_step(9);
    photos.push(gap("another.jpg"));
    assert_eq!(
        judge(catalogue(), &all_steps(), &photos).verdict,
        Verdict::Pass
    );
}

fn any_outcome() -> impl Strategy<Value = PhotoOutcome> {
    let keys = all_steps();
    let finding = (0..keys.len(), 0u8..=10).prop_map(move |(at, score)| Finding {
        step: keys[at].clone(),
        score: Score::try_from(score).unwrap(),
        comment: "c".into(),
        reading: None,
        fail_code: None,
        certainty: None,
        code: None,
    });
    prop_oneof![
        4 => proptest::collection::vec(finding, 0..4).prop_map(|findings| PhotoOutcome::Evaluated { findings }),
        1 => Just(PhotoOutcome::not_evaluated(ReasonCode::PhotoGone, "gone")),
    ]
}

/// Photos as quick mode leaves them: some were not needed.
fn some_skipped() -> impl Strategy<Value = Vec<PhotoResult>> {
    let skips = proptest::collection::vec(any::<bool>(), 24);
    (any_photos(), skips).prop_map(|(photos, skips)| {
        let one = |(photo, skip): (PhotoResult, bool)| match skip {
            true => skipped(&photo.name),
            false => photo,
        };
        photos.into_iter().zip(skips).map(one).collect()
    })
}

fn any_photos() -> impl Strategy<Value = Vec<PhotoResult>> {
    proptest::collection::vec(any_outcome(), 0..24).prop_map(|outcomes| {
        outcomes
            .into_iter()
            .enumerate()
            .map(|(n, outcome)| PhotoResult {
                name: format!("{n:02}.jpg"),
                outcome,
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn arrival_order_changes_nothing((photos, shuffled) in any_photos().prop_flat_map(|p| (Just(p.clone()), Just(p).prop_shuffle()))) {
        prop_assert_eq!(judge(catalogue(), &all_steps(), &photos), judge(catalogue(), &all_steps(), &shuffled));
    }

    #[test]
    fn a_gap_never_fails_and_no_gap_is_never_incomplete(photos in any_photos()) {
        let gaps = photos.iter().any(|p| matches!(p.outcome, PhotoOutcome::NotEvaluated { .. }));
        let verdict = judge(catalogue(), &all_steps(), &photos).verdict;
        prop_assert_ne!(verdict, if gaps { Verdict::Fail } else { Verdict::Incomplete });
    }

    #[test]
    fn a_fail_stands_whatever_the_photos_that_nobody_looked_at_show(photos in some_skipped(), asked in proptest::sample::subsequence(all_steps(), 1..=10)) {
        let before = judge(catalogue(), &asked, &photos);
        if before.verdict == Verdict::Fail {
            let unknown: Vec<_> = before.steps.iter().filter(|row| row.outcome == StepOutcome::NotEvaluated).map(|row| (row.step.as_str(), 10)).collect();
            let best = photos.iter().filter(|photo| !photo.outcome.is_not_needed()).cloned().chain([evaluated("zz.jpg", &unknown)]);
            prop_assert_eq!(judge(catalogue(), &asked, &best.collect::<Vec<_>>()).verdict, Verdict::Fail);
            prop_assert!(before.steps.iter().any(|row| matches!(row.outcome, StepOutcome::Fail | StepOutcome::Missing)));
        }
    }

    #[test]
    fn verdicts_are_monotone_more_photos_only_raise(photos in any_photos(), more in any_photos()) {
        let renamed = more.into_iter().map(|p| PhotoResult { name: format!("more-{}", p.name), ..p });
        let all: Vec<_> = photos.iter().cloned().chain(renamed).collect();
        let (before, after) = (judge(catalogue(), &all_steps(), &photos), judge(catalogue(), &all_steps(), &all));
        for (a, b) in before.steps.iter().zip(&after.steps) {
            prop_assert!(b.score >= a.score);
        }
        prop_assert!(before.verdict != Verdict::Pass || after.verdict == Verdict::Pass);
    }

    #[test]
    fn every_score_was_given_by_the_model_for_the_photo_named(photos in any_photos()) {
        let judgement = judge(catalogue(), &all_steps(), &photos);
        prop_assert_eq!(judgement.steps.len(), 10);
        for row in &judgement.steps {
            let given = photos.iter().filter(|p| Some(&p.name) == row.photo.as_ref()).any(|p| matches!(&p.outcome,
                PhotoOutcome::Evaluated { findings } if findings.iter().any(|f| f.step == row.step && Some(f.score) == row.score)));
            prop_assert_eq!(given, row.score.is_some());
        }
    }
}

#[test]
fn bad_work_is_told_apart_from_a_bad_photo() {
    let catalogue = Catalogue::shipped("v4").unwrap();
    let steps = crate::domain::scope::Scope::All.steps(catalogue);
    let with = |code: Option<&str>, score: u8| {
        let mut photo = evaluated("a.jpg", &[("cable_entry_outside", score)]);
        if let PhotoOutcome::Evaluated { findings } = &mut photo.outcome {
            findings[0].fail_code = code.map(String::from);
        }
        let judgement = judge(catalogue, &steps, &[photo]);
        let of = |step: &str| row(&judgement, step).remedy;
        (of("cable_entry_outside"), of("house_photo"))
    };
    let missing = Some(Remedy::Take);
    assert_eq!(with(Some("not_sealed"), 3), (Some(Remedy::Mend), missing));
    assert_eq!(with(Some("no_entry"), 3), (Some(Remedy::Retake), missing));
    assert_eq!(with(Some("unclear"), 3), (Some(Remedy::Retake), missing));
    assert_eq!(with(None, 3), (Some(Remedy::Retake), missing));
    assert_eq!(with(Some("not_sealed"), 8), (None, missing));
    let later: Remedy = serde_json::from_str("\"call_home\"").unwrap();
    assert_eq!(later, Remedy::Unknown);
}
