//! A phone that uploads, one photo after another; and a crowd of them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use evaluation::domain::time::Timestamp;
use futures::future::join_all;
use samples::drs::{Dr, Named, made_up};
use samples::photo::jpeg;
use serde_json::Value;
use tokio::time::{sleep, sleep_until};

use super::options::Options;
use crate::cache::api::Api;
use crate::cache::measure::{client, put};
use crate::cache::stack::Stack;
use crate::load::watch::Watch;

const POLLS_EVERY: Duration = Duration::from_millis(250);
const GIVES_UP_AFTER: Duration = Duration::from_secs(300);

type Photos = Vec<(String, Vec<u8>)>;

/// What became of a DR that a phone uploaded.
#[derive(Debug, Clone)]
pub(crate) struct Phone {
    /// Whether photos were looked at as they came.
    pub(crate) looks: bool,
    /// Whether the app asked as soon as the last photo was in the bucket, or left it to the uploads.
    pub(crate) asked: bool,
    /// From then until the verdict stood.
    pub(crate) verdict: Duration,
    /// Requests to the VLM in all.
    pub(crate) requests: u64,
}

/// How long somebody waits, alone and while others upload.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    /// From request to verdict, alone.
    pub(crate) alone: Vec<Duration>,
    /// The same in the crowd.
    pub(crate) among_others: Vec<Duration>,
    /// Looks that were going on or waiting when the last asked.
    pub(crate) bulk: u64,
}

/// Draws a DR's photos: drawing takes the processor that the functions need.
fn draw(number: &str, options: &Options, seed: u64) -> anyhow::Result<Photos> {
    let dr = made_up(number, options.photos, seed)?;
    let each = |(at, photo): (usize, &Named)| {
        let truth = dr.truth(at).context("A photo has no truth")?;
        let view = Dr::view(at, options.megapixels, seed.wrapping_mul(100));
        Ok((photo.name.clone(), jpeg(&truth, &view)?))
    };
    dr.photos.iter().enumerate().map(each).collect()
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn seed() -> u64 {
    now().as_millis() as u64
}

/// Uploads photos, evenly over the time.
async fn upload(
    stack: &Stack,
    number: &str,
    photos: &[(String, Vec<u8>)],
    over: f64,
) -> anyhow::Result<()> {
    let s3 = client(stack);
    let begun = tokio::time::Instant::now();
    let gap = Duration::from_secs_f64(over / photos.len().max(1) as f64);
    for (at, photo) in (1..).zip(photos) {
        sleep_until(begun + gap * at).await;
        put(&s3, stack, number, std::slice::from_ref(photo)).await?;
    }
    Ok(())
}

/// A phone uploads, and the app asks as soon as the last photo is there, or leaves it to the uploads.
pub(crate) async fn phone(
    stack: &Stack,
    options: &Options,
    looks: bool,
    asked: bool,
) -> anyhow::Result<Phone> {
    let api = Api::of(stack)?;
    let seed = seed();
    let number = format!("PHONE{}", seed % 1_000_000);
    let photos = draw(&number, options, seed)?;
    let before = requests(stack).await?;
    eprintln!(
        "{} photos in {} s, {} looks, {} …",
        options.photos,
        options.over,
        if looks { "with" } else { "without" },
        if asked {
            "asked for at once"
        } else {
            "left to the uploads"
        }
    );
    upload(stack, &number, &photos, options.over).await?;
    let last = now();
    let id = if asked {
        api.ask(&number, false)
            .await?
            .text("evaluation_id")
            .to_owned()
    } else {
        started(&api, &number).await?
    };
    let verdict = stood_at(&api, &id).await?.saturating_sub(last);
    Ok(Phone {
        looks,
        asked,
        verdict,
        requests: requests(stack).await? - before,
    })
}

/// How long somebody waits, alone, and while so many others upload.
pub(crate) async fn crowd(stack: &Stack, options: &Options) -> anyhow::Result<Crowd> {
    let (watch, seed) = (Watch::new(stack)?, seed());
    let number = format!("ALONE{}", seed % 1_000_000);
    upload(stack, &number, &draw(&number, options, seed)?, 0.0).await?;
    while watch.bulk().await? > 0 {
        sleep(POLLS_EVERY).await;
    }
    eprintln!("{} times somebody alone …", options.asks);
    let alone = waits(stack, &number, options.asks).await?;
    let drawn = (0..options.crowd).map(|at| {
        let number = format!("CROWD{}{at:03}", seed % 100_000);
        let photos = draw(&number, options, seed.wrapping_add(1 + at as u64))?;
        Ok((number, photos))
    });
    let drawn = drawn.collect::<anyhow::Result<Vec<_>>>()?;
    eprintln!(
        "{} times somebody among {} who upload …",
        options.asks, options.crowd
    );
    let others = join_all(
        drawn
            .iter()
            .map(|(number, photos)| upload(stack, number, photos, options.over)),
    );
    let waiting = async {
        sleep(Duration::from_secs_f64(options.over / 4.0)).await;
        let waits = waits(stack, &number, options.asks).await?;
        anyhow::Ok((waits, watch.bulk().await?))
    };
    let (uploaded, waited) = tokio::join!(others, waiting);
    uploaded.into_iter().collect::<anyhow::Result<()>>()?;
    let (among_others, bulk) = waited?;
    Ok(Crowd {
        alone,
        among_others,
        bulk,
    })
}

/// Somebody asks for a DR by force, so often, one time after another: no look is under way at it.
async fn waits(stack: &Stack, number: &str, asks: usize) -> anyhow::Result<Vec<Duration>> {
    let api = Api::of(stack)?;
    let mut waits = Vec::new();
    for _ in 0..asks {
        let begun = now();
        let answer = api.ask(number, true).await?;
        let stood = stood_at(&api, answer.text("evaluation_id")).await?;
        waits.push(stood.saturating_sub(begun));
    }
    Ok(waits)
}

/// The evaluation that a DR's uploads have started.
async fn started(api: &Api, number: &str) -> anyhow::Result<String> {
    let begun = Instant::now();
    while begun.elapsed() < GIVES_UP_AFTER {
        let history = api.history(number).await?;
        let id = history.body.pointer("/evaluations/0/evaluation_id");
        if let Some(id) = id.and_then(Value::as_str) {
            return Ok(id.to_owned());
        }
        sleep(POLLS_EVERY).await;
    }
    bail!("The uploads of {number} started nothing")
}

/// When the verdict stood, by the stack's clock, since the epoch.
async fn stood_at(api: &Api, id: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < GIVES_UP_AFTER {
        let seen = api.look(id).await?;
        if seen.text("status") == "completed" {
            let at = Timestamp::parse(seen.text("completed_at"));
            let at = at.map_err(|cause| anyhow::anyhow!("completed_at: {}", cause.0))?;
            return Ok(Duration::from_millis(at.millis_since(Timestamp::default())));
        }
        sleep(POLLS_EVERY).await;
    }
    bail!("No verdict within {} s", GIVES_UP_AFTER.as_secs())
}

async fn requests(stack: &Stack) -> anyhow::Result<u64> {
    let url = format!("{}/simulation/stats", stack.about.vlm_url);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let answer = http.get(url).send().await?.error_for_status()?;
    let read = answer.bytes().await?;
    let stats: Value = serde_json::from_slice(&read)?;
    stats
        .get("requests")
        .and_then(Value::as_u64)
        .context("The VLM does not say how many requests it had")
}
