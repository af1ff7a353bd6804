//! Requests that bring an `Idempotency-Key`, and are carried out once however often they are sent.

use std::time::Duration;

use aws::http::caller::Caller;
use aws::http::problem::Problem;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use evaluation::decide::once::{RequestKey, question};
use evaluation::decide::start::Request;
use evaluation::domain::time::Timestamp;
use evaluation::run::once::{LeaseResult, lease, release};
use evaluation::run::start::StartResult;

use crate::evaluate::{Spent, Splitter};
use crate::refusal::StartError;

/// By so much clocks of two functions differ at most, and more.
const CLOCKS_DIFFER: Duration = Duration::from_secs(3);
/// Characters of a key at most.
const LONGEST_KEY: usize = 255;

/// The key that a request brings: visible ASCII, in quotes (as the draft of the IETF has it) or without.
pub(crate) fn key(request: &ApiGatewayV2httpRequest) -> Result<Option<RequestKey>, Problem> {
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

/// Answers a request once, however often it comes under its key; `until` is when this function ends.
pub(crate) async fn evaluate(
    splitter: &Splitter,
    request: &Request,
    key: &RequestKey,
    until: Timestamp,
) -> Result<(StartResult, Option<Spent>), StartError> {
    let ports = &splitter.ports;
    let until = until.after(CLOCKS_DIFFER);
    let leased = match lease(ports, key, &question(request), until).await? {
        LeaseResult::Leased(leased) => leased,
        LeaseResult::Answered(how, evaluation) => {
            return Ok((StartResult::of(how, evaluation), None));
        }
        LeaseResult::Wait => return Err(StartError::BeingAnswered),
        LeaseResult::Refused => return Err(StartError::KeyUsed),
    };
    let answer = splitter.evaluate_once(request, Some(&leased)).await;
    if answer.is_err()
        && let Err(error) = release(ports, &leased).await
    {
        tracing::warn!(error = %error.with_causes(), "a request stays leased until this function would have ended");
    }
    answer.map(|(answer, spent)| (answer, Some(spent)))
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
