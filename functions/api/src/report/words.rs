//! What values are called in a report.

use serde::Serialize;

/// A word of the API as people write it.
pub(super) fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or("unknown").replace('_', " ")
}

/// A text, or a dash.
pub(super) fn optional(text: Option<&str>) -> String {
    text.unwrap_or("–").to_owned()
}

/// A time, in UTC.
pub(super) fn moment(moment: &impl Serialize) -> String {
    let text = serde_json::to_value(moment).unwrap_or_default();
    text.as_str().unwrap_or("–").replace('T', " ")
}
