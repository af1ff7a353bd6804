//! Where a server listens, as people have its address: a host, `…/v1`, the whole endpoint, with or without a slash.
//!
//! # Invariants
//! - It is read once, when a client is made; what can't be read is refused then, in words that name it.
//! - What is shown of it has no key: neither user nor query.

use std::str::FromStr;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

/// What the path ends with.
const COMPLETIONS: [&str; 2] = ["chat", "completions"];
/// Other endpoints of the same API, which stand where ours belongs.
const OTHERS: [&str; 4] = ["models", "responses", "embeddings", "completions"];
/// Parts of a path behind which no version is wanted: Azure's deployments, Google's endpoints.
const WITHOUT_VERSION: [&str; 2] = ["deployments", "openapi"];
/// Stands for the key in a header's value.
const KEY: &str = "{key}";

/// An address or a header that can't be taken; for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address.
    #[error(
        "{0:?} is no address of a VLM: take one as https://vlm.example, https://vlm.example/v1 or the whole …/chat/completions"
    )]
    NoAddress(String),
    /// It holds a user or a password.
    #[error("the VLM's address {0:?} holds a user or a password: put the key into its secret")]
    HoldsSecret(String),
    /// It is no header.
    #[error(
        "the header {0:?} can't be sent: take headers as `name: value`, with `|` between them, and {{key}} for the key"
    )]
    NoHeader(String),
}

/// The address that questions are sent to.
///
/// ```
/// use vlm::endpoint::Endpoint;
///
/// let endpoint: Endpoint = "gpu.example/v1/".parse()?;
/// assert_eq!(endpoint.url(), "https://gpu.example/v1/chat/completions");
/// # Ok::<(), vlm::endpoint::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The whole address; its query may hold a secret.
    pub fn url(&self) -> &str {
        self.0.as_str()
    }

    /// For operators.
    pub fn shown(&self) -> String {
        let mut shown = self.0.clone();
        shown.set_query(None);
        shown.into()
    }

    /// Where servers list their models, beside it.
    pub(super) fn models(&self) -> String {
        let mut models = self.0.clone();
        let path = models.path().strip_suffix("/chat/completions");
        let path = format!("{}/models", path.unwrap_or_default());
        models.set_path(&path);
        models.into()
    }
}

impl FromStr for Endpoint {
    type Err = AddressError;

    fn from_str(address: &str) -> Result<Self, Self::Err> {
        let no_address = || AddressError::NoAddress(without_query(address).into());
        let mut url = Url::parse(&with_scheme(address.trim())).map_err(|_| no_address())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(no_address());
        }
        if !url.username().is_empty() || url.password().is_some() {
            let host = url.host_str().unwrap_or_default();
            return Err(AddressError::HoldsSecret(host.into()));
        }
        url.set_fragment(None);
        let path = path(url.path());
        url.set_path(&path);
        Ok(Self(url))
    }
}

fn without_query(address: &str) -> &str {
    let address = address
        .split_once('?')
        .map_or(address, |(before, _)| before);
    address
        .rsplit_once('@')
        .map_or(address, |(_, behind)| behind)
}

/// A bare host is one of this machine, or speaks TLS.
fn with_scheme(address: &str) -> String {
    let here = ["localhost", "127.", "[::1]"];
    if address.contains("://") {
        address.into()
    } else if here.iter().any(|here| address.starts_with(here)) {
        format!("http://{address}")
    } else {
        format!("https://{address}")
    }
}

fn path(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if !parts.ends_with(&COMPLETIONS) {
        let versioned = |parts: &[&str]| parts.iter().any(|part| is_version(part));
        let last = parts.last().copied().unwrap_or_default();
        if last == "chat" || (OTHERS.contains(&last) && versioned(&parts)) {
            parts.pop();
        }
        let complete = versioned(&parts) || parts.iter().any(|part| WITHOUT_VERSION.contains(part));
        if !complete {
            parts.push("v1");
        }
        parts.extend(COMPLETIONS);
    }
    format!("/{}", parts.join("/"))
}

