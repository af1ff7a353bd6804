//! What benchmarks have in common: statistics, tables and charts for people.

use std::io::Write;

pub(crate) mod chart;
pub(crate) mod interval;
pub(crate) mod paired;
pub(crate) mod percentile;
pub(crate) mod spread;
pub(crate) mod table;

/// Writes a result to standard output, as a line or lines of their own. Who reads it may have gone: that is an error,
/// no panic.
pub(crate) fn print(result: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{result}")?)
}
