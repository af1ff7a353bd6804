//! Getting JSON out of what models wrap it in.

use serde_json::Value;

/// JSON found in an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A whole value.
    Whole(Value),
    /// The complete items of a list that breaks off.
    Items(Vec<Value>),
}

/// Looks for JSON: as it is; behind `</think>`; within fences; between the first and the last brace; with raw control
/// characters within strings replaced; at last, the complete items of a list that breaks off.
pub(super) fn find_json(answer: &str) -> Option<Found> {
    let answer = answer.rsplit_once("</think>").map_or(answer, |(_, rest)| rest).trim();
    let inner = between_braces(answer);
    for text in [Some(answer), inner].into_iter().flatten() {
        let tame: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if let Some(value) = [text, &tame].into_iter().find_map(object) {
            return Some(Found::Whole(value));
        }
    }
    let items = complete_items(answer);
    if items.is_empty() { None } else { Some(Found::Items(items)) }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

fn between_braces(text: &str) -> Option<&str> {
    let (from, to) = (text.find('{')?, text.rfind('}')?);
    text.get(from..=to)
}

fn complete_items(text: &str) -> Vec<Value> {
    let Some(list) = text.find("\"steps\"").and_then(|at| text.get(at..)).and_then(|rest| rest.split_once('[')) else {
        return Vec::new();
    };
    let tame: String = list.1.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let (mut rest, mut items) = (tame.as_str(), Vec::new());
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(item @ Value::Object(_))) = values.next() else { return items };
        items.push(item);
        rest = rest.get(values.byte_offset()..).unwrap_or_default();
    }
}
