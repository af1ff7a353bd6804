//! How right verdicts are: what people decided, as an estimate for everything that was judged.
//!
//! People look at what fails, is flagged or is doubtful, so those they looked at are not like the rest. What was judged
//! falls into strata by why somebody looks; within a stratum those that were looked at stand for it (of the passes that
//! nothing speaks against, only those that chance drew: [`is_drawn`]), and each stratum counts by its size.
//!
//! # Invariants
//! - A stratum counts by how many it has, however many of them were looked at.
//! - A stratum that nobody looked at widens the interval as if nothing were known of it.
//!
//! # Sources
//! - A share's interval is Wilson's: it holds its promise near 0 and 1, where the usual one does not (Newcombe 1998,
//!   "Two-sided confidence intervals for the single proportion", method 3).
//! - Those of strata become one by MOVER (Zou, Huang, Zhang 2009, "A note on confidence interval estimation for a linear
//!   function of binomial proportions").

use serde::Serialize;
use utoipa::ToSchema;

use super::hash;
use super::ids::EvaluationId;

/// The normal distribution's 97.5 % quantile: intervals of 95 %.
const Z: f64 = 1.959_964;

/// A part of what was judged: those that people look at for the same reason.
///
/// More cannot have agreed than were looked at, nor been looked at than there are: what is above counts as the bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stratum {
    /// How many there are.
    pub all: u64,
    /// Those that a person decided on.
    pub looked_at: u64,
    /// Those of them on which the person decided as the model had.
    pub agreed: u64,
}

/// The same where those that were looked at do not all stand for as many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// How many there are.
    pub all: f64,
    /// The share that agreed; none if nobody looked at anything.
    pub share: Option<f64>,
    /// How many that were looked at, each by itself and all alike, would say as much.
    pub independent: f64,
}

impl From<Stratum> for Part {
    fn from(stratum: Stratum) -> Self {
        let looked_at = stratum.looked_at as f64;
        let agreed = stratum.agreed.min(stratum.looked_at) as f64;
        Self {
            all: stratum.all.max(stratum.looked_at) as f64,
            share: (stratum.looked_at > 0).then(|| agreed / looked_at),
            independent: looked_at,
        }
    }
}

/// A share of all that was judged, as far as is known, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = AgreementEstimate)]
pub struct Estimate {
    /// The estimate.
    pub share: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The share of all that lies in strata of which something was looked at; below 1 the rest is guesswork, which the
    /// interval says.
    pub covered: f64,
}

/// How often people agree, over all that was judged; none where nobody looked at anything.
///
/// ```
/// use evaluation::domain::agreement::{Stratum, agreement};
///
/// // All 40 that failed were looked at, half of them wrong; of 960 passes chance drew 48, all of them right.
/// let failed = Stratum { all: 40, looked_at: 40, agreed: 20 };
/// let passed = Stratum { all: 960, looked_at: 48, agreed: 48 };
/// let found = agreement(&[failed, passed]).unwrap();
/// assert_eq!(found.share, 0.98, "not 68 of 88");
/// assert!(found.low < 0.95 && found.high < 0.99);
/// ```
pub fn agreement(strata: &[Stratum]) -> Option<Estimate> {
    let parts: Vec<Part> = strata.iter().copied().map(Part::from).collect();
    estimate(&parts)
}

/// A share of all that lies in these parts; none where nobody looked at anything.
pub fn estimate(parts: &[Part]) -> Option<Estimate> {
    let all: f64 = parts.iter().map(|part| part.all).sum();
    let seen = || {
        parts
            .iter()
            .filter_map(|part| Some((part.all, part.share?)))
    };
    let covered: f64 = seen().map(|(all, _)| all).sum();
    if covered <= 0.0 {
        return None;
    }
    let share = seen().map(|(all, share)| all * share).sum::<f64>() / covered;
    let (mut below, mut above) = (0.0, 0.0);
    for part in parts.iter().filter(|part| part.all > 0.0) {
        let weight = part.all / all;
        let known = part.share.unwrap_or(share);
        let (low, high) = interval(known, part.independent);
        below += (weight * (known - low)).powi(2);
        above += (weight * (high - known)).powi(2);
    }
    Some(Estimate {
        share,
        low: (share - below.sqrt()).max(0.0),
        high: (share + above.sqrt()).min(1.0),
        covered: covered / all,
    })
}

/// Wilson's interval of 95 % of a share: so many of so many.
pub fn wilson(hits: u64, of: u64) -> (f64, f64) {
    let of = of as f64;
    interval(hits as f64 / of, of)
}

