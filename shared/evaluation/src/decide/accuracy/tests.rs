//! How right the model was, in cases that were made up.

use super::super::fixtures::{evaluation_of, photo};
use super::super::photo_record::PhotoRecord;
use super::super::review::{Next, Reviewed, Reviews, Wish, Wished, next};
use super::super::updates;
use super::*;
use crate::domain::ids::Score;
use crate::domain::judge::judge;
use crate::domain::outcome::{Finding, PhotoOutcome};
use crate::domain::plan::Mode;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use serde_json::json;
use std::sync::LazyLock;
use std::time::Duration;

fn step(key: &str) -> StepKey {
    StepKey::parse(key).unwrap()
}

fn catalogue() -> &'static Catalogue {
    Catalogue::shipped("v4").unwrap()
}

/// An evaluation in which one photo shows each step well, but for one step that it shows badly.
fn passed() -> Evaluation {
    let findings = catalogue().steps.iter().map(|step| Finding {
        step: step.key.clone(),
        score: Score::try_from(if step.key.as_str() == "ups_serial" {
            2
        } else {
            9
        })
        .unwrap(),
        comment: String::new(),
        reading: (step.key.as_str() == "power_meter").then(|| "-18.4 dBm".into()),
        code: None,
        fail_code: None,
        certainty: Certainty::of(0.9),
    });
    let outcome = PhotoOutcome::Evaluated {
        findings: findings.collect(),
    };
    let photos = [crate::domain::judge::PhotoResult {
        name: "a.jpg".into(),
        outcome,
    }];
    let mut evaluation = evaluation_of(&["a.jpg"]);
    evaluation.versions.catalogue = "v4".into();
    evaluation.judgement = Some(judge(catalogue(), &Scope::All.steps(catalogue()), &photos));
    evaluation.revision = 1;
    evaluation
}

/// The same, but that a critical step fails.
fn failed() -> Evaluation {
    let mut evaluation = passed();
    let judgement = evaluation.judgement.as_mut().unwrap();
    let mut rows = judgement.steps.iter_mut();
    let row = rows.find(|row| row.step == step("power_meter")).unwrap();
    assert!(row.critical);
    row.outcome = StepOutcome::Fail;
    judgement.verdict = crate::domain::judge::Verdict::Fail;
    evaluation
}

fn card_of(evaluation: &Evaluation, sampled: Option<u8>) -> Card {
    let verdict = evaluation
        .judgement
        .as_ref()
        .map(|judgement| judgement.verdict);
    Card {
        evaluation_id: evaluation.evaluation_id.clone(),
        dr_number: evaluation.dr_number.clone(),
        mode: Mode::Full,
        photos_total: 1,
        verdict,
        revision: 1,
        average_score: None,
        flags: 0,
        certainty: None,
        superseded_by: None,
        created_at: Timestamp::default(),
        completed_at: None,
        reviewed: true,
        reviews: 1,
        reviews_at: None,
        reviewed_verdict: verdict,
        notes: 0,
        sampled,
        made_from: 2,
        version: 1,
        ttl: 0,
    }
}

/// What is decided one after another, as the table then holds it.
fn said(evaluation: &Evaluation, wishes: &[Wished]) -> Vec<ReviewRecord> {
    let photos = [PhotoRecord::new(photo("a.jpg"))];
    let of = Reviewed::of(evaluation.clone(), &photos, Some(catalogue()));
    let mut items = Vec::new();
    for what in wishes {
        let reviews = Reviews::of_items(items.clone(), Timestamp::default());
        let wish = Wish::new(what.clone(), Some("why"), None).unwrap();
        let now = Timestamp::default();
        let Next::Write(record) = next(&reviews, &of, &wish, now, Duration::from_secs(9)) else {
            panic!("{what:?}");
        };
        let put = updates::reviewed(&record);
        let (pk, sk) = put.key.parts();
        let mut item = put.item;
        (item["pk"], item["sk"]) = (json!(pk), json!(sk));
        items.push(item);
    }
    let reviews = Reviews::of_items(items, Timestamp::default());
    reviews.records().to_vec()
}

