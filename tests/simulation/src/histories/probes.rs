//! Probes: whatever becomes of one, its lease ends with it and another may be sent.

use std::time::Duration;

use evaluation::decide::breaker::{Breaker, FAILURES_TO_OPEN};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::{Batch, DeferralCause, Look, Message};
use evaluation::decide::update::{GuardName, Key, Members, Update, UpdateAction};
use evaluation::decide::updates;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{EvaluationId, PhotoId};
use evaluation::domain::outcome::{PhotoOutcome, ReasonCode};
use evaluation::domain::plan::Photo;
use evaluation::domain::report::Report;
use evaluation::domain::time::Timestamp;
use evaluation::domain::versions::Versions;
use evaluation::run::batch::{AttemptResult, PhotoEvaluator};
use evaluation::run::error::RunError;
use evaluation::run::ports::{Ports, Queue};
use evaluation::run::{aggregate, batch};
use serde_json::json;

use super::one_photo::{by_uploads, by_uploads_of};
use super::past::versions;
use super::serial::{Serial, at_once};

/// Says the same of every photo, or knows no versions.
struct Says(Option<AttemptResult>);

impl PhotoEvaluator for Says {
    async fn knows(&self, _: &Versions) -> Result<bool, RunError> {
        Ok(self.0.is_some())
    }

    async fn look(&self, _: &Look, _: Timestamp) -> Result<AttemptResult, RunError> {
        Ok(AttemptResult::NotNeeded)
    }

    async fn evaluate(
        &self,
        _: &Evaluation,
        _: &Batch,
        _: &Photo,
        _: Timestamp,
    ) -> Result<AttemptResult, RunError> {
        Ok(self.0.clone().unwrap_or(AttemptResult::NotNeeded))
    }
}

fn reported(outcome: PhotoOutcome) -> AttemptResult {
    AttemptResult::Reported(Box::new(Report::bare(outcome, Timestamp::default())))
}

fn put_off(cause: DeferralCause) -> AttemptResult {
    AttemptResult::Deferred {
        why: (cause, "away".into()),
        retry_after: None,
        seen: None,
    }
}

fn breaker(world: &Serial) -> Breaker {
    let found: Option<Breaker> = at_once(world.get(Key::Breaker)).unwrap();
    found.unwrap_or_default()
}

/// The next message of the batches' queues.
fn next_batch(world: &Serial) -> Batch {
    let mut queue = world.queue.borrow_mut();
    let at = queue
        .iter()
        .position(|(_, message)| matches!(message, Message::Batch(_)));
    match at.and_then(|at| queue.remove(at)) {
        Some((_, Message::Batch(batch))) => batch,
        other => panic!("no batch was sent: {other:?}"),
    }
}

/// Hands a batch to a function that says this of its photo, and all that it says to the aggregator.
fn work(world: &Serial, batch: &Batch, says: Option<AttemptResult>) {
    at_once(batch::handle(world, &Says(says), batch)).unwrap();
    let told: Vec<(Queue, Message)> = world.queue.borrow_mut().drain(..).collect();
    for (queue, message) in told {
        assert_eq!(queue, Queue::Results);
        at_once(aggregate::handle(world, message)).unwrap();
    }
}

/// A world whose VLM is taken to be away.
fn away() -> Serial {
    let world = Serial::new(versions(), None);
    for _ in 0..FAILURES_TO_OPEN {
        at_once(world.update(updates::failure("away", world.now()))).unwrap();
    }
    world
}

/// The first message of an evaluation of this DR.
fn started(world: &Serial, dr: &str) -> (Batch, EvaluationId, PhotoId) {
    let (evaluation, photo) = by_uploads(world, dr, "\"1\"", &versions());
    (next_batch(world), evaluation, photo)
}

/// A world with the probe that was just sent.
fn probing() -> (Serial, Batch) {
    let world = away();
    let (first, ..) = started(&world, "DR1");
    work(&world, &first, Some(put_off(DeferralCause::BreakerOpen)));
    let probe = next_batch(&world);
    assert!(probe.probe && breaker(&world).probe_until.is_some());
    (world, probe)
}

fn change(world: &Serial, key: Key, action: UpdateAction) {
    let update = Update {
        key,
        guards: Vec::new(),
        actions: vec![action],
    };
    at_once(world.update(update)).unwrap();
}

