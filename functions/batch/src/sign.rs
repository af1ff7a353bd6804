//! Signing requests to the VLM by the function's role (AWS Signature Version 4).

use std::time::SystemTime;

use aws::SdkConfig;
use aws_sdk_s3::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use evaluation::run::error::Cause;
use vlm::signature::{SignedFor, Signer, Signing, Unsigned};

/// The function's role, as far as the VLM is concerned.
pub(crate) struct RoleSigner {
    credentials: SharedCredentialsProvider,
    signed_for: SignedFor,
}

impl RoleSigner {
    /// The role that the configuration gives, if it gives any.
    pub(crate) fn new(config: &SdkConfig, signed_for: SignedFor) -> Option<Self> {
        let credentials = config.credentials_provider()?;
        Some(Self {
            credentials,
            signed_for,
        })
    }

    async fn headers(&self, request: Unsigned<'_>) -> Result<Vec<(String, String)>, Cause> {
        let identity = self.credentials.provide_credentials().await?.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.signed_for.region)
            .name(&self.signed_for.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = [("content-type", request.content_type)].into_iter();
        let body = SignableBody::Bytes(request.body);
        let request = SignableRequest::new("POST", request.url, headers, body)?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        let headers = instructions.headers();
        Ok(headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }
}

impl Signer for RoleSigner {
    fn sign<'a>(&'a self, request: Unsigned<'a>) -> Signing<'a> {
        Box::pin(self.headers(request))
    }
}
