//! The circuit breaker that all batch invocations share: while the VLM is taken to be away, only a probe asks.
//!
//! The aggregator alone writes it, from deferrals and outcomes; a batch function reads it before it asks. The
//! aggregator also names the probe: the one message that may ask although the breaker is open.
//!
//! # Invariants
//! - At most one probe at a time; its lease ends with its outcome or deferral, or runs out if it is lost. Then the next
//!   photo that is put off is named.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff::LONGEST_ASKED;
use crate::domain::time::Timestamp;

/// So many failures without an answer between them, and the VLM is taken to be away.
/// The two photos of a batch failing together are one event; three batches are a pattern.
pub const FAILURES_TO_OPEN: u32 = 5;
/// A probe is sent at least this often.
const PROBE_EVERY: Duration = Duration::from_secs(20);
/// How long a probe may take from its due time before it is taken to be lost: the longest function time-out.
const PROBE_LEASE: Duration = Duration::from_secs(150);

/// What is known of the VLM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Failures since the last answer.
    #[serde(default)]
    pub failures: u32,
    /// Since when nothing but failures came.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// The last failure in words.
    #[serde(default)]
    pub reason: Option<String>,
    /// Until when a probe is on its way.
    #[serde(default)]
    pub probe_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether the VLM is taken to be away.
    pub fn is_open(&self) -> bool {
        self.failures >= FAILURES_TO_OPEN
    }

    /// Whether somebody should claim the next probe. The claim itself is a conditional write.
    pub fn wants_probe(&self, now: Timestamp) -> bool {
        self.is_open() && self.probe_until.is_none_or(|until| until <= now)
    }
}

/// When a probe that waits `delay` is due, and until when its lease lasts. What the server asks for has a bound, or one
/// absurd `Retry-After` would keep everybody from asking for as long.
pub fn probe(
    delay: Duration,
    retry_after: Option<Duration>,
    now: Timestamp,
) -> (Duration, Timestamp) {
    let asked = retry_after.unwrap_or_default().min(LONGEST_ASKED);
    let delay = delay.min(PROBE_EVERY).max(asked);
    (delay, now.after(delay).after(PROBE_LEASE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_probe_is_due_within_what_a_queue_can_wait_whatever_the_server_asks_for(delay: u32, asked in proptest::option::of(any::<u64>())) {
            let now = Timestamp::from_millis(0);
            let (due, until) = probe(Duration::from_secs(delay.into()), asked.map(Duration::from_secs), now);
            prop_assert!(due <= LONGEST_ASKED);
            prop_assert_eq!(until, now.after(due).after(PROBE_LEASE));
        }
    }

    #[test]
    fn it_opens_at_the_threshold_and_wants_one_probe_per_lease() {
        let now = Timestamp::from_millis(1_000_000);
        let closed = Breaker {
            failures: FAILURES_TO_OPEN - 1,
            ..Breaker::default()
        };
        let open = Breaker {
            failures: FAILURES_TO_OPEN,
            ..Breaker::default()
        };
        assert!(!closed.is_open() && !closed.wants_probe(now));
        assert!(open.is_open() && open.wants_probe(now));
        let (_, until) = probe(Duration::from_secs(300), None, now);
        let claimed = Breaker {
            probe_until: Some(until),
            ..open
        };
        assert!(!claimed.wants_probe(now) && claimed.wants_probe(until));
    }

    #[test]
    fn a_probe_comes_soon_but_not_before_the_server_wants_it() {
        let now = Timestamp::from_millis(0);
        assert_eq!(probe(Duration::from_secs(300), None, now).0, PROBE_EVERY);
        assert_eq!(
            probe(Duration::from_secs(1), Some(Duration::from_secs(60)), now).0,
            Duration::from_secs(60)
        );
    }
}
