//! Comparing two ways on the same cases.

/// Level of a family of comparisons.
const LEVEL: f64 = 0.05;

/// The cases in which two ways differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Paired {
    /// Only the first was right.
    pub(crate) only_first: u32,
    /// Only the second was right.
    pub(crate) only_second: u32,
}

impl Paired {
    /// Counts the cases, each as (the first is right, the second is right).
    pub(crate) fn of(cases: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut paired = Self::default();
        for (first, second) in cases {
            paired.only_first += u32::from(first && !second);
            paired.only_second += u32::from(second && !first);
        }
        paired
    }

    /// McNemar's exact test, two-sided: how likely a difference at least so lopsided is if both ways are equally good.
    pub(crate) fn p_value(self) -> f64 {
        let n = self.only_first + self.only_second;
        let fewer = self.only_first.min(self.only_second);
        // Each binomial weight from the one before it, starting at 2^-n.
        let (mut weight, mut tail) = (0.5_f64.powi(n as i32), 0.0);
        for k in 0..=fewer {
            tail += weight;
            weight *= f64::from(n - k) / f64::from(k + 1);
        }
        (2.0 * tail).min(1.0)
    }
}

/// Which of these p-values are significant at 5 % taken together (Holm): among twenty comparisons one would be by
/// chance.
pub(crate) fn significant(p_values: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let p = |at: usize| p_values.get(at).copied().unwrap_or(1.0);
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let mut verdicts = vec![false; p_values.len()];
    for (rank, at) in order.iter().enumerate() {
        if p(*at) > LEVEL / (p_values.len() - rank) as f64 {
            break;
        }
        if let Some(verdict) = verdicts.get_mut(*at) {
            *verdict = true;
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_exact() {
        for (only_first, only_second, expected) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 0, 0.0625),
            (6, 0, 0.03125),
            (8, 2, 0.109_375),
            (2, 8, 0.109_375),
            (7, 7, 1.0),
        ] {
            let p = Paired {
                only_first,
                only_second,
            }
            .p_value();
            assert!(
                (p - expected).abs() < 1e-9,
                "{only_first}:{only_second} {p}"
            );
        }
        assert_eq!(
            Paired::of([(true, true), (true, false), (false, true), (true, false)]).only_first,
            2
        );
    }

    #[test]
    fn many_comparisons_need_stronger_evidence() {
        assert_eq!(significant(&[0.04]), [true]);
        assert_eq!(significant(&[0.04, 0.9]), [false, false]);
        assert_eq!(
            significant(&[0.03, 0.001, 0.02]),
            [true, true, true],
            "0.001 × 3, 0.02 × 2, 0.03 × 1"
        );
        assert_eq!(significant(&[]), Vec::<bool>::new());
    }
}
