//! Messages of the uploads queue: S3's events, and our own later looks. When a DR is quiet is for `shared::flow::settle`.

use anyhow::Context;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use shared::domain::ids::DrNumber;
use shared::domain::plan::Mode;
use shared::domain::time::Timestamp;
use shared::flow::settle;
use shared::protocol::message::{Message, Settle};
use shared::protocol::start::{Request, Reuse};

use crate::evaluate::{SplitError, Splitter};
use crate::listing::prefix;

/// Handles one message of the uploads queue.
pub(crate) async fn handle(splitter: &Splitter, body: &str) -> anyhow::Result<()> {
    let value: Value =
        serde_json::from_str(body).context("Failed to read a message of the uploads queue")?;
    if let Ok(Message::Settle(settle)) = Message::parse(body) {
        return look(splitter, &settle).await;
    }
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(());
    }
    let records = value
        .get("Records")
        .and_then(Value::as_array)
        .context("The message is neither an S3 event nor one of ours")?;
    for record in records {
        let key = record
            .pointer("/s3/object/key")
            .and_then(Value::as_str)
            .context("An S3 record names no object")?;
        match dr_of(key)? {
            Some(dr) if is_deletion(record) => {
                settle::note_change(&splitter.ports, &dr, made_at(record)).await?
            }
            Some(dr) => {
                settle::note_upload(
                    &splitter.ports,
                    &dr,
                    made_at(record),
                    splitter.settings.quiet_period,
                )
                .await?;
            }
            None => tracing::warn!(
                s3.key = key,
                "an upload that belongs to no DR was passed over; keys are photos/{{dr_number}}/{{name}}"
            ),
        }
    }
    Ok(())
}

/// Starts the evaluation if nothing came since the upload that arranged for this look.
async fn look(splitter: &Splitter, settle: &Settle) -> anyhow::Result<()> {
    if !settle::is_quiet(&splitter.ports, settle).await? {
        return Ok(());
    }
    let request = Request {
        dr_number: settle.dr_number.clone(),
        mode: Mode::Full,
        reuse: Reuse::AskedSince(settle.uploaded_at),
    };
    match splitter.evaluate(&request).await {
        Ok(_) => Ok(()),
        Err(error @ (SplitError::NoPhotos(_) | SplitError::TooManyPhotos(_))) => {
            tracing::warn!(dr.number = %settle.dr_number, "no evaluation after uploads: {error}");
            Ok(())
        }
        Err(error) => Err(anyhow::anyhow!("{error}")),
    }
}

/// Whether a photo was deleted: that makes a result stale, but starts no evaluation.
fn is_deletion(record: &Value) -> bool {
    record
        .get("eventName")
        .and_then(Value::as_str)
        .is_some_and(|name| name.starts_with("ObjectRemoved"))
}

/// When S3 did what it tells of; now, if it does not say.
fn made_at(record: &Value) -> Timestamp {
    let at = record
        .get("eventTime")
        .and_then(Value::as_str)
        .and_then(|at| Timestamp::parse(at).ok());
    at.unwrap_or_else(Timestamp::now)
}

/// The DR that a key of an S3 event belongs to. Keys arrive URL-encoded, a space as a plus.
fn dr_of(key: &str) -> anyhow::Result<Option<DrNumber>> {
    let key = key.replace('+', " ");
    let key = percent_decode_str(&key)
        .decode_utf8()
        .context("An S3 key is not UTF-8")?;
    let dr = key
        .strip_prefix("photos/")
        .and_then(|rest| rest.split_once('/'))
        .and_then(|(dr, _)| DrNumber::parse(dr).ok());
    Ok(dr.filter(|dr| key.starts_with(&prefix(dr))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_dr_is_read_from_url_encoded_keys() {
        for key in [
            "photos/DR1730550/a.jpg",
            "photos%2FDR1730550%2Fa+b.jpg",
            "photos/DR1730550/Caf%C3%A9.jpg",
        ] {
            assert_eq!(dr_of(key).unwrap().unwrap().as_str(), "DR1730550", "{key}");
        }
    }

    #[test]
    fn a_deletion_is_told_from_an_upload_and_each_has_its_time() {
        let record =
            |name: &str| json!({"eventName": name, "eventTime": "2026-11-24T10:34:54.007Z"});
        assert!(
            is_deletion(&record("ObjectRemoved:Delete"))
                && is_deletion(&record("ObjectRemoved:DeleteMarkerCreated"))
        );
        assert!(!is_deletion(&record("ObjectCreated:Put")));
        assert_eq!(
            made_at(&record("ObjectCreated:Put")),
            Timestamp::from_millis(1_795_516_494_007)
        );
    }

    #[test]
    fn keys_of_no_dr_are_passed_over() {
        for key in [
            "a.jpg",
            "photos/a.jpg",
            "photos/dr1730550/a.jpg",
            "photos/D-1/a.jpg",
            "other/DR1/a.jpg",
        ] {
            assert_eq!(dr_of(key).unwrap(), None, "{key}");
        }
        assert!(dr_of("photos/DR1/%FF.jpg").is_err());
    }
}
