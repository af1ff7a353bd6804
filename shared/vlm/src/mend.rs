//! Getting JSON out of what models wrap it in.
//!
//! # Invariants
//! - Of several objects the last counts, and only where it is whole: a draft is no answer.
//! - What a model thought is no answer; thoughts without an end hide whatever comes behind them.

use serde_json::Value;

use super::lenient;

/// What models put around their thoughts: Qwen and DeepSeek, others, Mistral, Kimi.
const THOUGHTS: [(&str, &str); 5] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
];
/// How often an answer may be wrapped into a string.
const MOST_WRAPPINGS: usize = 2;

/// JSON found in an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A whole value.
    Whole {
        /// The value.
        value: Value,
        /// Whether there was nothing else but fences and control tokens, and the list once.
        alone: bool,
    },
    /// The complete items of a list that breaks off.
    Items(Vec<Value>),
}

/// Looks for JSON behind thoughts: as it is; within a string; the last of the objects in the text, with raw control
/// characters within strings replaced, without trailing commas; at last, the complete items of the list `list` that
/// breaks off.
pub(super) fn find_json(answer: &str, list: &str) -> Option<Found> {
    let answer = without_tokens(behind_thoughts(answer)?);
    let answer = unwrapped(without_fences(&answer).trim());
    if let Some(value) = mended(&answer) {
        // A list that stands there twice was read once.
        let lists = answer.to_ascii_lowercase();
        let alone = lists.matches(&format!("\"{list}\"")).count() <= 1;
        return Some(Found::Whole { value, alone });
    }
    let spans = spans(&answer);
    let (last, whole) = spans.last()?;
    if !whole {
        // Behind another object it is not known which of them was meant.
        let items = complete_items(last, list);
        let only = spans.len() == 1 && !items.is_empty();
        return only.then_some(Found::Items(items));
    }
    // A bare list stands for the answer only where no object does.
    let value = mended(last).filter(|value| value.is_object() || spans.len() == 1)?;
    Some(Found::Whole {
        value,
        alone: false,
    })
}

/// The text behind what the model thought; none if it never came to an end.
fn behind_thoughts(answer: &str) -> Option<&str> {
    let mut rest = answer;
    for (begin, end) in THOUGHTS {
        rest = rest.rsplit_once(end).map_or(rest, |(_, rest)| rest);
        if rest.contains(begin) {
            return None;
        }
    }
    Some(rest)
}

/// Without control tokens that a server let through: `<|im_end|>`, `<|begin_of_box|>`, `</s>`.
fn without_tokens(answer: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(answer.len()), answer);
    while let Some((before, behind)) = rest.split_once("<|") {
        let token = behind.split_once("|>").filter(|(name, _)| {
            name.len() < 40 && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        });
        kept.push_str(before);
        rest = match token {
            Some((_, rest)) => rest,
            None => {
                kept.push_str("<|");
                behind
            }
        };
    }
    kept.push_str(rest);
    kept.trim().trim_end_matches("</s>").into()
}

/// Without a fence around all of it.
fn without_fences(answer: &str) -> &str {
    let inner = answer.trim().strip_prefix("```");
    let inner = inner.and_then(|inner| inner.trim_end().strip_suffix("```"));
    let inner = inner.filter(|inner| !inner.contains("```"));
    inner.map_or(answer, |inner| {
        inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric())
    })
}

/// An answer that was written as a string, or whose quotes are escaped without one around it.
fn unwrapped(answer: &str) -> String {
    let mut answer = answer.to_owned();
    for _ in 0..MOST_WRAPPINGS {
        let quoted = if answer.starts_with("{\\\"") {
            lenient::value(&format!("\"{answer}\""))
        } else {
            lenient::value(&answer)
        };
        match quoted {
            Some(Value::String(inner)) => answer = inner.trim().to_owned(),
            _ => return answer,
        }
    }
    answer
}

fn mended(text: &str) -> Option<Value> {
    let tame = tame(text);
    [text, &tame, &without_trailing_commas(&tame)]
        .into_iter()
        .find_map(object)
}

fn object(text: &str) -> Option<Value> {
    lenient::value(text).filter(|value| value.is_object() || value.is_array())
}

/// The objects and lists that stand in a text side by side, and whether each comes to its end; the last may not.
fn spans(text: &str) -> Vec<(&str, bool)> {
    let mut spans = Vec::new();
    let (mut depth, mut from, mut in_string, mut escaped) = (0usize, 0, false, false);
    for (at, c) in text.char_indices() {
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            // Outside of objects a quote is a quote.
            '"' if depth > 0 => in_string = true,
            '{' | '[' => {
                if depth == 0 {
                    from = at;
                }
                depth += 1;
            }
            '}' | ']' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    spans.extend(text.get(from..=at).map(|span| (span, true)));
                }
            }
            _ => (),
        }
    }
    if depth > 0 {
        spans.extend(text.get(from..).map(|span| (span, false)));
    }
    spans
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
    let lower = text.to_ascii_lowercase();
    let Some(list) = lower
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn of_several_objects_the_last_is_meant_or_none() {
        let found = |text: &str| find_json(text, "steps");
        let last = |alone| {
            Some(Found::Whole {
                value: json!({"steps": [2]}),
                alone,
            })
        };
        for text in [
            r#"{"steps": [1]} No: {"steps": [2]}"#,
            r#"He said "no" and then {"steps": [2]}"#,
            r#"A set {a, b}, a list [7], then {"steps": [2]}."#,
        ] {
            assert_eq!(found(text), last(false), "{text}");
        }
        for text in [
            r#"```json {"steps": [2]}```"#,
            r#"<think>{"steps": [1]}</think> {"steps": [2]}<|im_end|>"#,
            r#""{\"steps\": [2]}""#,
            r#"{\"steps\": [2]}"#,
            r#"<|begin_of_box|>{"steps": [2]}<|end_of_box|>"#,
        ] {
            assert_eq!(found(text), last(true), "{text}");
        }
        for text in [
            r#"<think>{"steps": [2]}"#,
            r#"{"steps": [1]} No: {"steps": [{}, "#,
            r#"[THINK]{"steps": [2]}"#,
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through(text in "[{}\\[\\]\"\\\\:,<|>a1 ]{0,60}") {
            let _ = find_json(&text, "steps");
        }
    }
}