fn decides(key: Option<&str>, decision: Decision, reading: Option<&str>) -> Wished {
    Wished::Decision {
        step: key.map(step),
        decision,
        photo: None,
        reading: reading.map(str::to_owned),
    }
}

fn found(wishes: &[Wished]) -> Vec<Case> {
    let evaluation = passed();
    let card = card_of(&evaluation, Some(5));
    cases(
        &evaluation,
        &card,
        &said(&evaluation, wishes),
        Some(catalogue()),
    )
}

#[test]
fn what_was_decided_of_a_step_is_a_case_and_the_whole_one_only_if_it_was_decided_or_changed() {
    let confirmed = found(&[decides(Some("power_meter"), Decision::Pass, None)]);
    let (one, none) = (&confirmed[0], confirmed.get(1));
    assert_eq!((one.step.clone(), none), (Some(step("power_meter")), None));
    assert!(one.agrees() && one.sampled == Some(5) && one.read_right.is_none());
    let changed = found(&[decides(Some("power_meter"), Decision::Fail, None)]);
    let whole: Vec<_> = changed
        .iter()
        .map(|case| (case.step.is_none(), case.is_false_pass()))
        .collect();
    assert_eq!(whole, [(true, true), (false, true)]);
    let of = failed();
    let of_critical = |decision| {
        let wishes = [decides(Some("power_meter"), decision, None)];
        let records = said(&of, &wishes);
        let all = cases(&of, &card_of(&of, None), &records, Some(catalogue()));
        let whole = all.into_iter().filter(|case| case.step.is_none());
        whole.map(|case| case.agrees()).collect::<Vec<_>>()
    };
    assert_eq!(
        of_critical(Decision::Fail),
        [true],
        "it fails by that alone"
    );
    assert_eq!(of_critical(Decision::Pass), [false]);
    let false_fail = found(&[decides(Some("ups_serial"), Decision::Pass, None)]);
    assert!(false_fail[0].is_false_fail() && false_fail.len() == 1);
    let whole = found(&[decides(None, Decision::Pass, None)]);
    assert!(whole.len() == 1 && whole[0].step.is_none() && whole[0].agrees());
    let all: Vec<Wished> = (passed().judgement.unwrap().steps.iter())
        .map(|row| match row.outcome {
            StepOutcome::Pass => decides(Some(row.step.as_str()), Decision::Pass, None),
            _ => decides(Some(row.step.as_str()), Decision::Missing, None),
        })
        .collect();
    assert_eq!(found(&all).len(), all.len() + 1, "with the whole");
    let withdrawn = [decides(None, Decision::Fail, None), Wished::Withdrawal(1)];
    assert_eq!(found(&withdrawn), []);
}

#[test]
fn what_was_decided_of_an_earlier_evaluation_counts_for_that() {
    let evaluation = passed();
    let mut records = said(&evaluation, &[decides(None, Decision::Fail, None)]);
    records[0].evaluation_id = EvaluationId::from_parts(Timestamp::default(), [9; 10]);
    let card = card_of(&evaluation, None);
    assert_eq!(cases(&evaluation, &card, &records, Some(catalogue())), []);
}

#[test]
fn a_reading_is_right_if_it_says_the_same_value() {
    for (reading, right) in [("-18.4", true), ("-18.40 dBm", true), ("-13.4 dBm", false)] {
        let cases = found(&[decides(Some("power_meter"), Decision::Pass, Some(reading))]);
        assert_eq!(cases[0].read_right, Some(right), "{reading}");
    }
    let unread = found(&[decides(Some("ups_serial"), Decision::Pass, Some("AB 12"))]);
    assert_eq!(
        unread[0].read_right,
        Some(false),
        "the model had read nothing"
    );
}

static VERSIONS: LazyLock<Versions> = LazyLock::new(|| passed().versions);

/// A case of its own evaluation.
fn case(number: u64, verdict: Verdict, right: bool, sampled: Option<u8>) -> Case {
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    let model_passes = verdict == Verdict::Pass;
    Case {
        evaluation_id: EvaluationId::from_parts(Timestamp::default(), bytes),
        step: None,
        model_passes,
        person_passes: model_passes == right,
        read_right: None,
        certainty: None,
        versions: VERSIONS.clone(),
        verdict,
        flagged: false,
        sampled,
    }
}

