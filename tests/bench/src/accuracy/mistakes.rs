//! How often technicians err: `mistakes.json`, where each rate stands with its source.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

const FILE: &str = include_str!("mistakes.json");

/// The make-up of the made-up set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mistakes {
    /// Where chance starts, unless the command line says otherwise.
    pub(crate) seed: u64,
    /// DRs of the set, unless the command line says otherwise.
    pub(crate) drs: usize,
    /// Photos of a DR.
    pub(crate) photos: Photos,
    /// How often what happens.
    pub(crate) rates: Rates,
    /// What the photos are that no step needs.
    pub(crate) extra_photos: ExtraPhotos,
    /// How good good photos are, score to share; and a source.
    pub(crate) good_scores: BTreeMap<String, serde_json::Value>,
}

/// How many photos a DR has.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Photos {
    pub(crate) fewest: usize,
    pub(crate) most: usize,
    /// Photos beyond the first of each step, on average.
    pub(crate) mean_extra: f64,
}

/// A rate; its source stands in the file.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rate {
    pub(crate) rate: f64,
}

/// The rates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rates {
    /// Of a step's: no photo shows it.
    pub(crate) step_missing: Rate,
    /// Of a step's: its photo shows it badly.
    pub(crate) step_poor: Rate,
    /// Of a photo's: filed under another step.
    pub(crate) wrong_slot: Rate,
    /// Of a photo's: its name says nothing.
    pub(crate) no_hint: Rate,
    /// Of a pair of neighbouring steps': one photo shows both.
    pub(crate) two_steps_in_one: Rate,
    /// Of a DR's: its names are of the form `step7_power_meter_…`.
    pub(crate) named_by_step: Rate,
}

/// Shares of what a photo is that no step needs; the rest are of another house.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ExtraPhotos {
    pub(crate) another_view: f64,
    pub(crate) blurred_duplicate: f64,
    pub(crate) nothing: f64,
}

impl Mistakes {
    /// The file that ships with the benchmark.
    pub(crate) fn shipped() -> anyhow::Result<Self> {
        serde_json::from_str(FILE).context("Failed to read mistakes.json")
    }

    /// Each rate with its source, for the report.
    pub(crate) fn rates(&self) -> [(&'static str, &Rate); 6] {
        let Rates {
            step_missing,
            step_poor,
            wrong_slot,
            no_hint,
            two_steps_in_one,
            named_by_step,
        } = &self.rates;
        [
            ("a step without a photo", step_missing),
            ("a step shown badly", step_poor),
            ("a photo in the wrong slot", wrong_slot),
            ("a photo without a hint", no_hint),
            ("two steps in one photo, of a pair", two_steps_in_one),
            ("a DR named by step", named_by_step),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_rate_has_its_source_and_shares_add_up() {
        let file: Value = serde_json::from_str(FILE).unwrap();
        let sourced = |entry: &Value| {
            entry["source"]
                .as_str()
                .is_some_and(|source| source.len() > 10)
        };
        assert!(file["rates"].as_object().unwrap().values().all(sourced));
        for shares in ["extra_photos", "good_scores"] {
            let sum: f64 = file[shares]
                .as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_f64)
                .sum();
            assert!(
                (sum - 1.0).abs() < 1e-9 && sourced(&file[shares]),
                "{shares}"
            );
        }
        assert!(
            Mistakes::shipped()
                .unwrap()
                .rates()
                .iter()
                .all(|(_, rate)| (0.0..1.0).contains(&rate.rate))
        );
    }
}
