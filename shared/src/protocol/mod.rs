//! What the functions decide at each step, as values: state and message in, what is to be written and sent out.
//!
//! Nothing here reads a clock, a table or a queue; the functions do that, and so can a model that checks this.

pub mod backoff;
pub mod breaker;
pub mod current;
pub mod evaluation;
pub mod message;
pub mod miss;
pub mod quick;
pub mod record;
pub mod sighting;
pub mod start;
pub mod sweep;
pub mod verdict;
pub mod write;
pub mod writes;
