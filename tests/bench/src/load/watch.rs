//! What the stack has to do, second by second: messages in its queues, requests at the VLM, and how busy this machine is.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cache::stack::Stack;

const EVERY: Duration = Duration::from_secs(1);
const QUEUES: [&str; 2] = ["BatchesQueueUrl", "BulkQueueUrl"];

/// One second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Second {
    pub(crate) at: Duration,
    /// Messages that nobody has taken yet, of what people wait for and of bulk work.
    pub(crate) waiting: [u64; 2],
    /// Messages that are being worked on.
    pub(crate) taken: [u64; 2],
    /// Requests at the VLM.
    pub(crate) in_flight: u64,
    /// How busy the machine's processors were since the last look, from 0 to 1.
    pub(crate) busy: f64,
}

/// What is looked at.
pub(crate) struct Watch<'a> {
    stack: &'a Stack,
    http: reqwest::Client,
}

impl<'a> Watch<'a> {
    /// Of this stack.
    pub(crate) fn new(stack: &'a Stack) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { stack, http })
    }

    /// Looks each second until it is dropped; what can't be read in one second is left out.
    pub(crate) async fn watch(&self, begun: Instant, seen: &std::sync::Mutex<Vec<Second>>) {
        let mut before = processor();
        loop {
            sleep(EVERY).await;
            let now = processor();
            let busy = share(before, now);
            before = now;
            if let (Ok(second), Ok(mut seen)) = (self.second(begun, busy).await, seen.lock()) {
                seen.push(second);
            }
        }
    }

    /// The most requests that the VLM had at once since its start.
    pub(crate) async fn most_in_flight(&self) -> anyhow::Result<u64> {
        number(&self.vlm().await?, "max_in_flight")
    }

    /// Messages of bulk work that wait or are being worked on.
    pub(crate) async fn bulk(&self) -> anyhow::Result<u64> {
        let (waiting, taken) = self.queue(QUEUES[1]).await?;
        Ok(waiting + taken)
    }

    async fn second(&self, begun: Instant, busy: f64) -> anyhow::Result<Second> {
        let vlm = self.vlm().await?;
        let (batches, bulk) = tokio::try_join!(self.queue(QUEUES[0]), self.queue(QUEUES[1]))?;
        Ok(Second {
            at: begun.elapsed(),
            waiting: [batches.0, bulk.0],
            taken: [batches.1, bulk.1],
            in_flight: number(&vlm, "in_flight")?,
            busy,
        })
    }

    async fn vlm(&self) -> anyhow::Result<Value> {
        let url = format!("{}/simulation/stats", self.stack.about.vlm_url);
        let read = self.http.get(url).send().await?.error_for_status()?;
        Ok(serde_json::from_slice(&read.bytes().await?)?)
    }

    /// Messages that wait, and those that were taken.
    async fn queue(&self, output: &str) -> anyhow::Result<(u64, u64)> {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let body = json!({"QueueUrl": self.stack.output(output)?, "AttributeNames": names});
        let asked = self
            .http
            .post(&self.stack.about.endpoint)
            .header("x-amz-target", "AmazonSQS.GetQueueAttributes")
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        let read = asked.send().await?.error_for_status()?;
        let said: Value = serde_json::from_slice(&read.bytes().await?)?;
        let count = |name: &str| {
            let count = said
                .get("Attributes")
                .and_then(|attributes| attributes.get(name)?.as_str());
            count
                .and_then(|count| count.parse().ok())
                .context("SQS says no count")
        };
        Ok((count(names[0])?, count(names[1])?))
    }
}

fn number(said: &Value, field: &str) -> anyhow::Result<u64> {
    let found = said.get(field).and_then(Value::as_u64);
    found.with_context(|| format!("The simulated VLM does not say {field}"))
}

/// Time of all processors since the machine's start: in all, and idle. Only Linux says so in this way.
fn processor() -> Option<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line
        .split_whitespace()
        .filter_map(|time| time.parse().ok())
        .collect();
    let idle = times.get(3)? + times.get(4)?;
    Some((times.iter().sum(), idle))
}

fn share(before: Option<(u64, u64)>, now: Option<(u64, u64)>) -> f64 {
    let (Some(before), Some(now)) = (before, now) else {
        return 0.0;
    };
    let all = now.0.saturating_sub(before.0).max(1) as f64;
    1.0 - now.1.saturating_sub(before.1) as f64 / all
}
