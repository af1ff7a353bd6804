//! Reading what Lambda hands over from a queue.
//!
//! # Invariants
//! - One record that can't be read, fails, or is not done when the invocation ends, is reported alone; the others count
//!   as done.
//! - An id is reported only if Lambda gave one: an empty or unknown id would fail the whole batch.

use std::future::Future;
use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use evaluation::run::error::Cause;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout_at;
use tracing::Instrument;

use crate::clock;
use crate::deadline::Deadline;
use crate::trace::Envelope;

/// Kept free at the end of an invocation: the answer must be with Lambda before it ends the invocation, or all records
/// come again.
pub(crate) const MARGIN: Duration = Duration::from_secs(1);

/// One record: its id and what was delivered, or why that can't be read.
#[derive(Debug)]
struct Record {
    message_id: String,
    delivery: Result<Delivery, Cause>,
}

/// What a queue delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message's body.
    pub body: String,
    /// Whether it was delivered before, and somebody failed or ended at it.
    pub is_repeated: bool,
}

/// The records of one invocation.
#[derive(Debug)]
pub struct Records(Vec<Record>);

/// A record without an id: it can't be reported alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of the queue has no messageId, so it could not be reported alone")]
pub struct WithoutId;

impl Records {
    /// The records of an event; `None` if this is no event of a queue.
    ///
    /// A record without an id can't be reported alone, so the whole event is refused as an error.
    ///
    /// ```
    /// use aws::queues::Records;
    ///
    /// let event = serde_json::json!({"Records": [{"messageId": "1", "body": "text"}]});
    /// assert!(Records::of(&event).is_some());
    /// assert!(Records::of(&serde_json::json!({"dr_number": "DR1"})).is_none());
    /// ```
    pub fn of(event: &Value) -> Option<Result<Self, WithoutId>> {
        let records = event.get("Records")?.as_array()?;
        let sent =
            |record: &Value| record.get("messageId").is_some() || record.get("body").is_some();
        let from_queue = records.iter().all(sent);
        from_queue.then(|| {
            records
                .iter()
                .map(record)
                .collect::<Result<_, _>>()
                .map(Self)
        })
    }

    /// Handles each record, all at once, and answers with those that failed or are not done when the invocation
    /// ends. A failure is logged here, once.
    pub async fn for_each<F>(
        self,
        deadline: Deadline,
        handle: impl Fn(Delivery) -> F,
    ) -> SqsBatchResponse
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let (handle, until) = (&handle, deadline.less(MARGIN));
        let handled = self.0.into_iter().map(async |record| {
            let Record {
                message_id,
                delivery,
            } = record;
            let body = delivery.as_ref().map(|delivery| delivery.body.as_str());
            let envelope = Envelope::of(body.unwrap_or_default());
            let span = envelope.span(&message_id);
            let work = async {
                let began = clock::now();
                let done = match delivery {
                    Ok(delivery) => {
                        timeout_at(until, handle(delivery))
                            .await
                            .unwrap_or_else(|_| {
                                Err(anyhow::anyhow!("the invocation's time ended first"))
                            })
                    }
                    Err(cause) => Err(anyhow::anyhow!(cause).context("a record can't be read")),
                };
                let failed = done.err().map(|error| failure(message_id, &error));
                let (took, kind) = (clock::now().millis_since(began), envelope.kind.as_deref());
                tracing::info!(
                    message.kind = kind.unwrap_or("event"),
                    message.failed = failed.is_some(),
                    duration_ms = took,
                    "a message was handled"
                );
                failed
            };
            work.instrument(span).await
        });
        let mut response = SqsBatchResponse::default();
        let failures = futures::future::join_all(handled).await;
        response.batch_item_failures = failures.into_iter().flatten().collect();
        response
    }
}

fn record(record: &Value) -> Result<Record, WithoutId> {
    let message_id = record.get("messageId").and_then(Value::as_str);
    let message_id = message_id.filter(|id| !id.is_empty()).ok_or(WithoutId)?;
    let delivery = SqsMessage::deserialize(record)
        .map_err(Cause::from)
        .and_then(delivered);
    Ok(Record {
        message_id: message_id.to_owned(),
        delivery,
    })
}

fn delivered(message: SqsMessage) -> Result<Delivery, Cause> {
    let receives = message.attributes.get("ApproximateReceiveCount");
    let receives = receives.and_then(|count| count.parse::<u32>().ok());
    Ok(Delivery {
        body: message.body.ok_or("the record has no body")?,
        is_repeated: receives.is_some_and(|count| count > 1),
    })
}

fn failure(message_id: String, error: &anyhow::Error) -> BatchItemFailure {
    let causes = format!("{error:#}");
    tracing::error!(message.id = %message_id, error = %causes, "a record failed; it will be delivered again");
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_events_are_not_taken_for_a_queues() {
        assert!(Records::of(&json!({"dr_number": "DR1"})).is_none());
        assert!(Records::of(&json!({"Records": [{"s3": {}}]})).is_none());
    }

    #[test]
    fn a_record_without_an_id_fails_the_event_instead_of_being_lost() {
        for record in [json!({"body": "x"}), json!({"messageId": "", "body": "x"})] {
            assert!(Records::of(&json!({"Records": [record]})).unwrap().is_err());
        }
    }

    #[tokio::test]
    async fn one_bad_record_is_reported_alone() {
        let event = json!({"Records": [
            {"messageId": "1", "body": "good"},
            {"messageId": "2", "body": "bad"},
            {"messageId": "3", "body": "good"},
            {"messageId": "4"},
            {"messageId": "5", "body": 7},
        ]});
        let records = Records::of(&event).unwrap().unwrap();
        let handle = async |delivery: Delivery| {
            anyhow::ensure!(delivery.body == "good", "bad");
            Ok(())
        };
        let deadline = Deadline::of(&lambda_runtime::Context::default());
        let response = records.for_each(deadline, handle).await;
        assert_eq!(failed(&response), ["2", "4", "5"]);
    }

    #[test]
    fn a_record_says_whether_it_was_delivered_before() {
        let repeated = |attributes: Value| {
            let record = json!({"messageId": "1", "body": "x", "attributes": attributes});
            super::record(&record)
                .unwrap()
                .delivery
                .unwrap()
                .is_repeated
        };
        assert!(repeated(json!({"ApproximateReceiveCount": "2"})));
        assert!(!repeated(json!({"ApproximateReceiveCount": "1"})));
        assert!(!repeated(json!({})));
    }

    fn failed(response: &SqsBatchResponse) -> Vec<&str> {
        let failed = response.batch_item_failures.iter();
        failed.map(|one| one.item_identifier.as_str()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_hangs_fails_alone_and_before_the_invocation_ends() {
        let bodies = ["fast", "hangs", "slow", "fast"];
        let records = (1..)
            .zip(bodies)
            .map(|(id, body)| json!({"messageId": id.to_string(), "body": body}));
        let event = json!({"Records": records.collect::<Vec<_>>()});
        let records = Records::of(&event).unwrap().unwrap();
        let deadline = Deadline::of(&lambda_runtime::Context::default());
        let handle = async |delivery: Delivery| {
            match delivery.body.as_str() {
                "hangs" => std::future::pending().await,
                "slow" => tokio::time::sleep(Duration::from_secs(60)).await,
                _ => (),
            }
            Ok(())
        };
        let response = records.for_each(deadline, handle).await;
        assert_eq!(failed(&response), ["2"]);
        assert!(tokio::time::Instant::now() < deadline.less(Duration::ZERO));
    }
}
