//! What the functions share.
//!
//! `domain` and `protocol` decide and are pure; `flow` is what each function does, step by step; `photos` and `vlm` do the work on one photo; `store`, `queues` and
//! `http` speak to the outside; `config`, `aws` and `telemetry` set a function up.

pub mod aws;
pub mod config;
pub mod domain;
pub mod flow;
pub mod http;
pub mod photos;
pub mod protocol;
pub mod queues;
pub mod store;
pub mod telemetry;
pub mod vlm;
