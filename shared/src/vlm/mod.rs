//! Asking the VLM about one photo, and reading its answer with suspicion.

pub mod answer;
pub mod client;
pub mod failure;
mod mend;
pub mod prompt;
mod request;