/// `v1`, `v4`, `v1beta`, `v1beta1`.
fn is_version(part: &str) -> bool {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    part.strip_prefix('v').is_some_and(|rest| {
        let (number, rest) =
            rest.split_at(rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let stage = rest
            .strip_prefix("beta")
            .or_else(|| rest.strip_prefix("alpha"));
        !number.is_empty() && digits(stage.unwrap_or(rest))
    })
}

/// Headers of one's own, sent with each question. They may hold secrets, so they are never shown.
#[derive(Clone, Default)]
pub struct Headers(Vec<(HeaderName, String)>);

impl Headers {
    /// Those to send with this key; whether one of them carries it, so that no other header needs to.
    pub(super) fn with_key(&self, key: Option<&str>) -> (Vec<(HeaderName, HeaderValue)>, bool) {
        let value = |value: &String| {
            let mut value =
                HeaderValue::from_str(&value.replace(KEY, key.unwrap_or_default())).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let headers = self.0.iter();
        let carries = headers.clone().any(|(_, value)| value.contains(KEY));
        let headers = headers.filter_map(|(name, text)| Some((name.clone(), value(text)?)));
        (headers.collect(), carries)
    }
}

impl FromStr for Headers {
    type Err = AddressError;

    /// Reads `name: value | name: value`.
    ///
    /// ```
    /// use vlm::endpoint::Headers;
    ///
    /// assert!("api-key: {key} | x-team: photos".parse::<Headers>().is_ok());
    /// assert!("api-key".parse::<Headers>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split('|')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        let header = |part: &str| {
            // A header without a colon may be a value, and so a secret: not even that is shown.
            let (name, value) = part
                .split_once(':')
                .ok_or_else(|| AddressError::NoHeader("…".into()))?;
            let bad = || AddressError::NoHeader(name.trim().into());
            let value = value.trim();
            HeaderValue::from_str(value).map_err(|_| bad())?;
            let name = name.trim().parse().map_err(|_| bad())?;
            Ok((name, value.to_owned()))
        };
        parts.map(header).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// An address and what is read from it; none for what must be refused.
    #[derive(Deserialize)]
    struct Case {
        address: String,
        endpoint: Option<String>,
    }

    /// The template's pattern is tested with the same (tests/e2e/test_template.py).
    fn cases() -> Vec<Case> {
        serde_json::from_str(include_str!("recorded/addresses.json")).unwrap()
    }

    #[test]
    fn an_address_is_taken_as_people_have_it() {
        for Case { address, endpoint } in cases() {
            let read = address.parse::<Endpoint>();
            let read = read.ok().map(|read| read.url().to_owned());
            assert_eq!(read, endpoint, "{address}");
        }
    }

    #[test]
    fn models_are_listed_beside_it() {
        for (address, expected) in [
            ("a.example", "https://a.example/v1/models"),
            (
                "a.example/openai/v1?b=c",
                "https://a.example/openai/v1/models?b=c",
            ),
            (
                "a.example/api/v3/chat/completions",
                "https://a.example/api/v3/models",
            ),
        ] {
            let endpoint: Endpoint = address.parse().unwrap();
            assert_eq!(endpoint.models(), expected);
        }
    }

    #[test]
    fn what_is_no_address_is_named_and_no_secret_is_shown() {
        for address in ["", "https://", "ftp://a.example", "https://a b", "::"] {
            let error = address.parse::<Endpoint>().unwrap_err();
            assert!(error.to_string().contains(address), "{error}");
        }
        let error = "https://me:hunter2@a.example"
            .parse::<Endpoint>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("a.example") && !error.contains("hunter2"));
        let endpoint: Endpoint = "https://a.example/v1?key=secret".parse().unwrap();
        assert_eq!(endpoint.shown(), "https://a.example/v1/chat/completions");
    }

    #[test]
    fn headers_of_ones_own_carry_the_key_where_they_say_so() {
        let headers: Headers = "api-key: {key}|x-team:  photos of: homes ".parse().unwrap();
        let (sent, carries) = headers.with_key(Some("k"));
        let sent: Vec<_> = sent
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        assert!(carries && sent == [("api-key", "k"), ("x-team", "photos of: homes")]);
        assert!(
            !"x-team: photos"
                .parse::<Headers>()
                .unwrap()
                .with_key(None)
                .1
        );
        for bad in ["secret", "a b: c", "x: \u{1}"] {
            let error = bad.parse::<Headers>().err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn an_endpoint_is_its_own_address(address in "(https://)?[a-z]{1,8}(:[0-9]{2,4})?(/[a-z0-9]{0,8}){0,4}(\\?[a-z]=[0-9])?") {
            if let Ok(endpoint) = address.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.url().parse::<Endpoint>().unwrap(), endpoint);
            }
        }

        #[test]
        fn any_address_is_taken_or_refused(address in ".*") {
            let _ = address.parse::<Endpoint>();
            let _ = address.parse::<Headers>();
        }
    }
}
