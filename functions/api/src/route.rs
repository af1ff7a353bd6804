//! Which question a request asks, and the answer.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_runtime::Error;
use serde_json::Value;
use shared::domain::ids::{DrNumber, EvaluationId};
use shared::http;
use shared::http::problem::Problem;
use shared::store::{Store, StoreError};

use crate::{history, view};

/// Seconds after which the app may look for progress again.
const RETRY_AFTER_SECONDS: &str = "1";

/// A question.
#[derive(Debug, PartialEq)]
enum Question {
    Evaluation(EvaluationId),
    History(DrNumber, history::Page),
}

/// Why there is no answer.
#[derive(Debug)]
enum Refusal {
    Problem(Problem),
    Store(StoreError),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Answers an HTTP request.
pub(crate) async fn handle(store: &Store, event: Value) -> Result<Value, Error> {
    let response = match answer(store, &event).await {
        Ok(response) => response,
        Err(Refusal::Problem(problem)) => problem.response(),
        Err(Refusal::Store(error)) => {
            tracing::error!(error = ?error, "the request failed");
            if error.is_busy() { Problem::busy().response() } else { Problem::internal().response() }
        }
    };
    Ok(serde_json::to_value(response)?)
}

async fn answer(store: &Store, event: &Value) -> Result<ApiGatewayV2httpResponse, Refusal> {
    match question(event)? {
        Question::Evaluation(id) => evaluation(store, &id).await,
        Question::History(dr, page) => {
            let found = store.history(&dr, page.limit, page.cursor.as_ref()).await?;
            Ok(http::json(200, &history::view(&dr, &found)))
        }
    }
}

async fn evaluation(store: &Store, id: &EvaluationId) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let (evaluation, photos) = tokio::try_join!(store.evaluation(id), store.photos(id))?;
    let Some(evaluation) = evaluation else {
        return Err(Problem::not_found(format!("There is no evaluation {id}. Ask for one with POST /evaluations, or see a DR's evaluations under /drs/{{dr_number}}/evaluations.")).into());
    };
    let response = http::json(200, &view::view(&evaluation, &photos));
    let done = evaluation.completed_at.is_some();
    Ok(if done { response } else { http::with_header(response, "retry-after", RETRY_AFTER_SECONDS) })
}

/// Reads the question off the path itself: path parameters are missing where no gateway fills them in.
fn question(event: &Value) -> Result<Question, Problem> {
    let path = event.get("rawPath").and_then(Value::as_str).unwrap_or_default();
    let stage = event.pointer("/requestContext/stage").and_then(Value::as_str).unwrap_or_default();
    let path = path.strip_prefix(&format!("/{stage}")).filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["evaluations", id] => {
            EvaluationId::parse(id).map(Question::Evaluation).map_err(|invalid| Problem::not_found(invalid.0))
        }
        ["drs", dr, "evaluations"] => {
            let dr = DrNumber::parse(dr).map_err(|invalid| Problem::bad_dr_number(invalid.0))?;
            Ok(Question::History(dr, history::Page::of(event)?))
        }
        _ => Err(Problem::not_found("There is GET /evaluations/{evaluation_id} and GET /drs/{dr_number}/evaluations.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(path: &str) -> Result<Question, Problem> {
        question(&json!({"rawPath": path, "requestContext": {"stage": "$default"}}))
    }

    #[test]
    fn the_two_questions_are_told_apart() {
        let id = EvaluationId::generate();
        assert_eq!(asked(&format!("/evaluations/{id}")).unwrap(), Question::Evaluation(id.clone()));
        assert_eq!(asked(&format!("/$default/evaluations/{id}")).unwrap(), Question::Evaluation(id));
        assert!(matches!(asked("/drs/dr1730550/evaluations"), Ok(Question::History(..))));
    }

    #[test]
    fn other_paths_and_bad_ids_are_refused_with_what_to_do() {
        for (path, status) in [
            ("/", 404),
            ("/evaluations", 404),
            ("/evaluations/7", 404),
            ("/drs/D-1/evaluations", 400),
            ("/drs/DR1", 404),
        ] {
            assert_eq!(asked(path).unwrap_err().status, status, "{path}");
        }
    }
}
