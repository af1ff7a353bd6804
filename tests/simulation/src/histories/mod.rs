//! Random histories of uploads, deletions, renamings, evaluations, new versions and passing time: no answer is ever
//! stale or another one's, and none would hold without any one part of any key.
//!
//! A history runs the flows themselves, one after another and without faults (those are for the seeded days); the model
//! behind them answers with everything that its answer depended on, so that any answer can be checked.

mod catalogues;
mod devices;
mod law;
mod looks;
mod one_photo;
mod past;
pub(crate) mod probes;
pub(crate) mod reviews;
mod serial;
mod sightings;

use std::time::Duration;

use evaluation::decide::message::Message;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::key::KeyPart;
use evaluation::domain::versions::VersionPart;
use evaluation::run::uploads;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use past::{Event, Past};
use serial::{LeftOut, Serial, at_once};

/// Histories that must hold.
const HISTORIES: u32 = 1_000;
/// Histories among which one must fail if a part is left out.
const HISTORIES_WITHOUT: u32 = 4_000;

/// Parts of the key of an evaluation.
fn of_fingerprint() -> impl Iterator<Item = KeyPart> {
    let own = [KeyPart::Dr, KeyPart::Name, KeyPart::Content, KeyPart::Mode];
    own.into_iter().chain(versions())
}

/// Parts of the key of a model's answer about a photo.
fn of_answer() -> impl Iterator<Item = KeyPart> {
    let own = [KeyPart::Content, KeyPart::Hint, KeyPart::Scope];
    own.into_iter().chain(versions())
}

fn versions() -> impl Iterator<Item = KeyPart> {
    VersionPart::ALL.iter().copied().map(KeyPart::Version)
}

fn event() -> impl Strategy<Value = Event> {
    let (dr, name, content) = (0..2usize, 0..past::NAMES.len(), 0..past::CONTENTS);
    prop_oneof![
        4 => (dr.clone(), name.clone(), content.clone()).prop_map(|(dr, name, content)| Event::Put { dr, name, content }),
        2 => (dr.clone(), name.clone(), content.clone()).prop_map(|(dr, name, content)| Event::Look { dr, name, content }),
        1 => (dr.clone(), name.clone()).prop_map(|(dr, name)| Event::Delete { dr, name }),
        1 => (dr.clone(), name.clone(), name).prop_map(|(dr, from, to)| Event::Rename { dr, from, to }),
        6 => (dr.clone(), any::<bool>(), prop::bool::weighted(0.15))
            .prop_map(|(dr, quick, force)| Event::Evaluate { dr, quick, force }),
        2 => (0..VersionPart::ALL.len()).prop_map(Event::NewVersion),
        1 => (1..30u64).prop_map(Event::Hours),
        1 => (1..13u64).prop_map(Event::Outage),
        1 => prop::option::of(dr).prop_map(Event::Empty),
        1 => any::<bool>().prop_map(Event::Refuse),
    ]
}

/// The shortest history found in which an answer is wrong, if there is one.
fn counterexample(histories: u32, left_out: Option<LeftOut>) -> Option<(String, Vec<Event>)> {
    let config = Config {
        cases: histories,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&prop::collection::vec(event(), 1..40), |events| {
        Past::new(left_out)
            .live(&events)
            .map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => None,
        Err(TestError::Fail(why, events)) => Some((why.to_string(), events)),
        Err(aborted) => panic!("{aborted}"),
    }
}

#[test]
fn no_history_leads_to_a_stale_or_foreign_answer() {
    if let Some((why, events)) = counterexample(HISTORIES, None) {
        panic!("{why}: {events:#?}");
    }
}

#[test]
fn without_any_one_part_of_any_key_some_history_does() {
    let fingerprint = of_fingerprint().map(LeftOut::OfFingerprint);
    let all = fingerprint.chain(of_answer().map(LeftOut::OfAnswer));
    let missed: Vec<_> = all
        .filter(|part| counterexample(HISTORIES_WITHOUT, Some(*part)).is_none())
        .collect();
    assert!(
        missed.is_empty(),
        "these parts can be left out without anybody noticing: {missed:?}"
    );
}

#[test]
fn only_the_last_upload_finds_its_dr_quiet() {
    let world = Serial::new(past::versions(), None);
    let dr = DrNumber::parse("DR1").unwrap();
    for _ in 0..3 {
        at_once(uploads::note_upload(
            &world,
            &dr,
            world.now.get(),
            Duration::from_secs(60),
        ))
        .unwrap();
        world.pass(Duration::from_secs(5));
    }
    let looks = world
        .queue
        .take()
        .into_iter()
        .filter_map(|(_, message)| match message {
            Message::QuietCheck(look) => Some(at_once(uploads::is_quiet(&world, &look)).unwrap()),
            _ => None,
        });
    assert_eq!(looks.collect::<Vec<_>>(), [false, false, true]);
}
