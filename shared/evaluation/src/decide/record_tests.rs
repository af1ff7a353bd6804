//! Recording and finalising, as values.

use proptest::prelude::*;

use super::*;
use crate::decide::cache::{CachedAnswer, Reused};
use crate::decide::fixtures::{evaluation_of, id, photo};
use crate::domain::judge::{StepOutcome, StepVerdict, Verdict};
use crate::domain::outcome::{PhotoTimings, ReasonCode};
use crate::domain::scope::Scope;

fn answered(at: i64) -> Report {
    Report::bare(
        PhotoOutcome::Evaluated { findings: vec![] },
        Timestamp::from_millis(at),
    )
}

fn failed(code: ReasonCode) -> Report {
    Report::bare(
        PhotoOutcome::not_evaluated(code, "m"),
        Timestamp::from_millis(5),
    )
}

fn with(report: Option<Report>) -> PhotoRecord {
    PhotoRecord {
        report,
        ..PhotoRecord::new(photo("a.jpg"))
    }
}

#[test]
fn the_first_outcome_stays_and_repeats_only_take_the_photo_off_the_pending_set() {
    let evaluation = evaluation_of(&["a.jpg"]);
    assert_eq!(
        on_outcome(&evaluation, &with(None), &answered(1)),
        OutcomeAction::Record
    );
    assert_eq!(
        on_outcome(&evaluation, &with(Some(answered(1))), &answered(2)),
        OutcomeAction::RemoveFromPending
    );
    assert_eq!(
        on_outcome(
            &evaluation,
            &with(Some(failed(ReasonCode::PhotoGone))),
            &answered(2)
        ),
        OutcomeAction::RemoveFromPending
    );
}

#[test]
fn a_late_answer_replaces_only_a_provisional_outcome() {
    let evaluation = evaluation_of(&["a.jpg"]);
    for code in [ReasonCode::Deadline, ReasonCode::DeadLettered] {
        assert_eq!(
            on_outcome(&evaluation, &with(Some(failed(code))), &answered(2)),
            OutcomeAction::Upgrade
        );
        assert_eq!(
            on_outcome(
                &evaluation,
                &with(Some(failed(code))),
                &failed(ReasonCode::PhotoGone)
            ),
            OutcomeAction::RemoveFromPending
        );
    }
}

#[test]
fn nothing_changes_a_final_verdict() {
    let mut evaluation = evaluation_of(&["a.jpg"]);
    evaluation.judgement = Some(Judgement {
        verdict: Verdict::Pass,
        average_score: None,
        steps: vec![],
        flags: vec![],
        flags_left_out: 0,
        gaps: None,
    });
    assert_eq!(
        on_outcome(
            &evaluation,
            &with(Some(failed(ReasonCode::Deadline))),
            &answered(2)
        ),
        OutcomeAction::Ignore
    );
}

#[test]
fn it_is_due_when_nothing_is_pending_and_until_it_is_final() {
    let mut evaluation = evaluation_of(&["a.jpg"]);
    assert!(!is_due(&evaluation));
    evaluation.pending.clear();
    assert!(is_due(&evaluation));
    evaluation.judgement = Some(Judgement {
        verdict: Verdict::Incomplete,
        average_score: None,
        steps: vec![],
        flags: vec![],
        flags_left_out: 0,
        gaps: None,
    });
    assert!(is_due(&evaluation));
    evaluation.judgement = Some(Judgement {
        verdict: Verdict::Fail,
        average_score: None,
        steps: vec![],
        flags: vec![],
        flags_left_out: 0,
        gaps: None,
    });
    assert!(!is_due(&evaluation));
}

#[test]
fn judging_again_without_a_change_writes_nothing() {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let mut evaluation = evaluation_of(&["a.jpg"]);
    let provisional = [with(Some(failed(ReasonCode::Deadline)))];
    let now = Timestamp::from_millis(100);
    let first = finalise(&evaluation, &provisional, Some(catalogue), now).unwrap();
    assert_eq!(first.judgement.verdict, Verdict::Incomplete);
    evaluation.judgement = Some(first.judgement);
    assert_eq!(
        finalise(&evaluation, &provisional, Some(catalogue), now),
        None
    );
    let upgraded = finalise(
        &evaluation,
        &[with(Some(answered(1)))],
        Some(catalogue),
        now,
    )
    .unwrap();
    assert_eq!(upgraded.judgement.verdict, Verdict::Fail);
}

#[test]
fn no_verdict_without_an_outcome_of_every_photo() {
    let evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
    let catalogue = Catalogue::shipped("v1").unwrap();
    let now = Timestamp::from_millis(100);
    let b = |report| PhotoRecord {
        report,
        ..PhotoRecord::new(photo("b.jpg"))
    };
    assert_eq!(
        finalise(
            &evaluation,
            &[with(Some(answered(1)))],
            Some(catalogue),
            now
        ),
        None
    );
    assert_eq!(
        finalise(
            &evaluation,
            &[with(Some(answered(1))), b(None)],
            Some(catalogue),
            now
        ),
        None
    );
    assert!(
        finalise(
            &evaluation,
            &[with(Some(answered(1))), b(Some(answered(2)))],
            Some(catalogue),
            now
        )
        .is_some()
    );
}