/// What may become of a probe.
type Ending = (&'static str, fn(&Serial, &Batch));

const ENDINGS: [Ending; 12] = [
    ("it is answered", |world, probe| {
        let findings = Vec::new();
        work(
            world,
            probe,
            Some(reported(PhotoOutcome::Evaluated { findings })),
        );
    }),
    ("the VLM is still away", |world, probe| {
        work(world, probe, Some(put_off(DeferralCause::Unavailable)));
    }),
    (
        "its photo has an outcome that is no answer",
        |world, probe| {
            let outcome = PhotoOutcome::not_evaluated(ReasonCode::NotAnImage, "no photo");
            work(world, probe, Some(reported(outcome)));
        },
    ),
    ("its photo is not needed any more", |world, probe| {
        work(world, probe, Some(AttemptResult::NotNeeded));
    }),
    ("its release is another one", |world, probe| {
        work(world, probe, None)
    }),
    ("its evaluation was replaced", |world, probe| {
        let key = Key::Evaluation(probe.evaluation_id.clone());
        change(
            world,
            key,
            UpdateAction::Set("superseded_by", json!(probe.evaluation_id)),
        );
        work(world, probe, Some(put_off(DeferralCause::Unavailable)));
    }),
    ("its photo has its outcome already", |world, probe| {
        let key = Key::Evaluation(probe.evaluation_id.clone());
        let photo = Members::one(&probe.photos[0].photo_id);
        change(world, key, UpdateAction::DeleteMembers("pending", photo));
        work(world, probe, Some(put_off(DeferralCause::Unavailable)));
    }),
    ("its evaluation is gone", |world, probe| {
        let key = Key::Evaluation(probe.evaluation_id.clone());
        at_once(world.delete_all(vec![key])).unwrap();
        work(world, probe, Some(put_off(DeferralCause::Unavailable)));
    }),
    ("its photo was sent again meanwhile", |world, probe| {
        let key = Key::Photo(
            probe.evaluation_id.clone(),
            probe.photos[0].photo_id.clone(),
        );
        change(
            world,
            key,
            UpdateAction::Set("attempt", json!(probe.attempt + 1)),
        );
        work(world, probe, Some(put_off(DeferralCause::Unavailable)));
    }),
    ("its photo is given up", |world, probe| {
        let faults = 3;
        let probe = &Batch {
            faults,
            ..probe.clone()
        };
        work(world, probe, Some(put_off(DeferralCause::Failed)));
    }),
    ("its photo's first look stands", |world, probe| {
        let outcome = PhotoOutcome::Evaluated {
            findings: Vec::new(),
        };
        let seen = Some(Box::new(Report::bare(outcome, world.now())));
        let probe = &Batch {
            faults: 3,
            seen,
            ..probe.clone()
        };
        work(world, probe, Some(put_off(DeferralCause::Failed)));
    }),
    ("it comes to the dead-letter queue", |world, probe| {
        at_once(aggregate::handle(world, Message::Batch(probe.clone()))).unwrap();
    }),
];

#[test]
fn whatever_becomes_of_a_probe_another_may_be_sent() {
    let keeps_it = |(ending, end): &Ending| {
        let (world, probe) = probing();
        end(&world, &probe);
        breaker(&world).probe_until.map(|_| *ending)
    };
    let keep: Vec<&str> = ENDINGS.iter().filter_map(keeps_it).collect();
    assert!(keep.is_empty(), "the lease is kept where {keep:?}");
}

#[test]
fn who_claimed_the_probe_and_ended_before_it_was_sent_sends_it_when_begun_again() {
    let world = away();
    let (first, ..) = started(&world, "DR1");
    let says = Says(Some(put_off(DeferralCause::BreakerOpen)));
    at_once(batch::handle(&world, &says, &first)).unwrap();
    let (_, word) = world.queue.borrow_mut().pop_back().unwrap();
    world.is_full.set(true);
    at_once(aggregate::handle(&world, word.clone())).unwrap_err();
    assert!(
        breaker(&world).probe_until.is_some(),
        "it was claimed, and not sent"
    );
    world.is_full.set(false);
    at_once(aggregate::handle(&world, word)).unwrap();
    assert!(next_batch(&world).probe);
}

/// Whether another probe has kept its lease when a word on the one before it came a second time.
fn keeps_its_lease_without(guard: Option<GuardName>) -> bool {
    let (world, probe) = probing();
    world.table.borrow_mut().without = guard;
    let says = Says(Some(put_off(DeferralCause::Unavailable)));
    at_once(batch::handle(&world, &says, &probe)).unwrap();
    let (_, word) = world.queue.borrow_mut().pop_back().unwrap();
    at_once(aggregate::handle(&world, word.clone())).unwrap();
    world.queue.borrow_mut().clear();
    let (first, ..) = started(&world, "DR2");
    work(&world, &first, Some(put_off(DeferralCause::BreakerOpen)));
    let other = next_batch(&world).probe();
    assert!(other.is_some() && breaker(&world).probe_of == other);
    at_once(aggregate::handle(&world, word)).unwrap();
    breaker(&world).probe_of == other
}

/// Whether a word on one probe ends another's lease without this guard.
pub(crate) fn found_without(guard: GuardName) -> Option<u64> {
    (!keeps_its_lease_without(Some(guard))).then_some(0)
}

#[test]
fn a_late_word_on_one_probe_leaves_another_its_lease() {
    assert!(keeps_its_lease_without(None));
}

#[test]
fn photos_about_which_nobody_was_asked_wait_as_one_message_and_none_is_forgotten() {
    let world = away();
    let catalogue = Catalogue::shipped("v1").unwrap();
    let photo = |number| {
        let name = format!("{number}.jpg");
        let key = format!("photos/DR1/{name}");
        Photo::new(&key, &name, &format!("\"{number}\""), catalogue)
    };
    let photos: Vec<Photo> = (1..=3).map(photo).collect();
    let id = by_uploads_of(&world, "DR1", photos.clone(), &versions());
    let first = Batch {
        photos,
        ..next_batch(&world)
    };
    world.queue.borrow_mut().clear();
    work(&world, &first, Some(put_off(DeferralCause::Unavailable)));
    let (probe, rest) = (next_batch(&world), next_batch(&world));
    assert!(world.queue.borrow().is_empty());
    assert_eq!((probe.photos.len(), probe.probe), (1, true));
    assert_eq!((rest.photos.len(), rest.probe), (2, false));
    let kept = at_once(world.photos(&id)).unwrap();
    assert_eq!(kept.iter().filter(|photo| photo.attempt == 1).count(), 3);
    work(&world, &rest, Some(put_off(DeferralCause::Unavailable)));
    assert_eq!(next_batch(&world).photos.len(), 2, "they stay together");
}

#[test]
fn what_was_seen_before_the_vlm_went_does_not_bring_it_back() {
    let world = Serial::new(versions(), None);
    let (first, id, photo) = started(&world, "DR1");
    let seen = PhotoOutcome::Evaluated {
        findings: Vec::new(),
    };
    let seen = Report::bare(seen, world.now());
    world.pass(Duration::from_secs(60));
    for _ in 0..FAILURES_TO_OPEN {
        at_once(world.update(updates::failure("away", world.now()))).unwrap();
    }
    // Its evaluation has ended; the message that waited for the closer look says what was seen first.
    let key = Key::Evaluation(id.clone());
    let gone = UpdateAction::DeleteMembers("pending", Members::one(&photo));
    change(&world, key, gone);
    let waited = Batch {
        seen: Some(Box::new(seen.clone())),
        ..first
    };
    work(&world, &waited, Some(put_off(DeferralCause::Unavailable)));
    assert!(breaker(&world).is_open());
    let told_late = Message::outcome(&id, &photo, seen.clone());
    at_once(aggregate::handle(&world, told_late)).unwrap();
    assert!(breaker(&world).is_open());
    let (id, photo) = by_uploads(&world, "DR2", "\"2\"", &versions());
    let at = world.now();
    let answer = Message::outcome(&id, &photo, Report { at, ..seen });
    at_once(aggregate::handle(&world, answer)).unwrap();
    assert!(!breaker(&world).is_open());
}

#[test]
fn while_two_releases_run_each_photo_is_put_off_alone() {
    let world = Serial::new(versions(), None);
    let (first, ..) = started(&world, "DR1");
    let photos = vec![first.photos[0].clone(); 3];
    let batch = Batch { photos, ..first };
    at_once(batch::handle(&world, &Says(None), &batch)).unwrap();
    let queue = world.queue.borrow();
    let alone =
        |message: &Message| matches!(message, Message::Deferral(note) if note.others.is_empty());
    assert_eq!(queue.len(), 3);
    assert!(queue.iter().all(|(_, message)| alone(message)));
}
