//! What S3 tells of a photo, whichever way it comes: by itself, through SNS in an envelope or raw, or through
//! EventBridge.
//!
//! # Invariants
//! - One record that can't be read costs the others of its event nothing.
//! - What tells of no change of a photo is passed over: test events, confirmations, tags.

use anyhow::Context;
use evaluation::domain::time::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Envelopes within envelopes: S3's event in EventBridge's form may come through SNS.
const MOST_ENVELOPES: usize = 3;

/// Something that happened to an object.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    /// Its key, as it is.
    pub(crate) key: String,
    /// The content's ETag, quoted as in a listing, if the event says it.
    pub(crate) etag: Option<String>,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// Whether the object is gone. That makes a result stale, but starts no evaluation.
    pub(crate) is_deletion: bool,
}

/// A record that was read, or why not.
pub(crate) type Read = anyhow::Result<Change>;

/// Whether an event looks like one of these.
pub(crate) fn is_one(event: &Value) -> bool {
    let records = event.get("Records").and_then(Value::as_array);
    let of_lambda = |record: &Value| record.get("s3").is_some() || record.get("Sns").is_some();
    records.is_some_and(|records| records.iter().all(of_lambda)) || is_of_event_bridge(event)
}

/// The changes that an event tells of.
pub(crate) fn changes(event: &Value) -> anyhow::Result<Vec<Read>> {
    within(event, MOST_ENVELOPES)
}

fn within(event: &Value, envelopes: usize) -> anyhow::Result<Vec<Read>> {
    let text = |name| event.get(name).and_then(Value::as_str);
    if text("Event") == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    if let Some(records) = event.get("Records").and_then(Value::as_array) {
        return Ok(records
            .iter()
            .flat_map(|one| of_record(one, envelopes))
            .collect());
    }
    if is_of_event_bridge(event) {
        return Ok(of_event_bridge(event).into_iter().collect());
    }
    match (text("Type"), text("Message")) {
        (Some("Notification") | None, Some(message)) => inside(message, envelopes),
        (Some(kind), Some(_)) => {
            tracing::warn!(
                sns.message_type = kind,
                "a message of SNS itself was passed over"
            );
            Ok(Vec::new())
        }
        _ => anyhow::bail!("The message is neither an event of S3 nor one of ours"),
    }
}

/// What is in an envelope of SNS.
fn inside(message: &str, envelopes: usize) -> anyhow::Result<Vec<Read>> {
    let envelopes = envelopes.checked_sub(1);
    let envelopes = envelopes.context("The message has too many envelopes")?;
    let event = serde_json::from_str(message).context("Failed to read what SNS hands on")?;
    within(&event, envelopes)
}

/// A record of S3, or one of SNS as Lambda gets it.
fn of_record(record: &Value, envelopes: usize) -> Vec<Read> {
    if let Some(message) = record.pointer("/Sns/Message").and_then(Value::as_str) {
        return inside(message, envelopes).unwrap_or_else(|error| vec![Err(error)]);
    }
    let name = record.get("eventName").and_then(Value::as_str);
    let change = |is_deletion| {
        let key = text_of(record, "/s3/object/key")?;
        // Keys arrive URL-encoded, a space as a plus.
        let key = key.replace('+', " ");
        let key = percent_decode_str(&key).decode_utf8();
        Ok(Change {
            key: key.context("A key is not UTF-8")?.into_owned(),
            etag: etag_of(record, "/s3/object/eTag"),
            at: time_of(record, "/eventTime")?,
            is_deletion,
        })
    };
    // The name begins with `s3:` in some ways.
    let name = name.map(|name| name.strip_prefix("s3:").unwrap_or(name));
    match name {
        None => vec![Err(anyhow::anyhow!(
            "A record of S3 does not say what happened"
        ))],
        Some(name) if is_of(name, &["ObjectCreated", "ObjectRestore:Completed"]) => {
            vec![change(false)]
        }
        Some(name) if is_of(name, &["ObjectRemoved", "LifecycleExpiration"]) => vec![change(true)],
        Some(_) => Vec::new(),
    }
}

fn is_of(name: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| name.starts_with(kind))
}

/// An event of EventBridge says where it is from and of which type it is.
fn is_of_event_bridge(event: &Value) -> bool {
    event.get("detail-type").is_some() && event.get("source").is_some()
}

/// A key is as it is here, not URL-encoded.
fn of_event_bridge(event: &Value) -> Option<Read> {
    let kind = event.get("detail-type").and_then(Value::as_str);
    let is_deletion = match kind {
        Some("Object Created" | "Object Restore Completed") => false,
        Some("Object Deleted") => true,
        _ => return None,
    };
    let change = || {
        Ok(Change {
            key: text_of(event, "/detail/object/key")?.to_owned(),
            etag: etag_of(event, "/detail/object/etag"),
            at: time_of(event, "/time")?,
            is_deletion,
        })
    };
    Some(change())
}

fn text_of<'a>(event: &'a Value, at: &str) -> anyhow::Result<&'a str> {
    let text = event.pointer(at).and_then(Value::as_str);
    text.with_context(|| format!("A record has no {at}"))
}

fn etag_of(event: &Value, at: &str) -> Option<String> {
    let etag = event.pointer(at).and_then(Value::as_str)?;
    Some(format!("\"{}\"", etag.trim_matches('"')))
}

fn time_of(event: &Value, at: &str) -> anyhow::Result<Timestamp> {
    let time = Timestamp::parse(text_of(event, at)?);
    time.map_err(|cause| anyhow::anyhow!("{at} is no time: {}", cause.0))
}

#[cfg(test)]
#[path = "upload_event_tests.rs"]
mod tests;
