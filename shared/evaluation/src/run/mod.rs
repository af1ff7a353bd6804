//! What each function does with a message or a request, step by step, against whatever stands behind [`ports::Ports`].
//!
//! The Lambdas put AWS behind it, the checks a model. There is no second implementation of any of this.
//!
//! # Invariants
//! - Nothing that matters is kept in memory: a function may end at any step, and be begun again with the same message.

pub mod accuracy;
pub mod aggregate;
pub mod batch;
pub mod cache;
pub mod cards;
pub mod checklist;
pub mod claims;
pub mod defer;
pub mod error;
pub mod evidence;
pub mod look;
pub mod notes;
pub mod of_dr;
pub mod once;
pub mod plan_anew;
mod plausibility;
pub mod ports;
mod progress;
mod promote;
mod quick;
pub mod record;
pub mod review;
mod serials;
pub mod show;
pub mod start;
pub mod sweep;
pub mod tell;
pub mod uploads;
