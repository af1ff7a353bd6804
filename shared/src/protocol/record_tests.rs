//! Recording and finalising, as values.

use super::*;
use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};
use crate::domain::judge::Verdict;
use crate::domain::outcome::{PhotoTimings, ReasonCode};
use crate::domain::plan::{Mode, Photo, Versions, plan};
use crate::protocol::start::{Before, Limits, Request, Reuse, open};

pub(crate) fn evaluation_of(names: &[&str]) -> Evaluation {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photos = names.iter().map(|name| photo(name)).collect();
    let versions = Versions {
        catalogue: "v1".into(),
        model: "m".into(),
        prompt: "p1".into(),
        size_policy: "s1".into(),
    };
    let request = Request {
        dr_number: DrNumber::parse("DR1").unwrap(),
        mode: Mode::Full,
        reuse: Reuse::Settled,
    };
    let limits = Limits {
        photos_per_batch: 4,
        deadline: Duration::from_secs(3600),
    };
    open(
        EvaluationId::generate(),
        &request,
        plan(photos, Mode::Full, &catalogue, &versions),
        versions,
        &limits,
        Before::default(),
        Timestamp::from_millis(0),
    )
    .evaluation
}

pub(crate) fn photo(name: &str) -> Photo {
    Photo::new(
        &format!("photos/DR1/{name}"),
        name,
        &format!("\"{name}\""),
        &Catalogue::shipped("v1").unwrap(),
    )
}

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
fn the_first_outcome_stays_and_repeats_only_settle() {
    let evaluation = evaluation_of(&["a.jpg"]);
    assert_eq!(
        on_outcome(&evaluation, &with(None), &answered(1)),
        OutcomeAction::Record
    );
    assert_eq!(
        on_outcome(&evaluation, &with(Some(answered(1))), &answered(2)),
        OutcomeAction::Settle
    );
    assert_eq!(
        on_outcome(
            &evaluation,
            &with(Some(failed(ReasonCode::PhotoGone))),
            &answered(2)
        ),
        OutcomeAction::Settle
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
            OutcomeAction::Settle
        );
    }
}

