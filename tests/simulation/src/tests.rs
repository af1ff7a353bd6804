//! Some hundred seeds, and that each guard which the model can miss is missed.

use shared::domain::catalogue::Catalogue;

use crate::seeds::run;

#[test]
fn some_hundred_seeds_hold() {
    let catalogue = Catalogue::shipped("v1").unwrap();
    for seed in 0..300 {
        let outcome = run(seed, &catalogue, None);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
}
