//! Known cases, `PUT /evaluations/{id}/known`: an operator says what an evaluation truly is, and reviewers are not told.
//!
//! # Invariants
//! - No answer to anybody but operators says that a case is known: only `GET /accuracy` does.

use aws::clock;
use aws::http::{self, caller::Caller, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::known::{self, Known};
use evaluation::decide::update::Key;
use evaluation::domain::bounds::cut;
use evaluation::domain::ids::EvaluationId;
use evaluation::domain::review::Decision;
use evaluation::run::ports::Ports;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{Api, Refusal};

const EXPECTED: &str = "Send {\"decision\": \"fail\"}, or \"pass\": what reviewers should find; or null to have that \
                        forgotten.";
/// Bytes of a caller's name that are kept.
const LONGEST_CALLER: usize = 256;

/// What an evaluation truly is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"decision": "fail"}))]
pub(crate) struct KnownRequest {
    /// `pass` or `fail`; null to have it forgotten. It must be said.
    #[serde(deserialize_with = "crate::api::said")]
    #[schema(required)]
    decision: Option<String>,
}

/// A known case.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KnownAnswer {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// What it truly is; null if that is not known any more.
    decision: Option<Decision>,
}

/// Keeps what an evaluation truly is, or forgets it.
pub(crate) async fn say(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let decision = decision(request)?;
    let found: Option<Evaluation> = api.ports.get(Key::Evaluation(id.clone())).await?;
    let unknown = || {
        Problem::not_found(format!(
            "There is no evaluation {id}. GET /evaluations lists them."
        ))
    };
    let evaluation = found.ok_or_else(unknown)?;
    if evaluation.judgement.is_none() {
        let why = "This evaluation has no verdict yet. Say what it truly is once it is completed.";
        return Err(Problem::not_judged(why).into());
    }
    let by = Caller::of(request).name();
    let update = match decision {
        None => known::forgotten(id, clock::now()),
        Some(decision) => Known {
            evaluation_id: id.clone(),
            dr_number: evaluation.dr_number,
            truly_passes: decision == Decision::Pass,
            known_by: by.map(|by| cut(by, LONGEST_CALLER)),
            known_at: clock::now(),
        }
        .kept(api.kept_for),
    };
    api.ports.update(update).await?;
    let answer = KnownAnswer {
        evaluation_id: id.clone(),
        decision,
    };
    Ok(http::json(200, &answer))
}

fn decision(request: &ApiGatewayV2httpRequest) -> Result<Option<Decision>, Problem> {
    let body: KnownRequest = http::read(request, EXPECTED)?;
    let Some(decision) = body.decision else {
        return Ok(None);
    };
    match Decision::parse(&decision) {
        Ok(decision @ (Decision::Pass | Decision::Fail)) => Ok(Some(decision)),
        _ => Err(Problem::bad_request(format!(
            "The decision is \"pass\", \"fail\" or null. {EXPECTED}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_truly_passes_or_fails_or_is_known_no_more() {
        let read = |body: &str| {
            let mut request = ApiGatewayV2httpRequest::default();
            request.body = Some(body.into());
            decision(&request)
        };
        assert_eq!(read(r#"{"decision": "fail"}"#), Ok(Some(Decision::Fail)));
        assert_eq!(read(r#"{"decision": null}"#), Ok(None));
        for body in [
            "",
            "{}",
            r#"{"decision": "missing"}"#,
            r#"{"decision": "pass", "by": "x"}"#,
        ] {
            let refused = read(body).unwrap_err();
            assert_eq!(refused.status, 400, "{body}");
            assert!(
                refused.detail.contains("what reviewers should find"),
                "{}",
                refused.detail
            );
        }
    }
}
