//! The DR number on a label: this DR's, another one's, or none.
//!
//! # Invariants
//! - A label whose digits differ from the DR's is never taken for the DR's.
//! - What has the form of a DR number and is not this one's is another one's, however long it is.

use super::ids::DrNumber;
use super::unread::{is_sentence, said, words};

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
    let words = words(reading);
    let own = spans(&words).find(|(span, _)| is_own(span, dr.as_str()));
    let other = match own {
        Some((_, (from, to))) => beside(&words, from, to, dr),
        None => longest(spans(&words).map(|(span, _)| span), dr.as_str()),
    };
    match other {
        Some(other) => Label::Other(other),
        None if spans(&words).any(|(span, _)| is_own(&span, dr.as_str())) => Label::Own,
        None => Label::NoNumber,
    }
}

/// The DR number that a label says, whoever's.
pub(super) fn number(reading: &str) -> Option<String> {
    let words = words(reading);
    let all = words.concat();
    let as_whole = said(reading).is_some()
        && LENGTHS.contains(&all.len())
        && all.bytes().any(|b| b.is_ascii_digit())
        && !is_sentence(&words);
    longest(spans(&words).map(|(span, _)| span), LETTERS).or_else(|| as_whole.then_some(all))
}

/// Another DR's number that stands beside this one's: in a word, or in two of which the first is the letters. Words
/// are not joined any further: a date is no DR number.
fn beside(words: &[String], from: usize, to: usize, dr: &DrNumber) -> Option<String> {
    let (before, after) = (words.get(..from)?, words.get(to..)?);
    let spans = [before, after].into_iter().flat_map(spans);
    let near = spans.filter(|(span, (from, to))| {
        to - from == 1 || (to - from == 2 && has_letters(span, dr.as_str()))
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
fn spans(words: &[String]) -> impl Iterator<Item = (String, (usize, usize))> {
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
