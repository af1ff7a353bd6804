//! Reading what Lambda hands over from a queue.
//!
//! # Invariants
//! - One record that can't be read, or fails, is reported alone; the others count as done.
//! - An id is reported only if Lambda gave one: an empty or unknown id would fail the whole batch.

use std::future::Future;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use serde::Deserialize;
use serde_json::Value;

/// One record: its id and its body, not yet read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The id to report if the record fails.
    pub message_id: String,
    /// The message.
    pub body: String,
}

/// The records of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records(Vec<Record>);

impl Records {
    /// The records of an event; `None` if this is no event of a queue.
    ///
    /// A record without id or body can't be reported alone, so the whole event is refused as an error.
    pub fn of(event: &Value) -> Option<Result<Self, serde_json::Error>> {
        let records = event.get("Records")?.as_array()?;
        let from_queue = records
            .iter()
            .all(|record| record.get("messageId").is_some() || record.get("body").is_some());
        from_queue.then(|| {
            records
                .iter()
                .map(Record::deserialize)
                .collect::<Result<_, _>>()
                .map(Self)
        })
    }

    /// Handles each record, all at once, and answers with those that failed. A failure is logged here, once.
    pub async fn for_each<E, F>(self, handle: impl Fn(Record) -> F) -> SqsBatchResponse
    where
        E: std::fmt::Display,
        F: Future<Output = Result<(), E>>,
    {
        let handled = self.0.into_iter().map(|record| {
            let message_id = record.message_id.clone();
            let done = handle(record);
            async move { done.await.err().map(|error| failure(message_id, &error)) }
        });
        let mut response = SqsBatchResponse::default();
        response.batch_item_failures = futures::future::join_all(handled)
            .await
            .into_iter()
            .flatten()
            .collect();
        response
    }
}

fn failure(message_id: String, error: &impl std::fmt::Display) -> BatchItemFailure {
    tracing::error!(message.id = %message_id, error = %error, "a record failed; it will be delivered again");
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
        assert!(
            Records::of(&json!({"Records": [{"body": "x"}]}))
                .unwrap()
                .is_err()
        );
    }

    #[tokio::test]
    async fn one_bad_record_is_reported_alone() {
        let event = json!({"Records": [{"messageId": "1", "body": "good"}, {"messageId": "2", "body": "bad"}, {"messageId": "3", "body": "good"}]});
        let records = Records::of(&event).unwrap().unwrap();
        let response = records
            .for_each(async |record: Record| {
                if record.body == "bad" {
                    Err("bad")
                } else {
                    Ok(())
                }
            })
            .await;
        let failed: Vec<_> = response
            .batch_item_failures
            .iter()
            .map(|failure| failure.item_identifier.as_str())
            .collect();
        assert_eq!(failed, ["2"]);
    }
}
