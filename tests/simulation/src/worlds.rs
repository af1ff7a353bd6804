//! Small worlds: each explored to its end, and what that came to.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::bail;
use evaluation::domain::catalogue::Catalogue;
use serde_json::{Value, json};
use simulation::exhaustive::{Explored, explore, scenarios};

use crate::Options;

/// Explores the small worlds and reports; an error if something was violated, or if something that must occur never
/// did.
pub(crate) fn explore_all(options: &Options, catalogue: &Catalogue) -> anyhow::Result<()> {
    let chosen = scenarios::all(catalogue)?
        .into_iter()
        .filter(|scenario| scenario.name.contains(&options.only));
    let mut all = Vec::new();
    for scenario in chosen {
        if !options.json {
            head(all.is_empty())?;
        }
        let explored = explore(scenario, options.without);
        if !options.json {
            say(&explored)?;
        }
        all.push(explored);
    }
    sum_up(options, &all)?;
    let bad = all.iter().filter(|explored| !explored.is_fine()).count();
    if bad == 0 {
        Ok(())
    } else {
        bail!("{bad} small worlds are not as they should be")
    }
}

fn head(is_first: bool) -> io::Result<()> {
    if !is_first {
        return Ok(());
    }
    writeln!(
        io::stdout(),
        "{:<52} {:>10} {:>12} {:>6} {:>7}",
        "small world",
        "states",
        "transitions",
        "depth",
        "s"
    )
}

fn say(explored: &Explored) -> io::Result<()> {
    let mut out = io::stdout();
    let Explored {
        name,
        states,
        transitions,
        depth,
        seconds,
        occurred,
        violations,
    } = explored;
    writeln!(
        out,
        "{name:<52} {states:>10} {transitions:>12} {depth:>6} {seconds:>7.1}"
    )?;
    for (what, _) in occurred.iter().filter(|(_, occurred)| !**occurred) {
        writeln!(out, "  never occurred: {what}")?;
    }
    for (what, way) in violations {
        writeln!(out, "  violated: {what}; the way there:")?;
        way.iter()
            .try_for_each(|action| writeln!(out, "    {action:?}"))?;
    }
    Ok(())
}

fn sum_up(options: &Options, all: &[Explored]) -> io::Result<()> {
    let mut out = io::stdout();
    let states: usize = all.iter().map(|explored| explored.states).sum();
    let violations: usize = all.iter().map(|explored| explored.violations.len()).sum();
    let mut occurred: BTreeMap<&str, usize> = BTreeMap::new();
    for (what, _) in all
        .iter()
        .flat_map(|explored| &explored.occurred)
        .filter(|(_, occurred)| **occurred)
    {
        *occurred.entry(what).or_default() += 1;
    }
    if options.json {
        let worlds: Vec<Value> = all.iter().map(world).collect();
        let all = json!({"states": states, "violations": violations, "occurred": occurred, "worlds": worlds});
        return writeln!(out, "{all}");
    }
    writeln!(out, "\n{:<52} {:>10}", "occurred", "worlds")?;
    occurred
        .iter()
        .try_for_each(|(what, worlds)| writeln!(out, "{what:<52} {worlds:>10}"))?;
    writeln!(out, "\n{states} states, {violations} violations")
}

fn world(explored: &Explored) -> Value {
    let Explored {
        name,
        states,
        transitions,
        depth,
        seconds,
        occurred,
        violations,
    } = explored;
    let violated: Vec<_> = violations
        .iter()
        .map(|(what, way)| json!({"what": what, "way": way.iter().map(|action| format!("{action:?}")).collect::<Vec<_>>()}))
        .collect();
    json!({"name": name, "states": states, "transitions": transitions, "depth": depth, "seconds": seconds,
        "occurred": occurred, "violated": violated})
}
