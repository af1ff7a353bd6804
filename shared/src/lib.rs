//! What the functions share.

pub mod domain;
pub mod protocol;
pub mod store;
