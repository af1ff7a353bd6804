//! Whether certainty tells the model's errors from the rest: only then may it order what people look at.
//!
//! A certainty may be true as a number and useless as an order (a published study of a document product had an AUROC of
//! 0.417 beside a calibration that looked perfect). So both are measured, and how many errors they rest on is said.
//!
//! # Sources
//! - AUROC is Mann-Whitney's U over all pairs, a tie being half; its standard error is Hanley and McNeil's (1982, "The
//!   meaning and use of the area under a receiver operating characteristic curve").

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Fewer errors say nothing about discrimination.
pub const LEAST_ERRORS: usize = 10;
/// The normal distribution's 97.5 % quantile: intervals of 95 %.
const Z: f64 = 1.959_964;
/// What chance comes to.
const CHANCE: f64 = 0.5;

/// Something that was judged with a certainty, and whether it was judged right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// From 0 to 1.
    pub certainty: f64,
    /// Whether a person (or a label) says the same.
    pub right: bool,
}

/// How well certainty tells errors from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Discrimination {
    /// Those judged.
    pub cases: usize,
    /// Those judged wrong.
    pub errors: usize,
    /// How often a right one has the higher certainty than a wrong one; none without errors, or with nothing else.
    pub auroc: Option<f64>,
    /// The lower end of its 95 % interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Discrimination {
    /// Of these.
    pub fn of(judged: &[Judged]) -> Self {
        let errors = judged.iter().filter(|one| !one.right).count();
        let auroc = auroc(judged);
        let half = auroc.map(|auroc| Z * standard_error(auroc, errors, judged.len() - errors));
        let end = |sign: f64| Some((auroc? + sign * half?).clamp(0.0, 1.0));
        Self {
            cases: judged.len(),
            errors,
            auroc,
            low: end(-1.0),
            high: end(1.0),
        }
    }

    /// Whether certainty may order what people look at: better than chance, on enough errors to know.
    ///
    /// ```
    /// use evaluation::domain::discrimination::{Discrimination, Judged};
    ///
    /// let judged = |at: u32| Judged { certainty: f64::from(at) / 100.0, right: at >= 20 };
    /// let apart: Vec<_> = (0..100).map(judged).collect();
    /// assert!(Discrimination::of(&apart).may_order());
    /// let few = &apart[15..];
    /// assert!(!Discrimination::of(few).may_order(), "five errors say nothing");
    /// ```
    pub fn may_order(&self) -> bool {
        self.errors >= LEAST_ERRORS && self.low.is_some_and(|low| low > CHANCE)
    }
}

/// The probability that a right one has the higher certainty than a wrong one.
fn auroc(judged: &[Judged]) -> Option<f64> {
    let mut sorted: Vec<Judged> = judged.to_vec();
    sorted.sort_by(|one, other| one.certainty.total_cmp(&other.certainty));
    let wrong = sorted.iter().filter(|step| !step.right).count();
    let right = sorted.len() - wrong;
    let (mut below, mut wins) = (0_usize, 0.0);
    for same in sorted.chunk_by(|one, other| one.certainty == other.certainty) {
        let wrong_here = same.iter().filter(|step| !step.right).count();
        let right_here = same.len() - wrong_here;
        wins += right_here as f64 * (below as f64 + wrong_here as f64 / 2.0);
        below += wrong_here;
    }
    let pairs = wrong as f64 * right as f64;
    (pairs > 0.0).then(|| wins / pairs)
}

/// Of an AUROC from so many wrong and right ones.
fn standard_error(auroc: f64, wrong: usize, right: usize) -> f64 {
    let (wrong, right) = (wrong.max(1) as f64, right.max(1) as f64);
    let square = auroc * auroc;
    let of_right = auroc / (2.0 - auroc) - square;
    let of_wrong = 2.0 * square / (1.0 + auroc) - square;
    let variance = auroc * (1.0 - auroc) + (wrong - 1.0) * of_right + (right - 1.0) * of_wrong;
    (variance / (wrong * right)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(judged: &[(f64, bool)]) -> Discrimination {
        let judged = judged.iter().map(|(certainty, right)| Judged {
            certainty: *certainty,
            right: *right,
        });
        Discrimination::of(&judged.collect::<Vec<_>>())
    }

    #[test]
    fn a_perfect_order_is_one_chance_is_a_half_and_a_reversed_one_nothing() {
        assert_eq!(
            of(&[(0.9, true), (0.8, true), (0.6, false)]).auroc,
            Some(1.0)
        );
        assert_eq!(of(&[(0.9, true), (0.9, false)]).auroc, Some(0.5));
        assert_eq!(of(&[(0.6, true), (0.9, false)]).auroc, Some(0.0));
        assert_eq!(of(&[(0.9, true)]).auroc, None);
    }

    #[test]
    fn the_order_is_what_all_pairs_say() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..500 {
            let judged: Vec<(f64, bool)> = (0..random.usize(0..40))
                .map(|_| (f64::from(random.u8(0..20)) / 20.0, random.bool()))
                .collect();
            let mut pairs = Vec::new();
            for (high, _) in judged.iter().filter(|(_, right)| *right) {
                for (low, _) in judged.iter().filter(|(_, right)| !right) {
                    let tie = if high == low { 0.5 } else { 0.0 };
                    pairs.push(f64::from(u8::from(high > low)) + tie);
                }
            }
            let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
            let found = of(&judged).auroc;
            assert_eq!(found.is_some(), !pairs.is_empty());
            let is_mean = |found: f64| (found - mean).abs() < 1e-9;
            assert!(found.is_none_or(is_mean), "{judged:?}");
        }
    }

    #[test]
    fn the_interval_covers_what_is_true_of_the_model() {
        // Right ones lie at x + 0.5, wrong ones at x, x uniform: a right one is above in 7 of 8 pairs.
        let mut random = fastrand::Rng::with_seed(7);
        let covers = (0..1000).filter(|_| {
            let judged = (0..120).map(|at| Judged {
                certainty: random.f64() + if at < 30 { 0.0 } else { 0.5 },
                right: at >= 30,
            });
            let found = Discrimination::of(&judged.collect::<Vec<_>>());
            found
                .low
                .zip(found.high)
                .is_some_and(|(low, high)| (low..=high).contains(&0.875))
        });
        let covers = covers.count();
        assert!(covers >= 920, "{covers} of 1000");
    }

    #[test]
    fn what_does_not_discriminate_orders_nothing() {
        let mut random = fastrand::Rng::with_seed(3);
        let by_chance: Vec<_> = (0..200).map(|at| (random.f64(), at % 4 != 0)).collect();
        assert!(!of(&by_chance).may_order());
        let reversed: Vec<_> = (0..200).map(|at| (f64::from(at), at < 150)).collect();
        assert!(!of(&reversed).may_order());
        let apart: Vec<_> = (0..200).map(|at| (f64::from(at), at >= 50)).collect();
        assert!(of(&apart).may_order());
        assert!(!of(&apart[41..]).may_order(), "nine errors");
    }
}
