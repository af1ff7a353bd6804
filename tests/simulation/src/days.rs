//! Seeded days: as many as there are cores at once, and what they came to.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::bail;
use evaluation::decide::update::GuardName;
use evaluation::domain::catalogue::Catalogue;
use serde_json::json;
use simulation::ends::Ends;
use simulation::seeds::{Outcome, run};

use crate::Options;

#[derive(Default)]
struct Total {
    ends: Ends,
    faults: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<GuardName, u64>,
    parked: u64,
    failed: Vec<(u64, String)>,
}

/// Runs the days and reports; an error if a day violated an invariant.
pub(crate) fn run_all(options: &Options, catalogue: &Catalogue) -> anyhow::Result<()> {
    let seeds = options.seed.map_or(0..options.seeds, |seed| seed..seed + 1);
    let begun = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let work = || {
        let mut total = Total::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return total;
            }
            total.add(seed, run(seed, catalogue, options.without));
            if options.until_violation && !total.failed.is_empty() {
                next.store(seeds.end, Ordering::Relaxed);
            }
        }
    };
    let total = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads()).map(|_| scope.spawn(work)).collect();
        let mut total = work();
        others
            .into_iter()
            .filter_map(|other| other.join().ok())
            .for_each(|other| total.merge(other));
        total
    });
    report(&seeds, options.json, &total, begun.elapsed().as_secs_f64())?;
    if total.failed.is_empty() {
        Ok(())
    } else {
        bail!("{} seeds violated an invariant", total.failed.len())
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Total {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        let failed = outcome
            .violations
            .first()
            .map(|violation| (seed, violation.0.clone()));
        let Outcome {
            ends,
            faults,
            refusals,
            parked,
            ..
        } = outcome;
        self.merge(Self {
            ends,
            faults,
            refusals,
            parked,
            failed: failed.into_iter().collect(),
        });
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
        other
            .faults
            .into_iter()
            .for_each(|(kind, count)| *self.faults.entry(kind).or_default() += count);
        other
            .refusals
            .into_iter()
            .for_each(|(guard, count)| *self.refusals.entry(guard).or_default() += count);
        self.failed.extend(other.failed);
        self.failed.sort();
    }
}

fn report(seeds: &Range<u64>, as_json: bool, total: &Total, seconds: f64) -> io::Result<()> {
    let mut out = io::stdout();
    let Ends {
        evaluations,
        pass,
        fail,
        incomplete,
        upgraded,
        superseded,
    } = total.ends;
    let seeds = seeds.end - seeds.start;
    if as_json {
        let failed: Vec<_> = total
            .failed
            .iter()
            .map(|(seed, what)| json!({"seed": seed, "violation": what}))
            .collect();
        let ends = json!({"pass": pass, "fail": fail, "incomplete": incomplete, "upgraded": upgraded, "superseded": superseded});
        let refusals: BTreeMap<_, _> = total
            .refusals
            .iter()
            .map(|(guard, count)| (format!("{guard:?}"), count))
            .collect();
        let all = json!({"seeds": seeds, "evaluations": evaluations, "ends": ends, "faults": total.faults, "guards": refusals,
            "parked": total.parked, "violations": failed.len(), "failed": failed, "seconds": seconds});
        return writeln!(out, "{all}");
    }
    writeln!(
        out,
        "{seeds} seeds, {evaluations} evaluations: {pass} pass, {fail} fail, {incomplete} incomplete; {upgraded} upgraded, {superseded} superseded; {seconds:.1} s"
    )?;
    writeln!(out, "\n{:<60} {:>10}", "fault", "happened")?;
    total
        .faults
        .iter()
        .try_for_each(|(kind, count)| writeln!(out, "{kind:<60} {count:>10}"))?;
    writeln!(out, "\n{:<60} {:>10}", "guard", "refused")?;
    let mut guards = total.refusals.iter();
    guards
        .try_for_each(|(guard, count)| writeln!(out, "{:<60} {count:>10}", format!("{guard:?}")))?;
    writeln!(out, "\n{} violations", total.failed.len())?;
    let mut first = total.failed.iter().take(10);
    first.try_for_each(|(seed, what)| {
        writeln!(out, "  seed {seed}: {what}   (replay: --seed {seed})")
    })
}
