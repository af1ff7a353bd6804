//! What a technician says of a step: that the judgement is wrong, or that it can't be photographed.
//!
//! # Invariants
//! - A note changes no verdict: nothing that judges reads one.
//! - A note is one line of text, and a DR has at most as many as there are slots.
//! - What is said twice stands once, whoever says it at the same time: slots are filled in order, each for good, so
//!   that a repeated note comes to its own before it comes to an empty one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::bounds::cut;
use crate::domain::ids::{DrNumber, StepKey};
use crate::domain::invalid::Invalid;
use crate::domain::time::{self, Timestamp};

/// Bytes of a reason at most: some five sentences.
pub const LONGEST_REASON: usize = 500;
/// Bytes of a caller's name that are kept: an ARN of a role's session has at most about 200.
const LONGEST_CALLER: usize = 256;

/// The places of a DR's notes: attributes of one item.
pub const SLOTS: [&str; 24] = [
    "note_01", "note_02", "note_03", "note_04", "note_05", "note_06", "note_07", "note_08",
    "note_09", "note_10", "note_11", "note_12", "note_13", "note_14", "note_15", "note_16",
    "note_17", "note_18", "note_19", "note_20", "note_21", "note_22", "note_23", "note_24",
];

/// What is said of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The judgement is wrong.
    Disagree,
    /// It can't be photographed here.
    CannotBePhotographed,
    /// What a later release takes.
    #[serde(other)]
    Unknown,
}

impl NoteKind {
    /// The kind of this name, of those that may be said.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        match name {
            "disagree" => Ok(Self::Disagree),
            "cannot_be_photographed" => Ok(Self::CannotBePhotographed),
            _ => Err(Invalid(
                "the kind is \"disagree\" or \"cannot_be_photographed\"".into(),
            )),
        }
    }
}

/// What was said of a step, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Note {
    /// The step.
    pub step: StepKey,
    /// What is said of it.
    pub kind: NoteKind,
    /// Why, in words.
    pub reason: String,
    /// When it was said first.
    #[serde(with = "time::text")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who said it, if that is known: the subject of a JWT, or an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Note {
    /// A note with this reason, which is one line of text.
    pub fn new(
        step: StepKey,
        kind: NoteKind,
        reason: &str,
        by: Option<&str>,
        at: Timestamp,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            step,
            kind,
            reason: one_line(reason)?,
            at,
            by: by.map(|by| cut(by, LONGEST_CALLER)),
        })
    }

    /// Whether it says the same as another: a request that was sent again.
    pub fn repeats(&self, other: &Self) -> bool {
        let same_step = (&self.step, self.kind) == (&other.step, other.kind);
        same_step && self.reason == other.reason && self.by == other.by
    }
}

/// A reason as it is kept: one line of bounded text.
pub(super) fn one_line(reason: &str) -> Result<String, Invalid> {
    let reason = reason.trim();
    let wrong = if reason.is_empty() {
        "the reason is empty".to_owned()
    } else if reason.len() > LONGEST_REASON {
        format!(
            "the reason has {} bytes, and may have {LONGEST_REASON}",
            reason.len()
        )
    } else if reason.chars().any(breaks_the_line) {
        "the reason is one line of text without control characters".to_owned()
    } else {
        return Ok(reason.to_owned());
    };
    Err(Invalid(wrong))
}

/// Control characters, what ends a line, and what turns the direction of the text around it.
fn breaks_the_line(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The notes that an item holds, in the order in which they were said. One that can't be read is passed over.
pub fn of_item(item: &Value) -> Vec<Note> {
    SLOTS
        .iter()
        .filter_map(|slot| in_slot(item, slot))
        .collect()
}

/// The DR whose notes an item of the table's stream holds; none if it holds none.
///
/// ```
/// use evaluation::decide::note::of_dr;
/// use serde_json::json;
///
/// let dr = of_dr(&json!({"pk": "NOTES#DR1730550", "sk": "NOTED"}));
/// assert_eq!(dr.unwrap().as_str(), "DR1730550");
/// assert!(of_dr(&json!({"pk": "LOOKS#DR1730550"})).is_none());
/// ```
pub fn of_dr(item: &Value) -> Option<DrNumber> {
    let number = item.get("pk")?.as_str()?.strip_prefix("NOTES#")?;
    DrNumber::parse(number).ok()
}

/// The note in this slot.
pub fn in_slot(item: &Value, slot: &str) -> Option<Note> {
    Note::deserialize(item.get(slot)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(reason: &str) -> Result<Note, Invalid> {
        let step = StepKey::parse("power_meter").unwrap();
        Note::new(
            step,
            NoteKind::Disagree,
            reason,
            None,
            Timestamp::from_millis(0),
        )
    }

    #[test]
    fn a_reason_is_one_line_of_bounded_text() {
        assert_eq!(
            said("  Zähler steht im Keller ").unwrap().reason,
            "Zähler steht im Keller"
        );
        assert!(said(&"x".repeat(LONGEST_REASON)).is_ok());
        let long = "é".repeat(LONGEST_REASON / 2 + 1);
        for (reason, words) in [
            ("", "empty"),
            (" \u{a0}\n ", "empty"),
            (long.as_str(), "502 bytes"),
            ("a\nb", "one line"),
            ("a\u{0}b", "one line"),
            ("a\u{2028}b", "one line"),
            ("a\u{202e}b", "one line"),
        ] {
            let refused = said(reason).unwrap_err().0;
            assert!(refused.contains(words), "{reason:?}: {refused}");
        }
    }

    #[test]
    fn notes_are_read_in_order_and_what_a_later_release_wrote_does_no_harm() {
        let note = said("why").unwrap();
        let item = json!({
            "ttl": 7,
            "note_03": note,
            "note_01": {"step": "ups_serial", "kind": "too_wet", "reason": "r", "at": "2026-11-26T10:00:00Z", "more": 1},
            "note_02": {"said": "otherwise"},
        });
        let notes = of_item(&item);
        let read: Vec<_> = notes
            .iter()
            .map(|note| (note.step.as_str(), note.kind))
            .collect();
        let expected = [
            ("ups_serial", NoteKind::Unknown),
            ("power_meter", NoteKind::Disagree),
        ];
        assert_eq!(read, expected);
        assert_eq!(json!(note)["at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(of_item(&Value::Null), []);
    }
}
