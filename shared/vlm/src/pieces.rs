//! The pieces of a completion, put together: text wherever servers put it, the end, the count of tokens, errors.
//!
//! # Invariants
//! - Only the choice of index 0 counts.
//! - What a model thought is no answer, unless it is the one whole object and nothing else was written.

use serde_json::Value;

use super::failure::{About, RetryCause, VlmFailure};
use super::lenient::{value, values};
use super::odds::Tokens;
use evaluation::domain::outcome::Usage;

/// So many blanks in a row, or of one character, are no answer: the deepest indentation has fewer.
const ENDLESS: usize = 128;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The model ended it.
    Whole,
    /// It has the most tokens allowed.
    Cut,
    /// It became a tool's call.
    Call,
    /// The provider refuses what it says.
    Filtered,
    /// The server ended it before the model did.
    Unfinished,
}

impl End {
    /// By what servers say: OpenAI and vLLM, TGI, Anthropic, Google.
    fn of(finish: &str) -> Self {
        match finish.to_ascii_lowercase().as_str() {
            "stop" | "eos" | "eos_token" | "end_turn" => Self::Whole,
            "length" | "max_tokens" => Self::Cut,
            "tool_calls" | "function_call" | "tool_use" => Self::Call,
            "content_filter" | "safety" | "prohibited_content" => Self::Filtered,
            _ => Self::Unfinished,
        }
    }
}

/// What a model wrote.
#[derive(Debug, PartialEq)]
pub(super) struct Written {
    pub(super) text: String,
    /// Whether the server cut it off at the most tokens allowed.
    pub(super) cut: bool,
    pub(super) usage: Usage,
    /// The text's tokens, where the server tells them.
    pub(super) tokens: Tokens,
}

/// What is known of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    text: String,
    thoughts: String,
    /// The arguments of a tool's call.
    call: String,
    finish: Option<String>,
    usage: Usage,
    repeated: Repeated,
    tokens: Tokens,
}

impl Draft {
    /// Whether the end has come, so that nothing more is needed.
    pub(super) fn has_ended(&self) -> bool {
        let end = self.finish.as_deref().map(End::of);
        matches!(end, Some(End::Whole | End::Cut | End::Call))
    }

    /// Takes in a piece; whether it holds a token.
    pub(super) fn take(&mut self, json: &str) -> Result<bool, VlmFailure> {
        let Some(pieces) = values(json) else {
            return if self.has_ended() {
                Ok(false)
            } else {
                Err(no_completion(json))
            };
        };
        let mut tokens = false;
        for piece in &pieces {
            tokens |= self.piece(piece)?;
        }
        Ok(tokens)
    }

    fn piece(&mut self, piece: &Value) -> Result<bool, VlmFailure> {
        if is_error(piece) {
            return match self.has_ended() {
                true => Ok(false),
                false => Err(VlmFailure::within_answer(piece)),
            };
        }
        self.usage = usage(piece.get("usage")).unwrap_or(self.usage);
        let choice = match piece.get("choices") {
            Some(Value::Array(choices)) => first(choices),
            None | Some(Value::Null) => None,
            Some(_) => return Err(no_completion("its choices are no list")),
        };
        match choice {
            Some(choice) if !self.has_ended() => self.choice(choice),
            _ => Ok(false),
        }
    }

    fn choice(&mut self, choice: &Value) -> Result<bool, VlmFailure> {
        if let Some(error) = choice.get("error").filter(|error| is_something(error)) {
            return Err(VlmFailure::within_answer(error));
        }
        let finish = choice.get("finish_reason").and_then(Value::as_str);
        self.finish = finish
            .filter(|finish| !finish.is_empty())
            .map(Into::into)
            .or(self.finish.take());
        let words = ["delta", "message"]
            .iter()
            .filter_map(|name| choice.get(name))
            .find(|words| words.is_object());
        let Some(words) = words else {
            let text = choice.get("text").and_then(Value::as_str);
            return self.write(text.unwrap_or_default());
        };
        let thoughts = ["reasoning_content", "reasoning"];
        let thoughts = thoughts.iter().find_map(|name| words.get(name)?.as_str());
        let thoughts = thoughts.unwrap_or_default();
        self.thoughts.push_str(thoughts);
        let call = call(words);
        self.call.push_str(&call);
        let text = words.get("content").map(text).unwrap_or_default();
        if thoughts.is_empty() && call.is_empty() {
            self.tokens.take(choice.get("logprobs"));
        }
        let writes = self.write(&text)?;
        Ok(writes || !thoughts.is_empty() || !call.is_empty())
    }

