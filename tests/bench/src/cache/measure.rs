//! Asking the same question, by force and not.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use samples::drs::{Dr, samples};
use samples::photo::jpeg;
use serde_json::{Value, json};

use super::api::{Api, KEY, REGION};
use super::stack::Stack;
use crate::report::percentile::{millis, percentile};

/// The sample DR of 16 photos.
pub(crate) const SAMPLE: &str = "DR1730550";
/// Small photos make the peer fast: the comparison is then hard on the cache.
const MEGAPIXELS: f64 = 2.0;
const POLLS_EVERY: Duration = Duration::from_millis(50);
const GIVES_UP_AFTER: Duration = Duration::from_secs(300);

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The model that was asked.
    pub(crate) model: String,
    /// Whether that is the simulation.
    pub(crate) simulated: bool,
    /// The DR's photos.
    pub(crate) photos: usize,
    /// Evaluations by force: from the request until the verdict was seen.
    pub(crate) uncached: Vec<Duration>,
    /// Requests for the cached answer.
    pub(crate) cached: Vec<Duration>,
    /// The look at the table in each of them.
    pub(crate) lookups: Vec<Duration>,
    /// Requests for the whole evaluation.
    pub(crate) reads: Vec<Duration>,
}

/// Uploads the sample DR and asks about it.
pub(crate) async fn measure(
    stack: &Stack,
    api: &Api,
    evaluations: usize,
    requests: usize,
) -> anyhow::Result<Measured> {
    let all = samples()?;
    let dr = all
        .iter()
        .find(|dr| dr.dr_number == SAMPLE)
        .context("The sample DR is missing")?;
    upload(stack, dr, MEGAPIXELS, 1).await?;
    let mut uncached = Vec::new();
    for number in 1..=evaluations.max(1) {
        eprintln!("Evaluating anew, {number} of {evaluations} …");
        uncached.push(evaluate(api).await?);
    }
    let (mut cached, mut lookups, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    eprintln!("Asking the same question {requests} times …");
    for _ in 0..requests.max(1) {
        let answer = api.ask(SAMPLE, false).await?;
        ensure!(
            answer.is_cached(),
            "The answer was not a cached one: {}",
            answer.body
        );
        lookups.push(answer.lookup.context("The answer has no Server-Timing")?);
        cached.push(answer.took);
        reads.push(api.look(answer.text("evaluation_id")).await?.took);
    }
    let (model, simulated, photos) = (
        stack.about.vlm_model.clone(),
        stack.about.vlm_simulated,
        dr.photos.len(),
    );
    Ok(Measured {
        model,
        simulated,
        photos,
        uncached,
        cached,
        lookups,
        reads,
    })
}

/// Uploads a DR's photos, drawn as seen from this view; how many bytes they are.
pub(crate) async fn upload(
    stack: &Stack,
    dr: &Dr,
    megapixels: f64,
    view: u64,
) -> anyhow::Result<usize> {
    let mut photos = Vec::new();
    for (at, photo) in dr.photos.iter().enumerate() {
        let truth = dr
            .truth(at)
            .context("Every photo of the sample has its truth")?;
        let bytes = jpeg(&truth, &Dr::view(at, megapixels, view))?;
        photos.push((photo.name.clone(), bytes));
    }
    put(&client(stack), stack, &dr.dr_number, &photos).await?;
    Ok(photos.iter().map(|(_, bytes)| bytes.len()).sum())
}

/// A client of the stack's bucket.
pub(crate) fn client(stack: &Stack) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&stack.about.endpoint)
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(KEY, KEY, None, None, "bench"))
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Puts a DR's photos where the app puts them.
pub(crate) async fn put(
    s3: &aws_sdk_s3::Client,
    stack: &Stack,
    dr_number: &str,
    photos: &[(String, Vec<u8>)],
) -> anyhow::Result<()> {
    let bucket = stack.output("BucketName")?;
    for (name, bytes) in photos {
        let key = format!("photos/{dr_number}/{name}");
        let body = ByteStream::from(bytes.clone());
        let put = s3.put_object().bucket(bucket).key(key).body(body);
        put.send().await?;
    }
    Ok(())
}

/// Evaluates anew, whatever is known: the time until the verdict is seen.
async fn evaluate(api: &Api) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let answer = api.ask(SAMPLE, true).await?;
    while begun.elapsed() < GIVES_UP_AFTER {
        let seen = api.look(answer.text("evaluation_id")).await?;
        if seen.text("status") == "completed" {
            ensure!(
                seen.text("verdict") != "incomplete",
                "The evaluation has gaps, so it is not cached: {}",
                seen.body
            );
            return Ok(begun.elapsed());
        }
        tokio::time::sleep(POLLS_EVERY).await;
    }
    anyhow::bail!("No verdict within {} s", GIVES_UP_AFTER.as_secs())
}

impl Measured {
    /// The fastest evaluation by force.
    pub(crate) fn fastest(&self) -> Duration {
        self.uncached.iter().min().copied().unwrap_or_default()
    }

    /// The cached answer's time as a share of the fastest evaluation's, at this percentile.
    pub(crate) fn ratio(&self, percent: f64) -> f64 {
        percentile(&self.cached, percent).as_secs_f64()
            / self.fastest().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// The look at the table as a share of each request.
    pub(crate) fn shares(&self) -> Vec<f64> {
        let pairs = self.lookups.iter().zip(&self.cached);
        pairs
            .map(|(lookup, request)| {
                lookup.as_secs_f64() / request.as_secs_f64().max(f64::MIN_POSITIVE)
            })
            .collect()
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let of = |times: &[Duration]| {
            json!({"requests": times.len(), "p50_ms": millis(percentile(times, 50.0)),
                "p95_ms": millis(percentile(times, 95.0)), "p99_ms": millis(percentile(times, 99.0))})
        };
        let shares = self.shares();
        json!({
            "model": self.model, "photos": self.photos, "vlm_simulated": self.simulated,
            "uncached_ms": self.uncached.iter().map(|time| millis(*time)).collect::<Vec<_>>(),
            "fastest_uncached_ms": millis(self.fastest()),
            "cached": of(&self.cached), "lookup": of(&self.lookups), "evaluation_read": of(&self.reads),
            "cached_to_fastest_uncached": {"p50": self.ratio(50.0), "p99": self.ratio(99.0), "required_below": 0.05},
            "lookup_share_of_request": shares.iter().sum::<f64>() / shares.len().max(1) as f64,
        })
    }
}
