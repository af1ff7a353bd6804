//! A sample DR evaluated in full, another in quick mode, and the first asked about again, as an app does it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use samples::drs::{Dr, samples};
use serde_json::Value;

use super::Measured;
use super::bill::{Scenario, Standing};
use super::meter::Meter;
use super::prices::Architecture;
use crate::cache::api::Api;
use crate::cache::measure::{SAMPLE, upload};
use crate::cache::stack::Stack;

/// As phones take them.
const MEGAPIXELS: f64 = 12.0;
/// Of an app at an evaluation, while it runs and after.
const LOOKS: usize = 10;
const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// The quiet period after the uploads, and the evaluation in bulk that follows it where nobody asked for a full one.
const UPLOADS_ARE_DONE_AFTER: Duration = Duration::from_secs(110);
/// Until functions that were under way are done.
const SETTLES_WITHIN: Duration = Duration::from_secs(3);
const GIVES_UP_AFTER: Duration = Duration::from_secs(120);
/// The DR that is asked about in quick mode: the same steps, but other photos, so that no answer is known.
const ANOTHER: &str = "DR1730551";

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// Measures all three.
pub(crate) async fn measure(stack: &Stack) -> anyhow::Result<Measured> {
    let (api, http) = (
        Api::of(stack)?,
        reqwest::Client::builder().no_proxy().build()?,
    );
    let run = Run { stack, api, http };
    let (mut scenarios, mut sweeps) = (BTreeMap::new(), Meter::default());
    let mut add = |name: &str, (scenario, swept): (Scenario, Meter)| {
        scenarios.insert(name.to_owned(), scenario);
        sweeps = std::mem::take(&mut sweeps).and(swept);
    };
    eprintln!("A DR of 16 photos, uploaded and evaluated in full …");
    add("full", run.scenario(SAMPLE, "full", Some(1)).await?);
    eprintln!("Another one in quick mode …");
    add("quick", run.scenario(ANOTHER, "quick", Some(2)).await?);
    eprintln!("The first one, asked about again …");
    add("cached", run.scenario(SAMPLE, "full", None).await?);
    Ok(Measured {
        made_with: format!(
            "{LOOKS} looks each; {}; simulated VLM at 3 s an answer; functions built without optimisation, but for photos",
            settings()
        ),
        architecture: Architecture::X86_64,
        scenarios,
        sweeps,
        standing: standing(),
    })
}

struct Run<'a> {
    stack: &'a Stack,
    api: Api,
    http: reqwest::Client,
}

impl Run<'_> {
    /// One DR, with its uploads if there is a view of its photos to draw; what was counted, the sweeper's apart.
    async fn scenario(
        &self,
        dr_number: &str,
        mode: &str,
        view: Option<u64>,
    ) -> anyhow::Result<(Scenario, Meter)> {
        self.reset().await?;
        let mut photo_bytes = 0;
        if let Some(view) = view {
            let sample = samples()?.into_iter().find(|dr| dr.dr_number == SAMPLE);
            let sample = sample.context("The sample DR is missing")?;
            let dr = Dr {
                dr_number: dr_number.into(),
                ..sample
            };
            photo_bytes = upload(self.stack, &dr, MEGAPIXELS, view).await?;
        }
        let (took, seen) = self.evaluate(dr_number, mode).await?;
        tokio::time::sleep(if view.is_some() {
            UPLOADS_ARE_DONE_AFTER
        } else {
            SETTLES_WITHIN
        })
        .await;
        let (meter, sweeps) = self.read().await?.without_sweeps();
        let asked = view.map(|_| asked(&seen)).unwrap_or_default();
        let scenario = Scenario {
            took_ms: took.as_secs_f64() * 1000.0,
            photos_asked: asked.photos,
            sent_bytes: asked.bytes,
            prepared_ms: asked.prepared_ms / asked.photos.max(1.0),
            photo_bytes: photo_bytes as f64,
            meter,
        };
        Ok((scenario, sweeps))
    }

    /// Asks, and looks at it as often as an app does.
    async fn evaluate(&self, dr_number: &str, mode: &str) -> anyhow::Result<(Duration, Value)> {
        let begun = Instant::now();
        let answer = self.api.ask_in(dr_number, mode, false).await?;
        let (mut took, mut looks) = (None, 0);
        while begun.elapsed() < GIVES_UP_AFTER {
            tokio::time::sleep(LOOKS_EVERY).await;
            let seen = self.api.look(answer.text("evaluation_id")).await?;
            looks += 1;
            if seen.text("status") == "completed" {
                ensure!(
                    seen.text("verdict") != "incomplete",
                    "It has gaps: {}",
                    seen.body
                );
                took.get_or_insert(begun.elapsed());
            }
            if let (Some(took), true) = (took, looks >= LOOKS) {
                return Ok((took, seen.body));
            }
        }
        anyhow::bail!("No verdict within {} s", GIVES_UP_AFTER.as_secs())
    }

    async fn reset(&self) -> anyhow::Result<()> {
        let url = format!("{}/_strict/meter/reset", self.stack.about.endpoint);
        self.http.post(url).send().await?.error_for_status()?;
        Ok(())
    }

    async fn read(&self) -> anyhow::Result<Meter> {
        let url = format!("{}/_strict/meter", self.stack.about.endpoint);
        let read = self.http.get(url).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&read.bytes().await?)?)
    }
}

/// What the VLM was sent, and how long it took to prepare it.
#[derive(Default)]
struct Asked {
    photos: f64,
    bytes: f64,
    prepared_ms: f64,
}

fn asked(evaluation: &Value) -> Asked {
    let photos = evaluation.get("photos").and_then(Value::as_array);
    let of =
        |photo: &Value, field: &str| photo.pointer(field).and_then(Value::as_f64).unwrap_or(0.0);
    let mut asked = Asked::default();
    for photo in photos.into_iter().flatten() {
        let bytes = of(photo, "/image/sent_bytes");
        if bytes > 0.0 {
            asked.photos += 1.0;
            asked.bytes += bytes;
            asked.prepared_ms += of(photo, "/timings/fetch_ms") + of(photo, "/timings/compress_ms");
        }
    }
    asked
}

/// What stands in the template.
fn standing() -> Standing {
    let count = |text: &str| TEMPLATE.matches(text).count() as f64;
    let days = |name: &str| {
        default(name)
            .and_then(|days| days.parse().ok())
            .unwrap_or(0.0)
    };
    Standing {
        queues: count("Type: AWS::Lambda::EventSourceMapping"),
        alarms: count("Type: AWS::CloudWatch::Alarm"),
        secrets: count("Type: AWS::SecretsManager::Secret"),
        photo_days: days("PhotoRetentionDays"),
        verdict_days: days("VerdictRetentionDays"),
    }
}

/// The template's parameters that decide how photos are spread over invocations.
fn settings() -> String {
    let names = [
        "VlmMaxConcurrency",
        "PhotosInFlight",
        "PhotosPerBatch",
        "BulkMaxConcurrency",
        "BulkPhotosInFlight",
    ];
    let each = |name: &&str| Some(format!("{name} {}", default(name)?));
    names.iter().filter_map(each).collect::<Vec<_>>().join(", ")
}

/// A parameter's default.
fn default(name: &str) -> Option<&'static str> {
    let (_, parameter) = TEMPLATE.split_once(&format!("\n  {name}:\n"))?;
    let (_, value) = parameter.split_once("\n    Default: ")?;
    value.lines().next()
}
