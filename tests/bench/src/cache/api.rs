//! The stack's HTTP API, called as an app calls it: signed with SigV4.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use aws_sdk_s3::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::stack::Stack;

/// What the emulator takes for a key.
pub(crate) const KEY: &str = "test";
/// The emulator's region.
pub(crate) const REGION: &str = "us-east-1";

/// The API.
pub(crate) struct Api {
    http: Client,
    base: String,
}

/// An answer and how long it took.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The body.
    pub(crate) body: Value,
    /// From sending the request until its answer was read.
    pub(crate) took: Duration,
    /// Of that, the function's look at the table, as its `Server-Timing` says.
    pub(crate) lookup: Option<Duration>,
}

impl Answer {
    /// A text field of the body; empty if there is none.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether the body says that it is a cached answer.
    pub(crate) fn is_cached(&self) -> bool {
        self.body
            .get("cached")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }
}

impl Api {
    /// The API of a stack.
    pub(crate) fn of(stack: &Stack) -> anyhow::Result<Self> {
        let base = format!(
            "{}/_aws/execute-api/{}/%24default",
            stack.about.endpoint,
            stack.output("ApiId")?
        );
        let http = Client::builder()
            .timeout(Duration::from_secs(35))
            .no_proxy()
            .build()?;
        Ok(Self { http, base })
    }

    /// POST /evaluations, in full mode.
    pub(crate) async fn ask(&self, dr_number: &str, force: bool) -> anyhow::Result<Answer> {
        self.ask_in(dr_number, "full", force).await
    }

    /// POST /evaluations, by force POST /evaluations/forced.
    pub(crate) async fn ask_in(
        &self,
        dr_number: &str,
        mode: &str,
        force: bool,
    ) -> anyhow::Result<Answer> {
        let body = json!({"dr_number": dr_number, "mode": mode}).to_string();
        let path = match force {
            true => "/evaluations/forced",
            false => "/evaluations",
        };
        self.request(Method::POST, path, body).await
    }

    /// GET /drs/{dr_number}/evaluations.
    pub(crate) async fn history(&self, dr_number: &str) -> anyhow::Result<Answer> {
        let path = format!("/drs/{dr_number}/evaluations");
        self.request(Method::GET, &path, String::new()).await
    }

    /// GET /evaluations/{id}.
    pub(crate) async fn look(&self, evaluation_id: &str) -> anyhow::Result<Answer> {
        self.request(
            Method::GET,
            &format!("/evaluations/{evaluation_id}"),
            String::new(),
        )
        .await
    }

    async fn request(&self, method: Method, path: &str, body: String) -> anyhow::Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut request = self
            .http
            .request(method.clone(), &url)
            .header("content-type", "application/json");
        for (name, value) in signature(method.as_str(), &url, body.as_bytes())? {
            request = request.header(name, value);
        }
        let begun = Instant::now();
        let response = request
            .body(body)
            .send()
            .await
            .with_context(|| format!("{method} {path}"))?;
        let (status, timing) = (
            response.status(),
            response.headers().get("server-timing").cloned(),
        );
        let text = response.text().await?;
        let took = begun.elapsed();
        ensure!(
            status.is_success(),
            "{method} {path} was answered with {status}: {text}"
        );
        let lookup = timing
            .as_ref()
            .and_then(|header| duration(header.to_str().ok()?, "table"));
        Ok(Answer {
            body: serde_json::from_str(&text)?,
            took,
            lookup,
        })
    }
}

fn signature(method: &str, url: &str, body: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
    let identity = Credentials::new(KEY, KEY, None, None, "bench").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("execute-api")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let request = SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(body))?;
    let (instructions, _) = sign(request, &params)?.into_parts();
    Ok(instructions
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// The duration of this name in a `Server-Timing` header, whose unit is milliseconds.
fn duration(header: &str, name: &str) -> Option<Duration> {
    let entry = header
        .split(',')
        .find_map(|entry| entry.trim().strip_prefix(name)?.strip_prefix(";dur="))?;
    Some(Duration::from_secs_f64(
        entry.parse::<f64>().ok()?.max(0.0) / 1000.0,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_off_the_header() {
        assert_eq!(
            duration("list;dur=3.5, table;dur=1.25", "table"),
            Some(Duration::from_micros(1250))
        );
        assert_eq!(duration("list;dur=3.5", "table"), None);
    }
}
