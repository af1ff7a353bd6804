//! What benchmarks have in common: statistics, tables and charts for people.

pub(crate) mod chart;
pub(crate) mod interval;
pub(crate) mod paired;
pub(crate) mod percentile;
pub(crate) mod spread;
pub(crate) mod table;
