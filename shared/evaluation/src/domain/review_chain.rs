//! The chain of a DR's records: each carries the hash of the one before it.
//!
//! # Invariants
//! - What is hashed is what stands in the table, whichever release wrote it: an attribute that a release does not know
//!   is hashed as well. Only the keys and the time to live are left out.
//! - A change and a record in another's place break the chain. What is missing does only if it was to be kept longer,
//!   as far as the record behind it says: how long records are kept may be changed, and the time to live deletes in no
//!   order. (What is missing at the end, or further back in a gap, no chain can show: the table's stream does.)

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::hash::hex_of;
use super::review::{Link, PREFIX};
use super::time::Timestamp;

/// Attributes of an item that are no part of its record.
const NOT_HASHED: [&str; 3] = ["pk", "sk", "ttl"];

/// Whether a DR's records are all there, as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = ReviewChain)]
pub enum Chain {
    /// They are.
    Intact,
    /// They are not.
    Broken {
        /// The number of the first record that does not fit to what is before it.
        at: u32,
    },
}

/// The hash of an item's record, in lower-case hex.
pub fn hash_of(item: &Value) -> String {
    let mut text = String::new();
    write(item, &NOT_HASHED, &mut text);
    hex_of(&["review", &text])
}

/// Writes JSON with the names of each object in order, so that the same value has the same bytes.
fn write(value: &Value, without: &[&str], text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.retain(|(name, _)| !without.contains(&name.as_str()));
            fields.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (name, value) in fields {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, &[], text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(members) => {
            text.push('[');
            for member in members {
                write(member, &[], text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// The number of an item's record, by its sort key.
pub fn number_of(item: &Value) -> Option<u32> {
    let key = item.get("sk")?.as_str()?;
    key.strip_prefix(PREFIX)?.parse().ok()
}

/// The link that the record behind this one has.
pub fn link_to(item: &Value) -> Link {
    Link {
        hash: hash_of(item),
        kept_until: kept_until(item),
    }
}

fn kept_until(item: &Value) -> i64 {
    item.get("kept_until")
        .and_then(Value::as_i64)
        .unwrap_or(i64::MAX)
}

/// Whether these items, in the order of their numbers, are all of a DR's records as they were written.
pub fn verify(items: &[Value], now: Timestamp) -> Chain {
    let mut before: Option<(u32, Link)> = None;
    for item in items {
        let number = number_of(item).unwrap_or(0);
        if !fits(item, number, before.as_ref(), now) {
            return Chain::Broken { at: number };
        }
        before = Some((number, link_to(item)));
    }
    Chain::Intact
}

/// Whether a record has its own number, and comes right after the one before it, or after one that may be gone.
fn fits(item: &Value, number: u32, before: Option<&(u32, Link)>, now: Timestamp) -> bool {
    let own = item.get("number").and_then(Value::as_u64);
    let said = item.get("previous");
    let said = said.and_then(|previous| serde_json::from_value::<Link>(previous.clone()).ok());
    let last = before.map_or(0, |(last, _)| *last);
    let follows = match (before, said) {
        (Some((_, link)), Some(said)) if number == last.saturating_add(1) => said == *link,
        (_, Some(said)) => number > last.saturating_add(1) && said.kept_until <= now.as_seconds(),
        (None, None) => number == 1,
        (Some(_), None) => false,
    };
    follows && own == Some(u64::from(number))
}
