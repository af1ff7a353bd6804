//! A share and how well it is known.

use serde_json::{Value, json};

/// The normal distribution's 97.5 % quantile: intervals of 95 %.
const Z: f64 = 1.959_964;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// The cases that count.
    pub(crate) hits: usize,
    /// All cases.
    pub(crate) of: usize,
}

impl Share {
    /// The share of the cases that are true.
    pub(crate) fn of(cases: impl IntoIterator<Item = bool>) -> Self {
        let mut share = Self::default();
        for hit in cases {
            share.of += 1;
            share.hits += usize::from(hit);
        }
        share
    }

    /// The share in percent; 0 of nothing.
    pub(crate) fn percent(self) -> f64 {
        if self.of == 0 {
            0.0
        } else {
            100.0 * self.hits as f64 / self.of as f64
        }
    }

    /// Wilson's interval of 95 %, in percent: it holds its promise near 0 and 100 %, where the usual one does not.
    pub(crate) fn interval(self) -> (f64, f64) {
        if self.of == 0 {
            return (0.0, 100.0);
        }
        let (n, p) = (self.of as f64, self.hits as f64 / self.of as f64);
        let (z2, scale) = (Z * Z, 1.0 + Z * Z / n);
        let centre = (p + z2 / (2.0 * n)) / scale;
        let half = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
        (
            100.0 * (centre - half).max(0.0),
            100.0 * (centre + half).min(1.0),
        )
    }

    /// For programs.
    pub(crate) fn json(self) -> Value {
        let (low, high) = self.interval();
        json!({"hits": self.hits, "of": self.of, "percent": self.percent(), "interval_95": [low, high]})
    }

    /// `96.7 % (93.9–98.2)`.
    pub(crate) fn text(self) -> String {
        let (low, high) = self.interval();
        format!("{:.1} % ({low:.1}–{high:.1})", self.percent())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // Newcombe (1998), method 3: 81 of 263, 15 of 148, 0 of 20 and 1 of 29.
        for (hits, of, low, high) in [
            (81, 263, 25.53, 36.62),
            (15, 148, 6.24, 16.05),
            (0, 20, 0.0, 16.11),
            (1, 29, 0.61, 17.18),
        ] {
            let (a, b) = Share { hits, of }.interval();
            assert!(
                (a - low).abs() < 0.01 && (b - high).abs() < 0.01,
                "{hits}/{of}: {a} {b}"
            );
        }
        assert_eq!(Share::default().interval(), (0.0, 100.0));
        assert_eq!(Share::of([true, false, true, true]).percent(), 75.0);
    }
}
