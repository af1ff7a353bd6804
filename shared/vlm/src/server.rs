//! What is particular to servers with the chat-completions API, in one place: their codes, their words and their
//! limits. A further server is a line in a table here; what only shows while asking is in `capability`.
//!
//! # Sources
//! Recorded: vLLM 0.32. By their documentation of errors: OpenAI, Azure OpenAI, Anthropic, Google (`google.rpc.Code`),
//! Amazon Bedrock, Mistral, DashScope, OpenRouter. By public reports: llama.cpp, SGLang, TGI, Ollama, LM Studio,
//! LiteLLM, xAI, Groq, DeepSeek, nginx, axum.
//!
//! # Invariants
//! - Codes come before words, and a line before those below it.

use std::time::Duration;

/// Idle connections are kept for so long: vLLM closes them after 5 s without saying so.
pub(super) const IDLE_CONNECTIONS_KEPT: Duration = Duration::from_secs(3);
/// The priority of what nobody waits for, on servers that schedule by it (vLLM: larger is later); requests without
/// one have 0.
pub(super) const BULK_PRIORITY: u32 = 1;

/// Which setting a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The server's address.
    Address,
    /// The model's name.
    Model,
    /// The key, or the headers that carry it.
    Key,
    /// Something that stands elsewhere: at the server, at the provider.
    Other,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The operator must mend the server or our settings; in words.
    Operator(&'static str),
    /// The server's context is too small for the request; it may do for fewer photos.
    Context,
    /// The key is wrong or may not do this; another one may be there.
    Key,
    /// The server is busy: it asks for fewer requests.
    Busy,
    /// The server is away.
    Away,
    /// It did not answer in time.
    Late,
    /// It failed, maybe at this request alone.
    Failed,
    /// The photo has more pixels, or more bytes, than the server takes.
    TooLarge,
    /// The server can't read the photo as a picture.
    Picture,
    /// The server refuses to speak about what the photo shows.
    Content,
}

const MONEY: Meaning =
    Meaning::Operator("the account at the VLM's provider: money or quota is used up");
pub(super) const MODEL: Meaning =
    Meaning::Operator("the model's name (VlmModel): the server does not know it");
const REGION: Meaning = Meaning::Operator("the region: the provider does not serve ours");
const NO_IMAGES: Meaning = Meaning::Operator("the model takes no images");
const TEMPLATE: Meaning = Meaning::Operator("the model's chat template");
const ADDRESS: Meaning = Meaning::Operator("the address (VlmBaseUrl)");
const RIGHTS: Meaning = Meaning::Operator("what the account may do at the VLM's provider");
const BODY: Meaning =
    Meaning::Operator("the most bytes of a request that the server or its proxy takes");
const MEMORY: Meaning = Meaning::Operator("the server's memory: the model does not fit");
const SCHEMA: Meaning =
    Meaning::Operator("the server does not take our JSON schema (response_format)");
/// The form of our requests.
pub(super) const REQUEST: Meaning =
    Meaning::Operator("the server does not take requests as we send them");

