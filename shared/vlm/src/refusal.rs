//! What a server says when it does not answer: one reading for statuses, errors within a 200, within a stream, within
//! a choice, in lists and nested details.
//!
//! # Invariants
//! - No part of a photo is kept: what a server repeats of a request is left out, and so is anything that looks like
//!   base64.

use serde_json::Value;

/// Characters of a server's words that are kept for operators.
const MOST_CHARACTERS: usize = 300;
/// Characters that may be base64 and stand together: no word and no name is so long with a digit or a sign in it.
const BASE64_WITH_SIGNS: usize = 24;
/// The same without any: the longest names of classes have fewer.
const BASE64_OF_LETTERS: usize = 48;
/// How deep details are looked for.
const DEEPEST: usize = 8;
/// Texts that are looked at.
const MOST_TEXTS: usize = 20;

/// The parts of an error that matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Refusal {
    /// What it says, in words.
    pub(super) words: String,
    /// `type`, `code`, `status` and the like.
    pub(super) codes: Vec<String>,
    /// What of the request it is about: `param`, the end of `loc`.
    pub(super) params: Vec<String>,
    /// Whether it is about the form of the request: a validator says where it is wrong (`loc`).
    pub(super) of_form: bool,
    /// The status that is named within the body.
    pub(super) status: Option<u16>,
    /// The wait that is asked for within the body, in seconds.
    pub(super) wait_s: Option<f64>,
}

impl Refusal {
    /// Reads a body: JSON of any shape, a page, or plain text.
    pub(super) fn of(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(value) if !matches!(value, Value::Null | Value::Number(_)) => Self::of_value(&value),
            _ => Self {
                words: harmless(&without_tags(body)),
                ..Self::default()
            },
        }
    }

    /// Reads a value.
    pub(super) fn of_value(value: &Value) -> Self {
        let (mut read, mut texts) = (Self::default(), Vec::new());
        read.look(value, &mut texts, 0);
        read.words = harmless(&texts.join("; "));
        read
    }

    fn look<'v>(&mut self, value: &'v Value, texts: &mut Vec<&'v str>, depth: usize) {
        if depth > DEEPEST || texts.len() >= MOST_TEXTS {
            return;
        }
        match value {
            Value::String(text) => texts.push(text),
            Value::Array(items) => {
                for item in items {
                    self.look(item, texts, depth + 1);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.field(&name.to_lowercase(), value, texts, depth);
                }
            }
            _ => (),
        }
    }

    fn field<'v>(&mut self, name: &str, value: &'v Value, texts: &mut Vec<&'v str>, depth: usize) {
        match (name, value) {
            ("code" | "status" | "status_code", Value::Number(number)) => {
                self.number(number.as_u64())
            }
            (
                "type" | "code" | "status" | "error_type" | "reason" | "__type",
                Value::String(code),
            ) => {
                self.number(code.parse().ok());
                self.codes.push(harmless(code));
            }
            ("param", Value::String(param)) => self.params.push(harmless(param)),
            ("loc", Value::Array(path)) => {
                self.of_form = true;
                let names = path.iter().filter_map(Value::as_str);
                self.params.extend(names.map(harmless));
            }
            ("loc", Value::String(path)) => self.params.push(harmless(path)),
            ("retry_after" | "retry_after_seconds" | "retrydelay" | "retry_after_ms", _) => {
                let thousandth = if name.ends_with("_ms") { 1000.0 } else { 1.0 };
                let wait = seconds(value).map(|wait| wait / thousandth);
                self.wait_s = self.wait_s.or(wait);
            }
            ("message" | "msg" | "detail" | "error" | "errors" | "error_message" | "title", _) => {
                self.look(value, texts, depth + 1);
            }
            ("input", _) => (),
            (_, Value::Object(_)) | ("details", Value::Array(_)) => {
                self.look(value, texts, depth + 1);
            }
            // Anything else may repeat the request.
            _ => (),
        }
    }

    fn number(&mut self, code: Option<u64>) {
        let status = code.and_then(|code| u16::try_from(code).ok());
        let status = status.filter(|status| (400..=599).contains(status));
        self.status = self.status.or(status);
    }

    /// All of it in one line, for operators.
    pub(super) fn for_operators(&self) -> String {
        let words: String = self.words.chars().take(MOST_CHARACTERS).collect();
        let named = |name: &str, values: &[String]| match values {
            [] => String::new(),
            values => format!(" ({name} {})", values.join(", ")),
        };
        let codes = named("code", &self.codes);
        let params = named("param", &self.params);
        let more: String = format!("{codes}{params}")
            .chars()
            .take(MOST_CHARACTERS)
            .collect();
        format!("{words}{more}")
    }
}

