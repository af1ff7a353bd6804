//! Asking a VLM about photos, and reading its answers with suspicion: one photo's whole way but for its storage.

pub mod access;
pub mod answer;
mod capability;
mod certainty;
pub mod client;
pub mod closer_look;
pub mod completion;
mod draft;
pub mod endpoint;
pub mod failure;
pub mod fields;
pub mod gathering;
pub mod key;
mod lenient;
pub mod load;
pub mod memory;
mod mend;
mod odds;
pub mod photo;
mod pieces;
pub mod prompt;
#[cfg(test)]
mod recorded_tests;
mod refusal;
pub mod request;
pub mod same_bytes;
mod schema;
mod server;
mod several;
pub mod signature;
pub mod source;
mod sse;
pub mod versions;
mod waits;
