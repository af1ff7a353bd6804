//! The names of things: DR numbers, photo, evaluation and step identifiers, scores.
//!
//! # Invariants
//! - Every type here is built by its `parse` (or from trusted parts) and can't hold a wrong value;
//!   deserialising goes through the same check.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hash::hex_of;
use super::invalid::Invalid;
use super::time::Timestamp;

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        $(#[$doc])*
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The value as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
    };
}

text_type!(
    /// A drop record's number: 3 to 20 capital letters and digits, e.g. `DR1730550`.
    #[schema(pattern = "^[A-Z0-9]{3,20}$", example = "DR1730550")]
    DrNumber
);
text_type!(
    /// One evaluation, a time-ordered UUID (version 7), so that sorting by it sorts by start.
    #[schema(format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    EvaluationId
);
text_type!(
    /// One photo's name and content within a DR: 16 hex digits of a SHA-256. A replaced photo has another id.
    #[schema(pattern = "^[0-9a-f]{16}$", example = "9f86d081884c7d65")]
    PhotoId
);
text_type!(
    /// The key of a step of the catalogue, e.g. `power_meter`.
    #[schema(pattern = "^[a-z0-9_]{1,64}$", example = "power_meter")]
    StepKey
);

impl DrNumber {
    /// Accepts a DR number after trimming and upper-casing: `^[A-Z0-9]{3,20}$`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let number = text.trim().to_ascii_uppercase();
        let valid = (3..=20).contains(&number.len())
            && number
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if valid {
            Ok(Self(number))
        } else {
            Err(Invalid("A DR number has 3 to 20 letters and digits and nothing else, for example DR1730550.".into()))
        }
    }
}

impl EvaluationId {
    /// The id of an evaluation that begins at `at`, told from others of the same moment by `entropy`. Whoever knows
    /// the time and has chance makes ids; here is neither.
    pub fn from_parts(at: Timestamp, entropy: [u8; 10]) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        Self::from(uuid::Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid())
    }

    /// Accepts a hyphenated UUID.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        uuid::Uuid::try_parse(text)
            .map(|id| Self(id.to_string()))
            .map_err(|_| {
                Invalid(
                    "An evaluation id is a UUID, as the answer to POST /evaluations gives it."
                        .into(),
                )
            })
    }
}

impl From<uuid::Uuid> for EvaluationId {
    fn from(id: uuid::Uuid) -> Self {
        Self(id.to_string())
    }
}

impl PhotoId {
    /// Hex digits of an id.
    const LENGTH: usize = 16;

    /// The id of the photo of this name with this content (its ETag).
    pub fn of(name: &str, etag: &str) -> Self {
        Self(hex_of(&[name, etag]).chars().take(Self::LENGTH).collect())
    }

    /// Accepts 16 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let valid = text.len() == Self::LENGTH
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(Invalid("A photo id has 16 hex digits.".into()))
        }
    }
}

impl StepKey {
    /// Accepts 1 to 64 lower-case letters, digits and underscores.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let valid = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(Invalid(format!(
                "{text:?} is not a step key (a-z, 0-9, _)."
            )))
        }
    }
}

/// A model's score for one step on one photo: a whole number from 0 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "u8", into = "u8")]
#[schema(maximum = 10)]
pub struct Score(u8);

impl Score {
    /// The best score.
    pub const MAX: u8 = 10;

    /// The score as a number.
    pub fn value(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Score {
    type Error = Invalid;
    fn try_from(value: u8) -> Result<Self, Invalid> {
        if value <= Self::MAX {
            Ok(Self(value))
        } else {
            Err(Invalid(format!("A score is 0 to 10, not {value}.")))
        }
    }
}

impl From<Score> for u8 {
    fn from(score: Score) -> u8 {
        score.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dr_number_is_trimmed_and_upper_cased() {
        assert_eq!(
            DrNumber::parse("  dr1730550\n").unwrap().as_str(),
            "DR1730550"
        );
    }

    #[test]
    fn wrong_dr_numbers_are_refused_with_what_to_do() {
        for bad in [
            "",
            "D1",
            "DR 1",
            "DR-1",
            "DR1730550/..",
            "É12",
            &"A".repeat(21),
        ] {
            assert!(
                DrNumber::parse(bad).unwrap_err().0.contains("DR1730550"),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let id =
            |millis, entropy| EvaluationId::from_parts(Timestamp::from_millis(millis), entropy);
        assert!(id(5, [255; 10]) < id(6, [0; 10]));
        assert_ne!(id(5, [0; 10]), id(5, [1; 10]));
        let made = id(5, [7; 10]);
        assert_eq!(EvaluationId::parse(made.as_str()).unwrap(), made);
    }

    #[test]
    fn a_replaced_photo_has_another_id() {
        assert_ne!(PhotoId::of("a.jpg", "e1"), PhotoId::of("a.jpg", "e2"));
        assert_ne!(PhotoId::of("a.jpg", "e1"), PhotoId::of("a.jp", "ge1"));
    }

    #[test]
    fn a_score_beyond_ten_is_refused_also_from_json() {
        assert!(serde_json::from_str::<Score>("10").is_ok());
        assert!(serde_json::from_str::<Score>("11").is_err());
    }

    proptest! {
        #[test]
        fn what_parses_matches_the_pattern_and_parses_to_itself(text in ".{0,25}") {
            if let Ok(number) = DrNumber::parse(&text) {
                prop_assert!((3..=20).contains(&number.as_str().len()));
                prop_assert!(number.as_str().chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
                prop_assert_eq!(DrNumber::parse(number.as_str()).unwrap(), number);
            }
        }

        #[test]
        fn every_photo_id_made_parses(name in ".*", etag in ".*") {
            let id = PhotoId::of(&name, &etag);
            prop_assert_eq!(PhotoId::parse(id.as_str()).unwrap(), id);
        }
    }
}
