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
/// characters within strings replaced, without trailing commas; at last, the complete items of the list `list` that
/// breaks off.
pub(super) fn find_json(answer: &str, list: &str) -> Option<Found> {
    let answer = answer
        .rsplit_once("</think>")
        .map_or(answer, |(_, rest)| rest)
        .trim();
    // A bare list only where nothing is around it: the list within an object that breaks off is not the whole answer.
    let bare = answer.find('[') < answer.find('{');
    let inner = [
        between(answer, '{', '}'),
        between(answer, '[', ']').filter(|_| bare),
    ];
    for text in std::iter::once(answer).chain(inner.into_iter().flatten()) {
        let tame = tame(text);
        if let Some(value) = [text, &tame, &without_trailing_commas(&tame)]
            .into_iter()
            .find_map(object)
        {
            return Some(Found::Whole(value));
        }
    }
    let items = complete_items(answer, list);
    if items.is_empty() {
        None
    } else {
        Some(Found::Items(items))
    }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text)
        .ok()
        .filter(|value: &Value| value.is_object() || value.is_array())
}

fn between(text: &str, open: char, close: char) -> Option<&str> {
    let (from, to) = (text.find(open)?, text.rfind(close)?);
    text.get(from..=to)
}

/// Raw control characters are no JSON; within strings a blank does as well.
fn tame(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Without commas before a closing bracket, strings left as they are.
fn without_trailing_commas(text: &str) -> String {
    let (mut kept, mut in_string, mut escaped) = (String::with_capacity(text.len()), false, false);
    for c in text.chars() {
        if !in_string && matches!(c, ']' | '}') {
            let end = kept.trim_end();
            let end = end.strip_suffix(',').unwrap_or(end).len();
            kept.truncate(end);
        }
        in_string ^= c == '"' && !escaped;
        escaped = in_string && c == '\\' && !escaped;
        kept.push(c);
    }
    kept
}

fn complete_items(text: &str, list: &str) -> Vec<Value> {
    let name = format!("\"{list}\"");
    let Some(list) = text
        .find(&name)
        .and_then(|at| text.get(at..))
        .and_then(|rest| rest.split_once('['))
    else {
        return Vec::new();
    };
    let tame = tame(list.1);
    let (mut rest, mut items) = (tame.as_str(), Vec::new());
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(Ok(item @ Value::Object(_))) = values.next() else {
            return items;
        };
        items.push(item);
        rest = rest.get(values.byte_offset()..).unwrap_or_default();
    }
}
