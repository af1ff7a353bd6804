//! That the model leaves nothing out, and that it notices what is missing.

use evaluation::decide::update::GuardName;
use evaluation::domain::catalogue::Catalogue;

use super::scenario::{Ask, DAY, End, Faults, Scenario};
use super::{Explored, explore};
use crate::release::Release;

fn scenario(name: &'static str, photos: usize) -> Scenario {
    Scenario::new(name, photos, true, Catalogue::shipped("v1").unwrap()).unwrap()
}

fn one_photo_with_every_fault(whole_items: bool) -> Explored {
    let faults = Faults {
        crashes: 1,
        duplicates: 1,
        repeats: 1,
        ..Faults::default()
    };
    explore(
        Scenario {
            faults,
            times: DAY,
            whole_items,
            ..scenario("one photo", 1)
        },
        None,
    )
}

#[test]
fn showing_processes_only_what_they_look_at_leaves_nothing_out() {
    let (parts, whole) = (
        one_photo_with_every_fault(false),
        one_photo_with_every_fault(true),
    );
    assert!(parts.is_fine() && whole.is_fine(), "{parts:?} {whole:?}");
    assert_eq!(parts.occurred, whole.occurred);
    assert!(parts.states <= whole.states);
}

#[test]
fn the_exhaustive_check_finds_what_goes_wrong_without_a_guard() {
    let asks = vec![Ask::Post, Ask::Post];
    let two_at_once = Scenario {
        asks,
        ends: vec![End::Pass],
        ..scenario("two questions", 1)
    };
    assert!(explore(two_at_once.clone(), None).is_fine());
    assert!(
        !explore(two_at_once, Some(GuardName::FingerprintUnmoved))
            .violations
            .is_empty()
    );
}

#[test]
fn a_fault_that_never_occurs_is_noticed() {
    let never = Scenario {
        ends: vec![End::Fail],
        ..scenario("passes", 1)
    };
    assert!(!explore(never, None).is_fine());
}

#[test]
fn the_exhaustive_check_finds_functions_that_take_themselves_to_know_all_versions() {
    let mixed = Scenario {
        releases: &Release::ALL,
        heedless: true,
        ends: vec![],
        ..scenario("two releases", 1)
    };
    let found = explore(mixed, Some(GuardName::UnknownKnown)).violations;
    let what: Vec<&str> = found.iter().map(|(what, _)| *what).collect();
    assert!(what.iter().any(|what| what.starts_with("12:")), "{what:?}");
}
