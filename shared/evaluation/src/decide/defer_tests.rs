//! Putting photos off, as values.

use super::*;
use crate::decide::breaker::FAILURES_TO_OPEN;
use crate::decide::fixtures::{evaluation_of, photo};
use crate::decide::message::Message;
use crate::decide::queue::Queue;
use crate::domain::ids::{DrNumber, PhotoId};

fn record() -> PhotoRecord {
    PhotoRecord::new(photo("a.jpg"))
}

fn note(attempt: u32) -> Deferral {
    let batch = Batch::new(
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
            ..record()
        };
        match on_deferral(&evaluation, &record, &note, &breaker, now) {
            DeferralAction::Resend(resend) => {
                (attempt, faults) = (resend.batch.attempt, resend.batch.faults)
            }
            DeferralAction::GiveUp(report) => {
                assert!(!report.outcome.is_provisional() && report.attempt == attempt);
                return Some(attempt + 1);
            }
            other => panic!("the photo is pending, and nobody has looked: {other:?}"),
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
fn bulk_work_stays_bulk_when_it_is_put_off_until_a_person_joins() {
    let note = Deferral {
        bulk: true,
        ..note(1)
    };
    let queue = |bulk| {
        let evaluation = Evaluation {
            bulk,
            ..evaluation_of(&["a.jpg"])
        };
        let (breaker, now) = (Breaker::default(), Timestamp::default());
        let again = on_deferral(&evaluation, &record(), &note, &breaker, now);
        resent(again).batch.queue()
    };
    assert_eq!((queue(true), queue(false)), (Queue::Bulk, Queue::Batches));
}

#[test]
fn while_the_vlm_is_away_bulk_work_rests_longer_than_what_people_wait_for() {
    let open = Breaker {
        failures: FAILURES_TO_OPEN,
        probe_until: Some(Timestamp::from_millis(1_000_000)),
        ..Breaker::default()
    };
    let note = Deferral {
        cause: DeferralCause::BreakerOpen,
        ..note(1)
    };
    let delay = |bulk| {
        let evaluation = Evaluation {
            bulk,
            ..evaluation_of(&["a.jpg"])
        };
        let again = on_deferral(&evaluation, &record(), &note, &open, Timestamp::default());
        resent(again).delay
    };
    assert!(delay(true) >= Duration::from_secs(450) && delay(false) < Duration::from_secs(300));
}

#[test]
fn a_deferral_that_says_nothing_new_is_not_written_to_the_evaluation() {
    let waits = Evaluation {
        waiting_since: Some(Timestamp::default()),
        waiting_reason: Some(note(1).reason),
        ..evaluation_of(&["a.jpg"])
    };
    assert!(!is_news(&waits, &note(1)));
    assert!(is_news(&evaluation_of(&["a.jpg"]), &note(1)));
    let another_reason = Deferral {
        reason: "busy".into(),
        ..note(1)
    };
    let another_release = Deferral {
        cause: DeferralCause::AnotherRelease,
        ..note(1)
    };
    assert!(is_news(&waits, &another_reason) && is_news(&waits, &another_release));
}

#[test]
fn a_photo_that_this_release_cannot_ask_about_is_no_probe() {
    let open = Breaker {
        failures: FAILURES_TO_OPEN,
        ..Breaker::default()
    };
    let lease = |cause| {
        let evaluation = evaluation_of(&["a.jpg"]);
        let note = Deferral { cause, ..note(1) };
        let again = on_deferral(&evaluation, &record(), &note, &open, Timestamp::default());
        resent(again).probe_lease
    };
    assert!(lease(DeferralCause::BreakerOpen).is_some());
    assert!(lease(DeferralCause::AnotherRelease).is_none());
}

#[test]
fn never_again_work_fails_while_the_gpu_host_is_down_for_hours() {
    let evaluation = evaluation_of(&["a.jpg"]);
    let (mut waited, mut attempt) = (Duration::ZERO, 0);
    while waited < Duration::from_secs(8 * 3600) {
        let record = PhotoRecord {
            attempt,
            ..record()
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
        &record(),
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
    let resend = resent(on_deferral(&evaluation, &record(), &note(3), &closed, now));
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
        ..record()
    };
    assert_eq!(
        on_deferral(&evaluation, &recorded, &note(3), &closed, now),
        DeferralAction::Ignore
    );
    let mut done = evaluation;
    done.pending.remove(&PhotoId::of("a.jpg", "\"a.jpg\""));
    assert_eq!(
        on_deferral(&done, &record(), &note(3), &closed, now),
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
    let resend = resent(on_deferral(&evaluation, &record(), &note(12), &open, now));
    assert!(resend.batch.probe && resend.delay <= Duration::from_secs(20));
    let failed = Deferral {
        probe: true,
        ..note(12)
    };
    let next = resent(on_deferral(&evaluation, &record(), &failed, &open, now));
    assert!(!next.batch.probe, "another photo's turn");
    let lease = resend.probe_lease.unwrap();
    let claimed = Breaker {
        probe_until: Some(lease.until),
        probe_of: Some(lease.of),
        ..open
    };
    let probes = |note| {
        resent(on_deferral(&evaluation, &record(), &note, &claimed, now))
            .batch
            .probe
    };
    assert!(!probes(note(13)), "one is on its way");
    assert!(probes(note(12)), "it may never have been sent");
}

#[test]
fn what_was_seen_first_travels_with_the_photo_and_stands_if_the_closer_look_fails_or_comes_too_late()
 {
    let evaluation = evaluation_of(&["a.jpg"]);
    let findings = Vec::new();
    let seen = Report::bare(
        PhotoOutcome::Evaluated { findings },
        Timestamp::from_millis(3),
    );
    let first = Deferral {
        seen: Some(Box::new(seen.clone())),
        cause: DeferralCause::Failed,
        ..note(0)
    };
    let decide = |note: &Deferral, now| {
        let breaker = Breaker::default();
        on_deferral(&evaluation, &record(), note, &breaker, now)
    };
    let early = Timestamp::from_millis(9);
    let again = resent(decide(&first, early)).batch;
    assert_eq!(again.seen.as_deref(), Some(&seen));
    let last = Deferral {
        faults: FAULTS_TO_GIVE_UP - 1,
        ..first.clone()
    };
    let stands = DeferralAction::FirstLookStands(seen);
    assert_eq!(decide(&last, early), stands);
    let late = evaluation.deadline_at;
    assert_eq!(decide(&first, late), stands);
    let unseen = Deferral {
        seen: None,
        ..first
    };
    resent(decide(&unseen, late));
}

#[test]
fn what_a_person_joined_meanwhile_comes_forward_as_a_later_attempt() {
    let evaluation = Evaluation {
        bulk: true,
        ..evaluation_of(&["a.jpg"])
    };
    let now = Timestamp::from_millis(9);
    let note = Deferral {
        cause: DeferralCause::BreakerOpen,
        ..note(3)
    };
    let breaker = Breaker::default();
    let bulk = resent(on_deferral(&evaluation, &record(), &note, &breaker, now));
    let forward = brought_forward(&bulk, &note, now);
    assert!(bulk.batch.bulk && bulk.delay >= Duration::from_secs(450));
    assert_eq!(forward.batch.queue(), Queue::Batches);
    assert!(forward.batch.attempt > bulk.batch.attempt);
    assert_eq!(
        forward.delay,
        backoff::delay(&note.photo.photo_id, 3, None),
        "as if a person had asked from the start"
    );
    assert_eq!(forward.until, forward.batch.due_at);
    assert!(!forward.batch.probe && forward.probe_lease.is_none());
}

#[test]
fn what_was_put_off_together_is_asked_about_together_and_a_probe_alone() {
    let names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"];
    let (evaluation, now) = (evaluation_of(&names), Timestamp::default());
    let others = names[1..].iter().map(|name| photo(name)).collect();
    let note = Deferral {
        others,
        cause: DeferralCause::BreakerOpen,
        ..note(2)
    };
    let resends = |failures: u32| {
        let mut breaker = Breaker {
            failures,
            ..Breaker::default()
        };
        let each = note.each().map(|note| {
            let record = PhotoRecord::new(note.photo.clone());
            let resend = resent(on_deferral(&evaluation, &record, &note, &breaker, now));
            if let Some(lease) = &resend.probe_lease {
                breaker = breaker.clone().claimed(lease);
            }
            resend
        });
        together(each.collect())
    };
    let sent = |resends: &[Resend]| -> Vec<(usize, bool, u32)> {
        let batches = resends.iter().map(|resend| &resend.batch);
        let each = batches.map(|batch| (batch.photos.len(), batch.probe, batch.attempt));
        each.collect()
    };
    let (closed, open) = (resends(0), resends(FAILURES_TO_OPEN));
    assert_eq!(sent(&closed), [(4, false, 3)]);
    assert_eq!(sent(&open), [(1, true, 3), (3, false, 3)]);
    assert_eq!(closed[0].until, closed[0].batch.due_at);
    assert!(
        open.iter()
            .all(|resend| resend.until == now.after(resend.delay))
    );
}

#[test]
fn only_what_is_alike_is_asked_about_together() {
    let batch = resent(on_deferral(
        &evaluation_of(&["a.jpg"]),
        &record(),
        &note(2),
        &Breaker::default(),
        Timestamp::default(),
    ));
    let other = |change: fn(&mut Batch)| {
        let mut other = batch.clone();
        change(&mut other.batch);
        together(vec![batch.clone(), other]).len()
    };
    let seen = |batch: &mut Batch| {
        let findings = Vec::new();
        let outcome = PhotoOutcome::Evaluated { findings };
        batch.seen = Some(Box::new(Report::bare(outcome, Timestamp::default())));
    };
    assert_eq!(other(|_| ()), 1);
    assert_eq!(other(|batch| batch.bulk = true), 2);
    assert_eq!(other(|batch| batch.faults = 1), 2);
    assert_eq!(other(|batch| batch.attempt = 9), 2);
    assert_eq!(other(|batch| batch.probe = true), 2);
    assert_eq!(other(seen), 2);
}
