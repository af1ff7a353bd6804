//! How fast model servers are: first token, tokens and images per second, against requests at once, photos in a request
//! and their size; and the simulation's parameters fitted to that, so that `bench phases` can tell what it means.

mod fit;
mod measure;
mod present;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::{Value, json};

use self::fit::Fit;
use self::measure::Wave;
use crate::report::print;

/// Whom to ask, and how much.
#[derive(Args)]
pub(crate) struct Options {
    /// A server's address, as in `infra/local`; several are measured one after another.
    #[arg(long, required = true, value_name = "URL")]
    vlm_url: Vec<String>,
    /// The model's name.
    #[arg(long, value_name = "NAME", default_value = "Qwen/Qwen3-VL-8B-Instruct")]
    vlm_model: String,
    /// Requests at once, such as `1,4,16`; no more than the server runs at once.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2,4,8,16", value_parser = at_least_one())]
    at_once: Vec<usize>,
    /// Photos in a request.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2", value_parser = at_least_one())]
    photos: Vec<usize>,
    /// Long edges of the photos, in pixels.
    #[arg(
        long,
        value_name = "PIXELS",
        value_delimiter = ',',
        default_value = "800,1600"
    )]
    sizes: Vec<u32>,
    /// How often each is measured.
    #[arg(long, value_name = "N", default_value = "2", value_parser = at_least_one())]
    rounds: usize,
    /// Writes what was fitted to a file, for `simulated-vlm --latency FILE` and `bench phases --latency FILE`.
    #[arg(long, value_name = "FILE")]
    latency_file: Option<PathBuf>,
    /// A JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// What was found of a server.
struct Found {
    url: String,
    waves: Vec<Wave>,
    fit: Option<Fit>,
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// Measures all, and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let one = options.vlm_url.len() == 1;
    ensure!(
        one || options.latency_file.is_none(),
        "--latency-file is for one --vlm-url"
    );
    let mut all = Vec::new();
    for url in &options.vlm_url {
        let waves = measure::of(url, options).await?;
        let fit = fit::fit(&waves)?;
        all.push(Found {
            url: url.clone(),
            waves,
            fit,
        });
    }
    if let Some(path) = &options.latency_file {
        let fit = all.first().and_then(|found| found.fit.as_ref());
        let fit = fit.context("There is nothing to write: nothing could be fitted")?;
        let text = format!("{:#}\n", fit.latency_file());
        std::fs::write(path, text)
            .with_context(|| format!("Failed to write {}", path.display()))?;
    }
    print(&if options.json {
        json(options, &all).to_string()
    } else {
        present::text(&all)
    })
}

fn json(options: &Options, all: &[Found]) -> Value {
    let servers = all.iter().map(|found| {
        let points = present::points(&found.waves);
        json!({"url": found.url, "model": options.vlm_model, "points": points, "fit": found.fit.as_ref().map(Fit::json)})
    });
    json!({"servers": servers.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests;
