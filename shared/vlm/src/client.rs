//! Asking a server with the chat-completions API.
//!
//! # Invariants
//! - One request per question; a second one only if the answer can't be read (a repair), and a request is sent anew
//!   only if a kept-alive connection turned out to be closed, once in a process's life for each field that the server
//!   refuses and we can do without, or with another key if the one sent was refused and another one is there.
//!   Everything else is retried through the queue, not here; neither reqwest nor anything else retries on its own.
//! - Giving up, or being dropped, drops the connection: the server stops writing.
//! - Neither the key nor a photo gets into an error or a log.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, redirect, retry};
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, AnswerError, is_strict, read_completion, together};
use super::capability::Capability;
use super::certainty::with_certainty;
use super::completion::{Completion, MOST_BYTES, Timeouts, TokenTimings, read};
use super::endpoint::{AddressError, Endpoint, Headers};
use super::failure::{About, ResponseClass, RetryCause, VlmFailure};
use super::fields::Field;
use super::key::{Key, KeyRing, KeySource};
use super::lenient::unpacked;
use super::prompt::Question;
use super::request::{PromptPhoto, RequestOptions, body};
use super::server::{BULK_PRIORITY, IDLE_CONNECTIONS_KEPT};
use super::signature::{Signer, Unsigned};
use evaluation::domain::catalogue::Step;
use evaluation::domain::outcome::{Finding, Usage};

/// What is sent.
const JSON: &str = "application/json";

/// Where and how to ask.
#[derive(Clone)]
pub struct VlmSettings {
    /// The server: a host, `…/v1`, or the whole endpoint.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// The key, if the server wants one.
    pub api_key: Option<String>,
    /// A whole answer takes no longer, or the server is taken not to answer.
    pub timeout: Duration,
    /// A connection takes no longer to stand.
    pub connect_timeout: Duration,
    /// The first token takes no longer to come, the server's queue included.
    pub first_token_timeout: Duration,
    /// The next token takes no longer to come.
    pub stall_timeout: Duration,
}

impl VlmSettings {
    /// A server without a key, and times that fit a model of 8 billion parameters on one GPU: the slowest answer seen
    /// took 42 s for 2,000 tokens.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(5),
            first_token_timeout: Duration::from_secs(45),
            stall_timeout: Duration::from_secs(20),
        }
    }
}

/// A client of one server; cheap to share, its connections and what it knows of the server are shared.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use evaluation::domain::catalogue::Catalogue;
/// use evaluation::domain::scope::Scope;
/// use vlm::client::{VlmClient, VlmSettings};
/// use vlm::prompt::Question;
///
/// let catalogue = Catalogue::current()?;
/// let question = Question::new(catalogue, &Scope::All.steps(catalogue));
/// let client = VlmClient::new(VlmSettings::new("http://127.0.0.1:8100", "Qwen/Qwen3-VL-8B-Instruct"))?;
/// let answer = client.ask(&question, &std::fs::read("photo.jpg")?, None).await?;
/// println!("{} steps are shown", answer.findings.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VlmClient {
    http: Client,
    endpoint: Arc<Endpoint>,
    headers: Arc<Headers>,
    settings: VlmSettings,
    key: Arc<KeyRing>,
    signer: Option<Arc<dyn Signer>>,
    capability: Arc<Capability>,
    observer: Option<Observer>,
    bulk: bool,
    logprobs: bool,
}

/// Is told what became of each request.
pub type Observer = Arc<dyn Fn(ResponseClass) + Send + Sync>;

/// What a photo shows.
#[derive(Debug, Clone, PartialEq)]
pub struct AskResult {
    /// A finding per step shown.
    pub findings: Vec<Finding>,
    /// Tokens, a repair included. Of a request about several photos, this photo's share.
    pub usage: Usage,
    /// Whether a repair was needed.
    pub repaired: bool,
    /// Whether more may have been seen: the answer breaks off or has entries that can't be read, and so does its repair.
    pub partial: bool,
    /// Entries of the answer that were left out.
    pub left_out: Vec<String>,
    /// When the tokens came, a repair included.
    pub timings: TokenTimings,
}

/// Why there is no client; for operators.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address can't be read.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS could not be set up.
    #[error("the client of the VLM can't be set up")]
    Http(#[from] reqwest::Error),
}

