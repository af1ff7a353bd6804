//! Where a DR is expected to be: said by `PUT /drs/{dr_number}`, forgotten with the DR's last verdict.
//!
//! # Invariants
//! - Only who says the position is shown it, in the answer to what was said; everybody else sees that one is known.

use std::time::Duration;

use aws::clock;
use aws::http::{self, problem::Problem};
use aws::table::Table;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::updates;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::time::{Moment, Timestamp};
use evaluation::run::error::RunError;
use evaluation::show::Links;
use photos::metadata::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const EXPECTED: &str = "Send {\"expected_position\": {\"latitude\": -26.2041, \"longitude\": 28.0473}}, in degrees, \
                        or null to have it forgotten.";

/// Of a degree: a ten-millionth is a centimetre.
const UNITS: f64 = 1e7;

/// Where a DR is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"expected_position": {"latitude": -26.2041, "longitude": 28.0473}}))]
pub(crate) struct PlaceRequest {
    /// In degrees (WGS 84); null to have it forgotten. It must be said.
    #[serde(deserialize_with = "crate::api::said")]
    #[schema(required)]
    expected_position: Option<Position>,
}

/// What everybody may know of where a DR is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceView {
    /// The DR.
    dr_number: DrNumber,
    /// Whether it is known where it is.
    has_expected_position: bool,
    /// Since when.
    expected_position_set_at: Option<Moment>,
    /// Where more is to be had.
    links: Links,
}

/// Where a DR is, as it was said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlaceAnswer {
    /// What everybody may know of that.
    #[serde(flatten)]
    place: PlaceView,
    /// What was said.
    expected_position: Option<Position>,
}

/// The position that a request says.
pub(crate) fn asked(request: &ApiGatewayV2httpRequest) -> Result<Option<Position>, Problem> {
    let refuse = |what: &str| Problem::bad_request(format!("{what}. {EXPECTED}"));
    let body: PlaceRequest = http::read(request, EXPECTED)?;
    let position = body.expected_position.map(rounded);
    match position.as_ref().and_then(wrong) {
        Some(what) => Err(refuse(what)),
        None => Ok(position),
    }
}

/// To a centimetre: the table holds no number that is nearer to zero than 1e-130.
fn rounded(position: Position) -> Position {
    let rounded = |degrees: f64| (degrees * UNITS).round() / UNITS;
    Position {
        latitude: rounded(position.latitude),
        longitude: rounded(position.longitude),
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
    let answer = PlaceAnswer {
        place: shown(dr, position.is_some(), Some(at)),
        expected_position: position,
    };
    Ok(http::json(200, &answer))
}

/// What everybody may know of where a DR is.
pub(crate) fn shown(dr: &DrNumber, known: bool, set_at: Option<Timestamp>) -> PlaceView {
    PlaceView {
        dr_number: dr.clone(),
        has_expected_position: known,
        expected_position_set_at: set_at.filter(|_| known).map(Moment),
        links: Links::of_dr(dr),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde_json::{Value, json};

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
        let tiny = r#"{"expected_position": {"latitude": 3.6e-271, "longitude": 28.04731234567}}"#;
        let position = said(tiny).unwrap().unwrap();
        assert_eq!((position.latitude, position.longitude), (0.0, 28.0473123));
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
            r#"{"expected_position": {"latitude": 3.6e-271, "longitude": -1e-200}}"#,
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
        let known = json!(shown(&dr, true, Some(at)));
        assert_eq!(known["has_expected_position"], true);
        let said = "1970-01-01T00:00:00.000Z";
        assert_eq!(known["expected_position_set_at"], said);
        let forgotten = json!(shown(&dr, false, Some(at)));
        assert_eq!(forgotten["expected_position_set_at"], Value::Null);
    }
}
