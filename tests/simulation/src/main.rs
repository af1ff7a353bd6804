//! Checks the promises on a model of the world: seeded days, or every order of events in small worlds.

mod days;
mod worlds;

use clap::Parser;
use evaluation::decide::update::GuardName;
use evaluation::domain::catalogue::Catalogue;

/// Runs the flows that the functions run against a model of the table, the queues, the VLM and the clock.
#[derive(Debug, Parser)]
#[command(name = "simulation")]
struct Options {
    /// So many simulated days, from seed 0 on.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Only the day of this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Every order of events in small worlds, in place of seeded days.
    #[arg(long)]
    exhaustive: bool,
    /// Only the small worlds whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
    /// With this guard of the table switched off.
    #[arg(long, value_parser = guard)]
    without: Option<GuardName>,
    /// No more days once one violated an invariant.
    #[arg(long)]
    until_violation: bool,
    /// One JSON object, for programs.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let catalogue = Catalogue::shipped("v1")?;
    if options.exhaustive {
        worlds::explore_all(&options, catalogue)
    } else {
        days::run_all(&options, catalogue)
    }
}

fn guard(name: &str) -> Result<GuardName, String> {
    let all = || GuardName::ALL.map(|guard| format!("{guard:?}")).join(", ");
    let found = GuardName::ALL
        .into_iter()
        .find(|guard| format!("{guard:?}") == name);
    found.ok_or_else(|| format!("there is no such guard; there are {}", all()))
}
