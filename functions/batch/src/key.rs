//! The VLM's key in Secrets Manager. It stays there and in this process's memory.

use anyhow::Context;
use aws::SdkConfig;
use aws::configuration::required;
use aws_sdk_secretsmanager::Client;
use vlm::key::{KeyRead, KeySource};

/// The secret's value that means: the VLM wants no key.
const NO_KEY: &str = "none";

/// The secret that holds the key.
pub(crate) struct KeySecret {
    client: Client,
    arn: String,
}

impl KeySecret {
    /// The secret that the environment names.
    pub(crate) fn from_env(config: &SdkConfig) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::new(config),
            arn: required("VLM_API_KEY_SECRET_ARN")?,
        })
    }

    /// The key as it is now.
    pub(crate) async fn key(&self) -> anyhow::Result<Option<String>> {
        let request = self.client.get_secret_value().secret_id(&self.arn);
        let answer = request.send().await;
        let answer = answer.with_context(|| {
            format!("Failed to read the VLM's key from the secret {}", self.arn)
        })?;
        let key = answer.secret_string().map(|key| key.trim().to_owned());
        Ok(key.filter(|key| !key.is_empty() && key != NO_KEY))
    }
}

impl KeySource for KeySecret {
    fn read(&self) -> KeyRead<'_> {
        Box::pin(async { self.key().await.map_err(Into::into) })
    }
}
