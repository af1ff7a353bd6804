//! The states that evaluations are listed and counted by.
//!
//! # Invariants
//! - There are few, whatever there is: so a list of any of them is put together of a bounded number of parts.

use crate::domain::judge::Verdict;

/// What an evaluation is listed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The model's verdict; none while it is unfinished.
    pub verdict: Option<Verdict>,
    /// Whether its verdict has flags.
    pub flagged: bool,
    /// Whether people decided something of it.
    pub reviewed: bool,
    /// Whether chance drew it for review: of passes without flags only.
    pub sampled: bool,
}

const fn state(verdict: Verdict, flagged: bool, reviewed: bool) -> State {
    State {
        verdict: Some(verdict),
        flagged,
        reviewed,
        sampled: false,
    }
}

const fn sampled(reviewed: bool) -> State {
    State {
        verdict: Some(Verdict::Pass),
        flagged: false,
        reviewed,
        sampled: true,
    }
}

impl State {
    /// Without a verdict: nothing is flagged yet, and there is nothing to review.
    pub const UNFINISHED: Self = Self {
        verdict: None,
        flagged: false,
        reviewed: false,
        sampled: false,
    };

    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::UNFINISHED,
        state(Verdict::Pass, false, false),
        state(Verdict::Pass, true, false),
        state(Verdict::Pass, false, true),
        state(Verdict::Pass, true, true),
        sampled(false),
        sampled(true),
        state(Verdict::Fail, false, false),
        state(Verdict::Fail, true, false),
        state(Verdict::Fail, false, true),
        state(Verdict::Fail, true, true),
        state(Verdict::Incomplete, false, false),
        state(Verdict::Incomplete, true, false),
        state(Verdict::Incomplete, false, true),
        state(Verdict::Incomplete, true, true),
    ];

    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match (self.sampled, self.reviewed) {
            (true, false) => return "pass_sampled",
            (true, true) => return "pass_sampled_reviewed",
            (false, _) => {}
        }
        let names = match self.verdict {
            None => ["unfinished"; 4],
            Some(Verdict::Pass) => [
                "pass",
                "pass_flagged",
                "pass_reviewed",
                "pass_flagged_reviewed",
            ],
            Some(Verdict::Fail) => [
                "fail",
                "fail_flagged",
                "fail_reviewed",
                "fail_flagged_reviewed",
            ],
            Some(Verdict::Incomplete) => [
                "incomplete",
                "incomplete_flagged",
                "incomplete_reviewed",
                "incomplete_flagged_reviewed",
            ],
        };
        let [plain, flagged, reviewed, both] = names;
        match (self.flagged, self.reviewed) {
            (false, false) => plain,
            (true, false) => flagged,
            (false, true) => reviewed,
            (true, true) => both,
        }
    }

    /// The part of the index that lists evaluations of this state by time.
    pub fn listed(self) -> String {
        format!("LISTED#{}", self.name())
    }

    /// The part that lists them by certainty.
    pub fn unsure(self) -> String {
        format!("UNSURE#{}", self.name())
    }
}
