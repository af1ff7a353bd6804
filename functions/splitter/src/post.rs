//! `POST /evaluations`.

use std::time::Duration;

use aws::http;
use aws::http::idempotency;
use aws::http::problem::Problem;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::once::RequestKey;
use evaluation::decide::start::{Request, Reuse};
use evaluation::domain::ids::DrNumber;
use evaluation::domain::time::Timestamp;
use evaluation::run::error::Class;
use evaluation::run::start::StartResult;
use evaluation::show::start::{EvaluationRequest, EvaluationStarted};
use serde::Deserialize;
use serde_json::Value;

use crate::evaluate::{Spent, Splitter};
use crate::force;
use crate::once;
use crate::refusal::StartError;

/// Seconds after which the app may look for progress first.
const RETRY_AFTER_SECONDS: &str = "2";
const EXPECTED: &str = "Send a JSON object such as \
    {\"dr_number\": \"DR1730550\", \"mode\": \"full\", \"force\": false}; \
    \"mode\" (full or quick), \"force\" and \"catalogue\" (a version) may be left out.";

/// Answers a request: an evaluation, or a problem document.
pub(crate) async fn handle(
    splitter: &Splitter,
    event: Value,
    until: Timestamp,
) -> ApiGatewayV2httpResponse {
    let operators = &splitter.settings.operators;
    let asked = request(&event).and_then(|(request, key)| {
        let request = force::allowed(operators, &event, request)?;
        Ok((request, key))
    });
    let (request, key) = match asked {
        Ok(asked) => asked,
        Err(problem) => return problem.response(),
    };
    let answer = match key {
        Some(key) => once::evaluate(splitter, &request, &key, until).await,
        None => {
            let answer = splitter.evaluate_once(&request, None).await;
            answer.map(|(answer, spent)| (answer, Some(spent)))
        }
    };
    match answer {
        Ok((answer, Some(spent))) => {
            http::with_header(response(&answer), "server-timing", &timing(spent))
        }
        Ok((answer, None)) => response(&answer),
        Err(error) => refused(&error),
    }
}

/// The problem document of a refusal.
fn refused(error: &StartError) -> ApiGatewayV2httpResponse {
    let response = problem(error).response();
    match error {
        StartError::BeingAnswered => {
            http::with_header(response, "retry-after", RETRY_AFTER_SECONDS)
        }
        _ => response,
    }
}

/// Reads the wish out of a JSON object.
pub(crate) fn read(body: &Value) -> Result<Request, Problem> {
    let body = EvaluationRequest::deserialize(body)
        .map_err(|cause| Problem::bad_request(format!("{cause}. {EXPECTED}")))?;
    wish(body)
}

fn wish(body: EvaluationRequest) -> Result<Request, Problem> {
    let dr_number =
        DrNumber::parse(&body.dr_number).map_err(|invalid| Problem::bad_dr_number(invalid.0))?;
    let catalogue = body.catalogue;
    let reuse = if body.force {
        Reuse::Nothing
    } else {
        Reuse::Final
    };
    Ok(Request {
        dr_number,
        mode: body.mode,
        reuse,
        catalogue,
    })
}

fn request(event: &Value) -> Result<(Request, Option<RequestKey>), Problem> {
    let refuse = || Problem::bad_request(format!("The body is not JSON. {EXPECTED}"));
    let request = ApiGatewayV2httpRequest::deserialize(event).map_err(|_| refuse())?;
    Ok((
        wish(http::read(&request, EXPECTED)?)?,
        idempotency::key(&request)?,
    ))
}

/// Where the time went, in milliseconds, as browsers and tools read it (W3C Server Timing).
fn timing(Spent { listing, table }: Spent) -> String {
    let millis = |span: Duration| span.as_secs_f64() * 1000.0;
    format!(
        "list;dur={:.2}, table;dur={:.2}",
        millis(listing),
        millis(table)
    )
}

