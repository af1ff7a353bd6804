//! Telling what was read from words that say that nothing was: in one place for all readings.
//!
//! # Invariants
//! - What says nothing is treated as if there were no reading at all, wherever a reading is asked for.

/// Each alone says that nothing was read.
const NOTHING: &[&str] = &[
    "",
    "na",
    "none",
    "null",
    "nil",
    "nan",
    "tbd",
    "undefined",
    "blank",
    "empty",
    "nothing",
    "missing",
    "unknown",
];

/// Whoever says one of these has not read it, whatever else is said: `not legible`, `unclear, perhaps -18 dBm`.
const DOUBT: &[&str] = &[
    "unreadable",
    "illegible",
    "unclear",
    "invisible",
    "obscured",
    "hidden",
    "blurred",
    "blurry",
    "unavailable",
    "undetermined",
    "unsure",
    "uncertain",
    "perhaps",
    "maybe",
    "not",
    "cannot",
    "can't",
    "can\u{2019}t",
    "couldn't",
    "couldn\u{2019}t",
];

/// The reading, unless it says that nothing, or not all, was read.
///
/// ```
/// use evaluation::domain::unread::said;
///
/// assert_eq!(said(" ALCLF4A1B2C3 "), Some("ALCLF4A1B2C3"));
/// for nothing in ["", "N/A", "????", "UNREADABLE", "not visible", "ALCLF4??"] {
///     assert_eq!(said(nothing), None);
/// }
/// ```
pub fn said(reading: &str) -> Option<&str> {
    let reading = reading.trim();
    let is_whole = gap(reading).is_none();
    let letters: String = reading
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    (is_whole && !NOTHING.contains(&letters.as_str()) && !doubts(reading)).then_some(reading)
}

/// Where it says that something was not read, from its first byte to behind its last.
fn gap(reading: &str) -> Option<(usize, usize)> {
    let signs = ["?", "\u{2026}", "..."];
    let at = |sign: &&str| reading.find(*sign).map(|at| (at, at + sign.len()));
    signs.iter().filter_map(at).min()
}

/// What a reading has: its words, and between which of them something was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pieces {
    /// Words of letters and digits, in capitals.
    pub(super) words: Vec<String>,
    /// Whether something was not read before each word, and behind the last: one more than there are words.
    pub(super) gaps: Vec<bool>,
}

/// Its words, and what was not read between them. Whoever doubts it may have missed anything around it.
pub(super) fn pieces(reading: &str) -> Pieces {
    let (mut all, mut gaps) = (Vec::new(), vec![false]);
    let mut rest = reading;
    loop {
        let cut = gap(rest);
        let before = cut.and_then(|(at, _)| rest.get(..at)).unwrap_or(rest);
        for word in words(before) {
            all.push(word);
            gaps.push(false);
        }
        let Some(behind) = cut.and_then(|(_, end)| rest.get(end..)) else {
            break;
        };
        if let Some(last) = gaps.last_mut() {
            *last = true;
        }
        rest = behind;
    }
    if doubts(reading) {
        gaps.fill(true);
    }
    Pieces { words: all, gaps }
}

fn doubts(reading: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}');
    reading
        .split(|c| !part_of_word(c))
        .any(|word| DOUBT.contains(&word.to_lowercase().as_str()))
}

/// Whether so many words without a digit stand in it that it is a sentence.
pub(super) fn is_sentence(words: &[String]) -> bool {
    const WORDS: usize = 3;
    let plain = |word: &&String| word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic());
    words.iter().filter(plain).count() >= WORDS
}

/// Its words of letters and digits, in capitals.
pub(super) fn words(reading: &str) -> Vec<String> {
    reading
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_uppercase)
        .collect()
}