fn counted(pass: u64, fail: u64) -> Counts {
    let day = json!({"pass": pass, "fail": fail});
    Counts::of(&[day.as_object().unwrap().clone()])
}

#[test]
fn a_group_says_how_many_and_which_and_weighs_strata_by_what_they_are_of_all() {
    // All 40 that failed were looked at, half of them wrong; chance drew 48 of 960 passes, two wrong; people chose ten
    // more, all of them wrong.
    let failed = (0..40).map(|at| case(at, Verdict::Fail, at % 2 == 0, None));
    let drawn = (100..148).map(|at| case(at, Verdict::Pass, at > 101, Some(5)));
    let chosen = (200..210).map(|at| case(at, Verdict::Pass, false, None));
    let cases: Vec<Case> = failed.chain(drawn).chain(chosen).collect();
    let groups = groups(&cases, By::Step, &counted(960, 40));
    let [group] = groups.as_slice() else {
        panic!("{groups:?}")
    };
    assert_eq!(
        (group.key.as_str(), group.about),
        ("verdict", About::Verdict)
    );
    let numbers = (
        group.cases,
        group.agreed,
        group.false_passes,
        group.false_fails,
    );
    assert_eq!(numbers, (98, 66, 12, 20));
    let agreement = group.agreement.unwrap();
    assert!(
        (agreement.share - (0.04 * 0.5 + 0.96 * 46.0 / 48.0)).abs() < 1e-9,
        "{agreement:?}"
    );
    let false_passes = group.falsely_passed.unwrap();
    assert!(
        (false_passes.share - 2.0 / 48.0).abs() < 1e-9,
        "{false_passes:?}"
    );
    assert_eq!(group.evaluations.false_passes.len(), 12);
    assert_eq!(group.evaluations.cases.len(), MOST_NAMED);
    assert!(
        group
            .evaluations
            .false_passes
            .is_sorted_by(|one, other| one > other)
    );
}

#[test]
fn nothing_is_estimated_where_people_chose_all_that_they_looked_at() {
    let chosen: Vec<Case> = (0..9)
        .map(|at| case(at, Verdict::Pass, true, None))
        .collect();
    let group = &groups(&chosen, By::Model, &counted(100, 0))[0];
    assert_eq!((group.cases, group.agreement), (9, None));
}

#[test]
fn decisions_of_one_evaluation_make_an_interval_no_narrower_than_one_does() {
    let whole: Vec<Case> = (0..30)
        .map(|at| case(at, Verdict::Fail, at > 2, None))
        .collect();
    let of_steps = |case: &Case| {
        let with = |key: &str| Case {
            step: Some(step(key)),
            ..case.clone()
        };
        ["house_photo", "power_meter", "ups_serial"].map(with)
    };
    let steps: Vec<Case> = whole.iter().flat_map(of_steps).collect();
    let one = |cases: &[Case]| {
        groups(cases, By::Prompt, &counted(0, 30))[0]
            .agreement
            .unwrap()
    };
    let (whole, steps) = (one(&whole), one(&steps));
    assert!((whole.share - steps.share).abs() < 1e-9);
    assert!((whole.low - steps.low).abs() < 1e-9, "{whole:?} {steps:?}");
}

