//! Reading what a request says.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use evaluation::domain::bounds::cut;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::Problem;

/// Bytes of what is wrong with a request that are repeated.
const LONGEST_REFUSAL: usize = 300;

/// What a request's JSON body says; `expected` tells callers what to send.
pub fn read<T: DeserializeOwned>(
    request: &ApiGatewayV2httpRequest,
    expected: &str,
) -> Result<T, Problem> {
    let refuse = |what: &str| {
        let what = cut(what, LONGEST_REFUSAL);
        Problem::bad_request(format!("{what}. {expected}"))
    };
    let json = json(request).ok_or_else(|| refuse("The body is not JSON"))?;
    T::deserialize(json).map_err(|cause| refuse(&cause.to_string()))
}

fn json(request: &ApiGatewayV2httpRequest) -> Option<Value> {
    let body = request.body.as_deref().unwrap_or_default();
    let bytes = match request.is_base64_encoded {
        true => BASE64_STANDARD.decode(body).ok()?,
        false => body.as_bytes().to_vec(),
    };
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said {
        word: String,
    }

    fn said(body: &str, is_base64_encoded: bool) -> Result<Said, Problem> {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body.into());
        request.is_base64_encoded = is_base64_encoded;
        read(&request, "Send a word.")
    }

    #[test]
    fn a_body_is_json_also_in_base64() {
        let body = r#"{"word": "a"}"#;
        let word = Said { word: "a".into() };
        assert_eq!(said(body, false).unwrap(), word);
        assert_eq!(said(&BASE64_STANDARD.encode(body), true).unwrap(), word);
    }

    #[test]
    fn what_can_t_be_read_is_refused_with_what_to_send_and_little_of_it_is_repeated() {
        let long = format!(r#"{{"{}": 1}}"#, "x".repeat(100_000));
        for (body, encoded) in [
            ("", false),
            ("%", true),
            ("[]", false),
            ("{", false),
            (&long, false),
        ] {
            let problem = said(body, encoded).unwrap_err();
            assert_eq!(problem.status, 400);
            assert!(problem.detail.ends_with("Send a word."), "{problem:?}");
            assert!(problem.detail.len() < 400, "{problem:?}");
        }
    }
}
