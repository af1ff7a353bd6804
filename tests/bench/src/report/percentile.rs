//! Percentiles of measured times.

use std::time::Duration;

/// The nearest-rank percentile: the smallest time that at least this share of all does not exceed; zero of nothing.
pub(crate) fn percentile(times: &[Duration], percent: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// Milliseconds with their fraction.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_times() {
        let times: Vec<Duration> = (1..=1000).rev().map(Duration::from_millis).collect();
        for (percent, expected) in [
            (0.0, 1),
            (50.0, 500),
            (95.0, 950),
            (99.0, 990),
            (100.0, 1000),
        ] {
            assert_eq!(percentile(&times, percent), Duration::from_millis(expected));
        }
        assert_eq!(percentile(&[], 50.0), Duration::ZERO);
    }
}