    fn write(&mut self, text: &str) -> Result<bool, VlmFailure> {
        self.text.push_str(text);
        if self.repeated.goes_on(text) {
            let detail = "the model writes blanks, or one character, without end";
            return Err(VlmFailure::later(RetryCause::Failed, detail));
        }
        Ok(!text.is_empty())
    }

    /// The answer, if it is one.
    pub(super) fn done(self) -> Result<Written, VlmFailure> {
        let failed = |detail: String| Err(VlmFailure::later(RetryCause::Failed, detail));
        let Some(finish) = self.finish else {
            return failed("the answer broke off: it has no finish_reason".into());
        };
        let end = End::of(&finish);
        let object = |text: &String| value(text).is_some_and(|value| value.is_object());
        let text = match end {
            End::Whole | End::Call if self.text.trim().is_empty() => {
                let mut others = [self.call, self.thoughts].into_iter();
                others.find(object).unwrap_or_default()
            }
            End::Whole | End::Cut => self.text,
            End::Call => self.call,
            End::Filtered => {
                let detail = format!("the answer was filtered (finish_reason {finish})");
                return Err(VlmFailure::refused_for_content(detail));
            }
            End::Unfinished => {
                return failed(format!("the answer broke off (finish_reason {finish})"));
            }
        };
        if text.trim().is_empty() {
            return failed(format!("the answer has no text (finish_reason {finish})"));
        }
        Ok(Written {
            text,
            cut: end == End::Cut,
            usage: self.usage,
            tokens: self.tokens,
        })
    }
}

/// How often the last character stands in a row; all blanks are one.
#[derive(Debug, Default)]
struct Repeated {
    last: char,
    times: usize,
}

impl Repeated {
    /// Takes in text; whether it repeats without end.
    fn goes_on(&mut self, text: &str) -> bool {
        for c in text.chars() {
            let c = if c.is_whitespace() { ' ' } else { c };
            self.times = if c == self.last { self.times + 1 } else { 1 };
            self.last = c;
            if self.times >= ENDLESS {
                return true;
            }
        }
        false
    }
}

/// The choice of index 0; the first where they have no numbers.
fn first(choices: &[Value]) -> Option<&Value> {
    let numbered = |choice: &&Value| choice.get("index").is_some_and(|index| !index.is_null());
    let zero = choices
        .iter()
        .find(|choice| choice.get("index").and_then(Value::as_u64) == Some(0));
    zero.or_else(|| choices.first().filter(|choice| !numbered(choice)))
}

/// Content is text, parts of which some are text, or the object itself.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(part).collect(),
        Value::Object(_) => content.to_string(),
        _ => String::new(),
    }
}

fn part(part: &Value) -> Option<&str> {
    let kind = part.get("type").and_then(Value::as_str);
    match kind {
        None if part.is_string() => part.as_str(),
        None | Some("text" | "output_text") => part.get("text")?.as_str(),
        Some(_) => None,
    }
}

/// The arguments of the first tool's call.
fn call(words: &Value) -> String {
    let calls = words.get("tool_calls").and_then(Value::as_array);
    let function = calls.and_then(|calls| first(calls)?.get("function"));
    let function = function.or_else(|| words.get("function_call"));
    let arguments = function.and_then(|function| function.get("arguments"));
    match arguments {
        Some(Value::String(text)) => text.clone(),
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => String::new(),
    }
}

