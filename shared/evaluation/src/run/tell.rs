//! Telling of completions: each change of the table, as its stream hands it over, is told if it brought a verdict
//! or is what a person decided.
//!
//! # Invariants
//! - A change counts as done only when what it tells was taken by the topic, or it was set aside for people: whoever
//!   ends before that is handed the change again.
//! - Nothing is read beside the change: a verdict that stands is told as it stood then.
//! - A change that nobody can read holds up none behind it.

use futures::future::join_all;
use serde_json::Value;
use tracing::{Instrument, Span};

use super::error::RunError;
use crate::decide::tell::{Event, event};
use crate::decide::tell_reviews::{reviewed, tampered};
use crate::domain::invalid::Invalid;

/// A change of one item, as it was before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The item before; none if there was none.
    pub old: Option<Value>,
    /// The item after; none if it is gone.
    pub new: Option<Value>,
    /// Whether the table's time to live made it.
    pub by_ttl: bool,
}

/// Who takes what is told.
#[allow(
    async_fn_in_trait,
    reason = "the steps are run where they are made; nothing is spawned"
)]
pub trait Announcer {
    /// Has an event told to all who subscribed.
    async fn publish(&self, event: &Event) -> Result<(), RunError>;
    /// Raises an alarm: what a person decided was changed, or deleted before its time.
    fn alarm(&self, what: &str);
    /// Keeps for people that a change could not be read, and why.
    async fn set_aside(&self, change: &Change, why: &Invalid) -> Result<(), RunError>;
}

/// Tells of all these changes, at once; gives the places of those that are not done, the first one first.
pub async fn tell(announcer: &impl Announcer, source: &str, changes: &[Change]) -> Vec<usize> {
    let told = changes.iter().enumerate().map(async |(at, change)| {
        let told = async {
            let told = one(announcer, source, change).await;
            told.inspect_err(|error| {
                let cause = error.with_causes();
                tracing::error!(error = %cause, "a change was not told; it comes again");
            })
        };
        let failed = told.instrument(span(change)).await;
        failed.err().map(|_| at)
    });
    join_all(told).await.into_iter().flatten().collect()
}

/// Has what is logged say which trace the evaluation belongs to, or the review.
pub(super) fn span(change: &Change) -> Span {
    let item = change.new.as_ref().or(change.old.as_ref());
    let text = |name| item?.get(name)?.as_str();
    let trace = text("trace_id").unwrap_or_default();
    tracing::error_span!("completion", trace_id = trace)
}

async fn one(announcer: &impl Announcer, source: &str, change: &Change) -> Result<(), RunError> {
    let (old, new) = (change.old.as_ref(), change.new.as_ref());
    if let Some(what) = tampered(old, new, change.by_ttl) {
        announcer.alarm(&what);
    }
    let told = match event(source, old, new) {
        Ok(None) => reviewed(source, old, new),
        told => told,
    };
    match told {
        Ok(Some(event)) => announcer.publish(&event).await,
        Ok(None) => Ok(()),
        Err(why) => announcer.set_aside(change, &why).await,
    }
}
