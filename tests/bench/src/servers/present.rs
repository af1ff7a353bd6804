//! What was found of each server, for people.

use std::time::Duration;

use serde_json::{Value, json};

use super::fit::Fit;
use super::measure::{Answered, Wave};
use crate::report::percentile::percentile;
use crate::report::table::Table;

/// What was found of a server.
pub(super) struct Found {
    pub(super) url: String,
    pub(super) waves: Vec<Wave>,
    pub(super) fit: Option<Fit>,
}

/// The waves of the same kind, together.
struct Point<'a> {
    waves: Vec<&'a Wave>,
}

/// Each server's table, and what was fitted to it.
pub(crate) fn text(all: &[Found]) -> String {
    let each = all.iter().map(|found| {
        let fit = match &found.fit {
            Some(fit) => fitted(fit),
            None => "Nothing could be fitted: too few answers, or none with a count of tokens and a first token.".into(),
        };
        format!("{}\n\n{}\n\n{fit}", found.url, table(&found.waves))
    });
    each.collect::<Vec<_>>().join("\n\n\n")
}

fn table(waves: &[Wave]) -> String {
    let columns = [
        "photos",
        "px",
        "at once",
        "first token s",
        "P95",
        "last answer s",
        "tokens in /s",
        "out /s",
        "images /s",
        "failed",
    ];
    let mut table = Table::new(columns);
    for point in kinds(waves) {
        let Some(wave) = point.waves.first() else {
            continue;
        };
        let (first, late) = point.first_token();
        let [tokens_in, tokens_out, images] = point.per_second();
        table.row([
            wave.photos.to_string(),
            wave.long_edge.to_string(),
            wave.at_once.to_string(),
            format!("{first:.2}"),
            format!("{late:.2}"),
            format!("{:.2}", point.last_s()),
            format!("{tokens_in:.0}"),
            format!("{tokens_out:.0}"),
            format!("{images:.2}"),
            point.failed().len().to_string(),
        ]);
    }
    let mut words: Vec<String> = waves.iter().flat_map(|wave| wave.failed.clone()).collect();
    words.sort();
    words.dedup();
    let words = words.iter().map(|words| format!("\nfailed: {words}"));
    format!("{}{}", table.render(), words.collect::<String>())
}

fn fitted(fit: &Fit) -> String {
    let mut table = Table::new(["mean s", "measured", "model", "off"]);
    for left in &fit.residuals {
        table.row([
            left.name.clone(),
            format!("{:.3}", left.measured_s),
            format!("{:.3}", left.model_s),
            format!("{:+.1} %", left.off_percent()),
        ]);
    }
    let rates = fit.rates;
    let prefix = match rates.prefix_block_tokens {
        0 => "beginnings of prompts are read anew",
        _ => "beginnings of prompts are kept",
    };
    format!(
        "{}\n\nFitted: reading {:.4} ms a token, writing {:.3} ms a token alone and {:.3} more for each other answer, {:.0} ms \
         beside; {prefix}. Off by {:.1} % in the mean. The KV cache was not measured.\n--latency-file FILE keeps this; then: \
         bench phases --latency FILE",
        table.render(),
        rates.prefill_ms_per_token,
        rates.decode_ms_per_token,
        rates.decode_ms_per_token_and_other_request,
        fit.beside_s * 1000.0,
        fit.mean_off_percent(),
    )
}

/// For programs: each kind of wave.
pub(crate) fn points(waves: &[Wave]) -> Vec<Value> {
    let value = |point: &Point<'_>| {
        let wave = point.waves.first()?;
        let (first, late) = point.first_token();
        let [tokens_in, tokens_out, images] = point.per_second();
        Some(json!({
            "photos": wave.photos, "long_edge": wave.long_edge, "at_once": wave.at_once, "first_token_s": first,
            "first_token_p95_s": late, "last_answer_s": point.last_s(), "tokens_in_per_s": tokens_in,
            "tokens_out_per_s": tokens_out, "images_per_s": images, "failed": point.failed(),
        }))
    };
    kinds(waves).iter().filter_map(value).collect()
}

fn kinds(waves: &[Wave]) -> Vec<Point<'_>> {
    let kind = |wave: &Wave| (wave.long_edge, wave.photos, wave.at_once);
    let mut points: Vec<Point<'_>> = Vec::new();
    for wave in waves {
        match points
            .iter_mut()
            .find(|point| point.waves.iter().any(|other| kind(other) == kind(wave)))
        {
            Some(point) => point.waves.push(wave),
            None => points.push(Point { waves: vec![wave] }),
        }
    }
    points
}

impl Point<'_> {
    fn answered(&self) -> impl Iterator<Item = &Answered> {
        self.waves.iter().flat_map(|wave| &wave.answered)
    }

    fn failed(&self) -> Vec<&String> {
        self.waves.iter().flat_map(|wave| &wave.failed).collect()
    }

    /// The median and the 95th percentile.
    fn first_token(&self) -> (f64, f64) {
        let firsts = self.answered().filter_map(|one| one.first_s);
        let firsts: Vec<Duration> = firsts.map(Duration::from_secs_f64).collect();
        let at = |percent| percentile(&firsts, percent).as_secs_f64();
        (at(50.0), at(95.0))
    }

    fn last_s(&self) -> f64 {
        self.waves.iter().map(|wave| wave.last_s()).sum::<f64>() / self.waves.len().max(1) as f64
    }

    /// Tokens read, tokens written, and images.
    fn per_second(&self) -> [f64; 3] {
        let seconds: f64 = self.waves.iter().map(|wave| wave.last_s()).sum();
        let images: usize = self
            .waves
            .iter()
            .map(|wave| wave.photos * wave.answered.len())
            .sum();
        let tokens_in: f64 = self.answered().map(|one| one.prompt_tokens).sum();
        let tokens_out: f64 = self.answered().map(|one| one.answer_tokens).sum();
        [tokens_in, tokens_out, images as f64]
            .map(|count| if seconds > 0.0 { count / seconds } else { 0.0 })
    }
}
