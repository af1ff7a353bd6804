//! What a technician says of a step, `POST /drs/{dr_number}/notes`.
//!
//! # Invariants
//! - Who says it is what the gateway found out, never what a request claims; it is in no log.

use aws::clock;
use aws::http::{self, caller::Caller, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::note::{Note, NoteKind, SLOTS};
use evaluation::domain::bounds::cut;
use evaluation::domain::catalogue::Catalogue;
use evaluation::domain::ids::{DrNumber, StepKey};
use evaluation::run::notes::{NoteResult, note};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{Api, Refusal};

const EXPECTED: &str = "Send {\"step\": \"power_meter\", \"kind\": \"disagree\", \"reason\": \"…\"}; kind is \
                        \"disagree\" or \"cannot_be_photographed\".";
/// Bytes of what is wrong with a request that are repeated.
const LONGEST_REFUSAL: usize = 300;

/// What is said of a step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"step": "power_meter", "kind": "disagree", "reason": "The meter shows -18.4 dBm."}))]
pub(crate) struct NoteRequest {
    /// The step, one of the DR's catalogue.
    step: String,
    /// `disagree` with the judgement, or that it can't be photographed (`cannot_be_photographed`).
    #[schema(value_type = NoteKind)]
    kind: String,
    /// Why, in one line of at most 500 bytes.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A note that stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoteAnswer {
    /// The DR.
    dr_number: DrNumber,
    /// The note, which may have been said before.
    note: Note,
    /// Where more is to be had.
    links: NoteLinks,
}

/// Where a note is shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoteLinks {
    /// The checklist.
    #[schema(example = "/drs/DR1730550")]
    dr: String,
}

/// Keeps a note.
pub(crate) async fn say(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    dr: &DrNumber,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let body: NoteRequest = http::read(request, EXPECTED)?;
    let named = request.query_string_parameters.first("catalogue");
    let (catalogue, _) = api.asks(dr, named).await?;
    let said = said(body, catalogue, Caller::of(request).name())?;
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
    let links = NoteLinks {
        dr: format!("/drs/{dr}"),
    };
    let answer = NoteAnswer {
        dr_number: dr.clone(),
        note,
        links,
    };
    Ok(http::json(status, &answer))
}

fn refused(what: &str) -> Problem {
    Problem::bad_request(format!("{}. {EXPECTED}", cut(what, LONGEST_REFUSAL)))
}

/// The note that a request says, about a step of this catalogue.
fn said(body: NoteRequest, catalogue: &Catalogue, by: Option<&str>) -> Result<Note, Problem> {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &str) -> Result<Note, Problem> {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body.into());
        let body = http::read(&request, EXPECTED)?;
        said(body, Catalogue::shipped("v4").unwrap(), None)
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
}
