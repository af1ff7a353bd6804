//! Where a DR is expected to be: said by `PUT /drs/{dr_number}`, forgotten with the DR's last verdict.
//!
//! # Invariants
//! - Only who says the position is shown it, in the answer to what was said; everybody else sees that one is known.

use std::time::Duration;

use aws::clock;
use aws::http::{self, problem::Problem};
use aws::table::Table;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use evaluation::decide::updates;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use photos::metadata::Position;
use serde::Deserialize;
use serde_json::{Value, json};

const EXPECTED: &str = "Send {\"expected_position\": {\"latitude\": -26.2041, \"longitude\": 28.0473}}, in degrees, \
                        or null to have it forgotten.";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// Null is said, not left out.
    expected_position: Value,
}

/// The position that a request says.
pub(crate) fn asked(request: &ApiGatewayV2httpRequest) -> Result<Option<Position>, Problem> {
    let refuse = |what: &str| Problem::bad_request(format!("{what}. {EXPECTED}"));
    let body = request.body.as_deref().unwrap_or_default();
    let bytes = if request.is_base64_encoded {
        let decoded = BASE64_STANDARD.decode(body);
        decoded.map_err(|_| refuse("The body is not JSON"))?
    } else {
        body.as_bytes().to_vec()
    };
    let json: Value = serde_json::from_slice(&bytes).map_err(|_| refuse("The body is not JSON"))?;
    let body: Body = serde_json::from_value(json).map_err(|cause| refuse(&cause.to_string()))?;
    if body.expected_position.is_null() {
        return Ok(None);
    }
    let position: Position = serde_json::from_value(body.expected_position)
        .map_err(|cause| refuse(&format!("expected_position: {cause}")))?;
    match wrong(&position) {
        Some(what) => Err(refuse(what)),
        None => Ok(Some(position)),
    }
}

fn wrong(position: &Position) -> Option<&'static str> {
    if !(-90.0..=90.0).contains(&position.latitude) {
        Some("The latitude is -90 to 90")
    } else if !(-180.0..=180.0).contains(&position.longitude) {
        Some("The longitude is -180 to 180")
    } else if position.latitude == 0.0 && position.longitude == 0.0 {
        Some("0, 0 is what receivers say that do not know where they are")
    } else {
        None
    }
}

/// Stores where a DR is expected to be.
pub(crate) async fn store(
    table: &Table,
    dr: &DrNumber,
    position: Option<Position>,
    kept_for: Duration,
) -> Result<ApiGatewayV2httpResponse, RunError> {
    let at = clock::now();
    let update = updates::placed(dr, position, at, kept_for);
    table.update(&update).await?;
    tracing::info!(dr.number = %dr, position.known = position.is_some(), "where a DR is was said");
    let mut body = shown(dr, position.is_some(), Some(at));
    if let Some(fields) = body.as_object_mut() {
        fields.insert("expected_position".into(), json!(position));
    }
    Ok(http::json(200, &body))
}

/// What everybody may know of where a DR is.
pub(crate) fn shown(dr: &DrNumber, known: bool, set_at: Option<Timestamp>) -> Value {
    json!({
        "dr_number": dr,
        "has_expected_position": known,
        "expected_position_set_at": set_at.filter(|_| known).map(|at| at.to_string()),
        "links": {"self": format!("/drs/{dr}"), "history": format!("/drs/{dr}/evaluations")},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: String, is_base64_encoded: bool) -> Result<Option<Position>, Problem> {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body);
        request.is_base64_encoded = is_base64_encoded;
        asked(&request)
    }

    fn said(body: &str) -> Result<Option<Position>, Problem> {
        sent(body.into(), false)
    }

    #[test]
    fn a_position_is_said_in_degrees_or_forgotten() {
        let body = r#"{"expected_position": {"latitude": -26.2, "longitude": 28}}"#;
        let position = Position {
            latitude: -26.2,
            longitude: 28.0,
        };
        assert_eq!(said(body).unwrap(), Some(position));
        assert_eq!(
            sent(BASE64_STANDARD.encode(body), true).unwrap(),
            Some(position)
        );
        assert_eq!(said(r#"{"expected_position": null}"#).unwrap(), None);
    }

    #[test]
    fn what_is_no_position_is_refused_with_what_to_send() {
        for body in [
            "",
            "{}",
            "[]",
            "-26.2, 28",
            r#"{"position": {"latitude": 1, "longitude": 1}}"#,
            r#"{"expected_position": null, "dr_number": "DR2"}"#,
            r#"{"expected_position": {"latitude": 1}}"#,
            r#"{"expected_position": {"latitude": "1", "longitude": 1}}"#,
            r#"{"expected_position": {"latitude": 90.1, "longitude": 1}}"#,
            r#"{"expected_position": {"latitude": 1, "longitude": -180.5}}"#,
            r#"{"expected_position": {"latitude": 1e999, "longitude": 1}}"#,
            r#"{"expected_position": {"latitude": 0, "longitude": 0.0}}"#,
        ] {
            let problem = said(body).unwrap_err();
            assert_eq!(problem.status, 400, "{body}");
            assert!(problem.detail.contains("\"latitude\": -26.2041"), "{body}");
        }
    }

    #[test]
    fn what_is_shown_to_everybody_says_only_that_a_position_is_known() {
        let dr = DrNumber::parse("DR1").unwrap();
        let at = Timestamp::from_millis(0);
        let known = shown(&dr, true, Some(at));
        assert_eq!(known["has_expected_position"], true);
        let said = "1970-01-01T00:00:00.000Z";
        assert_eq!(known["expected_position_set_at"], said);
        let forgotten = shown(&dr, false, Some(at));
        assert_eq!(forgotten["expected_position_set_at"], Value::Null);
    }
}
