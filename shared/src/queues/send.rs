//! Sending messages.
//!
//! # Invariants
//! - `Ok` means that every message stands in the queue: SendMessageBatch may answer 200 with failed entries, and those
//!   are sent again, then reported.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use crate::protocol::message::Message;

/// SQS's limit of one SendMessageBatch.
const ENTRIES_PER_CALL: usize = 10;
/// SQS's longest delay.
const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// Rounds in which entries that failed are sent again.
const ROUNDS: u32 = 4;

/// A message could not be sent; for operators. The same again later may work.
#[derive(Debug, thiserror::Error)]
#[error("SQS could not take {unsent} of {total} messages: {cause}")]
pub struct QueueError {
    /// Messages that are not in the queue.
    pub unsent: usize,
    /// Messages that should be.
    pub total: usize,
    /// The cause, with its causes.
    pub cause: String,
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
        let bodies: Vec<String> = messages.iter().map(Message::to_body).collect();
        let mut unsent: Vec<usize> = (0..bodies.len()).collect();
        let mut cause = String::new();
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(Duration::from_millis(50 << round)).await;
            }
            let entries = unsent
                .iter()
                .filter_map(|at| entry(*at, messages.get(*at)?, bodies.get(*at)?, delay))
                .collect();
            match self
                .client
                .send_message_batch()
                .queue_url(queue_url)
                .set_entries(Some(entries))
                .send()
                .await
            {
                Ok(answer) => {
                    cause = answer
                        .failed
                        .iter()
                        .map(|f| format!("{}: {}", f.code, f.message.as_deref().unwrap_or("")))
                        .collect();
                    unsent = answer
                        .failed
                        .iter()
                        .filter_map(|failed| failed.id.parse().ok())
                        .collect();
                }
                Err(error) => cause = DisplayErrorContext(&error).to_string(),
            }
            if unsent.is_empty() {
                return Ok(());
            }
        }
        Err(QueueError {
            unsent: unsent.len(),
            total: bodies.len(),
            cause,
        })
    }
}

/// Fair between DRs: SQS delivers the messages of a group that waits long behind those of others.
fn entry(
    at: usize,
    message: &Message,
    body: &str,
    delay: Duration,
) -> Option<SendMessageBatchRequestEntry> {
    let seconds = i32::try_from(delay.min(LONGEST_DELAY).as_millis().div_ceil(1000)).ok()?;
    let entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(body);
    let entry = entry.set_delay_seconds((seconds > 0).then_some(seconds));
    entry
        .set_message_group_id(message.fair_share_of().map(ToString::to_string))
        .build()
        .ok()
}
