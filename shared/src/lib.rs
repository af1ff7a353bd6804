//! What the functions share.

pub mod domain;
