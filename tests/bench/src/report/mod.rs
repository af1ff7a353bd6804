//! What every benchmark prints: spreads, tables, bars.

pub(crate) mod chart;
pub(crate) mod spread;
pub(crate) mod table;
