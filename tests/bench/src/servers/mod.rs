//! How fast model servers are: first token, tokens and images per second, against requests at once, photos in a request
//! and their size; and the simulation's parameters fitted to that, so that `bench phases` can tell what it means.

mod fit;
mod measure;
mod options;
mod present;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use self::fit::Fit;
pub(crate) use self::options::Options;
use self::present::Found;
use crate::report::print;

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
