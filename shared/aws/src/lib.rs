//! AWS behind an evaluation. The clients are built once, when a function starts.

pub mod clock;
pub mod configuration;
pub mod http;
pub mod listing;
pub mod ports;
pub mod queues;
mod rounds;
pub mod table;
pub mod telemetry;

pub use aws_config::SdkConfig;

/// Region and credentials from the environment.
pub async fn load() -> SdkConfig {
    aws_config::load_from_env().await
}

/// The bucket's client. Path style, where the endpoint is a number (a local emulator), is the SDK's own choice.
pub fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::new(config)
}
