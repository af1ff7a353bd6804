//! A way to the VLM: what people wait for has its own permits, and so has bulk work.

use crate::client::VlmClient;
use crate::load::ConcurrencyLimiter;

/// A client, and how many requests it may have in flight.
#[derive(Clone)]
pub struct VlmAccess {
    /// The client.
    pub vlm: VlmClient,
    /// Who may send a request now.
    pub limiter: ConcurrencyLimiter,
}
