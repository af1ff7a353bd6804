//! The thread through everything that comes of one request or upload: its trace id, in messages, items and logs.
//!
//! # Invariants
//! - It decides nothing: whatever stands in its place, a message or an item is read and handled as without it.
//! - It has the form of AWS X-Ray, which W3C's can be written in, so that both find each other's.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Hexadecimal digits of the two parts, time and chance.
const TIME: usize = 8;
const CHANCE: usize = 24;

/// A trace id: `1-6746bd5a-9f3c…`.
///
/// ```
/// use evaluation::domain::trace::TraceId;
///
/// let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
/// let id = TraceId::of_amzn(header).unwrap();
/// let w3c = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
/// assert_eq!(TraceId::of_traceparent(w3c).unwrap(), id);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    description = "The thread through all that came of one request or upload, in all logs.",
    example = "1-5759e988-bd862e3fe1be46a994272793"
)]
pub struct TraceId(String);

impl TraceId {
    /// That of a header `X-Amzn-Trace-Id`, which is also what Lambda hands to a function.
    pub fn of_amzn(header: &str) -> Option<Self> {
        let mut parts = header.split(';').map(str::trim);
        Self::parse(parts.find_map(|part| part.strip_prefix("Root="))?)
    }

    /// That of a header `traceparent` (W3C).
    pub fn of_traceparent(header: &str) -> Option<Self> {
        let (_, rest) = header.trim().split_once('-')?;
        let (id, _) = rest.split_once('-')?;
        let (time, chance) = id.split_at_checked(TIME)?;
        let is_some = id.chars().any(|digit| digit != '0');
        Self::parse(&format!("1-{time}-{chance}")).filter(|_| is_some)
    }

    /// An id in its own form.
    pub fn parse(text: &str) -> Option<Self> {
        let (time, chance) = text.strip_prefix("1-")?.split_once('-')?;
        let fits = |part: &str, length| {
            part.len() == length
                && part
                    .chars()
                    .all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit))
        };
        (fits(time, TIME) && fits(chance, CHANCE)).then(|| Self(text.to_owned()))
    }

    /// A new one, of what begins at this second, told from others of that second by a number.
    pub fn made(seconds: u32, chance: u128) -> Self {
        let chance = chance & ((1 << (4 * CHANCE)) - 1);
        Self(format!("1-{seconds:08x}-{chance:024x}"))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_one_is_one_that_reads() {
        for (seconds, chance) in [(0, 0), (u32::MAX, u128::MAX), (1_795_516_494, 7)] {
            let made = TraceId::made(seconds, chance);
            assert_eq!(TraceId::parse(made.as_str()), Some(made.clone()));
            let header = format!("Self=1-1-1; Root={made};Sampled=0;Lineage=1:f:2");
            assert_eq!(TraceId::of_amzn(&header), Some(made));
        }
    }

    #[test]
    fn what_is_none_is_none() {
        for header in [
            "",
            "Root=",
            "Root=1-5759e988",
            "1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759E988-bd862e3fe1be46a994272793",
        ] {
            assert_eq!(TraceId::of_amzn(header), None, "{header}");
        }
        for header in [
            "",
            "00",
            "00-5759e988bd862e3fe1be46a994272793",
            "00-é759e988bd862e3fe1be46a99427279-1-01",
            "00-00000000000000000000000000000000-53995c3f42cd8ad8-01",
        ] {
            assert_eq!(TraceId::of_traceparent(header), None, "{header}");
        }
    }
}
