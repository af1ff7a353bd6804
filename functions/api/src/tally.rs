//! How many evaluations there are of each kind.

use evaluation::decide::card::{Counts, State};
use evaluation::domain::judge::Verdict;
use serde::Serialize;
use utoipa::ToSchema;

/// Evaluations, by their verdict and by what people should know of them.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = EvaluationTally)]
pub(crate) struct Tally {
    /// All of them.
    pub(crate) evaluations: u64,
    /// Those without a verdict yet.
    unfinished: u64,
    /// Those that pass.
    pass: u64,
    /// Those that fail.
    fail: u64,
    /// Those that are incomplete.
    incomplete: u64,
    /// Those with flags.
    flagged: u64,
    /// Those of which people decided something.
    reviewed: u64,
    /// Those that chance drew for review.
    sampled: u64,
    /// Those that technicians contest.
    contested: u64,
}

impl Tally {
    /// Of those in the states that this takes.
    pub(crate) fn of(counts: &Counts, takes: impl Fn(State) -> bool) -> Self {
        let among = |is: &dyn Fn(State) -> bool| counts.among(|state| takes(state) && is(state));
        let ended = |verdict| among(&|state| state.verdict == verdict);
        Self {
            evaluations: among(&|_| true),
            unfinished: ended(None),
            pass: ended(Some(Verdict::Pass)),
            fail: ended(Some(Verdict::Fail)),
            incomplete: ended(Some(Verdict::Incomplete)),
            flagged: among(&|state| state.flagged),
            reviewed: among(&|state| state.reviewed),
            sampled: among(&|state| state.sampled),
            contested: counts.contested(&takes),
        }
    }
}
