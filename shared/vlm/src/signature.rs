//! Requests that bring a signature instead of a key: Amazon Bedrock knows a function by its role.
//!
//! # Invariants
//! - Only a request that has no key is signed, and each attempt anew: a signature holds for minutes.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use evaluation::run::error::Cause;
use reqwest::Url;

/// Headers on their way: names and values.
pub type Signing<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<(String, String)>, Cause>> + Send + 'a>>;

/// A request that is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    /// Where to.
    pub url: &'a str,
    /// Its `content-type`.
    pub content_type: &'a str,
    /// All of it.
    pub body: &'a [u8],
}

/// What signs requests.
pub trait Signer: Send + Sync {
    /// The headers that make this a signed request.
    fn sign<'a>(&'a self, request: Unsigned<'a>) -> Signing<'a>;
}

/// What a signature is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFor {
    /// The service, as AWS calls it.
    pub service: String,
    /// Its region.
    pub region: String,
}

/// It is no service and region; for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no service and region: take such as bedrock/eu-central-1")]
pub struct NoService(String);

impl SignedFor {
    /// What an address asks for: Bedrock's own, also behind a VPC endpoint, wants a signature where there is no key.
    ///
    /// ```
    /// use vlm::signature::SignedFor;
    ///
    /// let of = |address| SignedFor::of_address(address).map(|of| format!("{}/{}", of.service, of.region));
    /// let bedrock = "https://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1";
    /// assert_eq!(of(bedrock).as_deref(), Some("bedrock/eu-central-1"));
    /// assert_eq!(of("https://vlm.example"), None);
    /// ```
    pub fn of_address(address: &str) -> Option<Self> {
        let address = address.trim();
        let whole = if address.contains("://") {
            address.to_owned()
        } else {
            format!("https://{address}")
        };
        let url = Url::parse(&whole).ok()?;
        let host = url.host_str()?.to_lowercase();
        let of_amazon = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
        let parts = of_amazon.iter().find_map(|end| host.strip_suffix(end))?;
        let parts: Vec<&str> = parts.split('.').collect();
        let at = parts.iter().position(|part| part.starts_with("bedrock-"))?;
        let service = match *parts.get(at)? {
            "bedrock-mantle" => "bedrock-mantle",
            "bedrock-runtime" | "bedrock-runtime-fips" => "bedrock",
            _ => return None,
        };
        Some(Self {
            service: service.into(),
            region: (*parts.get(at + 1)?).into(),
        })
    }
}

impl FromStr for SignedFor {
    type Err = NoService;

    /// Reads `bedrock/eu-central-1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |part: &str| {
            let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !part.is_empty() && part.chars().all(of_name)
        };
        let parts = text.trim().split_once('/');
        let parts = parts.filter(|(service, region)| plain(service) && plain(region));
        let (service, region) = parts.ok_or_else(|| NoService(text.into()))?;
        Ok(Self {
            service: service.into(),
            region: region.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bedrocks_addresses_ask_for_a_signature_and_no_others() {
        for (address, expected) in [
            (
                "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1",
                Some("bedrock/us-west-2"),
            ),
            (
                "bedrock-runtime.us-west-2.amazonaws.com",
                Some("bedrock/us-west-2"),
            ),
            (
                "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
                Some("bedrock/us-east-1"),
            ),
            (
                "https://vpce-1-2.bedrock-runtime.eu-west-1.vpce.amazonaws.com/openai/v1",
                Some("bedrock/eu-west-1"),
            ),
            (
                "https://bedrock-mantle.us-east-2.api.aws/v1",
                Some("bedrock-mantle/us-east-2"),
            ),
            ("https://bedrock-agent.us-east-2.amazonaws.com/v1", None),
            (
                "https://bedrock-runtime.us-east-2.amazonaws.com.evil.example/v1",
                None,
            ),
            ("https://s3.us-east-2.amazonaws.com", None),
            ("https://api.openai.com/v1", None),
            ("http://127.0.0.1:8000", None),
            ("", None),
        ] {
            let found = SignedFor::of_address(address);
            let found = found.map(|of| format!("{}/{}", of.service, of.region));
            assert_eq!(found.as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a_service_and_its_region_are_read_or_refused_by_name() {
        let read: SignedFor = " bedrock/eu-central-1 ".parse().unwrap();
        assert_eq!(
            (read.service.as_str(), read.region.as_str()),
            ("bedrock", "eu-central-1")
        );
        for bad in ["", "bedrock", "bedrock/", "/eu", "a b/c", "a/b/c"] {
            let error = bad.parse::<SignedFor>().unwrap_err().to_string();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
    }
}
