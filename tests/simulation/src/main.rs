//! `simulation [--seeds N] [--seed S] [--without GUARD] [--json]`

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::json;
use shared::domain::catalogue::Catalogue;
use shared::protocol::write::GuardName;
use simulation::exhaustive::{Explored, explore, scenarios};
use simulation::invariants::Ends;
use simulation::seeds::{Outcome, run};

struct Options {
    seeds: std::ops::Range<u64>,
    without: Option<GuardName>,
    json: bool,
    exhaustive: bool,
}

#[derive(Default)]
struct Total {
    ends: Ends,
    faults: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<GuardName, u64>,
    parked: u64,
    failed: Vec<(u64, String)>,
}

fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1))?;
    let catalogue = Catalogue::shipped("v1")?;
    if options.exhaustive {
        return explore_all(&options, &catalogue);
    }
    let begun = Instant::now();
    let next = AtomicU64::new(options.seeds.start);
    let work = || {
        let mut total = Total::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= options.seeds.end {
                return total;
            }
            total.add(seed, run(seed, &catalogue, options.without));
        }
    };
    let total = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut total = work();
        if let Ok(other) = other.join() {
            total.merge(other);
        }
        total
    });
    report(&options, &total, begun.elapsed().as_secs_f64());
    if total.failed.is_empty() { Ok(()) } else { bail!("{} seeds violated an invariant", total.failed.len()) }
}

/// Explores every scenario and says what that came to.
#[allow(clippy::print_stdout, reason = "the report is the program's result")]
fn explore_all(options: &Options, catalogue: &Catalogue) -> anyhow::Result<()> {
    let mut all = Vec::new();
    println!("{:<44} {:>10} {:>12} {:>6} {:>7}", "scenario", "states", "transitions", "depth", "s");
    for scenario in scenarios::all(catalogue)? {
        let explored = explore(scenario, options.without);
        let Explored { name, states, transitions, depth, seconds, occurred, violations } = &explored;
        println!("{name:<44} {states:>10} {transitions:>12} {depth:>6} {seconds:>7.1}");
        occurred.iter().filter(|(_, occurred)| !**occurred).for_each(|(what, _)| println!("  never occurred: {what}"));
        for (what, way) in violations {
            println!("  violated: {what}");
            way.iter().for_each(|action| println!("    {action:?}"));
        }
        all.push(explored);
    }
    Ok(())
}

impl Total {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        let failed = outcome.violations.first().map(|violation| (seed, violation.0.clone()));
        let Outcome { ends, faults, refusals, parked, .. } = outcome;
        self.merge(Self { ends, faults, refusals, parked, failed: failed.into_iter().collect() });
    }

    fn merge(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.ends, other.ends);
        mine.evaluations += theirs.evaluations;
        mine.pass += theirs.pass;
        mine.fail += theirs.fail;
        mine.incomplete += theirs.incomplete;
        mine.upgraded += theirs.upgraded;
        mine.superseded += theirs.superseded;
        self.parked += other.parked;
        other.faults.into_iter().for_each(|(kind, count)| *self.faults.entry(kind).or_default() += count);
        other.refusals.into_iter().for_each(|(guard, count)| *self.refusals.entry(guard).or_default() += count);
        self.failed.extend(other.failed);
        self.failed.sort();
    }
}

fn options(mut given: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options { seeds: 0..1000, without: None, json: false, exhaustive: false };
    while let Some(argument) = given.next() {
        let mut value = || given.next().with_context(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--seeds" => options.seeds = 0..value()?.parse()?,
            "--seed" => {
                let seed = value()?.parse()?;
                options.seeds = seed..seed + 1;
            }
            "--without" => options.without = Some(guard(&value()?)?),
            "--exhaustive" => options.exhaustive = true,
            "--json" => options.json = true,
            other => bail!("There is no option {other}"),
        }
    }
    Ok(options)
}

fn guard(name: &str) -> anyhow::Result<GuardName> {
    let all = || GuardName::ALL.map(|guard| format!("{guard:?}"));
    GuardName::ALL
        .into_iter()
        .find(|guard| format!("{guard:?}") == name)
        .with_context(|| format!("There is no guard {name}; there are {}", all().join(", ")))
}

#[allow(clippy::print_stdout, reason = "the report is the program's result")]
fn report(options: &Options, total: &Total, seconds: f64) {
    let Ends { evaluations, pass, fail, incomplete, upgraded, superseded } = total.ends;
    let seeds = options.seeds.end - options.seeds.start;
    if options.json {
        let failed: Vec<_> = total.failed.iter().map(|(seed, what)| json!({"seed": seed, "violation": what})).collect();
        let ends = json!({"pass": pass, "fail": fail, "incomplete": incomplete, "upgraded": upgraded, "superseded": superseded});
        let refusals: BTreeMap<_, _> =
            total.refusals.iter().map(|(guard, count)| (format!("{guard:?}"), count)).collect();
        println!(
            "{}",
            json!({"seeds": seeds, "evaluations": evaluations, "ends": ends, "faults": total.faults, "guards": refusals,
            "parked": total.parked, "violations": failed.len(), "failed": failed, "seconds": seconds})
        );
        return;
    }
    println!(
        "{seeds} seeds, {evaluations} evaluations: {pass} pass, {fail} fail, {incomplete} incomplete; {upgraded} upgraded, {superseded} superseded; {seconds:.1} s"
    );
    println!("\n{:<60} {:>10}", "fault", "happened");
    total.faults.iter().for_each(|(kind, count)| println!("{kind:<60} {count:>10}"));
    println!("\n{:<60} {:>10}", "guard", "refused");
    total.refusals.iter().for_each(|(guard, count)| println!("{:<60} {count:>10}", format!("{guard:?}")));
    println!("\n{} violations", total.failed.len());
    total.failed.iter().take(10).for_each(|(seed, what)| println!("  seed {seed}: {what}   (replay: --seed {seed})"));
}
