//! Devices and cameras that are in two DRs: both say so whenever they are shown, and no verdict changes over it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use evaluation::decide::message::Message;
use evaluation::decide::update::Key;
use evaluation::decide::updates;
use evaluation::domain::ids::{DrNumber, EvaluationId, StepKey};
use evaluation::domain::outcome::{Facts, Finding, PhotoOutcome};
use evaluation::domain::reading::{Flag, FlagCode};
use evaluation::domain::report::Report;
use evaluation::domain::versions::{VersionPart, Versions};
use evaluation::run::aggregate;
use evaluation::run::ports::Ports;
use evaluation::run::show::{Shown, show};
use photos::metadata::Position;
use serde_json::{Value, json};

use super::one_photo::{KEPT_FOR, started};
use super::serial::{Serial, at_once};

const HERE: Position = Position {
    latitude: -26.2,
    longitude: 28.0,
};

fn versions() -> Versions {
    Versions::from_fn(|part| match part {
        VersionPart::Catalogue => "v4".into(),
        other => format!("{other:?}1"),
    })
}

fn dr(number: &str) -> DrNumber {
    DrNumber::parse(number).unwrap()
}

/// What a camera wrote at this minute of an hour, so many degrees north of here.
fn taken(minute: u32, north: f64) -> Value {
    json!({
        "captured_at": format!("2027-01-15T08:{minute:02}:00Z"),
        "camera": "Phone 7",
        "camera_serial": "S1",
        "position": {"latitude": HERE.latitude + north, "longitude": HERE.longitude},
    })
}

/// Evaluates a DR of one photo, which shows an ONT with this serial in its bar code.
fn evaluated(world: &Serial, number: &str, serial: &str, metadata: Value) -> EvaluationId {
    let (id, photo) = started(world, number, &format!("\"{number}\""), &versions());
    let quality = json!({"sharpness": 0.8, "bright": 200, "perceptual_hash": "0123456789abcdef"});
    let facts = json!({"quality": quality, "metadata": metadata});
    let facts: Facts = serde_json::from_value(facts).unwrap();
    let findings = vec![Finding {
        step: StepKey::parse("ont_back_and_barcode").unwrap(),
        score: 8u8.try_into().unwrap(),
        comment: String::new(),
        reading: None,
        fail_code: None,
        code: Some(serial.into()),
        certainty: None,
    }];
    let report = Report {
        facts: Some(facts),
        ..Report::bare(PhotoOutcome::Evaluated { findings }, world.now())
    };
    let message = Message::outcome(&id, &photo, report);
    at_once(aggregate::handle(world, message.clone())).unwrap();
    // Delivered again, it changes nothing.
    let before = digest(world);
    at_once(aggregate::handle(world, message)).unwrap();
    assert_eq!(digest(world), before);
    id
}

fn digest(world: &Serial) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.table.borrow().hash(&mut hasher);
    hasher.finish()
}

fn shown(world: &Serial, id: &EvaluationId) -> Shown {
    at_once(show(world, id)).unwrap().unwrap()
}

/// What an evaluation says of this kind, as it is shown now.
fn flags(world: &Serial, id: &EvaluationId, code: FlagCode) -> Vec<String> {
    let of_code = |flag: Flag| (flag.code == code).then_some(flag.message);
    let flags = shown(world, id).flags.into_iter();
    flags.filter_map(of_code).collect()
}

#[test]
fn a_serial_in_two_drs_is_flagged_on_both_and_on_any_later_one() {
    let world = Serial::new(versions(), None);
    let of = |id| flags(&world, id, FlagCode::SerialInAnotherDr).concat();
    let first = evaluated(&world, "DR1", "ALCLF4A1B2C3", json!({}));
    let before = shown(&world, &first);
    assert_eq!(of(&first), "");
    let other = evaluated(&world, "DR2", "ALCLF4A1B2C4", json!({}));
    assert_eq!(of(&other), "", "another device");
    let second = evaluated(&world, "DR3", "ALCLF4A1B2C3", json!({}));
    world.pass(20 * KEPT_FOR);
    let third = evaluated(&world, "DR4", "ALCLF4A1B2C3", json!({}));
    assert!(of(&first).contains("in DR3"));
    assert!(of(&second).contains("in DR1"), "for ever");
    assert!(of(&third).contains("in DR1"));
    let after = shown(&world, &first);
    assert_eq!(
        before.evaluation, after.evaluation,
        "a flag changes no verdict"
    );
}

#[test]
fn a_camera_in_two_far_places_at_once_is_flagged_in_both() {
    let world = Serial::new(versions(), None);
    let of = |id| flags(&world, id, FlagCode::CameraInTwoPlaces).concat();
    let first = evaluated(&world, "DR1", "ALCL00000001", taken(10, 0.0));
    let near = evaluated(&world, "DR2", "ALCL00000002", taken(20, 0.01));
    assert_eq!((of(&first), of(&near)), (String::new(), String::new()));
    let before = shown(&world, &first);
    let far = evaluated(&world, "DR3", "ALCL00000003", taken(30, 1.0));
    assert!(of(&first).contains("in DR3, 111 km away, 20 minutes apart"));
    assert!(of(&far).contains("in DR1, 111 km away"));
    let after = shown(&world, &first);
    assert_eq!(
        before.evaluation, after.evaluation,
        "a flag changes no verdict"
    );
}

#[test]
fn what_is_noted_of_cameras_and_places_goes_with_the_verdicts() {
    let world = Serial::new(versions(), None);
    let placed = updates::placed(&dr("DR1"), Some(HERE), world.now(), Duration::ZERO);
    at_once(world.update(placed)).unwrap();
    world.pass(Duration::from_secs(60));
    let id = evaluated(&world, "DR1", "ALCL00000001", taken(10, 0.0));
    let table = world.table.borrow();
    let of_item = |key: Key| table.get(&key).unwrap()["ttl"].clone();
    let of_verdict = of_item(Key::Evaluation(id));
    assert_eq!(of_item(Key::Place(dr("DR1"))), of_verdict);
    let cameras: Vec<Value> = table
        .having("was")
        .map(|item| item["ttl"].clone())
        .collect();
    assert_eq!(cameras, [of_verdict]);
}

#[test]
fn where_a_dr_is_expected_to_be_is_compared_from_then_on_and_forgotten() {
    let world = Serial::new(versions(), None);
    let of = |id| flags(&world, id, FlagCode::TakenFarAway).concat();
    let place = |position| {
        let placed = updates::placed(&dr("DR1"), position, world.now(), KEPT_FOR);
        at_once(world.update(placed)).unwrap();
    };
    let id = evaluated(&world, "DR1", "ALCL00000001", taken(10, 0.01));
    assert_eq!(of(&id), "");
    place(Some(HERE));
    assert_eq!(of(&id), "Taken 1112 m from where the DR is");
    let metres: Vec<u64> = shown(&world, &id).metres.into_values().collect();
    assert_eq!(metres, [1112]);
    place(None);
    assert_eq!(
        (of(&id), shown(&world, &id).metres.len()),
        (String::new(), 0)
    );
}
