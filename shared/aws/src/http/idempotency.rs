//! The `Idempotency-Key` that a request brings.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use evaluation::decide::once::RequestKey;

use super::caller::Caller;
use super::problem::Problem;

/// Characters of a key at most.
const LONGEST_KEY: usize = 255;

/// The key that a request brings: visible ASCII, in quotes (as the draft of the IETF has it) or without.
pub fn key(request: &ApiGatewayV2httpRequest) -> Result<Option<RequestKey>, Problem> {
    let Some(said) = request.headers.get("idempotency-key") else {
        return Ok(None);
    };
    let said = said.to_str().unwrap_or_default().trim();
    let quoted = said
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let said = quoted.unwrap_or(said);
    let is_key =
        (1..=LONGEST_KEY).contains(&said.len()) && said.bytes().all(|b| b.is_ascii_graphic());
    if !is_key {
        return Err(Problem::bad_request(format!(
            "An Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters: make up a UUID for each request, and \
             send it again with the same."
        )));
    }
    let caller = Caller::of(request).name().unwrap_or_default();
    let route = request.route_key.as_deref().unwrap_or_default();
    Ok(Some(RequestKey::of(caller, route, said)))
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::http::HeaderValue;

    use super::*;

    fn of(said: &str) -> Result<Option<RequestKey>, Problem> {
        let mut request = ApiGatewayV2httpRequest::default();
        let said = HeaderValue::from_bytes(said.as_bytes()).unwrap();
        request.headers.insert("idempotency-key", said);
        key(&request)
    }

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        assert_eq!(of("\"a-1\"").unwrap(), of("a-1").unwrap());
        assert_ne!(of("a-1").unwrap(), of("a-2").unwrap());
        assert_eq!(key(&ApiGatewayV2httpRequest::default()).unwrap(), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for said in ["", " ", "\"\"", "a b", "é", &"x".repeat(256)] {
            assert_eq!(of(said).unwrap_err().status, 400, "{said:?}");
        }
        assert!(of(&"x".repeat(255)).is_ok());
    }
}
