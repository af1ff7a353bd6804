//! The client in the hands of who sets a server up, checks it or measures it: no function uses this.

use tokio::time::Instant;

use super::{ClientError, Sent, VlmClient, VlmSettings};
use crate::completion::MOST_BYTES;
use crate::failure::VlmFailure;
use crate::lenient::unpacked;
use crate::prompt::Question;
use crate::request::{PromptPhoto, RequestOptions, body};

impl VlmClient {
    /// A client as a person has it: the key is in `VLM_API_KEY`, headers of one's own in `VLM_HEADERS`.
    pub fn of_person(settings: VlmSettings) -> Result<Self, ClientError> {
        let given = |name| std::env::var(name).unwrap_or_default().trim().to_owned();
        let api_key =
            Some(given("VLM_API_KEY")).filter(|key| !["", "none"].contains(&key.as_str()));
        let headers = given("VLM_HEADERS").parse()?;
        let client = Self::new(VlmSettings {
            api_key,
            ..settings
        })?;
        Ok(client.with_headers(headers))
    }

    /// The address that questions are sent to, without what may be a secret.
    pub fn address(&self) -> String {
        self.endpoint.shown()
    }

    /// Whether a key is sent.
    pub fn has_key(&self) -> bool {
        self.key.current().is_some()
    }

    /// The request about these photos as it would be sent now; for who checks a server.
    pub fn request(&self, question: &Question, shots: &[PromptPhoto]) -> String {
        let options = RequestOptions {
            left_out: self.capability.left_out(),
            ..RequestOptions::default()
        };
        body(&self.settings.model, question, shots, options)
    }

    /// Sends a request as questions are sent, and gives the text of a success as it came; for who checks a server.
    pub async fn exchange(&self, request: &str) -> Result<String, VlmFailure> {
        let sent = self.send_with(&self.key.current(), request).await?;
        self.text(sent).await
    }

    /// The server's list of models, as it came; for who checks a server.
    pub async fn models(&self) -> Result<String, VlmFailure> {
        let request = self.http.get(self.endpoint.models());
        let request = self.with_key(request, &self.key.current());
        let asked = Instant::now();
        let response = request.send().await.map_err(VlmFailure::of_transport)?;
        self.text(Sent { response, asked }).await
    }

    async fn text(&self, sent: Sent) -> Result<String, VlmFailure> {
        if !sent.response.status().is_success() {
            return Err(self.refused(sent).await);
        }
        let body = sent.response.bytes().await;
        let body = unpacked(body.map_err(VlmFailure::of_transport)?.into(), MOST_BYTES);
        Ok(String::from_utf8_lossy(&body).into())
    }
}