/// The count of tokens in any form; what can't be read counts nothing.
fn usage(usage: Option<&Value>) -> Option<Usage> {
    let usage = usage?.as_object()?;
    let count = |names: [&str; 2]| {
        let value = names.iter().find_map(|name| usage.get(*name))?;
        let text = value.as_str().and_then(|text| text.trim().parse().ok());
        let count = value.as_f64().or(text).filter(|count| *count >= 0.0)?;
        Some(count as u64)
    };
    Some(Usage {
        prompt_tokens: count(["prompt_tokens", "input_tokens"]).unwrap_or_default(),
        completion_tokens: count(["completion_tokens", "output_tokens"]).unwrap_or_default(),
    })
}

/// Whether a piece is an error, in any of the shapes that are in use.
fn is_error(piece: &Value) -> bool {
    let Value::Object(fields) = piece else {
        return true;
    };
    let named = |name: &str| fields.get(name).and_then(Value::as_str) == Some("error");
    let told = fields.get("error").is_some_and(is_something);
    let text = |name: &str| fields.get(name).is_some_and(Value::is_string);
    let bare = text("message") || fields.contains_key("detail") || named("status");
    let bare = bare && !fields.contains_key("choices");
    told || bare || named("type") || named("object")
}

fn is_something(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// A page is what another server says, such as one to sign in at.
fn no_completion(said: &str) -> VlmFailure {
    if said.trim_start().starts_with('<') {
        let page = "the server's answer is a page and no chat completion";
        return VlmFailure::misconfigured(About::Setting("the address (VlmBaseUrl)"), page);
    }
    let detail = "the server's answer is no chat completion";
    VlmFailure::later(RetryCause::Failed, detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const GOOD: &str = r#"{"steps": []}"#;

    fn read(pieces: &[Value]) -> Result<Written, VlmFailure> {
        let mut draft = Draft::default();
        for piece in pieces {
            draft.take(&piece.to_string())?;
        }
        draft.done()
    }

    fn chunk(text: &str, finish: Value) -> Value {
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})
    }

    #[test]
    fn only_an_end_of_the_models_own_is_one() {
        for (finish, whole) in [
            ("stop", true),
            ("STOP", true),
            ("eos", true),
            ("end_turn", true),
            ("abort", false),
            ("error", false),
            ("content_filter", false),
            ("anything", false),
        ] {
            let read = read(&[chunk(GOOD, json!(finish))]);
            assert_eq!(read.is_ok_and(|read| !read.cut), whole, "{finish}");
        }
        assert!(read(&[chunk(GOOD, json!("length"))]).unwrap().cut);
        assert!(read(&[chunk(GOOD, json!(""))]).is_err());
    }

    proptest! {
        #[test]
        fn usage_in_any_form_never_costs_an_answer(of in prop::sample::select(vec![json!(null), json!([]), json!("x"), json!(-1), json!({"prompt_tokens": null}), json!({"prompt_tokens": "7"}), json!({"prompt_tokens": 1e300}), json!({"prompt_tokens": {}})])) {
            let mut piece = chunk(GOOD, json!("stop"));
            piece["usage"] = of;
            prop_assert!(read(&[piece]).is_ok());
        }

        #[test]
        fn nothing_behind_the_end_costs_the_answer(behind in ".*") {
            let mut draft = Draft::default();
            draft.take(&chunk(GOOD, json!("stop")).to_string()).unwrap();
            prop_assert!(draft.take(&behind).is_ok());
            prop_assert_eq!(draft.done().unwrap().text, GOOD);
        }

        #[test]
        fn any_json_is_an_answer_or_a_failure(name in "choices|delta|error|usage|finish_reason|index", text in "[a-z\\[\\]{}:,\"0-9]{0,30}") {
            let mut draft = Draft::default();
            let _ = draft.take(&format!("{{\"{name}\": {text}}}"));
            let _ = draft.done();
        }
    }
}
