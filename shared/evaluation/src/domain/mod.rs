//! The domain, pure: no AWS types, no clock, no network.

pub mod bounds;
pub mod catalogue;
pub mod checks;
pub(crate) mod hash;
pub mod ids;
pub mod invalid;
pub mod judge;
pub mod key;
mod label;
pub mod no_photo;
pub mod outcome;
pub mod photo_key;
pub mod photo_name;
pub mod photo_rules;
pub mod plan;
pub mod plausibility;
mod power;
pub mod reading;
pub mod reason;
pub mod report;
pub mod scope;
pub mod time;
pub mod trace;
pub mod unread;
pub mod versions;
