//! Moments and spans, in whole milliseconds. The domain never reads a clock: it is told the time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::invalid::Invalid;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
///
/// ```
/// use std::time::Duration;
///
/// use evaluation::domain::time::Timestamp;
///
/// let at = Timestamp::parse("2026-11-24T10:34:54.007Z").unwrap();
/// assert_eq!(at.after(Duration::from_secs(1)).to_string(), "2026-11-24T10:34:55.007Z");
/// ```
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Before every other moment.
    pub const MIN: Self = Self(i64::MIN);

    /// The moment this many milliseconds after the epoch.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Reads RFC 3339.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let moment: Result<jiff::Timestamp, _> = text.parse();
        moment
            .map(|moment| Self(moment.as_millisecond()))
            .map_err(|cause| Invalid(cause.to_string()))
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, as DynamoDB's TTL wants them.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `span` earlier; the furthest one that can be said if that overflows.
    pub fn before(self, span: Duration) -> Self {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.as_millis().saturating_sub(span))
    }

    /// The moment `span` later; the furthest one that can be said if that overflows.
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long it is since `earlier`; zero if that is not earlier (clocks of two machines may disagree).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same as `since`, in milliseconds.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// RFC 3339 in UTC, with milliseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A moment as it is shown: text, RFC 3339 in UTC, with milliseconds.
///
/// ```
/// use evaluation::domain::time::{Moment, Timestamp};
///
/// let at = Moment(Timestamp::from_millis(0));
/// assert_eq!(serde_json::to_string(&at).unwrap(), "\"1970-01-01T00:00:00.000Z\"");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(
    value_type = String,
    format = DateTime,
    description = "RFC 3339 in UTC, with milliseconds.",
    example = "2026-11-24T10:34:54.007Z"
)]
pub struct Moment(pub Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(&self.0, serializer)
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A moment as text (RFC 3339), for items that are shown as they are kept.
pub mod text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use super::Timestamp;

    /// Writes it.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_rfc_3339() {
        assert_eq!(
            Timestamp::from_millis(1_795_516_494_007).to_string(),
            "2026-11-24T10:34:54.007Z"
        );
    }

    #[test]
    fn clocks_that_disagree_give_no_negative_span() {
        assert_eq!(
            Timestamp::from_millis(1).since(Timestamp::from_millis(5)),
            Duration::ZERO
        );
        assert_eq!(
            Timestamp::from_millis(i64::MAX).after(Duration::MAX),
            Timestamp::from_millis(i64::MAX)
        );
    }
}
