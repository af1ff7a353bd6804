//! Those who come: they upload, ask, look again and again, and see a verdict.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use samples::drs::{Dr, made_up};
use samples::photo::jpeg;
use serde_json::Value;

use super::arrivals::{Arrival, Wish};
use crate::cache::api::Api;
use crate::cache::measure::put;
use crate::cache::stack::Stack;

/// An app looks so often, and those who left an upload behind are not there to look.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
const LOOKS_AFTER_UPLOADS_EVERY: Duration = Duration::from_secs(5);

/// A DR to come, its photos drawn: drawing takes the processor that the functions need.
pub(crate) struct Prepared {
    pub(crate) arrival: Arrival,
    pub(crate) dr_number: String,
    photos: Vec<(String, Vec<u8>)>,
}

/// What became of one who came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) wish: Wish,
    /// From the request, or the last upload, to the verdict.
    pub(crate) verdict: Option<Duration>,
    /// Whether it is an answer from before, or one that was on its way.
    pub(crate) is_known: bool,
    /// How long each photo's message waited, beyond when it was due.
    pub(crate) queued: Vec<Duration>,
    /// Why there is no verdict, or one with gaps.
    pub(crate) failed: Option<String>,
}

/// All that was seen, while it is measured.
#[derive(Default)]
pub(crate) struct Notes {
    /// Requests to the API: by what was asked, and how long it took.
    pub(crate) api: Mutex<Vec<(&'static str, Duration)>>,
}

impl Notes {
    fn api(&self, asked: &'static str, took: Duration) {
        if let Ok(mut api) = self.api.lock() {
            api.push((asked, took));
        }
    }
}

/// Draws the photos of all who bring some.
pub(crate) fn prepare(
    arrivals: &[Arrival],
    run: &str,
    megapixels: f64,
) -> anyhow::Result<Vec<Prepared>> {
    let numbers: Vec<String> = (0..arrivals.len())
        .map(|at| format!("LOAD{run}{at:04}"))
        .collect();
    let each = |(at, arrival): (usize, &Arrival)| {
        let own = numbers.get(at).cloned().unwrap_or_default();
        let (dr_number, photos) = match arrival.wish {
            Wish::Repeat(earlier) => (
                numbers.get(earlier).cloned().unwrap_or_default(),
                Vec::new(),
            ),
            _ => (
                own.clone(),
                draw(&own, arrival.photos, at as u64, megapixels)?,
            ),
        };
        Ok(Prepared {
            arrival: *arrival,
            dr_number,
            photos,
        })
    };
    arrivals.iter().enumerate().map(each).collect()
}

fn draw(
    number: &str,
    photos: usize,
    seed: u64,
    megapixels: f64,
) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let dr = made_up(number, photos, seed)?;
    let each = |(at, photo): (usize, &samples::drs::Named)| {
        let truth = dr.truth(at).context("A photo has no truth")?;
        // A seed of its own for each DR: no answer about one photo is one about another.
        let view = Dr::view(at, megapixels, seed.wrapping_mul(100));
        Ok((photo.name.clone(), jpeg(&truth, &view)?))
    };
    dr.photos.iter().enumerate().map(each).collect()
}

/// What those who come work with.
pub(crate) struct People {
    pub(crate) stack: Arc<Stack>,
    pub(crate) api: Api,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) notes: Notes,
    /// When nobody waits any more.
    pub(crate) until: Instant,
}

impl People {
    /// One of them, from coming to the verdict.
    pub(crate) async fn one(&self, prepared: &Prepared) -> Seen {
        let wish = prepared.arrival.wish;
        let seen = self.served(prepared).await;
        seen.unwrap_or_else(|error| Seen {
            wish,
            verdict: None,
            is_known: false,
            queued: Vec::new(),
            failed: Some(format!("{error:#}")),
        })
    }

    async fn served(&self, prepared: &Prepared) -> anyhow::Result<Seen> {
        let number = &prepared.dr_number;
        put(&self.s3, &self.stack, number, &prepared.photos).await?;
        let begun = Instant::now();
        let (mode, every) = match prepared.arrival.wish {
            Wish::Upload => return self.after_uploads(number, begun).await,
            Wish::Ask | Wish::Repeat(_) => ("full", LOOKS_EVERY),
            Wish::Hurry => ("quick", LOOKS_EVERY),
        };
        let asked = self.api.ask_in(number, mode, false).await?;
        self.notes.api("POST /evaluations", asked.took);
        let is_known = ["cached", "joined"]
            .iter()
            .any(|field| asked.body.get(*field) == Some(&true.into()));
        let seen = self.completed(asked.text("evaluation_id"), every).await?;
        Ok(self.of(prepared.arrival.wish, begun, is_known, &seen))
    }

    async fn after_uploads(&self, number: &str, begun: Instant) -> anyhow::Result<Seen> {
        while Instant::now() < self.until {
            tokio::time::sleep(LOOKS_AFTER_UPLOADS_EVERY).await;
            let history = self.api.history(number).await?;
            self.notes.api("GET /drs/…/evaluations", history.took);
            let id = history.body.pointer("/evaluations/0/evaluation_id");
            if let Some(id) = id.and_then(Value::as_str) {
                let seen = self.completed(id, LOOKS_AFTER_UPLOADS_EVERY).await?;
                return Ok(self.of(Wish::Upload, begun, false, &seen));
            }
        }
        bail!("its uploads started nothing")
    }

    async fn completed(&self, id: &str, every: Duration) -> anyhow::Result<Value> {
        while Instant::now() < self.until {
            let seen = self.api.look(id).await?;
            self.notes.api("GET /evaluations/…", seen.took);
            if seen.text("status") == "completed" {
                return Ok(seen.body);
            }
            tokio::time::sleep(every).await;
        }
        bail!("no verdict when the benchmark ended")
    }

    fn of(&self, wish: Wish, begun: Instant, is_known: bool, seen: &Value) -> Seen {
        let photos = seen.get("photos").and_then(Value::as_array);
        let queued = photos.into_iter().flatten().filter_map(|photo| {
            let millis = photo.pointer("/timings/queue_ms")?.as_u64()?;
            Some(Duration::from_millis(millis))
        });
        let verdict = seen.get("verdict").and_then(Value::as_str);
        Seen {
            wish,
            verdict: Some(begun.elapsed()),
            is_known,
            queued: if is_known {
                Vec::new()
            } else {
                queued.collect()
            },
            failed: (verdict == Some("incomplete")).then(|| "its verdict has gaps".to_owned()),
        }
    }
}
