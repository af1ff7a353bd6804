//! What is particular to servers with the chat-completions API, in one place: their words and their limits. Seen on
//! vLLM 0.32, llama.cpp and LiteLLM. A further server is a line in a table here; what only shows while asking is in
//! `capability`.

use std::time::Duration;

use serde_json::Value;

/// Idle connections are kept for so long: vLLM closes them after 5 s without saying so.
pub(super) const IDLE_CONNECTIONS_KEPT: Duration = Duration::from_secs(3);
/// The priority of what nobody waits for, on servers that schedule by it (vLLM: larger is later); requests without
/// one have 0.
pub(super) const BULK_PRIORITY: u32 = 1;

/// What servers say when a request is refused for what was sent with it: the words, in lower case, and what they mean.
pub(super) const REFUSALS: [(&str, Meaning); 17] = [
    (
        "maximum context length",
        Meaning::Operator("the server's context is too small (--max-model-len)"),
    ),
    (
        "max_model_len",
        Meaning::Operator("the server's context is too small (--max-model-len)"),
    ),
    (
        "longer than the maximum model length",
        Meaning::Operator("the server's context is too small (--max-model-len)"),
    ),
    (
        "exceeds the available context size",
        Meaning::Operator("the server's context is too small"),
    ),
    (
        "at most 0 image",
        Meaning::Operator("the server takes no images (--limit-mm-per-prompt)"),
    ),
    (
        "not a multimodal model",
        Meaning::Operator("the model takes no images"),
    ),
    (
        "image input is not supported",
        Meaning::Operator("the model takes no images"),
    ),
    (
        "does not support image",
        Meaning::Operator("the model takes no images"),
    ),
    ("decompression bomb", Meaning::TooLarge),
    ("grammar error", Meaning::Bug),
    ("invalid schema", Meaning::Bug),
    ("response_format.json_schema.name", Meaning::Bug),
    (
        "response_format",
        Meaning::Operator("the server does not take JSON schemas (response_format)"),
    ),
    ("validation error", Meaning::Bug),
    ("cannot connect to host", Meaning::Bug),
    ("only base64 data urls", Meaning::Bug),
    ("json decode error", Meaning::Bug),
];

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The operator must mend the server; in words.
    Operator(&'static str),
    /// The photo has more pixels than the server takes.
    TooLarge,
    /// The request is wrong.
    Bug,
}

/// What a refusal in these words means, if they are known.
pub(super) fn meaning(words: &str) -> Option<Meaning> {
    let words = words.to_lowercase();
    let known = REFUSALS.iter().find(|(part, _)| words.contains(part));
    known.map(|(_, meaning)| *meaning)
}

/// Whether a refusal in these words is one of the field `priority`.
pub(super) fn refuses_priority(words: &str) -> bool {
    words.to_lowercase().contains("priority")
}

/// The message of an error body: `{"error": "text"}`, `{"error": {"message": "text"}}` and `{"message": "text"}` are
/// in use.
pub(super) fn words(body: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let parsed = parsed.as_ref();
    let error = parsed.and_then(|value| value.get("error"));
    let message = error.and_then(|error| error.as_str().or_else(|| error.get("message")?.as_str()));
    let message = message.or_else(|| parsed?.get("message")?.as_str());
    message.unwrap_or(body).to_owned()
}

/// The most images of a request, where a refusal says it: `At most 8 image(s) may be provided in one prompt.`
pub(super) fn images_allowed(detail: &str) -> Option<usize> {
    let (_, rest) = detail.split_once("At most ")?;
    let (number, rest) = rest.split_once(' ')?;
    rest.starts_with("image")
        .then(|| number.parse().ok())
        .flatten()
}
