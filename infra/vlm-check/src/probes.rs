//! Small requests that show what a server can do. Each is a question of the functions, changed in one thing.

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};
use vlm::client::VlmClient;
use vlm::failure::{About, RetryCause, VlmFailure};
use vlm::prompt::Question;
use vlm::request::PromptPhoto;

use crate::pictures::gradient;

/// The most photos that a request may hold by the template (PhotosPerRequest).
const MOST_IMAGES: usize = 10;
/// Pixels of a picture that is only counted; every model takes it.
const TINY: u16 = 64;
/// Tokens of an answer that is not read. Some providers take no fewer.
const SHORT_ANSWER: u32 = 16;
/// Tokens of the answer that the schema is tried with: a model that does not know when to end fills them.
const SCHEMA_ANSWER: u32 = 64;

/// What the bound of an answer's tokens is called.
const MOST_TOKENS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// Whether the server holds models to a JSON schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Schema {
    /// Also to the bounds in it.
    Held,
    /// But not to the bounds in it.
    HeldWithoutBounds,
    /// It takes it, and the model writes something else.
    Ignored,
    /// It refuses requests that have one.
    Refused,
    Unknown,
}

/// How many images a request may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Images {
    Exactly(usize),
    AtLeast(usize),
    Unknown,
}

/// Tokens of a request about one picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tokens {
    /// All that were read.
    pub(crate) prompt: u64,
    /// Of them, those that were known from a request before.
    pub(crate) cached: Option<u64>,
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Stream {
    /// Piece by piece, not as a whole.
    pub(crate) in_pieces: bool,
    /// With the count of its tokens.
    pub(crate) counted: bool,
}

impl Stream {
    fn of(answer: &str) -> Self {
        let events = answer.lines().filter_map(|line| line.strip_prefix("data:"));
        let pieces: Vec<Value> = events
            .filter_map(|event| serde_json::from_str(event).ok())
            .collect();
        let whole: Option<Value> = serde_json::from_str(answer).ok();
        let tokens = |piece: &Value| piece.pointer("/usage/prompt_tokens")?.as_u64();
        let counted = |piece: &Value| tokens(piece).is_some_and(|tokens| tokens > 0);
        Self {
            in_pieces: !pieces.is_empty(),
            counted: pieces.iter().chain(&whole).any(counted),
        }
    }
}

/// Whom to ask, and the question.
pub(crate) struct Probe<'a> {
    pub(crate) client: &'a VlmClient,
    pub(crate) question: &'a Question,
}

