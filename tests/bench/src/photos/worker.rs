//! Our side, as a process of its own: reads requests, prepares photos, answers.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use photos::prepare;
use photos::size_policy::{CURRENT_VERSION, SizePolicy};
use rustix::time::{ClockId, clock_gettime};

use super::attempt::attempt;
use super::side::{Answer, Figures, Outcome, Request, Timed};
use crate::report::print;

/// Answers until standard input ends.
pub(crate) fn serve() -> anyhow::Result<()> {
    for line in std::io::stdin().lines() {
        let request: Request = serde_json::from_str(&line?).context("Failed to read a request")?;
        print(&serde_json::to_string(&answer(&request)?)?)?;
    }
    Ok(())
}

/// Prepares the photos of a request.
pub(crate) fn answer(request: &Request) -> anyhow::Result<Answer> {
    let policy = SizePolicy::shipped(CURRENT_VERSION)?;
    let (begun, cpu_before) = (Instant::now(), cpu_ms());
    let photos = all(request, policy)?;
    Ok(Answer {
        wall_ms: millis(begun),
        cpu_ms: cpu_ms() - cpu_before,
        photos,
    })
}

/// All photos, `workers` at a time: whoever is free takes the next.
fn all(request: &Request, policy: &SizePolicy) -> anyhow::Result<Vec<Timed>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = request.photos.get(index) else {
                return done;
            };
            done.push((index, one(path, request, policy)));
        }
    };
    let mut photos = std::thread::scope(|scope| {
        let others: Vec<_> = (1..request.workers).map(|_| scope.spawn(work)).collect();
        let mut photos = work();
        for other in others {
            photos.extend(
                other
                    .join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))?,
            );
        }
        anyhow::Ok(photos)
    })?;
    photos.sort_by_key(|(index, _)| *index);
    Ok(photos.into_iter().map(|(_, photo)| photo).collect())
}

fn one(path: &Path, request: &Request, policy: &SizePolicy) -> Timed {
    let begun = Instant::now();
    let prepared = attempt(|| prepared(path, policy, request.long_edge));
    let ms = millis(begun);
    let outcome = match prepared {
        Ok((figures, base64)) => Outcome::Prepared(Figures {
            jpeg: request.keep.then_some(base64),
            ..figures
        }),
        Err(error) => Outcome::Refused { error },
    };
    Timed { ms, outcome }
}

/// From the file to the base64 text, as both sides count it.
fn prepared(path: &Path, policy: &SizePolicy, long_edge: u32) -> anyhow::Result<(Figures, String)> {
    let prepared = prepare(&std::fs::read(path)?, policy, long_edge)?;
    let base64 = STANDARD.encode(&prepared.jpeg);
    let figures = prepared.figures;
    Ok((
        Figures {
            bytes: figures.sent_bytes,
            width: figures.width,
            height: figures.height,
            jpeg: None,
        },
        base64,
    ))
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// CPU time of this process, in milliseconds.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
