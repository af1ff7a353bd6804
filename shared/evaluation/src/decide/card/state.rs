//! The states that evaluations are listed and counted by.
//!
//! # Invariants
//! - There are few, whatever there is: so a list of any of them is put together of a bounded number of parts.
//! - Contested evaluations are of their state like any other, and listed and counted once more by themselves: so a list
//!   of them has no more parts.

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

/// What states are called: by themselves, and of contested evaluations.
macro_rules! names {
    ($($name:literal),* $(,)?) => { [$(($name, concat!("contested_", $name))),*] };
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
        self.names().0
    }

    /// The name by which contested evaluations of it are counted once more.
    pub fn contested_name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        if self.sampled {
            let [open, reviewed] = names!["pass_sampled", "pass_sampled_reviewed"];
            return if self.reviewed { reviewed } else { open };
        }
        let names = match self.verdict {
            None => names!["unfinished", "unfinished", "unfinished", "unfinished"],
            Some(Verdict::Pass) => names![
                "pass",
                "pass_flagged",
                "pass_reviewed",
                "pass_flagged_reviewed",
            ],
            Some(Verdict::Fail) => names![
                "fail",
                "fail_flagged",
                "fail_reviewed",
                "fail_flagged_reviewed",
            ],
            Some(Verdict::Incomplete) => names![
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

    /// The part of the index that lists evaluations of this state by time: all, or the contested ones.
    pub fn listed(self, contested: bool) -> String {
        let list = if contested { "CONTESTED" } else { "LISTED" };
        format!("{list}#{}", self.name())
    }

    /// The part that lists them by certainty.
    pub fn unsure(self, contested: bool) -> String {
        let list = if contested {
            "CONTESTED_UNSURE"
        } else {
            "UNSURE"
        };
        format!("{list}#{}", self.name())
    }
}
