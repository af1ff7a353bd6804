//! Whose words and forms the server takes on: the table `personalities.json`, whose entries say where they were read.
//!
//! # Invariants
//! - The table is data: a further server is an entry there and no code.
//! - No entry is without a source.

use std::collections::BTreeMap;

use anyhow::Context;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const TABLE: &str = include_str!("../personalities.json");
/// Who it is unless it is told otherwise.
pub const USUAL: &str = "vllm";

/// What of a person's settings may be wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Setting {
    /// The key.
    Key,
    /// The signature that takes a key's place.
    Signature,
    /// What the signer may do.
    Rights,
    /// The model's name.
    Model,
    /// The path.
    Path,
    /// The account has no money, or its quota is used up.
    Money,
    /// The region or country.
    Region,
    /// The model has no eyes.
    Images,
    /// Something in the request that can't be left out.
    Field,
    /// The context is too small.
    Context,
    /// The server's memory is too small.
    Memory,
}

/// What is said: status, headers, body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// JSON, or text as it is. `{model}` and `{path}` stand for the request's.
    body: Value,
}

/// A field that is refused as long as a request has it.
#[derive(Debug, Clone, Deserialize)]
struct Refused {
    field: String,
    /// Refused only where it is a larger number than this.
    over: Option<u64>,
    #[serde(flatten)]
    said: Said,
}

/// Where text stands in a chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// As text.
    #[default]
    Content,
    /// In a list of parts.
    Parts,
    /// In a field of its own beside the content.
    ReasoningContent,
    /// The same by another name.
    Reasoning,
}

/// When the count of tokens comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UsageAt {
    /// In a chunk of its own, if the request asks for it.
    #[default]
    OnRequest,
    /// With the end.
    WithEnd,
    /// With each chunk.
    Each,
    /// Never.
    None,
}

/// The form of answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Form {
    /// An event before all others.
    pub(crate) first: Option<Value>,
    /// Sent while there is nothing else to say.
    pub(crate) comment: Option<String>,
    /// Whether a chunk without text comes first.
    pub(crate) role_chunk: bool,
    /// Where the model's thoughts stand, if it has any.
    pub(crate) thoughts: Option<Place>,
    /// Where the answer stands.
    pub(crate) text: Place,
    /// What the end is called.
    pub(crate) end: String,
    /// What stands beside each choice.
    pub(crate) beside: BTreeMap<String, Value>,
    /// When the count of tokens comes.
    pub(crate) usage: UsageAt,
    /// What the tokens read and written are called.
    pub(crate) usage_names: [String; 2],
    /// What else the count says.
    pub(crate) usage_more: BTreeMap<String, Value>,
    /// What stands between two events.
    pub(crate) separator: String,
    /// Whether it tells the log-probabilities of what it writes.
    pub(crate) logprobs: bool,
    /// Whether `[DONE]` ends a stream.
    pub(crate) done: bool,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            first: None,
            comment: None,
            role_chunk: true,
            thoughts: None,
            text: Place::Content,
            end: "stop".into(),
            beside: BTreeMap::new(),
            usage: UsageAt::OnRequest,
            usage_names: ["prompt_tokens".into(), "completion_tokens".into()],
            usage_more: BTreeMap::new(),
            separator: "\n\n".into(),
            logprobs: false,
            done: true,
        }
    }
}

/// A server as others know it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Personality {
    /// Where its words were read.
    pub(crate) sources: Vec<String>,
    /// Where it takes questions.
    path: String,
    /// What the address must say behind its `?`.
    query: Option<String>,
    /// The header that brings the key, where it is not a bearer's.
    key_header: Option<String>,
    /// Whether a signature does instead of a key.
    #[serde(default)]
    pub(crate) signed: bool,
    #[serde(default)]
    refuses: Vec<Refused>,
    says: BTreeMap<Setting, Said>,
    /// What it says when it is busy.
    pub(crate) busy: Option<Said>,
    #[serde(default)]
    pub(crate) answer: Form,
}

/// All that there are, by name.
fn table() -> anyhow::Result<BTreeMap<String, Personality>> {
    serde_json::from_str(TABLE).context("Failed to understand the table of personalities")
}

/// The names of all.
pub fn names() -> Vec<String> {
    table().map_or_else(|_| Vec::new(), |table| table.into_keys().collect())
}

