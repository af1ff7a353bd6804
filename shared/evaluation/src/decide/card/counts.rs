//! How many evaluations there are, of days and states.

use serde_json::{Map, Value};

use super::state::State;
use crate::domain::time::Timestamp;

/// What was counted on some days, by state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    all: [u64; State::ALL.len()],
    contested: [u64; State::ALL.len()],
}

impl Counts {
    /// The sum of the items of some days.
    pub fn of(days: &[Map<String, Value>]) -> Self {
        // An item may be gone before its last card is, and then begin again with a card that leaves a state.
        let count = |name: &str| -> u64 {
            let counts = days.iter().filter_map(|day| day.get(name)?.as_i64());
            u64::try_from(counts.sum::<i64>()).unwrap_or(0)
        };
        Self {
            all: State::ALL.map(|state| count(state.name())),
            contested: State::ALL.map(|state| count(state.contested_name())),
        }
    }

    /// Those that are contested, or those that are not.
    pub fn only(&self, contested: bool) -> Self {
        let mut only = self.clone();
        if contested {
            only.all = self.contested;
            return only;
        }
        for (all, contested) in only.all.iter_mut().zip(self.contested) {
            *all = all.saturating_sub(contested);
        }
        only.contested = Default::default();
        only
    }

    /// The same without those in these states, one each.
    pub fn without(mut self, states: impl IntoIterator<Item = State>) -> Self {
        for gone in states {
            let counted = State::ALL.into_iter().zip(&mut self.all);
            for (_, count) in counted.filter(|(state, _)| *state == gone) {
                *count = count.saturating_sub(1);
            }
        }
        self
    }

    /// How many there are in the states that this takes.
    pub fn among(&self, takes: impl Fn(State) -> bool) -> u64 {
        sum(&self.all, takes)
    }

    /// How many of them technicians contest.
    pub fn contested(&self, takes: impl Fn(State) -> bool) -> u64 {
        sum(&self.contested, takes)
    }
}

fn sum(counts: &[u64], takes: impl Fn(State) -> bool) -> u64 {
    let counted = State::ALL.into_iter().zip(counts);
    let counted = counted.filter(|(state, _)| takes(*state));
    counted.map(|(_, count)| count).sum()
}

/// A moment's day, in UTC.
pub fn day(at: Timestamp) -> String {
    at.to_string().chars().take("2026-11-26".len()).collect()
}

/// The days from one to another, both included, as the first and the last of each year: a year is read at once.
///
/// ```
/// use evaluation::decide::card::years;
/// use evaluation::domain::time::Timestamp;
///
/// let at = |text| Timestamp::parse(text).unwrap();
/// let years = years(at("2026-12-30T10:00:00Z"), at("2027-01-02T00:00:00Z"));
/// let expected = [("2026-12-30", "2026-12-31"), ("2027-01-01", "2027-01-02")];
/// assert_eq!(years, expected.map(|(from, to)| (from.to_owned(), to.to_owned())));
/// ```
pub fn years(from: Timestamp, to: Timestamp) -> Vec<(String, String)> {
    let (first, last) = (day(from), day(to));
    let year = |day: &str| day.chars().take(4).collect::<String>().parse::<u16>();
    let (Ok(begin), Ok(end)) = (year(&first), year(&last)) else {
        return Vec::new();
    };
    let days = |year: u16| {
        let (begins, ends) = (format!("{year:04}-01-01"), format!("{year:04}-12-31"));
        (begins.max(first.clone()), ends.min(last.clone()))
    };
    (begin..=end).map(days).collect()
}
