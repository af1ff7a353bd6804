//! How many requests are sent at once: up to a bound, fewer while the server says that it is busy, or does not answer
//! in time (additive increase, multiplicative decrease).
//!
//! # Invariants
//! - Never more than the bound, never fewer than one; it recovers by itself.
//! - A burst of refusals counts once: only requests sent since the last decrease can cause another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::failure::VlmFailure;

/// What remains after a refusal.
const DECREASE: f64 = 0.5;

/// What became of a request, as far as the load is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It was answered.
    Answered,
    /// The server was busy, or too slow.
    Overloaded,
    /// It says nothing about the load.
    Neither,
}

impl Signal {
    /// What a result says about the load.
    pub fn of<T>(result: &Result<T, VlmFailure>) -> Self {
        match result {
            Ok(_) | Err(VlmFailure::Permanent { .. }) => Self::Answered,
            Err(VlmFailure::RetryLater { cause, .. }) if cause.asks_for_fewer_requests() => {
                Self::Overloaded
            }
            Err(_) => Self::Neither,
        }
    }
}

/// The limit as it adapts: a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaptiveLimit {
    bound: usize,
    limit: f64,
    /// Decreases so far: a request remembers how many there were when it was sent.
    decreases: u64,
}

impl AdaptiveLimit {
    /// Begins at the bound (at least one).
    pub fn new(bound: usize) -> Self {
        let bound = bound.max(1);
        Self {
            bound,
            limit: bound as f64,
            decreases: 0,
        }
    }

    /// How many requests may be in flight.
    pub fn limit(&self) -> usize {
        (self.limit as usize).clamp(1, self.bound)
    }

    /// To be remembered with a request that is sent now.
    pub fn epoch(&self) -> u64 {
        self.decreases
    }

    /// Learns what became of a request that was sent in `epoch`: a whole round of answers earns one more permit.
    pub fn learn(&mut self, signal: Signal, epoch: u64) {
        match signal {
            Signal::Answered => self.limit = (self.limit + 1.0 / self.limit).min(self.bound as f64),
            Signal::Overloaded if epoch == self.decreases => {
                self.limit = (self.limit * DECREASE).max(1.0);
                self.decreases = self.decreases.saturating_add(1);
            }
            Signal::Overloaded | Signal::Neither => (),
        }
    }
}

/// Lets requests through, as many at once as the adaptive allows.
///
/// ```
/// # async fn example() {
/// use vlm::load::{ConcurrencyLimiter, Signal};
///
/// let limiter = ConcurrencyLimiter::new(8);
/// let permit = limiter.acquire().await;
/// // … a request, and the server says 429:
/// permit.learn(Signal::Overloaded);
/// drop(permit);
/// assert_eq!(limiter.limit(), 4);
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ConcurrencyLimiter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    adaptive: AdaptiveLimit,
    in_flight: usize,
}

/// A permit for one request; given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    limiter: ConcurrencyLimiter,
    epoch: u64,
}

impl ConcurrencyLimiter {
    /// A limiter for at most so many requests at once.
    pub fn new(bound: usize) -> Self {
        let state = State {
            adaptive: AdaptiveLimit::new(bound),
            in_flight: 0,
        };
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            freed: Notify::new(),
        }))
    }

    /// Waits for a permit.
    pub async fn acquire(&self) -> Permit {
        loop {
            let freed = self.0.freed.notified();
            if let Some(permit) = self.try_acquire() {
                return permit;
            }
            freed.await;
        }
    }

    /// How many requests may be in flight now.
    pub fn limit(&self) -> usize {
        self.state().adaptive.limit()
    }

    fn try_acquire(&self) -> Option<Permit> {
        let mut state = self.state();
        if state.in_flight >= state.adaptive.limit() {
            return None;
        }
        state.in_flight += 1;
        Some(Permit {
            limiter: self.clone(),
            epoch: state.adaptive.epoch(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Learns from what became of the request.
    pub fn learn(&self, signal: Signal) {
        self.limiter.state().adaptive.learn(signal, self.epoch);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.state().in_flight -= 1;
        // All look: the limit may have grown by more than the one permit.
        self.limiter.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_of_refusals_halves_once_and_answers_win_it_back() {
        let mut adaptive = AdaptiveLimit::new(16);
        let epoch = adaptive.epoch();
        for _ in 0..16 {
            adaptive.learn(Signal::Overloaded, epoch);
        }
        assert_eq!(adaptive.limit(), 8);
        adaptive.learn(Signal::Overloaded, adaptive.epoch());
        assert_eq!(adaptive.limit(), 4);
        for _ in 0..4 + 5 + 6 {
            adaptive.learn(Signal::Answered, 0);
        }
        assert!((6..=7).contains(&adaptive.limit()), "{adaptive:?}");
    }

    fn signals() -> impl Strategy<Value = Vec<(Signal, bool)>> {
        let signal = prop_oneof![
            Just(Signal::Answered),
            Just(Signal::Overloaded),
            Just(Signal::Neither)
        ];
        proptest::collection::vec((signal, any::<bool>()), 0..300)
    }

    proptest! {
        #[test]
        fn it_never_leaves_its_range_and_always_recovers(bound in 0usize..100, signals in signals()) {
            let mut adaptive = AdaptiveLimit::new(bound);
            for (signal, late) in signals {
                let epoch = adaptive.epoch().saturating_sub(u64::from(late));
                adaptive.learn(signal, epoch);
                prop_assert!((1..=bound.max(1)).contains(&adaptive.limit()));
            }
            // The sum of 1 + 2 + … + bound answers is enough, wherever it stood.
            for _ in 0..=bound * (bound + 1) / 2 + bound {
                adaptive.learn(Signal::Answered, 0);
            }
            prop_assert_eq!(adaptive.limit(), bound.max(1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_bound_are_let_through_and_nobody_is_forgotten() {
        let (limiter, now, most) = (
            ConcurrencyLimiter::new(3),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let one = async |at: u64| {
            let permit = limiter.acquire().await;
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(at % 7)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            permit.learn(if at.is_multiple_of(5) {
                Signal::Overloaded
            } else {
                Signal::Answered
            });
        };
        join_all((0..100).map(one)).await;
        assert_eq!(
            (most.load(Ordering::SeqCst), now.load(Ordering::SeqCst)),
            (3, 0)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_gives_up_waiting_takes_no_place_with_him() {
        let limiter = ConcurrencyLimiter::new(1);
        let permit = limiter.acquire().await;
        assert!(
            tokio::time::timeout(Duration::from_secs(1), limiter.acquire())
                .await
                .is_err()
        );
        drop(permit);
        assert!(
            tokio::time::timeout(Duration::from_secs(1), limiter.acquire())
                .await
                .is_ok()
        );
    }
}
