//! Messages of the uploads queue: S3's events, and our own delayed checks. When a DR is quiet is for
//! `evaluation::run::uploads`.

use anyhow::Context;
use aws::listing::{is_photo, prefix};
use aws_lambda_events::s3::S3EventRecord;
use evaluation::decide::message::{Message, PlanAnew, QuietCheck};
use evaluation::decide::start::{Request, Reuse};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::plan::Mode;
use evaluation::domain::time::Timestamp;
use evaluation::run::error::Class;
use evaluation::run::plan_anew;
use evaluation::run::uploads::{is_quiet, note_change, note_upload};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use crate::evaluate::Splitter;

/// Handles one message of the uploads queue.
pub(crate) async fn handle(splitter: &Splitter, body: &str) -> anyhow::Result<()> {
    let value: Value =
        serde_json::from_str(body).context("Failed to read a message of the uploads queue")?;
    match Message::parse(body) {
        Ok(Message::QuietCheck(check)) => return start_if_quiet(splitter, &check).await,
        Ok(Message::PlanAnew(message)) => return ask_anew(splitter, &message).await,
        _ => (),
    }
    if value.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(());
    }
    let records = value.get("Records").and_then(Value::as_array);
    let records = records.context("The message is neither an S3 event nor one of ours")?;
    for record in records {
        let record = S3EventRecord::deserialize(record).context("Failed to read an S3 record")?;
        note(splitter, &record).await?;
    }
    Ok(())
}

/// Notes what S3 tells of a photo.
async fn note(splitter: &Splitter, record: &S3EventRecord) -> anyhow::Result<()> {
    let key = record.s3.object.key.as_deref();
    let key = key.context("An S3 record names no object")?;
    let dr = match place_of(key)? {
        Place::Photo(dr) => dr,
        // What is never listed changes no question.
        Place::Hidden => return Ok(()),
        Place::Elsewhere => {
            tracing::warn!(
                s3.key = key,
                "an upload that belongs to no DR was passed over; keys are photos/{{dr_number}}/{{name}}"
            );
            return Ok(());
        }
    };
    let (ports, at) = (&splitter.ports, made_at(record));
    if is_deletion(record) {
        note_change(ports, &dr, at).await?;
    } else {
        note_upload(ports, &dr, at, splitter.settings.quiet_period).await?;
    }
    Ok(())
}

/// Starts the evaluation if nothing came since the upload that arranged for this check.
async fn start_if_quiet(splitter: &Splitter, check: &QuietCheck) -> anyhow::Result<()> {
    if !is_quiet(&splitter.ports, check).await? {
        return Ok(());
    }
    let request = Request {
        dr_number: check.dr_number.clone(),
        mode: Mode::Full,
        reuse: Reuse::AskedSince(check.uploaded_at),
    };
    match splitter.evaluate(&request).await {
        Ok(_) => Ok(()),
        Err(error) if error.class() == Class::Permanent => {
            tracing::warn!(dr.number = %check.dr_number, "no evaluation after uploads: {error}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks the question of an evaluation whose versions nobody knows any more, under those of this release.
async fn ask_anew(splitter: &Splitter, message: &PlanAnew) -> anyhow::Result<()> {
    let (ports, versions) = (&splitter.ports, &splitter.settings.versions);
    let Some(request) = plan_anew::request(ports, message, versions).await? else {
        return Ok(());
    };
    match splitter.evaluate(&request).await {
        Ok(result) => Ok(plan_anew::replaced(ports, message, &result).await?),
        // Its photos are gone: the old evaluation ends at its deadline.
        Err(error) if error.class() == Class::Permanent => {
            tracing::warn!(evaluation.id = %message.evaluation_id, "a question can't be planned anew: {error}");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a photo was deleted: that makes a result stale, but starts no evaluation.
fn is_deletion(record: &S3EventRecord) -> bool {
    let name = record.event_name.as_deref().unwrap_or_default();
    name.starts_with("ObjectRemoved")
}

/// When S3 did what it tells of.
fn made_at(record: &S3EventRecord) -> Timestamp {
    Timestamp::from_millis(record.event_time.timestamp_millis())
}

/// Where an object lies.
#[derive(Debug, PartialEq)]
enum Place {
    /// It is a photo of this DR.
    Photo(DrNumber),
    /// A DR's hidden file or folder marker: no photo.
    Hidden,
    /// It belongs to no DR.
    Elsewhere,
}

/// Where the object of an S3 event lies. Keys arrive URL-encoded, a space as a plus.
fn place_of(key: &str) -> anyhow::Result<Place> {
    let key = key.replace('+', " ");
    let key = percent_decode_str(&key)
        .decode_utf8()
        .context("An S3 key is not UTF-8")?;
    let dr = key
        .strip_prefix("photos/")
        .and_then(|rest| rest.split_once('/'))
        .and_then(|(dr, _)| DrNumber::parse(dr).ok());
    let place = |dr: DrNumber| {
        let name = key.strip_prefix(&prefix(&dr))?;
        Some(if is_photo(name) {
            Place::Photo(dr)
        } else {
            Place::Hidden
        })
    };
    Ok(dr.and_then(place).unwrap_or(Place::Elsewhere))
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
            let dr = DrNumber::parse("DR1730550").unwrap();
            assert_eq!(place_of(key).unwrap(), Place::Photo(dr), "{key}");
        }
    }

    #[test]
    fn a_deletion_is_told_from_an_upload_and_each_has_its_time() {
        let record = |name: &str| {
            let time = "2026-11-24T10:34:54.007Z";
            S3EventRecord::deserialize(json!({
                "eventName": name, "eventTime": time,
                "userIdentity": {}, "requestParameters": {},
                "s3": {"bucket": {}, "object": {"key": "photos/DR1/a.jpg"}},
            }))
            .unwrap()
        };
        for name in ["ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"] {
            assert!(is_deletion(&record(name)), "{name}");
        }
        let upload = record("ObjectCreated:Put");
        assert!(!is_deletion(&upload));
        assert_eq!(made_at(&upload), Timestamp::from_millis(1_795_516_494_007));
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
            assert_eq!(place_of(key).unwrap(), Place::Elsewhere, "{key}");
        }
        assert!(place_of("photos/DR1/%FF.jpg").is_err());
    }

    #[test]
    fn hidden_files_and_folder_markers_are_no_uploads() {
        for key in [
            "photos/DR1730550/.DS_Store",
            "photos/DR1730550/",
            "photos/DR1730550/sub/",
            "photos%2FDR1730550%2Fsub%2F.thumb+1",
        ] {
            assert_eq!(place_of(key).unwrap(), Place::Hidden, "{key}");
        }
    }
}