#[test]
fn the_timings_are_those_of_the_last_photo_and_add_up() {
    let mut evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
    evaluation.dispatched_at = Some(Timestamp::from_millis(40));
    let timed = |at, vlm_ms| {
        let timings = Some(PhotoTimings {
            queue_ms: 10,
            fetch_ms: 20,
            compress_ms: 30,
            vlm_ms,
            ..PhotoTimings::default()
        });
        with(Some(Report {
            timings,
            ..answered(at)
        }))
    };
    let found = finalise(
        &evaluation,
        &[timed(900, 500), timed(300, 100)],
        Catalogue::shipped("v1").ok(),
        Timestamp::from_millis(1000),
    );
    let t = found.unwrap().timings;
    assert_eq!(
        (t.split_ms, t.vlm_ms, t.merge_ms, t.total_ms),
        (40, 500, 100, 1000)
    );
    assert_eq!(
        t.split_ms + t.queue_ms + t.fetch_ms + t.compress_ms + t.vlm_ms + t.merge_ms,
        t.total_ms
    );
}

#[test]
fn a_photo_that_nobody_was_asked_about_has_no_way_to_show() {
    let evaluation = evaluation_of(&["a.jpg", "b.jpg"]);
    let asked = with(Some(Report {
        timings: Some(PhotoTimings {
            vlm_ms: 500,
            ..PhotoTimings::default()
        }),
        ..answered(900)
    }));
    let mut not_needed = failed(ReasonCode::NotNeeded);
    not_needed.at = Timestamp::from_millis(950);
    let found = finalise(
        &evaluation,
        &[asked, with(Some(not_needed))],
        Catalogue::shipped("v1").ok(),
        Timestamp::from_millis(1000),
    );
    assert_eq!(found.unwrap().timings.vlm_ms, 500);
}

/// A photo named `name`, answered at `at` (or not), that also rests on an answer of `reused`.
fn resting_on(name: &str, at: Option<i64>, reused: Option<i64>) -> PhotoRecord {
    let earlier = |at| Reused {
        scope: Scope::Critical,
        answer: CachedAnswer::of(&id(1), Timestamp::default(), &answered(at)).unwrap(),
    };
    PhotoRecord {
        report: Some(at.map_or_else(|| failed(ReasonCode::NotAnImage), answered)),
        reused: reused.map(earlier).into_iter().collect(),
        ..PhotoRecord::new(photo(name))
    }
}

fn expiry_of(photos: &[PhotoRecord], now: i64) -> Timestamp {
    let names: Vec<&str> = photos.iter().map(|p| p.photo.name.as_str()).collect();
    let evaluation = evaluation_of(&names);
    let catalogue = Catalogue::shipped("v1").unwrap();
    let now = Timestamp::from_millis(now);
    finalise(&evaluation, photos, Some(catalogue), now)
        .unwrap()
        .expires_at
}

#[test]
fn the_24_hours_count_from_the_oldest_answer_although_an_outage_came_after_it() {
    let hour = 3_600_000;
    let photos = [
        resting_on("a.jpg", Some(1), None),
        resting_on("b.jpg", Some(12 * hour), None),
    ];
    let expected = Timestamp::from_millis(1).after(CACHED_FOR);
    assert_eq!(expiry_of(&photos, 12 * hour + 5), expected);
}

proptest! {
    #[test]
    fn no_evaluation_outlives_an_answer_that_it_rests_on(
        answers in prop::collection::vec((prop::option::of(0i64..90_000_000), prop::option::of(0i64..90_000_000)), 1..6),
        later in 0i64..50_000_000,
    ) {
        let named = |(at, (answer, reused)): (usize, &(Option<i64>, Option<i64>))| resting_on(&format!("{at}.jpg"), *answer, *reused);
        let photos: Vec<PhotoRecord> = answers.iter().enumerate().map(named).collect();
        let given: Vec<i64> = answers.iter().flat_map(|(answer, reused)| answer.iter().chain(reused)).copied().collect();
        let now = given.iter().max().copied().unwrap_or_default() + later;
        let oldest = given.iter().min().copied().unwrap_or(now);
        prop_assert_eq!(expiry_of(&photos, now), Timestamp::from_millis(oldest).after(CACHED_FOR));
    }
}

#[test]
fn a_broken_answer_makes_no_step_missing_and_is_kept_for_nobody() {
    let evaluation = evaluation_of(&["a.jpg"]);
    let verdict = |partial| {
        let report = Report {
            partial,
            ..answered(1)
        };
        let catalogue = Catalogue::shipped("v1").ok();
        let photos = [with(Some(report))];
        let found = finalise(&evaluation, &photos, catalogue, Timestamp::from_millis(9));
        found.unwrap().judgement
    };
    assert_eq!(verdict(false).verdict, Verdict::Fail);
    let judgement = verdict(true);
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    let missing = |row: &StepVerdict| row.outcome == StepOutcome::Missing;
    assert!(!judgement.steps.iter().any(missing));
    let kept = |partial| {
        let report = Report {
            partial,
            ..answered(1)
        };
        CachedAnswer::of(&id(1), Timestamp::default(), &report).is_some()
    };
    assert!(kept(false) && !kept(true));
}

#[test]
fn releases_read_each_others_reports_of_broken_answers() {
    let partial = Report {
        partial: true,
        ..answered(1)
    };
    let written = serde_json::to_value(&partial).unwrap();
    assert_eq!(written["partial"], true);
    assert_eq!(serde_json::from_value::<Report>(written).unwrap(), partial);
    let whole = serde_json::to_value(answered(1)).unwrap();
    assert_eq!(whole.get("partial"), None, "as it was written before");
    assert_eq!(
        serde_json::from_value::<Report>(whole).unwrap(),
        answered(1)
    );
}