impl Probe<'_> {
    /// Tokens of a question about a picture of this size; none if the server does not say.
    pub(crate) async fn tokens(&self, width: u16, height: u16) -> anyhow::Result<Option<Tokens>> {
        let request = self.about(&[gradient(width, height)?])?;
        let answer = self.answer(&request).await.ok().flatten();
        Ok(answer.and_then(|answer| {
            let prompt = answer.pointer("/usage/prompt_tokens")?.as_u64()?;
            let cached = answer.pointer("/usage/prompt_tokens_details/cached_tokens");
            let cached = cached.and_then(Value::as_u64);
            (prompt > 0).then_some(Tokens { prompt, cached })
        }))
    }

    /// How an answer comes when it is asked for as the functions ask for it; none if it does not.
    pub(crate) async fn stream(&self) -> anyhow::Result<Option<Stream>> {
        let mut request = self.real()?;
        set_most(&mut request, SHORT_ANSWER);
        let answer = self.exchange(&request).await.ok();
        Ok(answer.map(|answer| Stream::of(&answer)))
    }

    /// How many images a request may have.
    pub(crate) async fn images(&self) -> anyhow::Result<Images> {
        let tiny = gradient(TINY, TINY)?;
        let failure = match self
            .exchange(&self.about(&vec![tiny.clone(); MOST_IMAGES])?)
            .await
        {
            Ok(_) => return Ok(Images::AtLeast(MOST_IMAGES)),
            Err(failure) => failure,
        };
        if let Some(About::Images(Some(most))) = failure.about() {
            return Ok(Images::Exactly(most));
        }
        if !is_refusal(&failure) {
            return Ok(Images::Unknown);
        }
        Ok(match self.exchange(&self.about(&vec![tiny; 2])?).await {
            Ok(_) => Images::AtLeast(2),
            Err(failure) if is_refusal(&failure) => Images::Exactly(1),
            Err(_) => Images::Unknown,
        })
    }

    /// Whether the server says how sure the model was of each token; none if it did not answer.
    pub(crate) async fn log_probabilities(&self) -> anyhow::Result<Option<bool>> {
        let mut request = self.in_words("Say yes.", SHORT_ANSWER)?;
        set(&mut request, "logprobs", true.into());
        set(&mut request, "top_logprobs", 2.into());
        Ok(match self.answer(&request).await {
            Ok(answer) => answer.map(|answer| {
                let tokens = answer.pointer("/choices/0/logprobs/content");
                let tokens = tokens.and_then(Value::as_array);
                tokens.is_some_and(|tokens| !tokens.is_empty())
            }),
            Err(failure) => is_refusal(&failure).then_some(false),
        })
    }

    /// Whether the server holds models to a schema: it is asked for something else than the schema allows.
    pub(crate) async fn schema(&self) -> anyhow::Result<Schema> {
        if self.client.capability().refuses_schema() {
            return Ok(Schema::Refused);
        }
        let format = self.real()?.get("response_format").cloned();
        let mut format = format.context("There is no schema")?;
        let bounds = !self
            .client
            .capability()
            .refused_fields()
            .contains(&"minimum");
        if let Some(schema) = format.pointer_mut("/json_schema/schema") {
            *schema = schema_of_a_number(bounds);
        }
        let mut request =
            self.in_words("Reply with these two words: number nine.", SCHEMA_ANSWER)?;
        set(&mut request, "response_format", format);
        Ok(match self.answer(&request).await {
            Ok(answer) => answer.as_ref().map_or(Schema::Unknown, held),
            // The schema of the first question was taken: it is something else that is refused here.
            Err(_) => Schema::Unknown,
        })
    }

    /// The most tokens of an answer about a photo.
    pub(crate) fn most_answer_tokens(&self) -> anyhow::Result<u64> {
        let real = self.real()?;
        let most = MOST_TOKENS
            .iter()
            .find_map(|name| real.get(*name)?.as_u64());
        most.context("The request does not bound its answer")
    }

    /// A question as the functions ask it.
    fn real(&self) -> anyhow::Result<Value> {
        let jpeg = gradient(TINY, TINY)?;
        let shot = PromptPhoto {
            jpeg: &jpeg,
            hint: None,
        };
        Ok(serde_json::from_str(
            &self.client.request(self.question, &[shot]),
        )?)
    }

    /// A question about these pictures whose answer does not count.
    fn about(&self, pictures: &[Vec<u8>]) -> anyhow::Result<Value> {
        let shots: Vec<_> = pictures
            .iter()
            .map(|jpeg| PromptPhoto { jpeg, hint: None })
            .collect();
        shortened(&self.client.request(self.question, &shots))
    }

    /// Other words about a picture of nothing.
    fn in_words(&self, words: &str, most: u32) -> anyhow::Result<Value> {
        let mut request = self.about(&[gradient(TINY, TINY)?])?;
        let image = request.pointer("/messages/1/content/0").cloned();
        let text = json!({"type": "text", "text": words});
        let content = json!([image.context("There is no picture")?, text]);
        set(
            &mut request,
            "messages",
            json!([{"role": "user", "content": content}]),
        );
        set_most(&mut request, most);
        Ok(request)
    }

    async fn exchange(&self, request: &Value) -> Result<String, VlmFailure> {
        self.client.exchange(&request.to_string()).await
    }

    /// The answer, if it is JSON in one piece.
    async fn answer(&self, request: &Value) -> Result<Option<Value>, VlmFailure> {
        let text = self.exchange(request).await?;
        let answer: Option<Value> = serde_json::from_str(&text).ok();
        Ok(answer.filter(|answer| answer.get("choices").is_some()))
    }
}

