//! A share and how well it is known.

use evaluation::domain::agreement::wilson;
use serde_json::{Value, json};

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

    /// Wilson's interval of 95 %, in percent.
    pub(crate) fn interval(self) -> (f64, f64) {
        let (low, high) = wilson(self.hits as u64, self.of as u64);
        (100.0 * low, 100.0 * high)
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
    fn a_share_is_in_percent_with_its_interval() {
        let (low, high) = Share { hits: 15, of: 148 }.interval();
        assert!((low - 6.24).abs() < 0.01 && (high - 16.05).abs() < 0.01);
        assert_eq!(Share::default().interval(), (0.0, 100.0));
        assert_eq!(Share::of([true, false, true, true]).percent(), 75.0);
    }
}