impl VlmClient {
    /// A client with these settings; the address is read here, and not again.
    pub fn new(settings: VlmSettings) -> Result<Self, ClientError> {
        let endpoint = Arc::new(settings.base_url.parse()?);
        let http = Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(IDLE_CONNECTIONS_KEPT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .build()?;
        let key = Arc::new(KeyRing::new(settings.api_key.as_deref(), None));
        Ok(Self {
            http,
            endpoint,
            headers: Arc::default(),
            settings,
            key,
            signer: None,
            capability: Arc::default(),
            observer: None,
            bulk: false,
            logprobs: true,
        })
    }

    /// The same client, which reads its key again when the server refuses it.
    pub fn with_key_source(self, source: Arc<dyn KeySource>) -> Self {
        let key = self.settings.api_key.as_deref();
        Self {
            key: Arc::new(KeyRing::new(key, Some(source))),
            ..self
        }
    }

    /// The same client, which signs requests as long as it has no key.
    pub fn with_signer(self, signer: Arc<dyn Signer>) -> Self {
        Self {
            signer: Some(signer),
            ..self
        }
    }

    /// The same client, which sends these headers as well.
    pub fn with_headers(self, headers: Headers) -> Self {
        Self {
            headers: Arc::new(headers),
            ..self
        }
    }

    /// The same client, which says what became of each request.
    pub fn with_observer(self, observer: Observer) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// The same client, which asks how sure the model is of what it writes, or does not.
    pub fn with_logprobs(self, logprobs: bool) -> Self {
        Self { logprobs, ..self }
    }

    /// A client of another server, of which nothing is known yet; the two share what it takes to connect.
    pub fn of_another(&self, base_url: &str) -> Result<Self, ClientError> {
        Ok(Self {
            endpoint: Arc::new(base_url.parse()?),
            capability: Arc::default(),
            ..self.clone()
        })
    }

    /// The same client for questions that nobody waits for: servers that know priorities answer them last.
    pub fn for_bulk(&self) -> Self {
        Self {
            bulk: true,
            ..self.clone()
        }
    }

    /// What is known of the server.
    pub fn capability(&self) -> &Capability {
        &self.capability
    }

    /// Asks what a photo shows.
    pub async fn ask(
        &self,
        question: &Question,
        jpeg: &[u8],
        hint: Option<&Step>,
    ) -> Result<AskResult, VlmFailure> {
        let shots = [PromptPhoto { jpeg, hint }];
        let first = self.complete(question, &shots, None).await?;
        let read = read_one(&first, question);
        self.capability
            .note_answer(first.cut || is_strict(&first.text));
        if let Ok(answer) = &read
            && !answer.partial
        {
            return Ok(asked(answer.clone(), first.usage, first.timings, false));
        }
        let second = match self.complete(question, &shots, Some(&first.text)).await {
            Ok(second) => second,
            // Whatever becomes of a repair, what the first answer held stays.
            Err(failure) => {
                let held = read.map_err(|_| failure)?;
                return Ok(asked(held, first.usage, first.timings, true));
            }
        };
        let (usage, timings) = (
            first.usage.plus(second.usage),
            first.timings.and(second.timings),
        );
        let repair = read_one(&second, question);
        together(read, repair)
            .map(|answer| asked(answer, usage, timings, true))
            .map_err(|error| VlmFailure::invalid_answer(error.to_string()))
    }

    /// One completion about these photos, whatever it says.
    pub(super) async fn complete(
        &self,
        question: &Question,
        shots: &[PromptPhoto<'_>],
        bad_answer: Option<&str>,
    ) -> Result<Completion, VlmFailure> {
        loop {
            let left_out = self.capability.left_out();
            let options = RequestOptions {
                bad_answer,
                priority: self.bulk.then_some(BULK_PRIORITY),
                logprobs: self.logprobs,
                left_out,
            };
            let body = body(&self.settings.model, question, shots, options);
            let answer = self.send(body).await;
            if let Some(observer) = &self.observer {
                let failed = answer.as_ref().err();
                observer(failed.map_or(ResponseClass::Answered, VlmFailure::class));
            }
            let failure = match answer {
                Ok(written) => return Ok(written),
                Err(failure) => failure,
            };
            // Each turn leaves out one more of the few fields, or ends.
            let Some(refused) = Capability::refused(left_out, &failure) else {
                return Err(failure);
            };
            if refused == Field::Priority && !self.bulk {
                return Err(failure);
            }
            self.capability.leave_out(refused);
        }
    }

    async fn send(&self, body: String) -> Result<Completion, VlmFailure> {
        let key = self.key.current();
        let answer = self.read(self.send_with(&key, &body).await?).await;
        let is_signed = key.is_none() && self.signer.is_some();
        let refused = answer.as_ref().err().and_then(VlmFailure::about);
        if refused == Some(About::Key)
            && let Some(another) = self.key.another_than(&key).await
        {
            return self.read(self.send_with(&another, &body).await?).await;
        }
        answer.map_err(|failure| {
            if is_signed {
                failure.of_signed()
            } else {
                failure
            }
        })
    }

    async fn send_with(&self, key: &Key, body: &str) -> Result<Sent, VlmFailure> {
        let asked = Instant::now();
        let response = match self.post(key, body, asked).await? {
            // A connection that the server had closed, or a server that died: only the former is better at once.
            Err(error) if !error.is_timeout() && !error.is_connect() => {
                self.post(key, body, asked).await?
            }
            other => other,
        };
        let response =
            response.map_err(|error| VlmFailure::of_transport(error).at(&self.endpoint.shown()))?;
        Ok(Sent { response, asked })
    }

    async fn read(&self, sent: Sent) -> Result<Completion, VlmFailure> {
        if sent.response.status().is_success() {
            let answer = read(sent.response, self.timeouts(), sent.asked).await;
            return answer.map_err(|failure| failure.at(&self.endpoint.shown()));
        }
        Err(self.refused(sent).await)
    }

    async fn refused(&self, sent: Sent) -> VlmFailure {
        let Sent { response, asked } = sent;
        let (status, headers) = (response.status(), response.headers().clone());
        // A refusal says enough by its status, should its words not come.
        let until = asked + self.settings.timeout;
        let body = timeout_at(until, response.bytes()).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let body = unpacked(body.into(), MOST_BYTES);
        let words = String::from_utf8_lossy(&body);
        let failure = VlmFailure::of_status(status, &headers, &words);
        failure.at(&self.endpoint.shown())
    }

    /// Sends the body, and waits for the head of the response as long as for a first token.
    async fn post(
        &self,
        key: &Key,
        body: &str,
        asked: Instant,
    ) -> Result<Result<reqwest::Response, reqwest::Error>, VlmFailure> {
        let request = self
            .http
            .post(self.endpoint.url())
            .header("content-type", JSON)
            .header("accept-encoding", "identity")
            .body(body.to_owned());
        let request = self.with_key(request, key);
        let request = match key {
            Some(_) => request,
            None => self.signed(request, body).await?,
        };
        let until = asked + self.settings.first_token_timeout;
        let silent = || {
            VlmFailure::later(
                RetryCause::TimedOut,
                "the server did not begin to answer in time",
            )
        };
        timeout_at(until, request.send())
            .await
            .map_err(|_| silent())
    }

    /// With a signature, where there is a signer.
    async fn signed(
        &self,
        request: RequestBuilder,
        body: &str,
    ) -> Result<RequestBuilder, VlmFailure> {
        let Some(signer) = &self.signer else {
            return Ok(request);
        };
        let unsigned = Unsigned {
            url: self.endpoint.url(),
            content_type: JSON,
            body: body.as_bytes(),
        };
        let headers = signer.sign(unsigned).await.map_err(|cause| {
            VlmFailure::misconfigured(About::Role, &format!("no signature: {cause}"))
        })?;
        let add =
            |request: RequestBuilder, (name, value)| request.header::<String, String>(name, value);
        Ok(headers.into_iter().fold(request, add))
    }

    /// The request with the key and the headers of one's own.
    fn with_key(&self, request: RequestBuilder, key: &Key) -> RequestBuilder {
        let (headers, carry_key) = self.headers.with_key(key.as_deref());
        let request = request.headers(headers.into_iter().collect());
        match key {
            Some(key) if !carry_key => request.bearer_auth(key),
            _ => request,
        }
    }

    fn timeouts(&self) -> Timeouts {
        let VlmSettings {
            first_token_timeout: first_token,
            stall_timeout: stall,
            timeout: whole,
            ..
        } = self.settings;
        Timeouts {
            first_token,
            stall,
            whole,
        }
    }
}

/// A request whose response has begun.
struct Sent {
    response: reqwest::Response,
    asked: Instant,
}

/// The answer about the one photo asked about.
fn read_one(completion: &Completion, question: &Question) -> Result<Answer, AnswerError> {
    let answer = read_completion(&completion.text, completion.cut, question)?;
    Ok(with_certainty(answer, completion, question, None))
}

fn asked(answer: Answer, usage: Usage, timings: TokenTimings, repaired: bool) -> AskResult {
    AskResult {
        findings: answer.findings,
        usage,
        repaired,
        partial: answer.partial,
        left_out: answer.left_out,
        timings,
    }
}

#[path = "client_of_people.rs"]
mod of_people;
#[cfg(test)]
#[path = "client_tests/mod.rs"]
mod tests;
