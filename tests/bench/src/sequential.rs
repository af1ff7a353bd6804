//! The peer that the stack is shown beside: the same photos, compressed and asked by the same code, one after another,
//! as the predecessor did.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use evaluation::domain::catalogue::{CURRENT_VERSION, Catalogue};
use evaluation::domain::photo_name::hint;
use evaluation::domain::photo_rules::long_edge_for;
use photos::prepare;
use photos::size_policy::{self, SizePolicy};
use serde_json::json;
use vlm::client::{VlmClient, VlmSettings};
use vlm::prompt::Question;

use crate::report::print;

/// What is asked of whom.
#[derive(Args)]
pub(crate) struct Options {
    /// The VLM server.
    #[arg(long)]
    vlm_url: String,
    /// The model.
    #[arg(long)]
    model: String,
    /// The catalogue's version.
    #[arg(long, default_value = CURRENT_VERSION)]
    catalogue: String,
    /// The photos' files.
    photos: Vec<String>,
}

/// Prints one JSON object.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    print(&measure(options).await?.to_string())
}

async fn measure(options: &Options) -> anyhow::Result<serde_json::Value> {
    let catalogue = Catalogue::shipped(&options.catalogue)?;
    let policy = SizePolicy::shipped(size_policy::CURRENT_VERSION)?;
    let steps: Vec<_> = catalogue
        .steps
        .iter()
        .map(|step| step.key.clone())
        .collect();
    let question = Question::new(catalogue, &steps);
    let vlm = VlmClient::of_person(VlmSettings {
        timeout: Duration::from_secs(180),
        ..VlmSettings::new(&options.vlm_url, &options.model)
    })?;
    let (mut compressing, mut asking, begun) = (Duration::ZERO, Duration::ZERO, Instant::now());
    for path in &options.photos {
        let bytes = std::fs::read(path).with_context(|| format!("Failed to read {path}"))?;
        let name = Path::new(path)
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or(path);
        let step = hint(name, catalogue).and_then(|key| catalogue.step(&key).cloned());
        let clock = Instant::now();
        let prepared = prepare(&bytes, policy, long_edge_for(policy, step.as_ref()))
            .with_context(|| path.clone())?;
        compressing += clock.elapsed();
        let clock = Instant::now();
        vlm.ask(&question, &prepared.jpeg, step.as_ref())
            .await
            .map_err(|failure| anyhow::anyhow!("{path}: {failure:?}"))?;
        asking += clock.elapsed();
    }
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Ok(json!({
        "photos": options.photos.len(), "total_ms": millis(begun.elapsed()),
        "compress_ms": millis(compressing), "vlm_ms": millis(asking),
    }))
}
