//! What a DR costs on AWS: the calls, bytes and seconds of real evaluations on the local stack, times a dated price list.
//!
//! # Invariants
//! - What is counted and what it costs are apart: what was recorded before is priced as what is measured now.
//! - The simulated VLM answers after a fixed time, so that waiting, which Lambda charges, is the same each time.

mod bill;
mod measure;
mod meter;
mod present;
mod prices;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};

use self::bill::{Scenario, Standing};
use self::meter::Meter;
use self::prices::{Architecture, Prices};
use crate::cache::stack::Stack;
use crate::report::print;

/// Of the simulated VLM: about what sixteen photos take a real one, each.
const LATENCY: &str = "fixed:3000";

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// A stack that is up already (infra/local up --latency fixed:3000); without it, one is started and ended.
    #[arg(long)]
    stack: Option<String>,
    /// The processor whose price counts (default: as the stack's template has it).
    #[arg(long, value_enum)]
    architecture: Option<Architecture>,
    /// A measurement that --record wrote, instead of a new one.
    #[arg(long, conflicts_with = "stack")]
    recorded: Option<PathBuf>,
    /// Writes what was counted to a file as well.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// What was counted in one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// What the run was made with, for people.
    pub(crate) made_with: String,
    pub(crate) architecture: Architecture,
    /// By name: `full`, `quick`, `cached`.
    pub(crate) scenarios: BTreeMap<String, Scenario>,
    /// The runs of the sweeper beside them.
    pub(crate) sweeps: Meter,
    pub(crate) standing: Standing,
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let prices = Prices::shipped()?;
    let before: Measured = serde_json::from_str(include_str!("before.json"))
        .context("Failed to read what was recorded before")?;
    let mut now = match (&options.recorded, &options.stack) {
        (Some(path), _) => serde_json::from_slice(&std::fs::read(path)?)?,
        (None, Some(name)) => measure::measure(&Stack::attach(name)?).await?,
        (None, None) => {
            measure::measure(&Stack::start("bench-cost", LATENCY, &["--no-looks"])?).await?
        }
    };
    if let Some(path) = &options.record {
        std::fs::write(path, serde_json::to_string_pretty(&now)? + "\n")?;
    }
    if let Some(architecture) = options.architecture {
        now.architecture = architecture;
    }
    let report = if options.json {
        present::json(&before, &now, &prices).to_string()
    } else {
        present::text(&before, &now, &prices)
    };
    print(&report)
}
