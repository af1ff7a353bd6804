//! Asking the VLM about photos, and reading its answer with suspicion.

pub mod answer;
pub mod capability;
pub mod client;
pub mod completion;
pub mod failure;
pub mod load;
mod mend;
pub mod prompt;
pub mod request;
mod schema;
mod several;
mod sse;
