//! How long an answer takes: a fixed part, a prefill that requests take one after another, and a decode that slows down
//! with the number of requests running.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

const REALISTIC: &str = include_str!("../latency.json");

/// A model of a server's times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Latency {
    /// Every answer takes this long while it runs.
    Fixed(Duration),
    /// By tokens.
    Tokens(Rates),
}

/// The figures of a latency file; its `sources` say where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Rates {
    fixed_ms: f64,
    prefill_ms_per_image_token: f64,
    decode_ms_per_token: f64,
    decode_ms_per_token_and_other_request: f64,
}

impl Latency {
    /// Reads `realistic`, `none`, `fixed:MILLISECONDS`, or the path of a latency file.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        if let Some(millis) = text.strip_prefix("fixed:") {
            let millis = millis.parse().context("fixed: wants milliseconds, for example fixed:3000")?;
            return Ok(Self::Fixed(Duration::from_millis(millis)));
        }
        let json = match text {
            "none" => return Ok(Self::Fixed(Duration::ZERO)),
            "realistic" => REALISTIC.to_owned(),
            path => std::fs::read_to_string(path).with_context(|| format!("Failed to read the latency file {path}"))?,
        };
        Ok(Self::Tokens(serde_json::from_str(&json).context("Failed to understand the latency file")?))
    }

    /// What requests wait for one after another.
    pub(crate) fn prefill(&self, image_tokens: u32) -> Duration {
        match self {
            Self::Fixed(_) => Duration::ZERO,
            Self::Tokens(rates) => millis(f64::from(image_tokens) * rates.prefill_ms_per_image_token),
        }
    }

    /// The rest, with `running` requests in all.
    pub(crate) fn decode(&self, answer_tokens: u32, running: usize) -> Duration {
        match self {
            Self::Fixed(span) => *span,
            Self::Tokens(rates) => {
                let others = running.saturating_sub(1) as f64;
                let token = rates.decode_ms_per_token + others * rates.decode_ms_per_token_and_other_request;
                millis(rates.fixed_ms + f64::from(answer_tokens) * token)
            }
        }
    }
}

fn millis(value: f64) -> Duration {
    Duration::from_secs_f64(value.max(0.0) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realistic_model_keeps_to_the_published_points() {
        let model = Latency::parse("realistic").unwrap();
        let alone = (model.prefill(825) + model.decode(60, 1)).as_secs_f64();
        assert!((1.2..3.0).contains(&alone), "{alone}");
        let sixteen = (model.prefill(1000) * 16 + model.decode(60, 16)).as_secs_f64();
        assert!((6.0..11.0).contains(&sixteen), "{sixteen}");
        let long_answer = model.decode(2000, 1).as_secs_f64();
        assert!((36.0..40.0).contains(&long_answer), "{long_answer}");
    }

    #[test]
    fn the_other_forms_are_read() {
        assert_eq!(Latency::parse("fixed:3000").unwrap().decode(999, 9), Duration::from_secs(3));
        assert_eq!(Latency::parse("none").unwrap(), Latency::Fixed(Duration::ZERO));
        assert!(Latency::parse("fixed:x").is_err() && Latency::parse("/no/such/file").is_err());
    }
}