#[test]
fn nothing_changes_a_settled_verdict() {
    let mut evaluation = evaluation_of(&["a.jpg"]);
    evaluation.judgement = Some(Judgement {
        verdict: Verdict::Pass,
        average_score: None,
        steps: vec![],
        flags: vec![],
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
fn it_is_due_when_nothing_is_pending_and_until_it_is_settled() {
    let mut evaluation = evaluation_of(&["a.jpg"]);
    assert!(!is_due(&evaluation));
    evaluation.pending.clear();
    assert!(is_due(&evaluation));
    evaluation.judgement = Some(Judgement {
        verdict: Verdict::Incomplete,
        average_score: None,
        steps: vec![],
        flags: vec![],
    });
    assert!(is_due(&evaluation));
    evaluation.judgement = Some(Judgement {
        verdict: Verdict::Fail,
        average_score: None,
        steps: vec![],
        flags: vec![],
    });
    assert!(!is_due(&evaluation));
}

#[test]
fn judging_again_without_a_change_writes_nothing() {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let mut evaluation = evaluation_of(&["a.jpg"]);
    let provisional = [with(Some(failed(ReasonCode::Deadline)))];
    let now = Timestamp::from_millis(100);
    let first = finalise(&evaluation, &provisional, &catalogue, now).unwrap();
    assert_eq!(first.judgement.verdict, Verdict::Incomplete);
    evaluation.judgement = Some(first.judgement);
    assert_eq!(finalise(&evaluation, &provisional, &catalogue, now), None);
    let upgraded = finalise(&evaluation, &[with(Some(answered(1)))], &catalogue, now).unwrap();
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
        finalise(&evaluation, &[with(Some(answered(1)))], &catalogue, now),
        None
    );
    assert_eq!(
        finalise(
            &evaluation,
            &[with(Some(answered(1))), b(None)],
            &catalogue,
            now
        ),
        None
    );
    assert!(
        finalise(
            &evaluation,
            &[with(Some(answered(1))), b(Some(answered(2)))],
            &catalogue,
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
        &Catalogue::shipped("v1").unwrap(),
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

fn note(attempt: u32) -> Deferral {
    let batch = Message::batch(
        &evaluation_of(&["a.jpg"]).evaluation_id,
        &DrNumber::parse("DR1").unwrap(),
        vec![],
        Timestamp::default(),
    );
    let batch = Batch { attempt, ..batch };
    let why = (DeferralCause::Unavailable, "away".to_string());
    match Message::deferral(
        &batch,
        &photo("a.jpg"),
        why,
        None,
        Timestamp::from_millis(0),
    ) {
        Message::Deferral(note) => note,
        other => panic!("{other:?}"),
    }
}

/// How a photo is sent again, which it must be.
fn resent(action: DeferralAction) -> Resend {
    match action {
        DeferralAction::Resend(resend) => resend,
        other => panic!("a photo that waits is always sent again: {other:?}"),
    }
}

/// Sends a photo again and again while the server fails at it, `failures` being held against the server each time.
fn failing(failures: u32, cause: DeferralCause) -> Option<u32> {
    let evaluation = evaluation_of(&["a.jpg"]);
    let (breaker, now) = (
        Breaker {
            failures,
            ..Breaker::default()
        },
        Timestamp::from_millis(9),
    );
    let (mut attempt, mut faults) = (0, 0);
    while attempt < 100 {
        let note = Deferral {
            cause,
            faults,
            ..note(attempt)
        };
        let record = PhotoRecord {
            attempt,
            ..with(None)
        };
        match on_deferral(&evaluation, &record, &note, &breaker, now) {
            DeferralAction::Resend(resend) => {
                (attempt, faults) = (resend.batch.attempt, resend.batch.faults)
            }
            DeferralAction::GiveUp(report) => {
                assert!(!report.outcome.is_provisional() && report.attempt == attempt);
                return Some(attempt + 1);
            }
            DeferralAction::Ignore => panic!("the photo is pending"),
        }
    }
    None
}

#[test]
fn a_photo_that_the_server_fails_at_while_it_answers_others_is_given_up_the_third_time() {
    assert_eq!(failing(0, DeferralCause::Failed), Some(3));
    assert_eq!(
        failing(1, DeferralCause::Failed),
        None,
        "nobody is answered: it may be an outage"
    );
    assert_eq!(failing(0, DeferralCause::Unavailable), None);
    assert_eq!(failing(0, DeferralCause::Overloaded), None);
}

#[test]
fn bulk_work_stays_bulk_when_it_is_put_off() {
    let note = Deferral {
        bulk: true,
        ..note(1)
    };
    let evaluation = evaluation_of(&["a.jpg"]);
    let again = on_deferral(
        &evaluation,
        &with(None),
        &note,
        &Breaker::default(),
        Timestamp::default(),
    );
    assert!(Message::Batch(resent(again).batch).is_bulk());
}

#[test]
fn never_again_work_fails_while_the_gpu_host_is_down_for_hours() {
    let evaluation = evaluation_of(&["a.jpg"]);
    let (mut waited, mut attempt) = (Duration::ZERO, 0);
    while waited < Duration::from_secs(8 * 3600) {
        let record = PhotoRecord {
            attempt,
            ..with(None)
        };
        let resend = resent(on_deferral(
            &evaluation,
            &record,
            &note(attempt),
            &Breaker::default(),
            Timestamp::default(),
        ));
        waited += resend.delay + Duration::from_secs(1);
        attempt = resend.batch.attempt;
    }
    assert!(attempt < 1000, "eight hours take {attempt} messages");
}

#[test]
fn never_again_every_call_is_tried_once() {
    let evaluation = evaluation_of(&["a.jpg"]);
    resent(on_deferral(
        &evaluation,
        &with(None),
        &note(0),
        &Breaker::default(),
        Timestamp::default(),
    ));
}

#[test]
fn a_deferred_photo_is_sent_again_once_with_the_next_attempt() {
    let evaluation = evaluation_of(&["a.jpg"]);
    let now = Timestamp::from_millis(0);
    let closed = Breaker::default();
    let resend = resent(on_deferral(
        &evaluation,
        &with(None),
        &note(3),
        &closed,
        now,
    ));
    assert_eq!(
        (
            resend.batch.attempt,
            resend.batch.probe,
            resend.batch.photos.len()
        ),
        (4, false, 1)
    );
    let recorded = PhotoRecord {
        attempt: 4,
        ..with(None)
    };
    assert_eq!(
        on_deferral(&evaluation, &recorded, &note(3), &closed, now),
        DeferralAction::Ignore
    );
    let mut done = evaluation;
    done.pending.remove(&PhotoId::of("a.jpg", "\"a.jpg\""));
    assert_eq!(
        on_deferral(&done, &with(None), &note(3), &closed, now),
        DeferralAction::Ignore
    );
}

#[test]
fn while_the_breaker_is_open_one_resent_message_may_probe() {
    let evaluation = evaluation_of(&["a.jpg"]);
    let now = Timestamp::from_millis(0);
    let open = Breaker {
        failures: breaker::FAILURES_TO_OPEN,
        ..Breaker::default()
    };
    let resend = resent(on_deferral(&evaluation, &with(None), &note(12), &open, now));
    assert!(resend.batch.probe && resend.delay <= Duration::from_secs(20));
    let failed = Deferral {
        probe: true,
        ..note(12)
    };
    let next = resent(on_deferral(&evaluation, &with(None), &failed, &open, now));
    assert!(!next.batch.probe, "another photo's turn");
    let claimed = Breaker {
        probe_until: resend.probe_lease,
        ..open
    };
    assert!(
        !resent(on_deferral(
            &evaluation,
            &with(None),
            &note(12),
            &claimed,
            now
        ))
        .batch
        .probe
    );
}
