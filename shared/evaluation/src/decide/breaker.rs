//! The circuit breaker that all batch invocations share: while the VLM is taken to be away, only a probe asks.
//!
//! The aggregator alone writes it, from deferrals and outcomes; a batch function reads it before it asks. The
//! aggregator also names the probe: the one message that may ask although the breaker is open.
//!
//! # Invariants
//! - At most one probe at a time. Its lease ends with whatever became of it, also where nobody was asked, or runs out if
//!   it is lost; then the next photo that is put off is named.
//! - A lease says whose it is: whoever claimed it and failed before the probe was sent claims it again, and a late word
//!   on one probe does not end another's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff::LONGEST_ASKED;
use crate::domain::ids::{EvaluationId, PhotoId};
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
    /// Which one.
    #[serde(default)]
    pub probe_of: Option<ProbeId>,
}

/// A probe: which photo it asks about, and how often that was put off before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProbeId(String);

impl ProbeId {
    /// The probe that asks about this photo.
    pub fn of(evaluation: &EvaluationId, photo: &PhotoId, attempt: u32) -> Self {
        Self(format!("{evaluation}/{photo}/{attempt}"))
    }
}

/// The lease of a probe that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeLease {
    /// The probe.
    pub of: ProbeId,
    /// When it is taken to be lost.
    pub until: Timestamp,
}

impl Breaker {
    /// Whether the VLM is taken to be away.
    pub fn is_open(&self) -> bool {
        self.failures >= FAILURES_TO_OPEN
    }

    /// Whether this one should claim to be the next probe, or has: then it may not have been sent. The claim itself is a
    /// conditional write.
    pub fn wants_probe(&self, of: &ProbeId, now: Timestamp) -> bool {
        let free = self.probe_until.is_none_or(|until| until <= now);
        self.is_open() && (free || self.probe_of.as_ref() == Some(of))
    }

    /// Whether an answer of that time ends what is held against the VLM: not one from before it began to fail.
    pub fn is_answered_by(&self, at: Timestamp) -> bool {
        self.failures > 0 && self.since.is_none_or(|since| since <= at)
    }

    /// The same once a probe is claimed.
    pub fn claimed(self, lease: &ProbeLease) -> Self {
        Self {
            probe_until: Some(lease.until),
            probe_of: Some(lease.of.clone()),
            ..self
        }
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
    use crate::decide::fixtures::{evaluation_of, photo};

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
        let [mine, other] = [3, 4].map(|attempt| {
            let evaluation = evaluation_of(&["a.jpg"]).evaluation_id;
            ProbeId::of(&evaluation, &photo("a.jpg").photo_id, attempt)
        });
        assert!(!closed.is_open() && !closed.wants_probe(&mine, now));
        assert!(open.is_open() && open.wants_probe(&mine, now));
        let (_, until) = probe(Duration::from_secs(300), None, now);
        let claimed = Breaker {
            probe_until: Some(until),
            probe_of: Some(mine.clone()),
            ..open
        };
        assert!(!claimed.wants_probe(&other, now) && claimed.wants_probe(&other, until));
        assert!(
            claimed.wants_probe(&mine, now),
            "it may not have been sent: whoever claimed it may have ended"
        );
        let unnamed = Breaker {
            probe_of: None,
            ..claimed
        };
        assert!(!unnamed.wants_probe(&mine, now));
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
