//! Sending messages.
//!
//! # Invariants
//! - `Ok` means that every message stands in the queue: SendMessageBatch may answer 200 with failed entries, and those
//!   are sent again, then reported.

use std::convert::Infallible;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use evaluation::decide::message::Message;
use evaluation::run::error::Cause;

use crate::rounds::until_nothing_is_left;
use crate::trace;

/// SQS's limit of one SendMessageBatch.
const ENTRIES_PER_CALL: usize = 10;
/// SQS's longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// Rounds in which entries that failed are sent again.
const ROUNDS: u32 = 4;

/// Messages could not be sent; for operators. The same again later may work.
#[derive(Debug, thiserror::Error)]
#[error("SQS could not take {unsent} of {total} messages")]
pub struct QueueError {
    /// Messages that are not in the queue.
    pub unsent: usize,
    /// Messages that should be.
    pub total: usize,
    /// What SQS, or the way to it, said last.
    #[source]
    pub cause: Cause,
}

/// SQS took the call, and not all of its entries.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
struct EntryRefused {
    code: String,
    message: String,
}

/// The way to the queues.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
}

impl Queues {
    /// Sends with this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends messages, to be received after `delay` (15 minutes at most).
    pub async fn send_all(
        &self,
        queue_url: &str,
        messages: &[Message],
        delay: Duration,
    ) -> Result<(), QueueError> {
        let calls = messages
            .chunks(ENTRIES_PER_CALL)
            .map(|chunk| self.send_chunk(queue_url, chunk, delay));
        futures::future::try_join_all(calls).await.map(|_| ())
    }

    async fn send_chunk(
        &self,
        queue_url: &str,
        messages: &[Message],
        delay: Duration,
    ) -> Result<(), QueueError> {
        let mut last: Option<Cause> = None;
        let all = (0..messages.len()).collect();
        let unsent = until_nothing_is_left(all, ROUNDS, async |unsent: Vec<usize>| {
            let wanted = unsent
                .iter()
                .filter_map(|at| Some((*at, messages.get(*at)?)));
            let entries = wanted.filter_map(|(at, message)| entry(at, message, delay));
            let request = self.client.send_message_batch().queue_url(queue_url);
            let answer = request.set_entries(Some(entries.collect())).send().await;
            Ok::<_, Infallible>(match answer {
                Ok(answer) => {
                    last = answer.failed.first().map(refused);
                    let failed = answer.failed.iter();
                    failed.filter_map(|failed| failed.id.parse().ok()).collect()
                }
                Err(error) => {
                    last = Some(error.into());
                    unsent
                }
            })
        });
        let Ok(unsent) = unsent.await;
        match (unsent.len(), last) {
            (unsent, Some(cause)) if unsent > 0 => Err(QueueError {
                unsent,
                total: messages.len(),
                cause,
            }),
            _ => Ok(()),
        }
    }
}

fn refused(entry: &BatchResultErrorEntry) -> Cause {
    Box::new(EntryRefused {
        code: entry.code.clone(),
        message: entry.message.clone().unwrap_or_default(),
    })
}

/// Fair between DRs: SQS delivers the messages of a group that waits long behind those of others.
fn entry(at: usize, message: &Message, delay: Duration) -> Option<SendMessageBatchRequestEntry> {
    let seconds = i32::try_from(delay.min(LONGEST_DELAY).as_millis().div_ceil(1000)).ok()?;
    let group = message.fair_share_of().map(ToString::to_string);
    let entry = SendMessageBatchRequestEntry::builder().id(at.to_string());
    let entry = entry
        .message_body(message.to_body_within(trace::current().as_ref()))
        .set_message_group_id(group);
    entry
        .set_delay_seconds((seconds > 0).then_some(seconds))
        .build()
        .ok()
}