impl Personality {
    /// The one of this name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn called(name: &str) -> anyhow::Result<Self> {
        let found = table()?.remove(name);
        found.with_context(|| format!("nobody is called {name}; there are {}", names().join(", ")))
    }

    /// Where it takes questions for this model.
    pub(crate) fn path(&self, model: &str) -> String {
        self.path.replace("{model}", model)
    }

    /// Where it lists its models.
    pub(crate) fn list(&self) -> String {
        let before = self.path.trim_end_matches("/chat/completions");
        format!("{}/models", before.trim_end_matches("/deployments/{model}"))
    }

    /// Whether the path alone names a model that is not there.
    pub(crate) fn names_another_model(&self, path: &str, model: &str) -> bool {
        let ends = self.path.split_once("{model}");
        ends.is_some_and(|(before, after)| {
            let named = path
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after));
            named.is_some_and(|named| named != model && !named.contains('/'))
        })
    }

    /// Whether the address says behind its `?` what it must.
    pub(crate) fn takes_query(&self, query: Option<&str>) -> bool {
        let wanted = self.query.as_ref();
        wanted.is_none_or(|name| query.is_some_and(|query| query.contains(&format!("{name}="))))
    }

    /// The header that brings the key, and what stands before it.
    pub(crate) fn key_header(&self) -> (&str, &str) {
        match &self.key_header {
            Some(name) => (name, ""),
            None => ("authorization", "Bearer "),
        }
    }

    /// What it says of a setting that is wrong; none if it never finds fault with such.
    pub(crate) fn says(&self, setting: Setting) -> Option<&Said> {
        self.says.get(&setting)
    }

    /// What it says of the first field that it refuses, and the field.
    pub(crate) fn refuses(&self, request: &Value) -> Option<(&str, &Said)> {
        let refused = self.refuses.iter().find(|refused| refused.is_in(request))?;
        Some((&refused.field, &refused.said))
    }
}

impl Refused {
    fn is_in(&self, request: &Value) -> bool {
        match self.over {
            Some(most) => request
                .get(&self.field)
                .and_then(Value::as_u64)
                .is_some_and(|number| number > most),
            None => has(request, &self.field),
        }
    }
}

/// Whether a request has a field of this name, wherever it stands but in its messages.
fn has(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(field, value)| field == name || (field != "messages" && has(value, name))),
        Value::Array(items) => items.iter().any(|item| has(item, name)),
        _ => false,
    }
}

impl Said {
    /// The response to a request about this model at this path.
    pub(crate) fn response(&self, model: &str, path: &str) -> Response {
        let filled = |text: &str| text.replace("{model}", model).replace("{path}", path);
        let (body, kind) = match &self.body {
            Value::String(text) => (filled(text), "text/plain; charset=utf-8"),
            json => (within(json, &filled).to_string(), "application/json"),
        };
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, [("content-type", kind)], body).into_response();
        for (name, value) in &self.headers {
            let header = name
                .parse::<axum::http::HeaderName>()
                .ok()
                .zip(value.parse().ok());
            response
                .headers_mut()
                .extend(header.map(|(name, value)| (Some(name), value)));
        }
        response
    }
}

fn within(value: &Value, filled: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(filled(text)),
        Value::Array(items) => items.iter().map(|item| within(item, filled)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), within(value, filled)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everybody_is_read_with_a_source_and_says_what_is_wrong_with_a_path() {
        let table = table().unwrap();
        assert!(table.len() >= 12 && table.contains_key(USUAL));
        for (name, personality) in table {
            assert!(!personality.sources.is_empty(), "{name}");
            assert!(personality.says(Setting::Path).is_some(), "{name}");
            assert!(personality.path.ends_with("/chat/completions"), "{name}");
        }
        let error = Personality::called("nobody").unwrap_err().to_string();
        assert!(
            error.contains("openai") && error.contains("ollama"),
            "{error}"
        );
    }

    #[test]
    fn a_field_is_found_wherever_it_stands_but_in_messages() {
        let request = json!({"messages": [{"seed": 1}], "response_format": {"json_schema": {"schema": {"items": [{"maxItems": 1}]}}}});
        assert!(has(&request, "maxItems") && has(&request, "json_schema"));
        assert!(!has(&request, "seed"));
    }

    #[test]
    fn a_model_may_stand_in_the_path() {
        let azure = Personality::called("azure").unwrap();
        let path = azure.path("b");
        assert_eq!(path, "/openai/deployments/b/chat/completions");
        assert!(!azure.names_another_model(&path, "b"));
        assert!(azure.names_another_model(&path, "c"));
        assert!(!azure.names_another_model("/v1/chat/completions", "c"));
        assert!(azure.takes_query(Some("api-version=1")) && !azure.takes_query(None));
        assert_eq!(azure.list(), "/openai/models");
    }
}
