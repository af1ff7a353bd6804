//! Asking a server with the chat-completions API.
//!
//! # Invariants
//! - One request per photo; a second one only if the answer can't be read (a repair), and a request is sent anew only if a
//!   kept-alive connection turned out to be closed. Everything else is retried through the queue, not here.
//! - Neither the key nor a photo gets into an error or a log.

use std::time::Duration;

use reqwest::{Client, redirect};
use serde::Deserialize;

use super::answer::{Answer, AnswerError, read_answer};
use super::failure::{RetryCause, VlmFailure};
use super::prompt::Question;
use super::request::{Repair, body};
use crate::domain::catalogue::Step;
use crate::domain::outcome::{Finding, Usage};

/// vLLM closes idle connections after 5 s.
const IDLE_CONNECTIONS_KEPT: Duration = Duration::from_secs(3);

/// Where and how to ask.
#[derive(Clone)]
pub struct VlmSettings {
    /// The server, without `/v1`.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// The key, if the server wants one.
    pub api_key: Option<String>,
    /// A whole answer takes no longer, or the server is taken not to answer.
    pub timeout: Duration,
    /// A connection takes no longer to stand.
    pub connect_timeout: Duration,
}

/// A client of one server; cheap to share, its connections are reused.
#[derive(Clone)]
pub struct VlmClient {
    http: Client,
    url: String,
    settings: VlmSettings,
}

/// What a photo shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// A finding per step shown.
    pub findings: Vec<Finding>,
    /// Tokens, a repair included.
    pub usage: Usage,
    /// Whether a repair was needed.
    pub repaired: bool,
    /// Entries of the answer that were left out.
    pub left_out: Vec<String>,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: ChoiceMessage,
}

#[derive(Deserialize)]
struct ChoiceMessage {
    content: Option<String>,
}

/// One completion: what the model wrote and what it cost.
struct Written {
    text: String,
    usage: Usage,
}

impl VlmClient {
    /// A client with these settings.
    pub fn new(settings: VlmSettings) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTIONS_KEPT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        let url = format!("{}/v1/chat/completions", settings.base_url.trim_end_matches('/'));
        Ok(Self { http, url, settings })
    }

    /// Asks what a photo shows.
    pub async fn ask(&self, question: &Question, jpeg: &[u8], hint: Option<&Step>) -> Result<Asked, VlmFailure> {
        let model = &self.settings.model;
        let first = self.complete(body(model, question, jpeg, hint, None)).await?;
        let read = read_answer(&first.text, &question.asked);
        if let Ok(answer) = &read
            && !answer.partial
        {
            return Ok(asked(answer.clone(), first.usage, false));
        }
        let repair = Repair { bad_answer: &first.text };
        let second = self.complete(body(model, question, jpeg, hint, Some(&repair))).await?;
        let usage = Usage {
            prompt_tokens: first.usage.prompt_tokens + second.usage.prompt_tokens,
            completion_tokens: first.usage.completion_tokens + second.usage.completion_tokens,
        };
        better(read_answer(&second.text, &question.asked), read).map(|answer| asked(answer, usage, true))
    }

    async fn complete(&self, body: String) -> Result<Written, VlmFailure> {
        let response = match self.send(body.clone()).await {
            // A connection that the server had closed, or a server that died: only the former is better at once.
            Err(error) if !error.is_timeout() && !error.is_connect() => self.send(body).await,
            other => other,
        };
        let response = response.map_err(|error| transport(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(|error| transport(&error))?;
        if !status.is_success() {
            return Err(VlmFailure::of_status(status, &headers, &text));
        }
        let completion: Completion = serde_json::from_str(&text).map_err(|cause| {
            VlmFailure::later(RetryCause::Unavailable, format!("the server's answer is no chat completion: {cause}"))
        })?;
        let text = completion.choices.into_iter().next().and_then(|choice| choice.message.content).unwrap_or_default();
        Ok(Written { text, usage: completion.usage.unwrap_or_default() })
    }

    async fn send(&self, body: String) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.http.post(&self.url).header("content-type", "application/json").body(body);
        let request = match &self.settings.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        request.send().await
    }
}

fn asked(answer: Answer, usage: Usage, repaired: bool) -> Asked {
    Asked { findings: answer.findings, usage, repaired, left_out: answer.left_out }
}

/// Of a repair and the answer before it: a whole one, else the one with more findings; an unreadable one is none.
fn better(second: Result<Answer, AnswerError>, first: Result<Answer, AnswerError>) -> Result<Answer, VlmFailure> {
    match (second, first) {
        (Ok(second), _) if !second.partial => Ok(second),
        (Ok(second), Ok(first)) => Ok(if second.findings.len() >= first.findings.len() { second } else { first }),
        (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => Ok(answer),
        (Err(error), Err(_)) => Err(VlmFailure::invalid_answer(error.to_string())),
    }
}

fn transport(error: &reqwest::Error) -> VlmFailure {
    let cause = if error.is_timeout() && !error.is_connect() { RetryCause::TimedOut } else { RetryCause::Unavailable };
    let mut detail = String::new();
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        detail = if detail.is_empty() { error.to_string() } else { format!("{detail}: {error}") };
        source = error.source();
    }
    VlmFailure::later(cause, detail)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
