//! The sweeper: each minute it sends again what was lost, and ends what is past its deadline; once a day it works out how
//! right verdicts are.

// The steps down to the AWS client, each a future within another one, are more than the compiler looks through at first.
#![recursion_limit = "256"]

use std::time::Duration;

use aws::clock;
use aws::configuration::seconds;
use aws::ports::AwsPorts;
use aws::telemetry;
use aws::usage::measured;
use evaluation::decide::breaker::Breaker;
use evaluation::decide::queue::Queue;
use evaluation::decide::update::Key;
use evaluation::domain::time::Timestamp;
use evaluation::figures;
use evaluation::run::ports::Ports;
use evaluation::run::{accuracy, sweep};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

/// Kept free at the end of a round for what it has begun.
const MARGIN: Duration = Duration::from_secs(10);
/// A round's time, where its deadline can't be right.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(55);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::start()?;
    let ports = AwsPorts::from_env(&aws::load().await, Queue::ALL)?;
    let lost_after = seconds("LOST_AFTER_SECONDS")?;
    let ended = run(service_fn(|event: LambdaEvent<Value>| {
        let until = until(event.context.deadline);
        measured("sweeper", handle(&ports, lost_after, until))
    }))
    .await;
    ended.map_err(anyhow::Error::from_boxed)
}

/// Until when a round may look at evaluations that must end at this time, in milliseconds since the epoch. `cargo lambda
/// watch` gives no epoch time, and then it is the usual time.
fn until(deadline_ms: u64) -> Timestamp {
    let now = clock::now();
    let deadline = Timestamp::from_millis(i64::try_from(deadline_ms).unwrap_or(i64::MAX));
    let left = match deadline.since(now) {
        Duration::ZERO => WITHOUT_DEADLINE,
        left => left.min(WITHOUT_DEADLINE),
    };
    now.after(left.saturating_sub(MARGIN))
}

/// Once a day, in a round that has time left. It is the lesser work: where it fails, the next round tries again.
async fn work_out_accuracy(ports: &AwsPorts, until: Timestamp) {
    if clock::now() > until {
        return;
    }
    match accuracy::keep_up(ports).await {
        Ok(true) => tracing::info!("it was worked out how right verdicts are"),
        Ok(false) => {}
        Err(error) => {
            let error = error.with_causes();
            tracing::error!(error, "how right verdicts are could not be worked out");
        }
    }
}

/// A round in which an evaluation could not be swept fails as a whole: it counts as an error of the function.
async fn handle(ports: &AwsPorts, lost_after: Duration, until: Timestamp) -> Result<Value, Error> {
    let swept = sweep::run(ports, lost_after, until).await;
    let swept = swept.inspect_err(|error| {
        tracing::error!(error = %error.with_causes(), "the sweep failed");
    })?;
    // Also of a round in which some could not be swept: the sweeper is alive.
    let breaker = ports.get::<Breaker>(Key::Breaker).await?;
    ports.note(figures::of_round(&swept, &breaker.unwrap_or_default()));
    work_out_accuracy(ports, until).await;
    let report = serde_json::to_value(swept)?;
    tracing::info!(sweep.report = %report, "swept");
    match swept.failed {
        0 => Ok(report),
        failed => Err(format!("{failed} evaluations could not be swept").into()),
    }
}
