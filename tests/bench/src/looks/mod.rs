//! Looks: how soon a verdict stands after the last photo where photos are looked at as they come, beside a stack
//! without looks; what that costs in requests; and whether many uploads delay somebody who waits.
//!
//! # Invariants
//! - Times are the stack's own (`completed_at`) against when the last photo was in the bucket, on one machine's clock: a
//!   poll's interval is in none of them.

mod measure;
mod options;
mod present;

use self::measure::{Phone, crowd, phone};
pub(crate) use self::options::Options;
use crate::cache::stack::Stack;
use crate::report::print;

/// Of the simulated VLM: about what sixteen photos take a real one, each.
const LATENCY: &str = "fixed:3000";

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut phones = Vec::new();
    let with = Stack::start("bench-looks", LATENCY, &[])?;
    phones.extend(both(&with, options, true).await?);
    let crowd = crowd(&with, options).await?;
    drop(with);
    let without = Stack::start("bench-no-looks", LATENCY, &["--no-looks"])?;
    phones.extend(both(&without, options, false).await?);
    let report = if options.json {
        present::json(options, &phones, &crowd).to_string()
    } else {
        present::text(options, &phones, &crowd)
    };
    print(&report)
}

/// A DR that the app asks for at once, and one that is left to its uploads.
async fn both(stack: &Stack, options: &Options, looks: bool) -> anyhow::Result<Vec<Phone>> {
    let at_once = phone(stack, options, looks, true).await?;
    Ok(vec![at_once, phone(stack, options, looks, false).await?])
}
