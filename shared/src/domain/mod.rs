//! The domain, pure: no AWS types, no clock, no network.

pub mod catalogue;
pub(crate) mod hash;
pub mod ids;
pub mod outcome;
