//! Until when an invocation may work.

use std::time::Duration;

use evaluation::domain::time::Timestamp;
use lambda_runtime::Context;
use tokio::time::Instant;

use crate::clock;

/// How long an invocation works whose deadline can't be right (`cargo lambda watch` gives no epoch time).
const WITHOUT_DEADLINE: Duration = Duration::from_secs(120);
/// No function gets more.
const LONGEST: Duration = Duration::from_secs(900);

/// When Lambda ends an invocation, whatever it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// That of an invocation.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use aws::deadline::Deadline;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let deadline = Deadline::of(&lambda_runtime::Context::default());
    /// assert!(deadline.less(Duration::from_secs(5)) < deadline.less(Duration::from_secs(1)));
    /// # });
    /// ```
    pub fn of(context: &Context) -> Self {
        Self::at_millis(context.deadline)
    }

    /// At this time, in milliseconds since the epoch.
    fn at_millis(deadline: u64) -> Self {
        let deadline = Timestamp::from_millis(i64::try_from(deadline).unwrap_or(i64::MAX));
        let left = deadline.since(clock::now());
        let left = if left.is_zero() {
            WITHOUT_DEADLINE
        } else {
            left.min(LONGEST)
        };
        Self(Instant::now() + left)
    }

    /// When that is by the clock that the table's times are by.
    pub fn moment(self) -> Timestamp {
        let left = self.0.saturating_duration_since(Instant::now());
        clock::now().after(left)
    }

    /// So much earlier: what is kept for the work that comes after.
    pub fn less(self, margin: Duration) -> Instant {
        self.0.checked_sub(margin).unwrap_or_else(Instant::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_before_the_deadline_and_a_nonsense_deadline_gives_the_usual_time() {
        let now = u64::try_from(clock::now().as_millis()).unwrap();
        let left = |deadline| {
            let until = Deadline::at_millis(deadline).less(Duration::from_secs(5));
            until.duration_since(Instant::now()).as_secs()
        };
        assert!((53..=55).contains(&left(now + 60_000)));
        assert!((113..=115).contains(&left(600_000)));
        assert!(left(u64::MAX) <= 895);
    }
}
