//! A stretch of a day on the local stack: people upload, ask and wait, and it is seen how long verdicts and the API take,
//! whether the queues are worked off faster than they fill, and what gives way first.
//!
//! # Invariants
//! - Who comes when is drawn by a seed before the clock starts, and their photos with it; nobody who comes waits for
//!   another one to have been served (an open system: what is slow gets no fewer to serve).

mod arrivals;
mod people;
mod present;
mod step;
pub(crate) mod watch;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use clap::Args;
use futures::future::join_all;

use self::people::{Notes, People};
use self::step::Step;
use self::watch::Watch;
use crate::cache::api::Api;
use crate::cache::measure::client;
use crate::cache::stack::Stack;
use crate::report::print;

/// Of the simulated VLM: about what sixteen photos take a real one, each.
const LATENCY: &str = "fixed:3000";
/// Those who are still served when the last one has come.
const GIVES_UP_AFTER: Duration = Duration::from_secs(600);

/// What is measured.
#[derive(Args)]
pub(crate) struct Options {
    /// DRs that come in a minute; several, with commas between them, one after another.
    #[arg(long, value_delimiter = ',', default_values_t = [4.0])]
    drs_per_minute: Vec<f64>,
    /// How long they come, each of these.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Megapixels of a photo.
    #[arg(long, default_value_t = 1.0)]
    megapixels: f64,
    /// A stack that is up already (infra/local up --latency fixed:3000); without it, one is started and ended.
    #[arg(long)]
    stack: Option<String>,
    /// Who comes when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let fits = |rate: &f64| (0.1..=600.0).contains(rate);
    ensure!(
        options.drs_per_minute.iter().all(fits),
        "Take 0.1 to 600 DRs a minute"
    );
    ensure!(
        (0.2..=240.0).contains(&options.minutes),
        "Take 0.2 to 240 minutes"
    );
    let stack = Arc::new(match &options.stack {
        Some(name) => Stack::attach(name)?,
        None => Stack::start("bench-load", LATENCY, &["--no-looks"])?,
    });
    let mut steps = Vec::new();
    for (number, rate) in options.drs_per_minute.iter().enumerate() {
        steps.push(step(&stack, options, *rate, number).await?);
    }
    let report = if options.json {
        present::json(&steps).to_string()
    } else {
        present::text(&steps)
    };
    print(&report)
}

async fn step(
    stack: &Arc<Stack>,
    options: &Options,
    rate: f64,
    number: usize,
) -> anyhow::Result<Step> {
    let span = Duration::from_secs_f64(options.minutes * 60.0);
    let all = arrivals::arrivals(rate, span, options.seed.wrapping_add(number as u64));
    eprintln!("Drawing the photos of {} DRs …", all.len());
    let prepared = people::prepare(&all, &run_name(number), options.megapixels)?;
    eprintln!("{rate} DRs a minute, for {} minutes …", options.minutes);
    let people = People {
        stack: Arc::clone(stack),
        api: Api::of(stack)?,
        s3: client(stack),
        notes: Notes::default(),
        until: Instant::now() + span + GIVES_UP_AFTER,
    };
    let (watch, seconds) = (Watch::new(stack)?, Mutex::new(Vec::new()));
    let begun = tokio::time::Instant::now();
    let each = prepared.iter().map(|one| async {
        tokio::time::sleep_until(begun + one.arrival.at).await;
        people.one(one).await
    });
    let seen = tokio::select! {
        seen = join_all(each) => seen,
        () = watch.watch(begun, &seconds) => Vec::new(),
    };
    Ok(Step {
        drs_per_minute: rate,
        span,
        photos: prepared.iter().map(|one| one.arrival.photos).sum(),
        seen,
        api: people.notes.api.into_inner().unwrap_or_default(),
        seconds: seconds.into_inner().unwrap_or_default(),
        most_in_flight: watch.most_in_flight().await?,
    })
}

/// Other DRs than those of an earlier run on the same stack.
fn run_name(number: usize) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!("{:05}{number}", now.as_secs() % 100_000)
}
