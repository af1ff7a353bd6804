//! The batch function's settings.

use std::time::Duration;

use anyhow::Context;
use aws::configuration::{number, present, required, seconds, switch};
use vlm::client::VlmSettings;
use vlm::endpoint::Headers;
use vlm::signature::SignedFor;

/// A connection to the VLM stands within this time, or the VLM is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Lambda gives a function no more.
const MOST_MEGABYTES: u16 = 10_240;

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
    /// Headers of one's own for the VLM.
    pub(crate) vlm_headers: Headers,
    /// Whether the model is asked how sure it is.
    pub(crate) asks_how_sure: bool,
    /// What requests without a key are signed for, if the VLM knows us by our role.
    pub(crate) signed_for: Option<SignedFor>,
}

impl Settings {
    /// Reads the environment, in which the VLM's key is not.
    pub(crate) fn from_env() -> anyhow::Result<Self> {
        let vlm = VlmSettings {
            base_url: required("VLM_BASE_URL")?,
            model: required("VLM_MODEL")?,
            api_key: None,
            timeout: seconds("VLM_TIMEOUT_SECONDS")?,
            connect_timeout: CONNECT_TIMEOUT,
            first_token_timeout: seconds("VLM_FIRST_TOKEN_SECONDS")?,
            stall_timeout: seconds("VLM_STALL_SECONDS")?,
        };
        let asks_how_sure = switch("VLM_LOGPROBS")?;
        let headers = present("VLM_HEADERS")?.trim().parse();
        let sign_for = present("VLM_SIGN_FOR")?;
        let memory = number::<u16>("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MOST_MEGABYTES)?;
        Ok(Self {
            bucket: required("BUCKET_NAME")?,
            requests_in_flight: usize::from(number::<u8>("PHOTOS_IN_FLIGHT", 64)?),
            bulk_in_flight: usize::from(number::<u8>("BULK_PHOTOS_IN_FLIGHT", 64)?),
            memory_megabytes: usize::from(memory),
            photos_per_request: usize::from(number::<u8>("PHOTOS_PER_REQUEST", 10)?),
            vlm_headers: headers.context("Failed to read VLM_HEADERS")?,
            asks_how_sure,
            signed_for: signed_for(&sign_for, &vlm.base_url)?,
            vlm,
        })
    }
}

/// What is named, or else what the VLM's address asks for.
fn signed_for(named: &str, address: &str) -> anyhow::Result<Option<SignedFor>> {
    match named.trim() {
        "" => Ok(SignedFor::of_address(address)),
        named => Ok(Some(named.parse().context("Failed to read VLM_SIGN_FOR")?)),
    }
}