/// Parts of codes, without case and punctuation.
const CODES: &[(&str, Meaning)] = &[
    // Money: OpenAI, LiteLLM, Anthropic, DashScope, Bedrock.
    ("insufficientquota", MONEY),
    ("budgetexceeded", MONEY),
    ("billing", MONEY),
    ("insufficientcredit", MONEY),
    ("insufficientbalance", MONEY),
    ("paymentrequired", MONEY),
    ("arrearage", MONEY),
    ("freetieronly", MONEY),
    ("servicequotaexceeded", MONEY),
    // The key: OpenAI, Anthropic, Google, Amazon.
    ("apikey", Meaning::Key),
    ("authentication", Meaning::Key),
    ("unauthenticated", Meaning::Key),
    ("unauthorized", Meaning::Key),
    ("permission", Meaning::Key),
    ("accessdenied", Meaning::Key),
    ("expiredtoken", Meaning::Key),
    ("unrecognizedclient", Meaning::Key),
    ("invalidsignature", Meaning::Key),
    ("accountdeactivated", Meaning::Key),
    // LiteLLM without a database, to any key but its own.
    ("nodbconnection", Meaning::Key),
    // The model: OpenAI, Azure, Mistral.
    ("modelnotfound", MODEL),
    ("invalidmodel", MODEL),
    ("unknownmodel", MODEL),
    ("deploymentnotfound", MODEL),
    ("unsupportedmodel", MODEL),
    // Busy: OpenAI, Anthropic, Google, Amazon, DashScope.
    ("ratelimit", Meaning::Busy),
    ("resourceexhausted", Meaning::Busy),
    ("throttl", Meaning::Busy),
    ("toomanyrequests", Meaning::Busy),
    ("overloaded", Meaning::Busy),
    ("capacity", Meaning::Busy),
    ("slowdown", Meaning::Busy),
    ("modelnotready", Meaning::Busy),
    // Passing: OpenAI's check of images fails by itself at times; Amazon, Google.
    ("sanitizerservererror", Meaning::Failed),
    ("modelerror", Meaning::Failed),
    ("modeltimeout", Meaning::Late),
    ("deadlineexceeded", Meaning::Late),
    // What the picture shows: Azure, OpenAI, DashScope.
    ("contentfilter", Meaning::Content),
    ("contentpolicy", Meaning::Content),
    ("responsibleaipolicy", Meaning::Content),
    ("datainspectionfailed", Meaning::Content),
    ("moderation", Meaning::Content),
    // The picture: OpenAI.
    ("imagetoolarge", Meaning::TooLarge),
    ("imagefiletoolarge", Meaning::TooLarge),
    ("imagetoosmall", Meaning::Picture),
    ("imageparseerror", Meaning::Picture),
    ("invalidimageformat", Meaning::Picture),
    ("invalidimage", Meaning::Picture),
    ("invalidbase64image", Meaning::Picture),
    ("unsupportedimage", Meaning::Picture),
    ("emptyimage", Meaning::Picture),
    ("failedtodecodeimage", Meaning::Picture),
    // The context: OpenAI, llama.cpp.
    ("contextlengthexceeded", Meaning::Context),
    ("exceedcontextsize", Meaning::Context),
    ("invalidschema", SCHEMA),
    // Busy or away: Google.
    ("unavailable", Meaning::Busy),
];

/// Parts of codes that say less than words do, looked for last.
const WEAK_CODES: &[(&str, Meaning)] = &[
    ("unsupportedparameter", REQUEST),
    ("unsupportedvalue", REQUEST),
    ("unknownparameter", REQUEST),
    ("extraforbidden", REQUEST),
    ("failedprecondition", RIGHTS),
    ("methodnotallowed", ADDRESS),
    ("notfound", ADDRESS),
];

/// Whole codes that are too short to be looked for within others.
const WHOLE_CODES: &[(&str, Meaning)] = &[
    // OpenAI and Groq: the kind of what there is too much of.
    ("tokens", Meaning::Busy),
    ("requests", Meaning::Busy),
    ("forbidden", Meaning::Key),
];

/// Words of servers that fail (500), in lower case: about the photo or the model, whoever sends them.
const OF_FAILURES: &[(&str, Meaning)] = &[
    // A model without eyes: vLLM, llama.cpp, LM Studio, DeepSeek, OpenAI, OpenRouter, TGI.
    (
        "at most 0 image",
        Meaning::Operator("the server takes no images (--limit-mm-per-prompt)"),
    ),
    ("not a multimodal model", NO_IMAGES),
    ("image input is not supported", NO_IMAGES),
    ("not support image", NO_IMAGES),
    ("not support vision", NO_IMAGES),
    ("support image input", NO_IMAGES),
    ("unknown variant `image_url`", NO_IMAGES),
    ("image_url is only supported", NO_IMAGES),
    ("mmproj", NO_IMAGES),
    ("required for image input", NO_IMAGES),
    ("not support multimodal", NO_IMAGES),
    ("not support multi-modal", NO_IMAGES),
    ("not a vision", NO_IMAGES),
    ("images are not supported", NO_IMAGES),
    ("chat template", TEMPLATE),
    // The picture: Pillow (vLLM, SGLang), OpenAI, Anthropic, Google, Qwen's processor, DashScope.
    ("decompression bomb", Meaning::TooLarge),
    ("image dimensions exceed", Meaning::TooLarge),
    ("image exceeds", Meaning::TooLarge),
    ("image too large", Meaning::TooLarge),
    ("image is too large", Meaning::TooLarge),
    ("image size exceeds", Meaning::TooLarge),
    ("larger than factor", Meaning::Picture),
    ("aspect ratio must be", Meaning::Picture),
    ("image length and width", Meaning::Picture),
    ("image is too small", Meaning::Picture),
    ("identify image", Meaning::Picture),
    ("image file is truncated", Meaning::Picture),
    ("failed to load image", Meaning::Picture),
    ("decode image", Meaning::Picture),
    ("decode the image", Meaning::Picture),
    ("decoding image", Meaning::Picture),
    ("invalid image", Meaning::Picture),
    ("unsupported image", Meaning::Picture),
    ("broken data stream", Meaning::Picture),
    ("base64 digit", Meaning::Picture),
    // Memory and context: Ollama, llama.cpp.
    ("requires more system memory", MEMORY),
    ("available context size", Meaning::Context),
    ("maximum context length", Meaning::Context),
];

