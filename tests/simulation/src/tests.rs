//! Some hundred seeds, and that no guard can be left out.

use shared::domain::catalogue::Catalogue;
use shared::protocol::write::GuardName;

use crate::seeds::run;

#[test]
fn some_hundred_seeds_hold() {
    let catalogue = Catalogue::shipped("v1").unwrap();
    for seed in 0..300 {
        let outcome = run(seed, &catalogue, None);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
}

/// The first dense seed that finds a violation without this guard. Dense seeds find what there is to find soonest.
fn found_without(guard: GuardName, catalogue: &Catalogue) -> Option<u64> {
    (0..3_000).map(|n| n * 3).find(|seed| !run(*seed, catalogue, Some(guard)).violations.is_empty())
}

#[test]
fn without_any_one_guard_an_invariant_is_violated() {
    let catalogue = Catalogue::shipped("v1").unwrap();
    let found = GuardName::ALL.map(|guard| (guard, found_without(guard, &catalogue)));
    let missed: Vec<_> = found.iter().filter(|(_, seed)| seed.is_none()).map(|(guard, _)| guard).collect();
    assert!(
        missed.is_empty(),
        "these guards can be left out without anybody noticing: {missed:?}; the others: {found:?}"
    );
}
