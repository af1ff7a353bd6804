//! The peer that the stack is shown beside: the same photos, compressed and asked by the same code, one after another,
//! as the predecessor did.
//!
//! `sequential --vlm-url URL --model NAME [--catalogue v1] PHOTO…` prints one JSON object.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use shared::domain::catalogue::Catalogue;
use shared::domain::photo_name::hint;
use shared::photos::prepare;
use shared::photos::size_policy::{CURRENT_VERSION, SizePolicy};
use shared::vlm::client::{VlmClient, VlmSettings};
use shared::vlm::prompt::Question;

struct Arguments {
    vlm_url: String,
    model: String,
    catalogue: String,
    photos: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = arguments(std::env::args().skip(1))?;
    let report = run(&arguments).await?;
    #[allow(clippy::print_stdout, reason = "the report is the program's result")]
    {
        println!("{report}");
    }
    Ok(())
}

fn arguments(mut given: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let (mut vlm_url, mut model, mut catalogue, mut photos) = (None, None, "v1".to_owned(), Vec::new());
    while let Some(argument) = given.next() {
        let mut value = || given.next().with_context(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--vlm-url" => vlm_url = Some(value()?),
            "--model" => model = Some(value()?),
            "--catalogue" => catalogue = value()?,
            option if option.starts_with("--") => bail!("There is no option {option}"),
            _ => photos.push(argument),
        }
    }
    Ok(Arguments {
        vlm_url: vlm_url.context("--vlm-url is missing")?,
        model: model.context("--model is missing")?,
        catalogue,
        photos,
    })
}

async fn run(arguments: &Arguments) -> anyhow::Result<serde_json::Value> {
    let catalogue = Catalogue::shipped(&arguments.catalogue)?;
    let policy = SizePolicy::shipped(CURRENT_VERSION)?;
    let steps: Vec<_> = catalogue.steps.iter().map(|step| step.key.clone()).collect();
    let question = Question::new(&catalogue, &steps);
    let vlm = VlmClient::new(VlmSettings {
        base_url: arguments.vlm_url.clone(),
        model: arguments.model.clone(),
        api_key: std::env::var("VLM_API_KEY").ok(),
        timeout: Duration::from_secs(180),
        connect_timeout: Duration::from_secs(5),
    })?;
    let (mut compressing, mut asking, begun) = (Duration::ZERO, Duration::ZERO, Instant::now());
    for path in &arguments.photos {
        let bytes = std::fs::read(path).with_context(|| format!("Failed to read {path}"))?;
        let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path);
        let step = hint(name, &catalogue).and_then(|key| catalogue.step(&key).cloned());
        let clock = Instant::now();
        let prepared = prepare(&bytes, &policy, policy.long_edge_for(step.as_ref())).with_context(|| path.clone())?;
        compressing += clock.elapsed();
        let clock = Instant::now();
        vlm.ask(&question, &prepared.jpeg, step.as_ref())
            .await
            .map_err(|failure| anyhow::anyhow!("{path}: {failure:?}"))?;
        asking += clock.elapsed();
    }
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Ok(json!({
        "photos": arguments.photos.len(), "total_ms": millis(begun.elapsed()),
        "compress_ms": millis(compressing), "vlm_ms": millis(asking),
    }))
}