/// The same of a share, known from so many.
fn interval(share: f64, of: f64) -> (f64, f64) {
    if of <= 0.0 {
        return (0.0, 1.0);
    }
    let (n, p) = (of, share.min(1.0));
    let (z2, scale) = (Z * Z, 1.0 + Z * Z / n);
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Whether chance draws an evaluation for people to look at, though nothing speaks against its verdict; `percent` are.
///
/// It follows from the id alone: whoever asks gets the same answer, and who is drawn at a lower share is at a higher one.
pub fn is_drawn(id: &EvaluationId, percent: u8) -> bool {
    let number = hash::number_of(&["drawn", &id.to_string()]);
    number as f64 / u64::MAX as f64 * 100.0 < f64::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // Newcombe (1998), method 3: 81 of 263, 15 of 148, 0 of 20 and 1 of 29.
        for (hits, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (a, b) = wilson(hits, of);
            assert!(
                (a - low).abs() < 1e-4 && (b - high).abs() < 1e-4,
                "{hits}/{of}: {a} {b}"
            );
        }
    }

    #[test]
    fn one_stratum_is_a_plain_share_and_an_empty_one_says_nothing() {
        let one = Stratum {
            all: 263,
            looked_at: 263,
            agreed: 81,
        };
        let found = agreement(&[one, Stratum::default()]).unwrap();
        let (low, high) = wilson(81, 263);
        assert!((found.share - 81.0 / 263.0).abs() < 1e-12);
        assert!((found.low - low).abs() < 1e-12 && (found.high - high).abs() < 1e-12);
        assert_eq!(found.covered, 1.0);
        assert_eq!(agreement(&[]), None);
        assert_eq!(
            agreement(&[Stratum {
                all: 9,
                ..Stratum::default()
            }]),
            None
        );
    }

    #[test]
    fn what_nobody_looked_at_widens_the_interval() {
        let looked_at = Stratum {
            all: 100,
            looked_at: 100,
            agreed: 90,
        };
        let known = agreement(&[looked_at]).unwrap();
        let partly = agreement(&[
            looked_at,
            Stratum {
                all: 100,
                ..Stratum::default()
            },
        ])
        .unwrap();
        assert_eq!((partly.share, partly.covered), (known.share, 0.5));
        assert!(partly.low < 0.5 && partly.high > 0.94, "{partly:?}");
    }

    #[test]
    fn chance_draws_its_share_and_the_same_ones_each_time() {
        let ids = (0..4000_u32).map(|at| {
            let mut bytes = [0; 10];
            bytes[..4].copy_from_slice(&at.to_be_bytes());
            EvaluationId::from_parts(Timestamp::from_millis(0), bytes)
        });
        let ids: Vec<_> = ids.collect();
        let drawn = |percent| ids.iter().filter(move |id| is_drawn(id, percent));
        assert_eq!((drawn(0).count(), drawn(100).count()), (0, ids.len()));
        let few = drawn(5).count();
        assert!((150..250).contains(&few), "{few}");
        assert!(drawn(5).all(|id| is_drawn(id, 6)));
    }

    /// A period of evaluations with known rates of error, and who was looked at.
    struct Period {
        truth: f64,
        strata: [Stratum; 2],
        looked_at_in_all: Stratum,
    }

    /// Those with a reason are mostly looked at. Of the rest people look at the uncertain first, and errors are mostly
    /// among those; chance draws one in twenty.
    fn period(random: &mut fastrand::Rng) -> Period {
        let mut strata = [Stratum::default(); 2];
        let mut pooled = Stratum::default();
        let (with_reason, without) = (random.u64(50..300), random.u64(600..2500));
        let rates = [0.6 + 0.35 * random.f64(), 0.90 + 0.0999 * random.f64()];
        for (at, count) in [with_reason, without].into_iter().enumerate() {
            strata[at].all = count;
            for _ in 0..count {
                let agrees = random.f64() < rates[at];
                let is_uncertain = random.f64() < if agrees { 0.05 } else { 0.8 };
                let (counts, looked_at) = match at {
                    0 => {
                        let looked = random.f64() < 0.9;
                        (looked, looked)
                    }
                    _ => {
                        let drawn = random.f64() < 0.05;
                        (drawn, drawn || is_uncertain)
                    }
                };
                strata[at].looked_at += u64::from(counts);
                strata[at].agreed += u64::from(counts && agrees);
                pooled.looked_at += u64::from(looked_at);
                pooled.agreed += u64::from(looked_at && agrees);
            }
        }
        pooled.all = with_reason + without;
        let truth = (with_reason as f64 * rates[0] + without as f64 * rates[1]) / pooled.all as f64;
        Period {
            truth,
            strata,
            looked_at_in_all: pooled,
        }
    }

    #[test]
    fn the_interval_covers_the_truth_and_one_without_strata_would_not() {
        let mut random = fastrand::Rng::with_seed(20);
        let (mut covered, mut without) = (0, 0);
        for _ in 0..1000 {
            let period = period(&mut random);
            let covers = |strata: &[Stratum]| {
                let found = agreement(strata).unwrap();
                (found.low..=found.high).contains(&period.truth)
            };
            covered += u32::from(covers(&period.strata));
            without += u32::from(covers(&[period.looked_at_in_all]));
        }
        assert!(covered >= 930, "{covered} of 1000");
        assert!(
            without < 300,
            "{without} of 1000: this test would see no bias"
        );
    }
}
