//! What an answer must look like, as a JSON schema that the server enforces.
//!
//! It is text and no `Value`: servers have models write fields in the order in which a schema lists them, and a model
//! should say which step it means before it judges.
//!
//! Bounds on lengths of strings are left to the prompt and `max_tokens`: xgrammar lets raw tabs through where a
//! schema has them. `uniqueItems` and `contains` are refused by vLLM.

use std::collections::BTreeSet;

use serde_json::json;

use evaluation::domain::ids::{Score, StepKey};

/// The list of entries, one per step that a photo shows.
pub(super) fn entries(steps: &[&StepKey], codes: &BTreeSet<&str>) -> String {
    let (most, count, keys) = (Score::MAX, steps.len(), json!(steps));
    let mut fields = vec![
        ("step", format!(r#"{{"type":"string","enum":{keys}}}"#)),
        (
            "score",
            format!(r#"{{"type":"integer","minimum":0,"maximum":{most}}}"#),
        ),
        ("comment", r#"{"type":"string"}"#.into()),
    ];
    if !codes.is_empty() {
        let codes = json!(codes);
        fields.push((
            "fail",
            format!(r#"{{"anyOf":[{{"type":"string","enum":{codes}}},{{"type":"null"}}]}}"#),
        ));
    }
    fields.push(("reading", r#"{"type":["string","null"]}"#.into()));
    format!(
        r#"{{"type":"array","maxItems":{count},"items":{}}}"#,
        object(&fields)
    )
}

/// The answer about one photo.
pub(super) fn one(entries: &str) -> String {
    object(&[("steps", entries.into())])
}

/// The answer about several photos: each by its number within the request, from 1.
pub(super) fn several(entries: &str, photos: usize) -> String {
    let numbers = json!((1..=photos).collect::<Vec<_>>());
    let photo = object(&[
        ("photo", format!(r#"{{"type":"integer","enum":{numbers}}}"#)),
        ("steps", entries.into()),
    ]);
    object(&[(
        "photos",
        format!(r#"{{"type":"array","minItems":{photos},"maxItems":{photos},"items":{photo}}}"#),
    )])
}

/// Without bounds on numbers and lists, for servers that don't take them.
pub(super) fn without_bounds(mut schema: String) -> String {
    for bound in ["minimum", "maximum", "minItems", "maxItems"] {
        let field = format!(",\"{bound}\":");
        while let Some(at) = schema.find(&field) {
            let rest = schema.get(at + field.len()..).unwrap_or_default();
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            schema.replace_range(at..at + field.len() + digits, "");
        }
    }
    schema
}

/// An object with exactly these fields, in this order.
fn object(fields: &[(&str, String)]) -> String {
    let properties: Vec<String> = fields
        .iter()
        .map(|(name, schema)| format!(r#""{name}":{schema}"#))
        .collect();
    let names = json!(fields.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let properties = properties.join(",");
    format!(
        r#"{{"type":"object","properties":{{{properties}}},"required":{names},"additionalProperties":false}}"#
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn fields_stand_in_the_order_in_which_they_should_be_thought_of() {
        let key = StepKey::parse("power_meter").unwrap();
        let text = several(&entries(&[&key], &BTreeSet::from(["unclear"])), 2);
        let at = |field: &str| text.find(&format!("\"{field}\":{{")).unwrap();
        assert!(
            at("photo") < at("step") && at("step") < at("score") && at("score") < at("comment")
        );
        assert!(at("comment") < at("fail") && at("fail") < at("reading"));
        let value: Value = serde_json::from_str(&text).unwrap();
        let item = &value["properties"]["photos"]["items"]["properties"]["steps"]["items"];
        assert_eq!(
            item["required"],
            json!(["step", "score", "comment", "fail", "reading"])
        );
        assert_eq!(item["additionalProperties"], false);
    }
}
