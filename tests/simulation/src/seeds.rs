//! What a seed stands for: the day's size, its faults, its outage.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::domain::catalogue::Catalogue;

use crate::day::{Day, VLM_BOUND, asking, make_dr};
use crate::invariants::{Ends, at_the_end};
use crate::random::Random;
use crate::world::{Rates, Violation, World};

/// What a day came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How its evaluations ended.
    pub ends: Ends,
    /// Faults that happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each guard was against a write.
    pub refusals: BTreeMap<&'static str, u64>,
    /// Messages left for people.
    pub parked: u64,
    /// What can't be true and was.
    pub violations: Vec<Violation>,
}

/// Runs the day of a seed, with one guard switched off if so named.
pub fn run(seed: u64, catalogue: &Catalogue, without: Option<&str>) -> Outcome {
    let mut random = Random::new(seed ^ 0x5EED);
    let rare = |random: &mut Random, most: u64| if random.chance(500_000) { random.below(most) } else { 0 };
    let rates = Rates {
        crash: rare(&mut random, 30_000),
        duplicate: rare(&mut random, 200_000),
        throttle: rare(&mut random, 20_000),
        partial_send: rare(&mut random, 100_000),
        overloaded: rare(&mut random, 200_000),
        timed_out: rare(&mut random, 50_000),
    };
    let mut world = World::new(seed, rates);
    world.table.without = without.map(String::from);
    world.skew_ms = if random.chance(300_000) { 2_000 } else { 0 };
    let begun = world.now;
    // One seed in fifty is a large day, one in ten has an outage of up to six hours.
    let drs = if random.chance(20_000) { 20 + random.below(200) } else { 1 + random.below(3) };
    if random.chance(100_000) {
        let from = begun.after(Duration::from_secs(random.below(3_600)));
        world.outage = (from, from.after(Duration::from_secs(60 + random.below(6 * 3_600))));
    }
    let mut askings = Vec::new();
    for number in 0..drs as usize {
        let photos = 1 + random.index(24);
        let Some((dr, photos)) = make_dr(&mut world, number, photos, catalogue) else { continue };
        let at = begun.after(Duration::from_secs(random.below(drs * 600)));
        askings.push(asking(at, &dr, &photos, false, catalogue));
        while random.chance(300_000) {
            let later = at.after(Duration::from_millis(random.below(40) * random.below(1_000)));
            askings.push(asking(later, &dr, &photos, random.chance(400_000), catalogue));
        }
    }
    let (mut world, parked) = Day::new(world, askings).run();
    if world.most_in_flight > VLM_BOUND {
        world.violation(format!("7: {} requests in flight", world.most_in_flight));
    }
    let ends = at_the_end(&mut world);
    Outcome { ends, faults: world.faults, refusals: world.table.refusals, parked, violations: world.violations }
}