fn response(answer: &StartResult) -> ApiGatewayV2httpResponse {
    let status = if matches!(answer, StartResult::Started(_)) {
        202
    } else {
        200
    };
    let body = EvaluationStarted::from(answer);
    let response = http::json(status, &body);
    let response = http::with_header(response, "location", &body.links.itself);
    if matches!(answer, StartResult::Cached(_)) {
        response
    } else {
        http::with_header(response, "retry-after", RETRY_AFTER_SECONDS)
    }
}

fn problem(error: &StartError) -> Problem {
    match (error, error.class()) {
        (StartError::NoPhotos(_), _) => Problem::no_photos(error.to_string()),
        (StartError::NoCatalogue(_), _) => Problem::bad_request(error.to_string()),
        (StartError::TooManyPhotos(_), _) => Problem::too_many_photos(error.to_string()),
        (StartError::BeingAnswered, _) => Problem::being_answered(error.to_string()),
        (StartError::KeyUsed, _) => Problem::key_used(error.to_string()),
        (StartError::Failed(cause), Class::Retry) => {
            tracing::warn!(error = %cause.with_causes(), "the request could not be served now");
            Problem::busy()
        }
        (StartError::Failed(cause), _) => {
            tracing::error!(error = %cause.with_causes(), "the request failed");
            Problem::internal()
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use evaluation::domain::plan::Mode;
    use serde_json::json;

    use super::*;

    /// The sample event, with this body.
    fn event(body: &str, encoded: bool) -> Value {
        let sample = include_str!("../../../tests/events/splitter-api.json");
        let mut event: Value = serde_json::from_str(sample).unwrap();
        event["body"] = body.into();
        event["isBase64Encoded"] = encoded.into();
        event
    }

    fn post(body: &str) -> Result<Request, Problem> {
        request(&event(body, false)).map(|(request, _)| request)
    }

    #[test]
    fn mode_and_force_may_be_left_out() {
        let request = post(r#"{"dr_number": " dr1730550 "}"#).unwrap();
        assert_eq!(
            (request.dr_number.as_str(), request.mode, request.reuse),
            ("DR1730550", Mode::Full, Reuse::Final)
        );
        let forced = post(r#"{"dr_number": "DR1", "mode": "quick", "force": true}"#).unwrap();
        assert_eq!((forced.mode, forced.reuse), (Mode::Quick, Reuse::Nothing));
    }

    #[test]
    fn the_header_says_where_the_time_went_in_milliseconds() {
        let spent = Spent {
            listing: Duration::from_micros(3500),
            table: Duration::from_micros(1250),
        };
        assert_eq!(timing(spent), "list;dur=3.50, table;dur=1.25");
    }

    #[test]
    fn a_base64_body_is_read_as_well() {
        let body = BASE64_STANDARD.encode(r#"{"dr_number": "DR1"}"#);
        assert!(request(&event(&body, true)).is_ok());
        assert_eq!(request(&event("%", true)).unwrap_err().status, 400);
    }

    #[test]
    fn each_kind_of_bad_input_says_what_to_do() {
        for (body, kind) in [
            ("", "bad-request"),
            ("{", "bad-request"),
            ("[]", "bad-request"),
            ("{}", "bad-request"),
            (r#"{"dr_number": 7}"#, "bad-request"),
            (r#"{"dr_number": "DR1", "mode": "fast"}"#, "bad-request"),
            (r#"{"dr_number": "DR1", "froce": true}"#, "bad-request"),
            (r#"{"dr_number": "D/1"}"#, "bad-dr-number"),
        ] {
            let problem = post(body).unwrap_err();
            assert_eq!((problem.kind, problem.status), (kind, 400), "{body}");
            assert!(
                problem.detail.contains("DR1730550"),
                "{body}: {}",
                problem.detail
            );
        }
        assert_eq!(request(&json!({})).unwrap_err().status, 400);
    }
}
