//! The AWS clients, built once when a function starts.

pub use aws_config::SdkConfig;

use crate::config::{ConfigError, required};
use crate::queues::Queues;
use crate::store::Store;

/// Region and credentials from the environment.
pub async fn load() -> SdkConfig {
    aws_config::load_from_env().await
}

/// The table named by `TABLE_NAME`.
pub fn store(config: &SdkConfig) -> Result<Store, ConfigError> {
    Ok(Store::new(aws_sdk_dynamodb::Client::new(config), required("TABLE_NAME")?))
}

/// The queues.
pub fn queues(config: &SdkConfig) -> Queues {
    Queues::new(aws_sdk_sqs::Client::new(config))
}

/// The bucket's client. Path style, where the endpoint is a number (a local emulator), is the SDK's own choice.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(config)
}
