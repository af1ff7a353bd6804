//! Checking an AWS signature, version 4, from its published description and not with the library that makes ours.

use std::fmt::Write;

use axum::http::request::Parts;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// How a signature's header begins.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// SHA-256 works on blocks of so many bytes.
const BLOCK: usize = 64;

/// Who signs, and for what.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Signer {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    region: String,
    service: String,
}

impl Signer {
    /// Whether this signer has signed this request.
    pub(crate) fn signed(&self, request: &Parts, body: &[u8]) -> bool {
        self.check(request, body).unwrap_or(false)
    }

    fn check(&self, request: &Parts, body: &[u8]) -> Option<bool> {
        let header = |name: &str| request.headers.get(name)?.to_str().ok();
        let given = header("authorization")?.strip_prefix(ALGORITHM)?;
        let part = |name: &str| {
            let mut parts = given.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let time = header("x-amz-date")?;
        let (day, _) = time.split_once('T')?;
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let whole = format!("{}/{scope}", self.access_key_id);
        let names: Vec<&str> = part("SignedHeaders")?.split(';').collect();
        let mut lines = String::new();
        for name in &names {
            let words = header(name)?.split_whitespace();
            lines.push_str(&format!("{name}:{}\n", words.collect::<Vec<_>>().join(" ")));
        }
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{}\n{}",
            request.method,
            encoded(request.uri.path()),
            request.uri.query().unwrap_or_default(),
            names.join(";"),
            hex(&Sha256::digest(body)),
        );
        let text = format!(
            "{ALGORITHM}\n{time}\n{scope}\n{}",
            hex(&Sha256::digest(canonical))
        );
        let secret = format!("AWS4{}", self.secret_access_key);
        let parts = [day, &self.region, &self.service, "aws4_request", &text];
        let signature = parts
            .iter()
            .fold(secret.into_bytes(), |key, part| hmac(&key, part.as_bytes()));
        let token = header("x-amz-security-token");
        let all = names.contains(&"host") && names.contains(&"x-amz-date");
        Some(
            all && part("Credential")? == whole
                && part("Signature")? == hex(&signature)
                && token == self.session_token.as_deref()
                && (token.is_none() || names.contains(&"x-amz-security-token")),
        )
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let short = if key.len() > BLOCK {
        Sha256::digest(key).to_vec()
    } else {
        key.to_vec()
    };
    let padded = |with: u8| {
        let rest = std::iter::repeat_n(0, BLOCK - short.len());
        short
            .iter()
            .copied()
            .chain(rest)
            .map(move |byte| byte ^ with)
            .collect::<Vec<u8>>()
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The path as it is signed: encoded once more.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn signer(secret: &str) -> Signer {
        Signer {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: secret.into(),
            session_token: None,
            region: "us-east-1".into(),
            service: "service".into(),
        }
    }

    /// `post-vanilla` of AWS's published test suite of signatures.
    fn published() -> Parts {
        let signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        let given = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        let request = Request::post("/")
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", given);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_published_signature_is_right_and_any_other_is_not() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        assert!(signer(secret).signed(&published(), b""));
        assert!(!signer(secret).signed(&published(), b"another body"));
        assert!(!signer("another secret").signed(&published(), b""));
        let with_token = Signer {
            session_token: Some("token".into()),
            ..signer(secret)
        };
        assert!(!with_token.signed(&published(), b""));
    }
}