/// Words of servers that refuse (4xx), in lower case, below those above.
const OF_REFUSALS: &[(&str, Meaning)] = &[
    ("process image", Meaning::Picture),
    ("process input image", Meaning::Picture),
    ("process the image", Meaning::Picture),
    ("parse image", Meaning::Picture),
    ("valid image", Meaning::Picture),
    ("image is corrupt", Meaning::Picture),
    ("corrupt image", Meaning::Picture),
    ("content management policy", Meaning::Content),
    ("content policy", Meaning::Content),
    ("content_policy", Meaning::Content),
    ("usage policies", Meaning::Content),
    ("flagged", Meaning::Content),
    ("inappropriate content", Meaning::Content),
    ("data inspection", Meaning::Content),
    // Busy comes before money: a quota per minute passes.
    ("rate limit", Meaning::Busy),
    ("rate_limit", Meaning::Busy),
    ("resource exhausted", Meaning::Busy),
    ("resource_exhausted", Meaning::Busy),
    ("per minute", Meaning::Busy),
    ("too many requests", Meaning::Busy),
    ("overloaded", Meaning::Busy),
    ("at capacity", Meaning::Busy),
    ("no capacity", Meaning::Busy),
    ("credit", MONEY),
    ("balance", MONEY),
    ("billing", MONEY),
    ("budget", MONEY),
    ("quota", MONEY),
    ("payment", MONEY),
    ("overdue", MONEY),
    ("api key", Meaning::Key),
    ("api-key", Meaning::Key),
    ("api_key", Meaning::Key),
    ("apikey", Meaning::Key),
    ("unauthorized", Meaning::Key),
    ("authenticat", Meaning::Key),
    ("access denied", Meaning::Key),
    ("permission", Meaning::Key),
    ("security token", Meaning::Key),
    ("invalid token", Meaning::Key),
    ("token expired", Meaning::Key),
    ("not authorized", Meaning::Key),
    ("location is not supported", REGION),
    ("region", REGION),
    ("country", REGION),
    ("territory", REGION),
    ("max_model_len", Meaning::Context),
    ("maximum model length", Meaning::Context),
    ("context length", Meaning::Context),
    ("context size", Meaning::Context),
    ("context window", Meaning::Context),
    ("context_length", Meaning::Context),
    ("prompt is too long", Meaning::Context),
    ("input is too long", Meaning::Context),
    ("max_new_tokens` must be", Meaning::Context),
    ("must have less than", Meaning::Context),
    ("number of tokens", Meaning::Context),
    ("token count", Meaning::Context),
    ("too many tokens", Meaning::Context),
    ("model not found", MODEL),
    ("model does not exist", MODEL),
    ("does not exist", MODEL),
    ("invalid model", MODEL),
    ("unknown model", MODEL),
    ("unsupported model", MODEL),
    ("not a valid model", MODEL),
    ("model identifier", MODEL),
    ("is not found for api version", MODEL),
    ("no such model", MODEL),
    // transformers serve
    ("server is pinned to", MODEL),
    ("decommissioned", MODEL),
    ("try pulling", MODEL),
    ("no endpoints found", MODEL),
    ("not a chat model", MODEL),
    ("must be verified", RIGHTS),
    ("not have access", RIGHTS),
    ("organization", RIGHTS),
    ("account", RIGHTS),
    ("text-only", NO_IMAGES),
    ("text only", NO_IMAGES),
    ("valid string", NO_IMAGES),
    ("must be a string", NO_IMAGES),
    ("expected a string", NO_IMAGES),
    ("entity too large", BODY),
    ("payload too large", BODY),
    ("body too large", BODY),
    ("length limit exceeded", BODY),
    ("sent to https port", ADDRESS),
    ("no longer supported", ADDRESS),
    ("misdirected", ADDRESS),
    ("method not allowed", ADDRESS),
    ("api version", ADDRESS),
    ("grammar", SCHEMA),
    ("response_format", SCHEMA),
    ("json_schema", SCHEMA),
    ("schema", SCHEMA),
    ("validation error", REQUEST),
    ("extra inputs", REQUEST),
    ("not supported with this model", REQUEST),
    ("unrecognized request argument", REQUEST),
    ("unexpected keyword", REQUEST),
    ("deserialize", REQUEST),
    ("json decode error", REQUEST),
    ("only base64 data urls", REQUEST),
];

