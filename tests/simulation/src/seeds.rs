//! What a seed stands for: the day's size, its faults, its outage.

use std::collections::BTreeMap;
use std::time::Duration;

use evaluation::decide::update::GuardName;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::plan::Mode;
use evaluation::domain::time::Timestamp;

use crate::day::{Asking, Day, VLM_BOUND, asking, make_dr};
use crate::ends::{Ends, at_the_end};
use crate::invariants::Violation;
use crate::random::Random;
use crate::world::{Rates, Spans, World};

/// So many of a million answers are slow where most are.
const MOSTLY: u64 = 800_000;

/// So many of a million photos wait for a closer look, on one day in five.
const CLOSER: u64 = 100_000;

/// What a day came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How its evaluations ended.
    pub ends: Ends,
    /// Faults that happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// How often each guard was against a write.
    pub refusals: BTreeMap<GuardName, u64>,
    /// Messages left for people.
    pub parked: u64,
    /// What can't be true and was.
    pub violations: Vec<Violation>,
}

/// Runs the day of a seed, with one guard switched off if so named.
///
/// A third of the seeds are dense: few photos, short deadlines, and everything happens at once; in a third of these
/// most answers come after the deadline. Of the others one in fifty is a large day, and one in ten has an outage of
/// up to eight hours. On one day in five, photos wait for a closer look; on one in four, uploads are looked at, and on
/// another one completions are told: both only add steps to what the others find.
pub fn run(seed: u64, catalogue: &Catalogue, without: Option<GuardName>) -> Outcome {
    let mut random = Random::new(seed ^ 0x5EED);
    let dense = seed.is_multiple_of(3);
    let spans = if dense { Spans::SHORT } else { Spans::STANDARD };
    let mut rates = rates(&mut random, dense);
    if seed.is_multiple_of(9) {
        rates.slow = MOSTLY;
    }
    if seed.is_multiple_of(5) {
        rates.closer_look = CLOSER;
    }
    let mut world = World::new(seed, rates, spans);
    world.looks = seed.is_multiple_of(4);
    world.telling.silent = seed % 4 != 1;
    world.table.without = without;
    world.skew_ms = if random.chance(300_000) { 2_000 } else { 0 };
    let begun = world.now;
    let (within, most) = if dense { (20, 120) } else { (3_600, 8 * 3_600) };
    if random.chance(if dense { 300_000 } else { 100_000 }) {
        let from = begun.after(Duration::from_secs(random.below(within)));
        world.outage = (
            from,
            from.after(Duration::from_secs(10 + random.below(most))),
        );
    }
    if random.chance(300_000) {
        world.deployed = deployments(&mut random, begun, within);
    }
    let askings = askings(&mut world, &mut random, dense, catalogue);
    let (mut world, parked) = Day::new(world, askings).run();
    if world.most_in_flight > VLM_BOUND {
        world.violation(format!("7: {} requests in flight", world.most_in_flight));
    }
    let ends = at_the_end(&mut world);
    Outcome {
        ends,
        faults: world.faults,
        refusals: world.table.refusals,
        parked,
        violations: world.violations,
    }
}

/// A deployment, and perhaps the way back: for minutes functions of both releases run.
fn deployments(random: &mut Random, begun: Timestamp, within: u64) -> Vec<(Timestamp, u64)> {
    let mut shifts = Vec::new();
    let mut at = begun;
    let ends = [1_000_000, 0].into_iter().take(1 + random.index(2));
    for end in ends {
        at = at.after(Duration::from_secs(random.below(within)));
        shifts.push((at, 1 + random.below(999_999)));
        at = at.after(Duration::from_secs(random.below(within / 4)));
        shifts.push((at, end));
    }
    shifts
}

fn rates(random: &mut Random, dense: bool) -> Rates {
    let mut rate = |most: u64| {
        if random.chance(500_000) {
            random.below(most)
        } else {
            0
        }
    };
    Rates {
        crash: rate(30_000),
        duplicate: rate(200_000),
        twice: rate(if dense { 500_000 } else { 50_000 }),
        repeated: rate(if dense { 200_000 } else { 20_000 }),
        purge: if dense { rate(60_000) } else { 0 },
        throttle: rate(20_000),
        emptied: rate(if dense { 500_000 } else { 50_000 }),
        partial_send: rate(100_000),
        overloaded: rate(200_000),
        timed_out: rate(if dense { 300_000 } else { 50_000 }),
        slow: rate(if dense { 600_000 } else { 10_000 }),
        closer_look: 0,
    }
}

fn askings(
    world: &mut World,
    random: &mut Random,
    dense: bool,
    catalogue: &Catalogue,
) -> Vec<Asking> {
    let large = !dense && random.chance(20_000);
    let drs = if large {
        20 + random.below(200)
    } else {
        1 + random.below(3)
    };
    // On some dense days everybody is in a hurry, and there are photos enough for a second round.
    let quick = dense && random.chance(300_000);
    let begun = world.now;
    let mut askings = Vec::new();
    for number in 0..drs as usize {
        let photos = 1 + random.index(if quick {
            9
        } else if dense {
            4
        } else {
            24
        });
        let Some((dr, photos)) = make_dr(world, number, photos, catalogue) else {
            continue;
        };
        let mode = if quick || random.chance(400_000) {
            Mode::Quick
        } else {
            Mode::Full
        };
        let at = begun.after(Duration::from_secs(random.below(if dense {
            20
        } else {
            drs * 600
        })));
        askings.push(asking(at, &dr, &photos, mode, false));
        while random.chance(if dense { 600_000 } else { 300_000 }) {
            let later = at.after(Duration::from_millis(
                random.below(40) * random.below(1_000),
            ));
            askings.push(asking(
                later,
                &dr,
                &photos,
                mode,
                random.chance(if dense { 600_000 } else { 400_000 }),
            ));
        }
        while random.chance(400_000) {
            let uploaded = at.after(Duration::from_millis(
                random.below(3) * random.below(20_000),
            ));
            askings.push(Asking {
                upload: true,
                ..asking(uploaded, &dr, &photos, mode, false)
            });
        }
    }
    askings
}