/// Seconds, as a number or as in `"34s"`.
fn seconds(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().trim_end_matches('s').parse().ok(),
        _ => None,
    }
}

/// A page's text: what stands between `<` and `>` is left out.
fn without_tags(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.into();
    }
    let mut within = false;
    let kept = text.chars().filter_map(|c| match c {
        '<' => {
            within = true;
            Some(' ')
        }
        '>' => {
            within = false;
            None
        }
        other => (!within).then_some(other),
    });
    let kept: String = kept.collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without anything that may be part of a photo, and without control characters.
pub(super) fn harmless(text: &str) -> String {
    let (mut kept, mut run) = (String::with_capacity(text.len().min(4096)), String::new());
    // Behind `base64,` all is the photo's, however short, and also with dots where a server leaves some of it out.
    let mut behind_mark = false;
    for c in text.chars() {
        let of_base64 = c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '\\');
        if of_base64 || (behind_mark && matches!(c, '.' | '…')) {
            run.push(c);
            continue;
        }
        keep(&mut kept, &mut run, behind_mark);
        behind_mark = c == ',' && kept.to_lowercase().ends_with("base64");
        kept.push(if c.is_control() { ' ' } else { c });
    }
    keep(&mut kept, &mut run, behind_mark);
    kept
}

fn keep(kept: &mut String, run: &mut String, is_photo: bool) {
    let sign = |c: char| !c.is_ascii_alphabetic();
    let length = run.len();
    let long = length >= BASE64_OF_LETTERS || (length >= BASE64_WITH_SIGNS && run.contains(sign));
    if long || (is_photo && length > 0) {
        kept.push('…');
    } else {
        kept.push_str(run);
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_an_error_is_read() {
        for body in [
            json!({"error": "no seed"}),
            json!({"error": {"message": "no seed"}}),
            json!([{"error": {"message": "no seed"}}]),
            json!({"object": "error", "message": {"detail": [{"loc": ["body", "seed"], "msg": "no seed"}]}}),
            json!({"detail": [{"msg": "no seed", "input": "no photo"}]}),
            json!("no seed"),
        ] {
            assert_eq!(Refusal::of(&body.to_string()).words, "no seed", "{body}");
        }
        assert_eq!(Refusal::of("<html><b>no</b> seed</html>").words, "no seed");
        assert_eq!(Refusal::of("no seed").words, "no seed");
    }

    #[test]
    fn codes_and_what_they_are_about_are_kept_for_the_operator() {
        let body = json!({"error": {"message": "no", "type": "bad", "code": "worse", "param": "seed", "status": 422}});
        let refusal = Refusal::of(&body.to_string());
        let told = refusal.for_operators();
        assert!(told.contains("bad") && told.contains("worse") && told.contains("(param seed)"));
        assert_eq!(refusal.status, Some(422));
    }

    proptest! {
        #[test]
        fn no_part_of_a_photo_is_kept_wherever_it_stands(
            photo in proptest::collection::vec(any::<u8>(), 60..400), before in "[a-z ]{0,20}", from in 0usize..40, length in 24usize..200,
        ) {
            let data = BASE64_STANDARD.encode(&photo);
            let part: String = data.chars().skip(from).take(length).collect();
            for body in [
                format!("{before} {part} and so on"),
                json!({"error": {"message": format!("{before} {part}")}}).to_string(),
                json!({"detail": [{"msg": before, "input": part, "loc": [part]}]}).to_string(),
                format!("data:image/jpeg;base64,{part}"),
            ] {
                let told = Refusal::of(&body).for_operators();
                let windows: Vec<char> = data.chars().collect();
                let letters = |window: &[char]| window.iter().all(char::is_ascii_alphabetic);
                let repeated = windows.windows(12).filter(|window| !letters(window));
                for window in repeated {
                    let window: String = window.iter().collect();
                    prop_assert!(!told.contains(&window), "{told}");
                }
            }
        }

        #[test]
        fn any_text_is_read(text in ".*") {
            let _ = Refusal::of(&text).for_operators();
        }
    }

    #[test]
    fn a_short_part_behind_its_mark_is_left_out_as_well() {
        let words = "input_value='data:image/jpeg;base64,/9j/...eMYwu==', input_type=str";
        assert_eq!(
            harmless(words),
            "input_value='data:image/jpeg;base64,…', input_type=str"
        );
        let name =
            "1 validation error for ChatCompletionContentPartImageParam, see /v1/chat/completions";
        assert_eq!(harmless(name), name);
    }
}
