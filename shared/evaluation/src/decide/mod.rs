//! What is decided at each step, as values: state and message in, what is to be written and sent out.
//!
//! Nothing here reads a clock, a table or a queue; `run` does that, and so does a model that checks this.

pub mod accuracy;
pub mod backoff;
pub mod batch;
pub mod breaker;
pub mod cache;
pub mod cameras;
pub mod card;
pub mod checklist;
pub mod claim;
pub mod defer;
pub mod evaluation;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod history;
pub mod known;
pub mod list;
pub mod look;
pub mod message;
pub mod miss;
pub mod note;
pub mod once;
pub mod photo_record;
pub mod picture;
pub mod plausibility;
pub mod progress;
pub mod queue;
pub mod quick;
pub mod record;
pub mod review;
pub mod serials;
pub mod sighting;
pub mod stale;
pub mod start;
pub mod sweep;
pub mod tell;
pub mod tell_reviews;
pub mod unfinished;
pub mod update;
pub mod updates;
pub mod uploads;
pub mod watch;
