//! The DR number on a label: this DR's, another one's, or none.
//!
//! # Invariants
//! - A label whose digits differ from the DR's is never taken for the DR's.
//! - What has the form of a DR number and is not this one's is another one's, however long it is; but for what may be
//!   this one's, of which a part was not read: that is no number.

use super::ids::DrNumber;
use super::unread::{Pieces, is_sentence, pieces, said, words};

/// Digits without letters in front are taken for a DR number from this length on.
const FEWEST_DIGITS: usize = 5;
/// The shortest and the longest DR number.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=20;
/// The letters that DR numbers begin with, beside those of the DR's own.
const LETTERS: &str = "DR";

/// What a label says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// This DR's number, and no other.
    Own,
    /// Another DR's number.
    Other(String),
    /// Nothing that has the form of a DR number.
    NoNumber,
}

/// What a label says, seen from this DR.
pub(super) fn label(reading: &str, dr: &DrNumber) -> Label {
    let pieces = pieces(reading);
    let words = pieces.words.as_slice();
    let is_own =
        |(span, within): &(String, Within)| is_own(span, dr.as_str()) && pieces.is_whole(*within);
    let own = spans(words).find(is_own);
    let is_other = |within: Within| !pieces.may_be(within, dr.as_str());
    let other = match own {
        Some((_, within)) => beside(words, within, dr, is_other),
        None => {
            let others = spans(words).filter(|(_, within)| is_other(*within));
            longest(others.map(|(span, _)| span), dr.as_str())
        }
    };
    match (other, own) {
        (Some(other), _) => Label::Other(other),
        (None, Some(_)) => Label::Own,
        (None, None) => Label::NoNumber,
    }
}

/// From which word to before which one.
type Within = (usize, usize);

impl Pieces {
    /// Whether nothing was left unread between these words.
    fn is_whole(&self, (from, to): Within) -> bool {
        let between = self.gaps.get(from + 1..to);
        between.is_none_or(|gaps| !gaps.contains(&true))
    }

    /// Whether these words may be this DR's number, of which a part was not read.
    fn may_be(&self, within: Within, dr: &str) -> bool {
        let digits = dr.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let fits = |own: &str| self.fits(within, &folded(own)).unwrap_or(false);
        fits(dr) || fits(digits)
    }

    /// Whether these words stand in it one after another, from its begin to its end but for what was not read.
    fn fits(&self, (from, to): Within, own: &str) -> Option<bool> {
        let words = self.words.get(from..to)?;
        let (before, behind) = self.gaps.get(from..=to)?.split_first()?;
        let (mut runs, mut gap) = (Vec::<(bool, String)>::new(), *before);
        for (word, gap_behind) in words.iter().zip(behind) {
            match runs.last_mut() {
                Some((_, run)) if !gap => run.push_str(&folded(word)),
                _ => runs.push((gap, folded(word))),
            }
            gap = *gap_behind;
        }
        let (is_open, mut rest) = (gap, own);
        let ((last_gap, last), others) = runs.split_last()?;
        for (gap, run) in others {
            let at = if *gap { rest.find(run)? } else { 0 };
            rest = rest.get(at..)?.strip_prefix(run.as_str())?;
        }
        let has_gap = *before || behind.contains(&true);
        let fits = match (last_gap, is_open) {
            (true, true) => rest.contains(last.as_str()),
            (true, false) => rest.ends_with(last.as_str()),
            (false, true) => rest.starts_with(last.as_str()),
            (false, false) => rest == last,
        };
        Some(has_gap && fits)
    }
}

/// The DR number that a label says, whoever's.
pub(super) fn number(reading: &str) -> Option<String> {
    let words = words(said(reading)?);
    let all = words.concat();
    let as_whole = LENGTHS.contains(&all.len())
        && all.bytes().any(|b| b.is_ascii_digit())
        && !is_sentence(&words);
    longest(spans(&words).map(|(span, _)| span), LETTERS).or_else(|| as_whole.then_some(all))
}

/// Another DR's number that stands beside this one's: in a word, or in two of which the first is the letters. Words
/// are not joined any further: a date is no DR number.
fn beside(
    words: &[String],
    (own_from, own_to): Within,
    dr: &DrNumber,
    is_other: impl Fn(Within) -> bool,
) -> Option<String> {
    let near = spans(words).filter(|(span, (from, to))| {
        let is_apart = *to <= own_from || *from >= own_to;
        let is_near = to - from == 1 || (to - from == 2 && has_letters(span, dr.as_str()));
        is_apart && is_near && is_other((*from, *to))
    });
    longest(near.map(|(span, _)| span), dr.as_str())
}

/// The longest of these that has the form of a DR number.
fn longest(spans: impl Iterator<Item = String>, dr: &str) -> Option<String> {
    spans
        .filter(|span| has_form(span, dr))
        .max_by_key(String::len)
}

/// Words joined, whatever stood between them, and which they are: as long as a DR number may be, the longest first.
fn spans(words: &[String]) -> impl Iterator<Item = (String, Within)> {
    let from_each = (0..words.len()).flat_map(move |from| {
        let mut joined = String::new();
        let all = words.iter().enumerate().skip(from).map(move |(at, word)| {
            joined.push_str(word);
            (joined.clone(), (from, at + 1))
        });
        all.take_while(|(span, _)| span.len() <= *LENGTHS.end())
    });
    from_each.filter(|(span, _)| LENGTHS.contains(&span.len()))
}

/// Equal but for letters that print like digits, and for a label that leaves the letters in front out.
fn is_own(span: &str, dr: &str) -> bool {
    let digits = dr.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let span = folded(span);
    span == folded(dr) || (LENGTHS.contains(&digits.len()) && span == folded(digits))
}

/// The form of a DR number: the letters in front and digits, or digits alone; or letters and digits as this DR's.
fn has_form(span: &str, dr: &str) -> bool {
    let digits_alone = span.len() >= FEWEST_DIGITS && is_number(span);
    let like_this = dr.bytes().any(|b| b.is_ascii_digit()) && pattern(span).eq(pattern(dr));
    digits_alone || has_letters(span, dr) || like_this
}

/// Whether it is the letters that DR numbers begin with, and digits.
fn has_letters(span: &str, dr: &str) -> bool {
    let own = dr.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let folded = folded(span);
    [own, LETTERS].into_iter().any(|letters| {
        let begins = !letters.is_empty() && folded.starts_with(&self::folded(letters));
        begins && span.get(letters.len()..).is_some_and(is_number)
    })
}

/// Digits, up to half of which are letters that print like them.
fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let all = folded(text).bytes().all(|b| b.is_ascii_digit());
    !text.is_empty() && all && digits * 2 >= text.len()
}

/// Which of its characters are digits.
fn pattern(text: &str) -> impl Iterator<Item = bool> {
    text.bytes().map(|b| b.is_ascii_digit())
}

/// Letters that print like digits as these.
fn folded(text: &str) -> String {
    let fold = |c| match c {
        'O' | 'Q' | 'D' => '0',
        'I' | 'L' => '1',
        'Z' => '2',
        'S' => '5',
        'G' => '6',
        'B' => '8',
        other => other,
    };
    text.chars().map(fold).collect()
}

#[cfg(test)]
#[path = "label_tests.rs"]
mod tests;
