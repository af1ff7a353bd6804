//! How sure a model was that a score lies on its side of the pass mark.
//!
//! # Invariants
//! - It comes from the probabilities that a server gave, or there is none; it never changes a verdict.
//! - It is a share from 0 to 1, kept to three decimals.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The probability that a score lies on its side of the pass mark, as far as the model's own numbers say.
///
/// It orders what people look at first. Whether it may (whether it tells errors from the rest) is measured, not
/// assumed: see the accuracy benchmark.
///
/// ```
/// use evaluation::domain::certainty::Certainty;
///
/// let sure = Certainty::of(0.9871).unwrap();
/// assert_eq!(serde_json::to_string(&sure).unwrap(), "0.987");
/// assert!(Certainty::of(0.5).unwrap() < sure && Certainty::of(f64::NAN).is_none());
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(try_from = "f64", into = "f64")]
#[schema(
    value_type = f64,
    minimum = 0,
    maximum = 1,
    description = "How probable the model took it to be that a score lies on its side of the pass mark."
)]
pub struct Certainty(u16);

/// Thousandths.
const WHOLE: f64 = 1000.0;

impl Certainty {
    /// Of a share from 0 to 1; none of anything else.
    pub fn of(share: f64) -> Option<Self> {
        // A sum of shares may be off by a rounding error.
        let is_share = (-1e-6..=1.0 + 1e-6).contains(&share);
        is_share.then(|| Self((share.clamp(0.0, 1.0) * WHOLE).round() as u16))
    }

    /// The share, from 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / WHOLE
    }
}

impl From<Certainty> for f64 {
    fn from(certainty: Certainty) -> Self {
        certainty.share()
    }
}

impl TryFrom<f64> for Certainty {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        Self::of(share).ok_or("a certainty is a share from 0 to 1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_share_is_no_certainty() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Certainty::of(share), None, "{share}");
        }
        assert_eq!(Certainty::of(1.000_000_1), Certainty::of(1.0));
        assert!(serde_json::from_str::<Certainty>("1.5").is_err());
        let kept: Certainty = serde_json::from_str("0.25").unwrap();
        assert_eq!(kept.share(), 0.25);
    }
}
