//! What is kept of how right verdicts are: whether certainty may order what people look at.
//!
//! # Invariants
//! - It may only where it was shown to tell errors from the rest; where nobody knows, it may not.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Case, discrimination};
use crate::domain::discrimination::{Discrimination, LEAST_ERRORS};
use crate::domain::time::Timestamp;

/// How often it is worked out.
pub const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Days that it is worked out from.
pub const DAYS: u16 = 30;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// When it was worked out.
    pub worked_out_at: Timestamp,
    /// From so many days before.
    pub days: u16,
    /// Of the steps on which people decided.
    pub certainty: Discrimination,
}

impl Kept {
    /// Of what people decided.
    pub fn of(cases: &[Case], days: u16, now: Timestamp) -> Self {
        Self {
            worked_out_at: now,
            days,
            certainty: discrimination(cases),
        }
    }

    /// Whether it is to be worked out again.
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.since(self.worked_out_at) >= EVERY
    }
}

/// Whether certainty may order what people look at, and why, in words.
pub fn may_order(kept: Option<&Kept>) -> (bool, String) {
    let Some(kept) = kept else {
        let why = "Whether certainty tells errors from the rest is not known yet: it is worked out once a day.";
        return (false, why.into());
    };
    let (found, days) = (&kept.certainty, kept.days);
    let (errors, cases) = (found.errors, found.cases);
    let of = format!(
        "{errors} errors among {cases} steps with a certainty on which people decided in {days} days"
    );
    let (Some(auroc), true) = (found.auroc, errors >= LEAST_ERRORS) else {
        return (
            false,
            format!(
                "Too few errors to know whether certainty tells them from the rest: {of}, and {LEAST_ERRORS} are needed."
            ),
        );
    };
    let (low, high) = (found.low.unwrap_or(0.0), found.high.unwrap_or(1.0));
    let measured =
        format!("AUROC {auroc:.2}, 95 % interval {low:.2} to {high:.2}, 0.5 is chance; {of}");
    match found.may_order() {
        true => (
            true,
            format!("Certainty tells errors from the rest: {measured}."),
        ),
        false => (
            false,
            format!("Certainty was not shown to tell errors from the rest: {measured}."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::discrimination::Judged;

    fn kept(errors: usize, apart: bool) -> Kept {
        let judged = |at: usize| Judged {
            certainty: if apart { at as f64 } else { (at % 7) as f64 } / 100.0,
            right: at >= errors,
        };
        Kept {
            worked_out_at: Timestamp::from_millis(0),
            days: DAYS,
            certainty: Discrimination::of(&(0..100).map(judged).collect::<Vec<_>>()),
        }
    }

    #[test]
    fn certainty_orders_only_where_it_was_shown_to_tell_errors_from_the_rest() {
        for (kept, may, words) in [
            (None, false, "not known yet"),
            (Some(kept(9, true)), false, "9 errors among 100"),
            (Some(kept(20, false)), false, "not shown"),
            (Some(kept(20, true)), true, "AUROC 1.00"),
        ] {
            let (found, why) = may_order(kept.as_ref());
            assert_eq!(found, may, "{why}");
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn it_is_kept_as_it_was_worked_out_and_for_a_day() {
        let kept = kept(20, true);
        let item = serde_json::to_value(&kept).unwrap();
        assert_eq!(Kept::deserialize(&item).unwrap(), kept);
        let after = |span| Timestamp::from_millis(0).after(span);
        assert!(kept.is_old(after(EVERY)));
        assert!(!kept.is_old(after(EVERY - Duration::from_secs(1))));
    }
}