/// The request with an answer in one piece, of few tokens and any form.
fn shortened(request: &str) -> anyhow::Result<Value> {
    let mut request: Value = serde_json::from_str(request)?;
    let fields = request
        .as_object_mut()
        .context("The request is no object")?;
    for name in ["stream_options", "response_format", "priority"] {
        fields.remove(name);
    }
    fields.insert("stream".into(), false.into());
    set_most(&mut request, SHORT_ANSWER);
    Ok(request)
}

/// The most tokens of its answer, under the name that the server takes.
fn set_most(request: &mut Value, most: u32) {
    for name in MOST_TOKENS {
        if let Some(value) = request.get_mut(name) {
            *value = most.into();
        }
    }
}

fn set(request: &mut Value, name: &str, value: Value) {
    if let Some(fields) = request.as_object_mut() {
        fields.insert(name.into(), value);
    }
}

/// Whether the server takes no such request, whenever it is sent.
fn is_refusal(failure: &VlmFailure) -> bool {
    match failure {
        VlmFailure::RetryLater { cause, about, .. } => {
            *cause == RetryCause::Misconfigured || (*cause == RetryCause::Failed && about.is_some())
        }
        VlmFailure::Permanent { .. } => true,
        VlmFailure::Bug { .. } => false,
    }
}

fn schema_of_a_number(bounds: bool) -> Value {
    let number = match bounds {
        true => json!({"type": "integer", "minimum": 3, "maximum": 4}),
        false => json!({"type": "integer"}),
    };
    json!({
        "type": "object", "properties": {"number": number}, "required": ["number"], "additionalProperties": false,
    })
}

fn held(answer: &Value) -> Schema {
    let text = answer
        .pointer("/choices/0/message/content")
        .and_then(Value::as_str);
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Schema::Unknown;
    };
    let value: Option<Value> = serde_json::from_str(text).ok();
    let fields = value.as_ref().and_then(Value::as_object);
    match fields
        .filter(|fields| fields.len() == 1)
        .and_then(|fields| fields.get("number")?.as_i64())
    {
        Some(3 | 4) => Schema::Held,
        Some(_) => Schema::HeldWithoutBounds,
        None => Schema::Ignored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> Value {
        json!({"choices": [{"message": {"content": text}}]})
    }

    #[test]
    fn whether_a_schema_is_held_to_shows_in_what_was_not_asked_for() {
        for (text, expected) in [
            (r#"{"number": 3}"#, Schema::Held),
            (r#"{"number":9}"#, Schema::HeldWithoutBounds),
            (r#"{"number": 3, "more": 4}"#, Schema::Ignored),
            (r#"{"number": "nine"}"#, Schema::Ignored),
            ("number nine", Schema::Ignored),
            ("[3]", Schema::Ignored),
            (" ", Schema::Unknown),
        ] {
            assert_eq!(held(&answer(text)), expected, "{text}");
        }
        assert_eq!(held(&json!({"choices": []})), Schema::Unknown);
    }

    #[test]
    fn a_stream_is_told_from_an_answer_in_one_piece_and_its_count_is_found() {
        let piece = r#"{"choices": [{"delta": {"content": "a"}}]}"#;
        let usage = r#"{"choices": [], "usage": {"prompt_tokens": 7}}"#;
        let none = r#"{"usage": {"prompt_tokens": 0}}"#;
        for (text, in_pieces, counted) in [
            (
                format!("data: {piece}\n\ndata: {usage}\n\ndata: [DONE]\n"),
                true,
                true,
            ),
            (format!("data: {piece}\n\ndata: [DONE]\n"), true, false),
            (format!("data: {piece}\n\ndata: {none}\n"), true, false),
            (usage.into(), false, true),
            (piece.into(), false, false),
            ("<html>".into(), false, false),
        ] {
            assert_eq!(Stream::of(&text), Stream { in_pieces, counted }, "{text}");
        }
    }

    #[test]
    fn a_shortened_request_keeps_the_name_of_its_bound() {
        for name in MOST_TOKENS {
            let long = json!({"stream": true, "stream_options": {}, "response_format": {}, "priority": 1, name: 700});
            let short = json!({"stream": false, name: SHORT_ANSWER});
            assert_eq!(shortened(&long.to_string()).unwrap(), short);
        }
        assert!(shortened("[]").is_err());
    }
}
