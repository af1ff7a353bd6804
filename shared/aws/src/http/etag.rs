//! Answers that are sent only if their caller does not know them (RFC 9110, `If-None-Match`).

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::header::CONTENT_TYPE;
use sha2::{Digest, Sha256};

use super::with_header;

/// Bytes of the hash that an ETag is.
const TAG_BYTES: usize = 16;

/// The answer with its ETag; if that is one that the caller knows, only that it is the same.
pub fn unless_known(
    response: ApiGatewayV2httpResponse,
    if_none_match: Option<&str>,
) -> ApiGatewayV2httpResponse {
    let body = match &response.body {
        Some(Body::Text(body)) => body.as_bytes(),
        Some(Body::Binary(body)) => body,
        _ => return response,
    };
    let hash = Sha256::digest(body);
    let hash = hash.iter().take(TAG_BYTES);
    let hash: String = hash.map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    unless_tagged(response, &tag, if_none_match)
}

/// The answer with this ETag, which names the state that it shows; if the caller knows that, only that it is the same.
pub fn unless_tagged(
    response: ApiGatewayV2httpResponse,
    tag: &str,
    if_none_match: Option<&str>,
) -> ApiGatewayV2httpResponse {
    let is_known = if_none_match.is_some_and(|known| names(known, tag));
    let mut response = with_header(response, "etag", tag);
    if is_known {
        response.status_code = 304;
        response.headers.remove(CONTENT_TYPE);
        response.body = None;
        response.is_base64_encoded = false;
    }
    response
}

/// Whether a list of ETags names this one; gateways and caches may have made it a weak one.
fn names(list: &str, tag: &str) -> bool {
    let is_same = |known: &str| known == "*" || known.trim_start_matches("W/") == tag;
    list.split(',').map(str::trim).any(is_same)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http;

    fn answer(body: &str, known: Option<&str>) -> (i64, String, bool) {
        let response = unless_known(http::json(200, &json!(body)), known);
        let tag = response.headers.get("etag").unwrap();
        let tag = tag.to_str().unwrap().to_owned();
        (response.status_code, tag, response.body.is_some())
    }

    #[test]
    fn who_knows_the_answer_is_told_that_it_is_the_same() {
        let (status, tag, has_body) = answer("a", None);
        assert!(status == 200 && has_body && tag.len() == 34);
        assert_eq!(answer("a", Some(&tag)), (304, tag.clone(), false));
        let list = format!("\"x\", W/{tag}");
        assert_eq!(answer("a", Some(&list)).0, 304);
        assert_eq!(answer("a", Some("*")).0, 304);
        let (status, other, has_body) = answer("b", Some(&tag));
        assert!(status == 200 && has_body && other != tag);
        assert_eq!(answer("a", Some("garbage")).0, 200);
        let file = || http::file("application/pdf", "a.pdf", b"%PDF".to_vec());
        let sent = unless_known(file(), None);
        let tag = sent.headers.get("etag").unwrap().to_str().unwrap();
        let same = unless_known(file(), Some(tag));
        assert!(sent.is_base64_encoded && sent.status_code == 200);
        assert!(!same.is_base64_encoded && same.status_code == 304 && same.body.is_none());
    }
}
