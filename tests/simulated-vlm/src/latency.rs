//! How fast the server works: rates by token, from a data file that says where they come from, or one time for every
//! answer.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;

use crate::work::Work;

/// What a latency may be, for people who mistyped it.
const FORMS: &str = "a latency is realistic, none, fixed:MILLISECONDS (for example fixed:3000), \
                     or the path of a latency file";

const REALISTIC: &str = include_str!("../latency.json");

/// A model of a server's times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// Every answer takes this long while it runs.
    Fixed(Duration),
    /// By tokens.
    Tokens(Rates),
}

/// The figures of a latency file; its `sources` say where they come from.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Rates {
    /// Reading a token of a prompt, of text or image; nothing is written meanwhile.
    pub prefill_ms_per_token: f64,
    /// Writing a token of the only answer.
    pub decode_ms_per_token: f64,
    /// What every other answer that is written adds to that.
    pub decode_ms_per_token_and_other_request: f64,
    /// Tokens, of prompts and answers, that the KV cache holds.
    pub kv_tokens: u32,
    /// An identical beginning of a prompt is kept in blocks of this size; 0 keeps none.
    pub prefix_block_tokens: u32,
}

impl Rates {
    /// The rates of `latency.json`: fitted once to published times by `bench phases --fit`.
    ///
    /// # Errors
    /// If the file that this program was built with is no latency file.
    pub fn realistic() -> anyhow::Result<Self> {
        Self::from_json(REALISTIC)
    }

    fn from_json(json: &str) -> anyhow::Result<Self> {
        serde_json::from_str(json).context("Failed to understand the latency file")
    }

    /// Seconds to read a token.
    pub fn prefill_s(&self) -> f64 {
        self.prefill_ms_per_token / 1000.0
    }

    /// Seconds to write a token of each of `answers`.
    pub fn token_s(&self, answers: usize) -> f64 {
        let others = answers.saturating_sub(1) as f64;
        (self.decode_ms_per_token + others * self.decode_ms_per_token_and_other_request) / 1000.0
    }

    /// A server that takes `factor` times as long.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self {
            prefill_ms_per_token: self.prefill_ms_per_token * factor,
            decode_ms_per_token: self.decode_ms_per_token * factor,
            decode_ms_per_token_and_other_request: self.decode_ms_per_token_and_other_request
                * factor,
            ..*self
        }
    }
}

impl Latency {
    /// Reads `realistic`, `none`, `fixed:MILLISECONDS`, or the path of a latency file.
    ///
    /// # Errors
    /// If it is none of these, or the file can't be read.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Self::read(text).context(FORMS)
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        if let Some(millis) = text.strip_prefix("fixed:") {
            let millis = millis.parse().context("Failed to read the milliseconds")?;
            return Ok(Self::Fixed(Duration::from_millis(millis)));
        }
        let rates = match text {
            "none" => return Ok(Self::Fixed(Duration::ZERO)),
            "realistic" => Rates::realistic()?,
            path => Rates::from_json(
                &std::fs::read_to_string(path)
                    .with_context(|| format!("Failed to read the latency file {path}"))?,
            )?,
        };
        Ok(Self::Tokens(rates))
    }

    /// The rates of the engine; an answer of a fixed time is one token of that length.
    pub fn rates(&self) -> Rates {
        match self {
            Self::Tokens(rates) => *rates,
            Self::Fixed(span) => Rates {
                prefill_ms_per_token: 0.0,
                decode_ms_per_token: span.as_secs_f64() * 1000.0,
                decode_ms_per_token_and_other_request: 0.0,
                kv_tokens: u32::MAX,
                prefix_block_tokens: 0,
            },
        }
    }

    /// A request's work as the engine takes it.
    pub fn work(&self, work: Work) -> Work {
        match self {
            Self::Tokens(_) => work,
            Self::Fixed(_) => Work {
                prompt_tokens: 0.0,
                answer_tokens: 1.0,
                prefix: None,
                ..work
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_read() {
        assert_eq!(
            Latency::parse("fixed:3000").unwrap().rates().token_s(9),
            3.0
        );
        assert_eq!(
            Latency::parse("none").unwrap(),
            Latency::Fixed(Duration::ZERO)
        );
        assert!(matches!(
            Latency::parse("realistic").unwrap(),
            Latency::Tokens(_)
        ));
    }

    #[test]
    fn a_bad_latency_says_what_is_wrong_and_the_forms() {
        for (bad, cause) in [("fixed:x", "digit"), ("/no/such/file", "/no/such/file")] {
            let error = format!("{:#}", Latency::parse(bad).unwrap_err());
            for said in [cause, "realistic", "none", "fixed:3000", "latency file"] {
                assert!(error.contains(said), "{said} is not in: {error}");
            }
        }
    }

    #[test]
    fn a_slower_server_is_slower_in_everything_that_takes_time() {
        let (rates, slower) = (
            Rates::realistic().unwrap(),
            Rates::realistic().unwrap().times(2.0),
        );
        assert!((slower.prefill_s() / rates.prefill_s() - 2.0).abs() < 1e-9);
        assert!((slower.token_s(7) / rates.token_s(7) - 2.0).abs() < 1e-9);
        assert_eq!(slower.kv_tokens, rates.kv_tokens);
    }
}
