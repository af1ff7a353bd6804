//! The batch function's settings.

use std::time::Duration;

use anyhow::Context;
use aws::SdkConfig;
use aws::configuration::{number, required, seconds};
use vlm::client::VlmSettings;

/// A connection to the VLM stands within this time, or the VLM is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Lambda gives a function no more.
const MOST_MEGABYTES: u16 = 10_240;
/// The secret's value that means: the VLM wants no key.
const NO_KEY: &str = "none";

/// What the batch function is told by its environment.
pub(crate) struct Settings {
    /// Where the photos are.
    pub(crate) bucket: String,
    /// Requests to the VLM at once, by one invocation.
    pub(crate) requests_in_flight: usize,
    /// The same for bulk work.
    pub(crate) bulk_in_flight: usize,
    /// Megabytes that the function has.
    pub(crate) memory_megabytes: usize,
    /// Photos asked about in one request.
    pub(crate) photos_per_request: usize,
    /// The VLM.
    pub(crate) vlm: VlmSettings,
}

impl Settings {
    /// Reads the environment, and the VLM's key from its secret.
    pub(crate) async fn from_env(config: &SdkConfig) -> anyhow::Result<Self> {
        let secret = required("VLM_API_KEY_SECRET_ARN")?;
        let vlm = VlmSettings {
            base_url: required("VLM_BASE_URL")?,
            model: required("VLM_MODEL")?,
            api_key: None,
            timeout: seconds("VLM_TIMEOUT_SECONDS")?,
            connect_timeout: CONNECT_TIMEOUT,
            first_token_timeout: seconds("VLM_FIRST_TOKEN_SECONDS")?,
            stall_timeout: seconds("VLM_STALL_SECONDS")?,
        };
        let memory = number::<u16>("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MOST_MEGABYTES)?;
        let settings = Self {
            bucket: required("BUCKET_NAME")?,
            requests_in_flight: usize::from(number::<u8>("PHOTOS_IN_FLIGHT", 64)?),
            bulk_in_flight: usize::from(number::<u8>("BULK_PHOTOS_IN_FLIGHT", 64)?),
            memory_megabytes: usize::from(memory),
            photos_per_request: usize::from(number::<u8>("PHOTOS_PER_REQUEST", 10)?),
            vlm,
        };
        Ok(settings.with_key(api_key(config, &secret).await?))
    }

    fn with_key(mut self, key: Option<String>) -> Self {
        self.vlm.api_key = key;
        self
    }
}

/// The VLM's key. It stays in Secrets Manager and this process's memory.
async fn api_key(config: &SdkConfig, secret: &str) -> anyhow::Result<Option<String>> {
    let request = aws_sdk_secretsmanager::Client::new(config).get_secret_value();
    let answer = request.secret_id(secret).send().await;
    let answer =
        answer.with_context(|| format!("Failed to read the VLM's key from the secret {secret}"))?;
    let key = answer.secret_string().map(|key| key.trim().to_owned());
    Ok(key.filter(|key| !key.is_empty() && key != NO_KEY))
}