/// What is said of pictures, in servers' words that are in no table.
const OF_PICTURES: &[&str] = &[
    "too small",
    "too large",
    "dimension",
    "resolution",
    "decod",
    "corrupt",
    "truncated",
    "unreadable",
    "process",
    "aspect",
    "pixels",
    "format",
];
/// What is said of whatever a server does not take: ours, or the operator's to mend.
const OF_THE_REST: &[&str] = &[
    "not supported",
    "not support",
    "unsupported",
    "not permitted",
    "not allowed",
    "not enabled",
    "unknown parameter",
];
/// Fields of our requests that have nothing to do with a picture.
const FIELDS: &[&str] = &[
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "seed",
    "priority",
    "response_format",
];

/// Which setting an operator's advice is about.
pub(super) fn setting(advice: &str) -> Setting {
    let is = |meaning| matches!(meaning, Meaning::Operator(other) if other == advice);
    match advice {
        _ if is(MODEL) => Setting::Model,
        _ if is(ADDRESS) => Setting::Address,
        _ => Setting::Other,
    }
}

/// Whether this names a field of our requests that has nothing to do with a picture.
pub(super) fn is_field(param: &str) -> bool {
    let whole = param.split('.').next().unwrap_or_default();
    FIELDS.contains(&whole)
}

/// Whether these words are about a model: `models/m is not found`, `model: m`.
pub(super) fn speaks_of_model(words: &str) -> bool {
    let words = words.to_lowercase();
    let mut parts = words.split(|c: char| !c.is_ascii_alphanumeric());
    parts.any(|part| part == "model" || part == "models")
}

/// What a refusal may mean whose words are in no table.
fn meaning_of_other_words(words: &str) -> Option<Meaning> {
    // vLLM says this of whatever went wrong within a model's processor, and names its input only.
    let of_processor = words.contains("failed to apply");
    let of_picture = !of_processor && words.replace("image_url", "").contains("image");
    let is_said = |of: &[&str]| of.iter().any(|part| words.contains(part));
    if of_picture && is_said(OF_PICTURES) {
        Some(Meaning::Picture)
    } else {
        is_said(OF_THE_REST).then_some(REQUEST)
    }
}

/// What this code means, if it is known.
pub(super) fn meaning_of_code(code: &str) -> Option<Meaning> {
    let plain = plain(code);
    let whole = WHOLE_CODES.iter().find(|(whole, _)| *whole == plain);
    let known = whole.or_else(|| CODES.iter().find(|(part, _)| plain.contains(part)));
    known.map(|(_, meaning)| *meaning)
}

/// The same of codes that say less than words do.
pub(super) fn meaning_of_weak_code(code: &str) -> Option<Meaning> {
    let plain = plain(code);
    let known = WEAK_CODES.iter().find(|(part, _)| plain.contains(part));
    known.map(|(_, meaning)| *meaning)
}

fn plain(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What these words mean, of a server that refuses, or of one that fails.
pub(super) fn meaning_of_words(words: &str, refuses: bool) -> Option<Meaning> {
    let words = words.to_lowercase();
    let more = OF_REFUSALS.iter().filter(|_| refuses);
    let known = OF_FAILURES.iter().chain(more);
    let known = known.into_iter().find(|(part, _)| words.contains(part));
    let known = known.map(|(_, meaning)| *meaning);
    known.or_else(|| meaning_of_other_words(&words).filter(|_| refuses))
}

/// What a status means by itself; none if the request was refused without a known reason.
pub(super) fn meaning_of_status(status: u16) -> Option<Meaning> {
    Some(match status {
        401 | 403 => Meaning::Key,
        402 => MONEY,
        413 => BODY,
        404 | 405 | 410 | 421 | 426 | 300..=399 => ADDRESS,
        406 | 411 | 414 | 415 | 431 | 501 | 505 => REQUEST,
        451 => REGION,
        408 => Meaning::Late,
        425 | 429 | 503 | 529 => Meaning::Busy,
        409 | 423 | 424 | 500 => Meaning::Failed,
        400..=499 => return None,
        500..=599 => Meaning::Away,
        _ => Meaning::Failed,
    })
}

/// The most images of a request, where a refusal says it: `At most 8 image(s) may be provided in one prompt.`
pub(super) fn images_allowed(words: &str) -> Option<usize> {
    let words = words.to_lowercase();
    let after = ["at most ", "up to ", "maximum of ", "max "];
    after.iter().find_map(|before| {
        let (_, rest) = words.split_once(before)?;
        let (number, rest) = rest.split_once(' ')?;
        let images = rest.starts_with("image");
        images.then(|| number.parse().ok()).flatten()
    })
}
