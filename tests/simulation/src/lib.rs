//! The flows of `shared`, run against a model of AWS and the VLM through seeded days of faults.
//!
//! Nothing of the flows is written again here: the model stands behind `evaluation::run::Ports`, and its table
//! carries out the writes of `evaluation::decide::updates` with their guards.

pub mod chain;
pub mod day;
pub mod ends;
pub mod exhaustive;
pub mod invariants;
pub mod oracle;
pub mod ports;
pub mod random;
pub mod release;
pub mod seeds;
pub mod table;
pub mod telling;
pub mod world;

/// States are cloned by the million: this takes a third less time than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod histories;
#[cfg(test)]
mod leasing;
#[cfg(test)]
mod minute;
#[cfg(test)]
mod noting;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod tests;
