//! Serials: their form, which of the codes on a label is one, and what proves one.
//!
//! # Invariants
//! - Where a form is known, a code is a serial only by it; else by what stands before it, or if the model read the same.
//!   The other codes on a label (MACs, part numbers) never are.
//! - Of several serials in codes none proves anything, unless the model read one of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::unread::{is_sentence, said, words};

/// The shortest serial.
const SHORTEST: usize = 4;
/// The longest.
const LONGEST: usize = 40;
/// What stands before a serial on labels.
const BEFORE: &[&str] = &["S", "N", "SN", "SERIAL", "NO", "NR", "NUMBER", "ONT", "UPS"];
/// What stands before a serial in a code, for programs.
const BEFORE_IN_CODES: &[&str] = &["SN", "S"];

/// The form of a kind of serials, as a catalogue gives it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialFormat {
    /// What they begin with.
    #[serde(default)]
    pub prefix: Option<String>,
    /// How many characters they have.
    #[serde(default)]
    pub length: Option<usize>,
    /// What follows the prefix.
    #[serde(default)]
    pub tail: Option<Tail>,
    /// Whether they are looked for in bar codes, and looked up in other DRs.
    #[serde(default)]
    pub codes: bool,
}

/// What a serial is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// Digits, and letters from A to F.
    Hexadecimal,
}

/// What says so that it is this serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvenBy {
    /// A bar code.
    Code,
    /// The model, which read it.
    Model,
    /// Both, and they say the same.
    Both,
}

impl SerialFormat {
    /// Whether this has the form.
    pub fn fits(&self, serial: &str) -> bool {
        let Some(tail) = serial.strip_prefix(self.prefix.as_deref().unwrap_or_default()) else {
            return false;
        };
        let is_hexadecimal = || tail.bytes().all(|b| b.is_ascii_hexdigit());
        self.length.is_none_or(|length| serial.len() == length)
            && (self.tail != Some(Tail::Hexadecimal) || is_hexadecimal())
    }

    /// The form in words, if there is one.
    pub fn words(&self) -> Option<String> {
        let prefix = self.prefix.as_deref()?;
        let length = self
            .length
            .map(|length| format!(" and has {length} characters"))
            .unwrap_or_default();
        let tail = match self.tail {
            Some(Tail::Hexadecimal) => ", 0 to 9 and A to F behind that",
            None => "",
        };
        Some(format!("begins with {prefix}{length}{tail}"))
    }

    /// The serial that the codes on a photo say, given what the model read.
    ///
    /// ```
    /// use evaluation::domain::serial::SerialFormat;
    ///
    /// let ont = SerialFormat {
    ///     prefix: Some("ALCL".into()),
    ///     length: Some(12),
    ///     ..SerialFormat::default()
    /// };
    /// let codes = ["A4FC770012AB", "3FE45655AAAA", "ALCLF4A1B2C3"];
    /// assert_eq!(ont.in_codes(codes, None).as_deref(), Some("ALCLF4A1B2C3"));
    /// ```
    pub fn in_codes<'a>(
        &self,
        codes: impl IntoIterator<Item = &'a str>,
        reading: Option<&str>,
    ) -> Option<String> {
        let was_read = reading.and_then(read);
        let said: BTreeSet<String> = codes
            .into_iter()
            .flat_map(|code| self.in_code(code, was_read.as_deref()))
            .collect();
        let one = || (said.len() == 1).then(|| said.first().cloned()).flatten();
        let agreed = was_read.filter(|read| said.contains(read));
        agreed.or_else(one)
    }

    /// What in a code may be the serial.
    fn in_code(&self, code: &str, was_read: Option<&str>) -> Vec<String> {
        let words = words(code);
        let candidate = |(at, word): (usize, &String)| {
            let labelled = at
                .checked_sub(1)
                .and_then(|at| words.get(at))
                .is_some_and(|before| matches!(before.as_str(), "SN" | "SERIAL" | "N" | "S"));
            let bare = BEFORE_IN_CODES
                .iter()
                .find_map(|before| word.strip_prefix(before).filter(|bare| self.is_one(bare)));
            let is_read = was_read == Some(word.as_str());
            let counts = if self.prefix.is_some() {
                self.is_one(word)
            } else {
                is_read || (labelled && self.is_one(word))
            };
            if counts {
                Some(word.clone())
            } else {
                let known_form = self.prefix.is_some() || bare == was_read;
                bare.filter(|_| known_form).map(str::to_owned)
            }
        };
        words.iter().enumerate().filter_map(candidate).collect()
    }

    fn is_one(&self, text: &str) -> bool {
        (SHORTEST..=LONGEST).contains(&text.len())
            && (self.prefix.is_some() || text.bytes().any(|b| b.is_ascii_digit()))
            && self.fits(text)
    }
}

/// The serial of a photo, and what says so: a code is right, whatever was read.
pub fn proven(code: Option<&str>, reading: Option<&str>) -> Option<(String, ProvenBy)> {
    let was_read = reading.and_then(read);
    match (code, was_read) {
        (Some(code), Some(read)) if code == read => Some((read, ProvenBy::Both)),
        (Some(code), _) => Some((code.to_owned(), ProvenBy::Code)),
        (None, Some(read)) => Some((read, ProvenBy::Model)),
        (None, None) => None,
    }
}

/// What is wrong where a bar code says another serial than was read, in words: the code is right.
pub fn contradiction(code: Option<&str>, reading: Option<&str>) -> Option<String> {
    let code = code?;
    let was_read = read(reading?).filter(|read| read != code)?;
    Some(format!("The bar code says {code}, and {was_read} was read"))
}

/// The serial that was read: capital letters and digits, without what labels say before it.
pub(super) fn read(reading: &str) -> Option<String> {
    let words = words(said(reading)?);
    if is_sentence(&words) {
        return None;
    }
    let label = |word: &&String| BEFORE.contains(&word.as_str());
    let serial: String = words.iter().skip_while(label).cloned().collect();
    let is_one = serial.len() >= SHORTEST && serial.bytes().any(|b| b.is_ascii_digit());
    is_one.then_some(serial)
}

#[cfg(test)]
#[path = "serial_tests.rs"]
mod tests;
