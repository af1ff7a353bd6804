//! How long the VLM would take: the simulated VLM's latency model, worked out instead of waited for.

use anyhow::Context;
use serde::Deserialize;

use super::evaluate::Evaluated;
use super::eye::Seen;

const FILE: &str = include_str!("../../../simulated-vlm/latency.json");
/// Requests that the server runs at once, by the template's defaults (`VlmMaxConcurrency` × `PhotosInFlight`).
const AT_ONCE: usize = 16;

/// The rates of `latency.json`; its sources stand there.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Rates {
    fixed_ms: f64,
    prefill_ms_per_image_token: f64,
    decode_ms_per_token: f64,
    decode_ms_per_token_and_other_request: f64,
}

impl Rates {
    /// The file that ships with the simulated VLM.
    pub(crate) fn shipped() -> anyhow::Result<Self> {
        serde_json::from_str(FILE).context("Failed to read the latency model")
    }

    /// Seconds of an evaluation: one wave after the other.
    pub(crate) fn of(&self, evaluated: &Evaluated) -> f64 {
        evaluated.waves.iter().flat_map(|wave| wave.chunks(AT_ONCE)).map(|requests| self.together(requests)).sum()
    }

    /// Requests that run at once: they are read one after another, and written side by side.
    fn together(&self, requests: &[(String, Seen)]) -> f64 {
        let image: u32 = requests.iter().map(|(_, seen)| seen.image_tokens).sum();
        let longest = requests.iter().map(|(_, seen)| seen.usage.completion_tokens).max().unwrap_or(0);
        let others = requests.len().saturating_sub(1) as f64;
        let token = self.decode_ms_per_token + others * self.decode_ms_per_token_and_other_request;
        (self.fixed_ms + f64::from(image) * self.prefill_ms_per_image_token + longest as f64 * token) / 1000.0
    }
}