/// A month of evaluations with known rates of error: in its second half other passes go wrong more often, and fewer are
/// drawn. People look at most of what fails, at most of what was drawn, and, of the rest, at what is doubtful: errors are
/// mostly among that.
fn month(random: &mut fastrand::Rng) -> (f64, Vec<Case>, Counts) {
    let (failed, halves) = (
        random.u64(50..300),
        [random.u64(500..2000), random.u64(500..2000)],
    );
    let right = [
        0.6 + 0.35 * random.f64(),
        0.97 + 0.029 * random.f64(),
        0.88 + 0.1 * random.f64(),
    ];
    let mut cases = Vec::new();
    let mut number = 0;
    let mut next = |random: &mut fastrand::Rng, verdict, rate: f64, sample: Option<u8>| {
        number += 1;
        let is_right = random.f64() < rate;
        let drawn = sample.filter(|percent| random.f64() * 100.0 < f64::from(*percent));
        let doubtful = random.f64() < if is_right { 0.05 } else { 0.8 };
        let looked_at =
            random.f64() < 0.9 && (verdict == Verdict::Fail || drawn.is_some() || doubtful);
        if looked_at {
            cases.push(case(number, verdict, is_right, drawn));
        }
    };
    (0..failed).for_each(|_| next(random, Verdict::Fail, right[0], None));
    (0..halves[0]).for_each(|_| next(random, Verdict::Pass, right[1], Some(20)));
    (0..halves[1]).for_each(|_| next(random, Verdict::Pass, right[2], Some(5)));
    let of = [failed, halves[0], halves[1]].map(|count| count as f64);
    let agreeing: f64 = of
        .iter()
        .zip(right)
        .map(|(count, right)| count * right)
        .sum();
    let truth = agreeing / of.iter().sum::<f64>();
    (truth, cases, counted(halves[0] + halves[1], failed))
}

#[test]
fn the_interval_covers_the_truth_also_where_the_share_that_is_drawn_was_changed() {
    let mut random = fastrand::Rng::with_seed(20);
    let (mut covered, mut alike) = (0, 0);
    for _ in 0..1000 {
        let (truth, cases, counts) = month(&mut random);
        let covers = |cases: &[Case]| {
            let found = groups(cases, By::Model, &counts)[0].agreement.unwrap();
            (found.low..=found.high).contains(&truth)
        };
        covered += u32::from(covers(&cases));
        let as_one = cases.into_iter().map(|case| Case {
            sampled: case.sampled.map(|_| 5),
            ..case
        });
        alike += u32::from(covers(&as_one.collect::<Vec<_>>()));
    }
    assert!(covered >= 930, "{covered} of 1000");
    assert!(
        alike < 850,
        "{alike} of 1000: this test would not see weights that are wrong"
    );
}

#[test]
fn of_known_cases_it_is_said_which_people_decided_and_how() {
    let known = |number: u8, truly_passes| Known {
        evaluation_id: EvaluationId::from_parts(Timestamp::default(), [number; 10]),
        dr_number: passed().dr_number,
        truly_passes,
        known_by: None,
        known_at: Timestamp::default(),
    };
    let all = [
        known(1, false),
        known(2, false),
        known(3, true),
        known(4, false),
    ];
    let id = |at: usize| all[at].evaluation_id.clone();
    let decided = BTreeMap::from([(id(0), false), (id(1), true), (id(2), true)]);
    let found = KnownFound::of(&all, &decided);
    assert_eq!(
        (found.cases, found.decided, found.decided_rightly),
        (4, 3, 2)
    );
    assert_eq!(
        (found.decided_wrongly, found.undecided),
        (vec![id(1)], vec![id(3)])
    );
    let evaluation = passed();
    let of_people = |wishes: &[Wished]| {
        let records = said(&evaluation, wishes);
        passes_for_people(&evaluation, &records, Some(catalogue()))
    };
    assert_eq!(
        of_people(&[decides(Some("power_meter"), Decision::Fail, None)]),
        Some(false)
    );
    assert_eq!(
        of_people(&[decides(Some("power_meter"), Decision::Pass, None)]),
        Some(true)
    );
    assert_eq!(of_people(&[]), None);
}

#[test]
fn certainty_is_judged_by_steps() {
    let judged = |at: u64| Case {
        step: Some(step("power_meter")),
        certainty: Certainty::of(at as f64 / 100.0),
        ..case(at, Verdict::Pass, at >= 20, None)
    };
    let mut cases: Vec<Case> = (0..100).map(judged).collect();
    cases.push(case(200, Verdict::Pass, false, None));
    let found = discrimination(&cases);
    assert_eq!(
        (found.cases, found.errors, found.auroc),
        (100, 20, Some(1.0))
    );
}
