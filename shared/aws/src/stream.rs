//! Reading what Lambda hands over from the table's stream.
//!
//! # Invariants
//! - What failed is reported by its sequence number: Lambda hands over all from the first such record on again, and none
//!   before it.
//! - A record without a sequence number can't be reported, so its event is refused as a whole.

use std::time::Duration;

use evaluation::domain::time::Timestamp;
use evaluation::run::tell::Change;
use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::{Value, json};

/// The changes of one invocation, in their order.
#[derive(Debug)]
pub struct Changes {
    sequence_numbers: Vec<String>,
    /// When the first of them was made, if the stream says so.
    since: Option<Timestamp>,
    /// What was changed.
    pub changes: Vec<Change>,
}

/// A record of a stream that is not as DynamoDB makes them.
#[derive(Debug, thiserror::Error)]
#[error("a record of the table's stream can't be read")]
pub struct Unreadable(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Record {
    dynamodb: Images,
    #[serde(default, rename = "userIdentity")]
    by: Option<Identity>,
}

/// Who changed an item: only of what DynamoDB itself does, a record says so.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    principal_id: String,
}

impl Identity {
    fn is_ttl(&self) -> bool {
        self.kind == "Service" && self.principal_id == "dynamodb.amazonaws.com"
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    sequence_number: String,
    /// In seconds since 1970.
    #[serde(default)]
    approximate_creation_date_time: Value,
    #[serde(default)]
    old_image: Option<Item>,
    #[serde(default)]
    new_image: Option<Item>,
}

impl Changes {
    /// The changes of an event; `None` if this is no event of a stream.
    ///
    /// ```
    /// use aws::stream::Changes;
    /// use serde_json::json;
    ///
    /// let record = json!({"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "7",
    ///     "NewImage": {"revision": {"N": "1"}}}});
    /// let changes = Changes::of(&json!({"Records": [record]})).unwrap().unwrap();
    /// assert_eq!(changes.changes[0].new, Some(json!({"revision": 1})));
    /// assert_eq!(changes.failed(&[0]), json!({"batchItemFailures": [{"itemIdentifier": "7"}]}));
    /// ```
    pub fn of(event: &Value) -> Option<Result<Self, Unreadable>> {
        let records = event.get("Records")?.as_array()?;
        let is_change = |record: &Value| record.get("dynamodb").is_some();
        records
            .iter()
            .all(is_change)
            .then(|| Self::read(records).map_err(Unreadable))
    }

    fn read(records: &[Value]) -> Result<Self, serde_json::Error> {
        let (mut sequence_numbers, mut changes) = (Vec::new(), Vec::new());
        let mut since: Option<Timestamp> = None;
        for record in records {
            let Record { dynamodb, by } = Record::deserialize(record)?;
            let images = dynamodb;
            sequence_numbers.push(images.sequence_number);
            let at = images.approximate_creation_date_time.as_f64();
            let at = at.map(|seconds| Timestamp::from_millis((seconds * 1000.0) as i64));
            since = since.into_iter().chain(at).min();
            changes.push(Change {
                old: images.old_image.map(plain),
                new: images.new_image.map(plain),
                by_ttl: by.is_some_and(|by| by.is_ttl()),
            });
        }
        Ok(Self {
            sequence_numbers,
            since,
            changes,
        })
    }

    /// Whether none of them is older than this.
    pub fn are_within(&self, span: Duration, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now <= since.after(span))
    }

    /// The answer to Lambda if the changes at these places are not done.
    pub fn failed(&self, places: &[usize]) -> Value {
        let failed = places
            .iter()
            .filter_map(|place| self.sequence_numbers.get(*place));
        let failures: Vec<Value> = failed
            .map(|number| json!({"itemIdentifier": number}))
            .collect();
        json!({"batchItemFailures": failures})
    }
}

/// An item as plain JSON, as the table's reads give it.
fn plain(item: Item) -> Value {
    // Whatever DynamoDB holds is JSON, but for bytes, which nobody writes.
    serde_dynamo::from_item(item).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence_number: &str, new: &Value) -> Value {
        json!({"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": sequence_number, "NewImage": new}})
    }

    #[test]
    fn images_are_read_as_the_table_s_items_are() {
        let image = json!({
            "pk": {"S": "EVALUATION#1"}, "revision": {"N": "1"}, "completed_at": {"N": "1795516494007"},
            "average_score": {"N": "7.5"}, "pending": {"SS": ["a", "b"]}, "verdict": {"NULL": true},
            "judgement": {"M": {"flags": {"L": [{"M": {"fails": {"BOOL": false}}}]}}},
        });
        let changes = Changes::of(&json!({"Records": [record("1", &image)]}));
        let expected = json!({
            "pk": "EVALUATION#1", "revision": 1, "completed_at": 1_795_516_494_007_i64, "average_score": 7.5,
            "pending": ["a", "b"], "verdict": null, "judgement": {"flags": [{"fails": false}]},
        });
        let changes = changes.unwrap().unwrap().changes;
        assert_eq!(
            changes,
            [Change {
                old: None,
                new: Some(expected),
                by_ttl: false,
            }]
        );
    }

    #[test]
    fn changes_are_as_old_as_the_first_of_them() {
        let within = |made_at: Value| {
            let record = |at: &Value| {
                let mut record = record("1", &json!({"pk": {"S": "x"}}));
                record["dynamodb"]["ApproximateCreationDateTime"] = at.clone();
                record
            };
            let records: Vec<_> = made_at.as_array().unwrap().iter().map(record).collect();
            let changes = Changes::of(&json!({"Records": records})).unwrap().unwrap();
            changes.are_within(Duration::from_secs(30), Timestamp::from_millis(100_500))
        };
        assert!(within(json!([90, 71, 70.5])));
        assert!(!within(json!([90, 70, 71])));
        assert!(within(json!([200])), "clocks differ");
        assert!(!within(json!([null])), "nobody knows how old");
    }

    #[test]
    fn what_the_time_to_live_deleted_is_told_from_what_anybody_did() {
        let by_ttl = |identity: Value| {
            let mut record = record("1", &json!({"pk": {"S": "x"}}));
            record["userIdentity"] = identity;
            let changes = Changes::of(&json!({"Records": [record]}));
            changes.unwrap().unwrap().changes[0].by_ttl
        };
        let ttl = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        assert!(by_ttl(ttl));
        assert!(!by_ttl(Value::Null));
        assert!(!by_ttl(
            json!({"type": "Service", "principalId": "someone"})
        ));
        assert!(!by_ttl(
            json!({"type": "AssumedRole", "principalId": "dynamodb.amazonaws.com"})
        ));
    }

    #[test]
    fn only_what_failed_is_reported_in_its_order() {
        let image = json!({"pk": {"S": "x"}});
        let records = ["10", "11", "12"].map(|number| record(number, &image));
        let changes = Changes::of(&json!({"Records": records})).unwrap().unwrap();
        assert_eq!(changes.failed(&[]), json!({"batchItemFailures": []}));
        let failed =
            json!({"batchItemFailures": [{"itemIdentifier": "11"}, {"itemIdentifier": "12"}]});
        assert_eq!(changes.failed(&[1, 2]), failed);
    }

    #[test]
    fn a_record_that_could_not_be_reported_fails_its_event_instead_of_being_lost() {
        let record = json!({"dynamodb": {"NewImage": {}}});
        assert!(Changes::of(&json!({"Records": [record]})).unwrap().is_err());
        assert!(Changes::of(&json!({"Records": [{"body": "x"}]})).is_none());
    }
}
