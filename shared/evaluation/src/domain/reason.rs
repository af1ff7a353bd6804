//! Why a photo was not evaluated, as it is kept and sent.
//!
//! # Invariants
//! - Every release reads what every other one wrote: a code that came later is kept beside the nearest one that all
//!   releases know (`code` and `exactly`), and one that nobody here knows is a reason like any other, never an item that
//!   can't be read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::bounds::{LONGEST_MESSAGE, cut};

/// Why a photo was not evaluated, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Reason {
    /// The class, stable for programs.
    pub code: ReasonCode,
    /// The reason in words, fit to be shown to a user.
    pub message: String,
}

impl Reason {
    /// The reason of this class, in so many words as are kept.
    pub fn new(code: ReasonCode, message: impl Into<String>) -> Self {
        let message = cut(&message.into(), LONGEST_MESSAGE);
        Self { code, message }
    }
}

/// The classes of reasons. A further one names in `before_it` what earlier releases take it for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The photo was deleted after the evaluation began.
    PhotoGone,
    /// The photo was replaced after the evaluation began.
    PhotoChanged,
    /// The file is an image that is not read, or is damaged, or may have been one.
    NotAnImage,
    /// The file or its dimensions exceed the limits.
    TooLarge,
    /// The photo is too small or too narrow to judge, or it is too blurred or too dark and the configuration says not to
    /// ask about such photos.
    Unfit,
    /// The model's answer could not be understood, also after one repair.
    InvalidAnswer,
    /// The VLM server refused the request for good.
    Refused,
    /// No answer came before the evaluation's deadline.
    Deadline,
    /// Processing failed repeatedly and the message ended in the dead-letter queue.
    DeadLettered,
    /// A newer evaluation took this one's place.
    Superseded,
    /// The verdict stood without it.
    NotNeeded,
    /// It is the same file as another photo of the DR, which was asked about instead.
    SamePhoto,
    /// Its name is longer than is taken.
    NameTooLong,
    /// The file is no photo: a video, a document, what a phone or a computer keeps beside photos.
    NotAPhoto,
    /// It lies in an archive of S3, from which somebody must restore it.
    Archived,
    /// S3 does not give it to us: it is encrypted with a key that we may not use.
    NoAccess,
    /// Its name could be taken for another one, or be read by few programs: `..`, `//`, control characters.
    NameRefused,
    /// A later release gave it a reason that this one does not know.
    #[serde(other)]
    Unknown,
}

impl ReasonCode {
    /// What releases take it for that don't know it.
    fn before_it(self) -> Option<Self> {
        match self {
            Self::NotAPhoto | Self::Unknown => Some(Self::NotAnImage),
            Self::Archived | Self::NoAccess => Some(Self::PhotoGone),
            Self::NameRefused => Some(Self::NameTooLong),
            _ => None,
        }
    }
}

/// A reason as it is kept: all releases know the `code`.
#[derive(Serialize, Deserialize)]
struct Kept {
    code: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exactly: Option<Value>,
    message: String,
}

impl From<Reason> for Kept {
    fn from(Reason { code, message }: Reason) -> Self {
        let name = |code: ReasonCode| serde_json::json!(code);
        Self {
            code: name(code.before_it().unwrap_or(code)),
            exactly: code.before_it().map(|_| name(code)),
            message,
        }
    }
}

impl From<Kept> for Reason {
    fn from(kept: Kept) -> Self {
        let code = |value: &Value| ReasonCode::deserialize(value).unwrap_or(ReasonCode::Unknown);
        let exactly = kept.exactly.as_ref().map(code);
        let exactly = exactly.filter(|exactly| *exactly != ReasonCode::Unknown);
        Self {
            code: exactly.unwrap_or_else(|| code(&kept.code)),
            message: kept.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The codes that every release knows.
    const OF_ALL: [&str; 13] = [
        "photo_gone",
        "photo_changed",
        "not_an_image",
        "too_large",
        "unfit",
        "invalid_answer",
        "refused",
        "deadline",
        "dead_lettered",
        "superseded",
        "not_needed",
        "same_photo",
        "name_too_long",
    ];

    #[test]
    fn a_release_before_reads_a_later_code_as_the_nearest_that_it_knows() {
        for code in [
            ReasonCode::NotAPhoto,
            ReasonCode::Archived,
            ReasonCode::NoAccess,
            ReasonCode::NameRefused,
        ] {
            let kept = json!(Reason::new(code, "why"));
            assert!(OF_ALL.contains(&kept["code"].as_str().unwrap()), "{kept}");
            assert_eq!(kept["exactly"], json!(code));
            assert_eq!(Reason::deserialize(&kept).unwrap().code, code);
        }
    }

    #[test]
    fn what_a_release_before_kept_is_read_and_kept_as_it_was() {
        for code in OF_ALL {
            let kept = json!({"code": code, "message": "why"});
            let reason = Reason::deserialize(&kept).unwrap();
            assert_ne!(reason.code, ReasonCode::Unknown, "{code}");
            assert_eq!(json!(reason), kept);
        }
    }

    #[test]
    fn what_a_later_release_keeps_is_read_by_what_is_known_of_it() {
        for (kept, code) in [
            (
                json!({"code": "unfit", "exactly": "too_wet", "message": "m"}),
                ReasonCode::Unfit,
            ),
            (
                json!({"code": "too_wet", "message": "m"}),
                ReasonCode::Unknown,
            ),
        ] {
            assert_eq!(Reason::deserialize(&kept).unwrap(), Reason::new(code, "m"));
        }
    }
}
