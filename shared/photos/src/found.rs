//! What was read of a photo's codes so far, and until when more is looked for.
//!
//! # Invariants
//! - The codes that are kept are few and short.
//! - What lines say counts only if two rows say it: by chance one row may.
//! - The time is the thread's own: a busy machine makes nothing unread.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::codes::{Code, CodeKind, LONGEST_TEXT, MOST_CODES};

/// Of lines, so many rows must say the same.
const ROWS_THAT_AGREE: usize = 2;
/// Lines that say less are taken for chance.
const SHORTEST_LINES: usize = 4;

/// When the time is up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until(Duration);

impl Until {
    /// From now on so long.
    pub(crate) fn after(span: Duration) -> Self {
        Self(thread_time() + span)
    }

    pub(crate) fn is_past(self) -> bool {
        thread_time() >= self.0
    }
}

/// What this thread has worked.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What was read, and how often.
#[derive(Default)]
pub(crate) struct Found(BTreeMap<Code, usize>);

impl Found {
    pub(crate) fn add(&mut self, kind: CodeKind, text: &str) {
        if !text.is_empty() && text.len() <= LONGEST_TEXT {
            let text = text.to_owned();
            *self.0.entry(Code { kind, text }).or_default() += 1;
        }
    }

    pub(crate) fn has(&self, kind: CodeKind) -> bool {
        self.0.keys().any(|code| code.kind == kind)
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.0.iter().any(|(code, times)| counts(code, *times))
    }

    pub(crate) fn has_lines(&self) -> bool {
        self.0
            .iter()
            .any(|(code, rows)| is_lines(code.kind) && counts(code, *rows))
    }

    pub(crate) fn codes(self) -> Vec<Code> {
        let all = self.0.into_iter();
        let mut codes: Vec<(Code, usize)> =
            all.filter(|(code, rows)| counts(code, *rows)).collect();
        codes.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        codes.truncate(MOST_CODES);
        let mut codes: Vec<Code> = codes.into_iter().map(|(code, _)| code).collect();
        codes.sort();
        codes
    }
}

fn is_lines(kind: CodeKind) -> bool {
    matches!(kind, CodeKind::Code128 | CodeKind::Code39)
}

/// Whether what was read so often is no chance.
fn counts(code: &Code, times: usize) -> bool {
    !is_lines(code.kind) || (times >= ROWS_THAT_AGREE && code.text.len() >= SHORTEST_LINES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_row_of_lines_says_is_taken_for_chance_and_so_is_what_is_short() {
        let kept = |times: usize, kind: CodeKind, text: &str| {
            let mut found = Found::default();
            (0..times).for_each(|_| found.add(kind, text));
            found.codes().len()
        };
        assert_eq!(kept(1, CodeKind::Code39, "A4FC"), 0);
        assert_eq!(kept(2, CodeKind::Code39, "A4FC"), 1);
        assert_eq!(kept(9, CodeKind::Code128, "A4F"), 0);
        assert_eq!(kept(1, CodeKind::QrCode, "A"), 1);
        assert_eq!(kept(1, CodeKind::QrCode, &"A".repeat(701)), 0);
    }
}
