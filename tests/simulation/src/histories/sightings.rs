//! Photos that are used in two DRs: the aggregator says so, and loses no outcome over it.

use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::message::Message;
use evaluation::decide::photo_record::PhotoRecord;
use evaluation::decide::sighting::{Elsewhere, Likeness, Mark};
use evaluation::decide::update::{Key, Put};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::outcome::{Facts, PhotoOutcome};
use evaluation::domain::report::Report;
use evaluation::run::aggregate;
use evaluation::run::ports::Ports;
use serde_json::json;

use super::one_photo::started;
use super::past::versions;
use super::serial::{Serial, at_once};

/// Evaluates a DR of one photo; its record, and the flags of the verdict.
fn evaluated(world: &Serial, dr: &str, etag: &str, hash: &str) -> (PhotoRecord, usize) {
    let (id, photo) = started(world, dr, etag, &versions());
    let quality = json!({"sharpness": 0.8, "bright": 200, "perceptual_hash": hash});
    let facts: Facts = serde_json::from_value(json!({"quality": quality})).unwrap();
    let outcome = PhotoOutcome::Evaluated { findings: vec![] };
    let report = Report {
        facts: Some(facts),
        ..Report::bare(outcome, world.now())
    };
    let message = Message::outcome(&id, &photo, report);
    at_once(aggregate::handle(world, message)).unwrap();
    let (mut records, evaluation) = (
        at_once(world.photos(&id)).unwrap(),
        at_once(world.get(Key::Evaluation(id))),
    );
    let evaluation: Evaluation = evaluation.unwrap().unwrap();
    (records.remove(0), evaluation.judgement.unwrap().flags.len())
}

fn elsewhere(dr: &str, how: Likeness) -> Option<Elsewhere> {
    Some(Elsewhere {
        dr_number: DrNumber::parse(dr).unwrap(),
        photo: "a.jpg".into(),
        how,
    })
}

const HASH: &str = "0123456789abcdef";
/// Two bits of it changed.
const NEAR: &str = "0123456789abcdec";
/// Three.
const FAR: &str = "0123456789abcde8";

#[test]
fn a_photo_points_to_the_dr_that_used_it_first() {
    let world = Serial::new(versions(), None);
    let of = |dr, etag, hash| {
        let (record, flags) = evaluated(&world, dr, etag, hash);
        assert_eq!(flags, usize::from(record.also_in.is_some()));
        record.also_in
    };
    assert_eq!(of("DR1", "\"x\"", HASH), None);
    assert_eq!(
        of("DR2", "\"x\"", HASH),
        elsewhere("DR1", Likeness::SameFile)
    );
    assert_eq!(
        of("DR3", "\"y\"", NEAR),
        elsewhere("DR1", Likeness::LooksTheSame)
    );
    assert_eq!(of("DR4", "\"z\"", FAR), None);
    assert_eq!(
        of("DR1", "\"x\"", HASH),
        None,
        "who was first points to nobody"
    );
}

#[test]
fn a_sighting_that_can_t_be_read_costs_a_flag_and_no_outcome() {
    let world = Serial::new(versions(), None);
    let garbage = Put {
        key: Key::Sighting(Mark::File("\"x\"".into())),
        guards: vec![],
        item: json!({"dr_number": 7}),
    };
    assert!(world.table.borrow_mut().put(&garbage));
    let (record, flags) = evaluated(&world, "DR1", "\"x\"", HASH);
    assert!(record.is_answered());
    assert_eq!(flags, 0);
}
