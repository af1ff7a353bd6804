//! What a technician says of a step, `POST /drs/{dr_number}/notes`.
//!
//! # Invariants
//! - Who says it is what the gateway found out, never what a request claims; it is in no log.

use aws::clock;
use aws::http::{self, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use evaluation::decide::note::{Note, NoteKind, SLOTS};
use evaluation::domain::bounds::cut;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, StepKey};
use evaluation::run::notes::{NoteResult, note};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, Refusal};

const EXPECTED: &str = "Send {\"step\": \"power_meter\", \"kind\": \"disagree\", \"reason\": \"…\"}; kind is \
                        \"disagree\" or \"cannot_be_photographed\".";
/// Bytes of what is wrong with a request that are repeated.
const LONGEST_REFUSAL: usize = 300;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    step: String,
    kind: String,
    reason: String,
}

/// Keeps a note.
pub(crate) async fn say(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    dr: &DrNumber,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let body = asked(request)?;
    let named = request.query_string_parameters.first("catalogue");
    let (catalogue, _) = api.asks(dr, named).await?;
    let said = said(body, catalogue, caller(request))?;
    let (step, kind) = (said.step.clone(), said.kind);
    let (status, note) = match note(&api.ports, dr, said, api.kept_for).await? {
        NoteResult::Noted(note) => (201, note),
        NoteResult::Repeated(note) => (200, note),
        NoteResult::Full => {
            return Err(Problem::too_many_notes(format!(
                "{dr} has {} notes, and may have no more. Tell your reviewer.",
                SLOTS.len()
            ))
            .into());
        }
    };
    tracing::info!(dr.number = %dr, note.step = %step, note.kind = ?kind, note.new = status == 201, "a note was said");
    let links = json!({"dr": format!("/drs/{dr}")});
    let body = json!({"dr_number": dr, "note": note, "links": links});
    Ok(http::json(status, &body))
}

/// What a request says.
fn asked(request: &ApiGatewayV2httpRequest) -> Result<Body, Problem> {
    let body = request.body.as_deref().unwrap_or_default();
    let no_json = || refused("The body is not JSON");
    let bytes = match request.is_base64_encoded {
        true => BASE64_STANDARD.decode(body).map_err(|_| no_json())?,
        false => body.as_bytes().to_vec(),
    };
    let json: Value = serde_json::from_slice(&bytes).map_err(|_| no_json())?;
    Body::deserialize(json).map_err(|cause| refused(&cause.to_string()))
}

fn refused(what: &str) -> Problem {
    Problem::bad_request(format!("{}. {EXPECTED}", cut(what, LONGEST_REFUSAL)))
}

/// The note that a request says, about a step of this catalogue.
fn said(body: Body, catalogue: &Catalogue, by: Option<&str>) -> Result<Note, Problem> {
    let step = StepKey::parse(&body.step).ok();
    let step = step.filter(|step| catalogue.step(step).is_some());
    let step = step.ok_or_else(|| {
        let known: Vec<&str> = catalogue
            .steps
            .iter()
            .map(|step| step.key.as_str())
            .collect();
        let known = known.join(", ");
        refused(&format!("the step is one of {known}"))
    })?;
    let wrong = |invalid: evaluation::domain::invalid::Invalid| refused(&invalid.0);
    let kind = NoteKind::parse(&body.kind).map_err(wrong)?;
    Note::new(step, kind, &body.reason, by, clock::now()).map_err(wrong)
}

/// Who calls: the subject of the JWT, or the ARN whose key signed.
pub(crate) fn caller(request: &ApiGatewayV2httpRequest) -> Option<&str> {
    let authorizer = request.request_context.authorizer.as_ref()?;
    let subject = authorizer
        .jwt
        .as_ref()
        .and_then(|jwt| jwt.claims.get("sub"));
    let arn = authorizer
        .iam
        .as_ref()
        .and_then(|iam| iam.user_arn.as_ref());
    subject.or(arn).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Note, Problem> {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body.into());
        said(asked(&request)?, Catalogue::shipped("v4").unwrap(), None)
    }

    fn body(field: &str, value: Value) -> String {
        let mut body = json!({"step": "power_meter", "kind": "disagree", "reason": "why"});
        body[field] = value;
        body.to_string()
    }

    #[test]
    fn a_note_says_what_of_which_step_and_why() {
        let note = read(&body("kind", "cannot_be_photographed".into())).unwrap();
        assert_eq!(note.step.as_str(), "power_meter");
        assert_eq!(note.kind, NoteKind::CannotBePhotographed);
        assert_eq!((note.reason.as_str(), note.by), ("why", None));
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(BASE64_STANDARD.encode(body("reason", "why".into())));
        request.is_base64_encoded = true;
        assert!(asked(&request).is_ok());
    }

    #[test]
    fn each_kind_of_bad_input_says_what_to_send_and_repeats_little_of_it() {
        for (body, words) in [
            (String::new(), "not JSON"),
            ("[]".into(), "invalid length"),
            ("{}".into(), "step"),
            (body("step", "no_such".into()), "power_meter"),
            (body("step", "No Such!".into()), "power_meter"),
            (body("step", 7.into()), "string"),
            (body("kind", "agree".into()), "cannot_be_photographed"),
            (body("kind", "unknown".into()), "cannot_be_photographed"),
            (body("reason", "".into()), "empty"),
            (body("reason", "a\u{7}b".into()), "control"),
            (body("reason", "x".repeat(501).into()), "501"),
            (body(&"x".repeat(100_000), "y".into()), "unknown field"),
        ] {
            let problem = read(&body).unwrap_err();
            assert_eq!(problem.status, 400, "{words}");
            assert!(
                problem.detail.contains(words),
                "{words}: {}",
                problem.detail
            );
            assert!(problem.detail.contains("\"reason\": \"…\""), "{words}");
            assert!(problem.detail.len() < 600, "{words}");
        }
    }

    #[test]
    fn who_says_it_is_what_the_gateway_found_out() {
        let of = |authorizer: Value| {
            let sample = include_str!("../../../tests/events/api-history.json");
            let mut event: Value = serde_json::from_str(sample).unwrap();
            event["requestContext"]["authorizer"] = authorizer;
            let request = ApiGatewayV2httpRequest::deserialize(event).unwrap();
            caller(&request).map(str::to_owned)
        };
        let arn = "arn:aws:sts::123456789012:assumed-role/app/7";
        assert_eq!(of(json!({"iam": {"userArn": arn}})).as_deref(), Some(arn));
        let jwt = json!({"jwt": {"claims": {"sub": "u-7", "email": "a@b"}, "scopes": null}});
        assert_eq!(of(jwt).as_deref(), Some("u-7"));
        assert_eq!(of(json!({})), None);
        assert_eq!(of(Value::Null), None);
    }
}
