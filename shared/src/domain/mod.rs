//! The domain, pure: no AWS types, no clock, no network.

pub mod catalogue;
pub(crate) mod hash;
pub mod ids;
pub mod judge;
pub mod key;
pub mod outcome;
pub mod photo_name;
pub mod plan;
pub mod scope;
pub mod time;
