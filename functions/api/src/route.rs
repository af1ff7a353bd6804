//! Which question a request asks, and the answer.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::domain::ids::{DrNumber, EvaluationId};
use shared::domain::plan::Versions;
use shared::domain::time::Timestamp;
use shared::http;
use shared::http::problem::Problem;
use shared::protocol::current::changes;
use shared::protocol::writes;
use shared::store::{Store, StoreError};

use crate::{history, view};

/// Seconds after which the app may look for progress again.
const RETRY_AFTER_SECONDS: &str = "1";

/// What the API works with.
pub(crate) struct Desk {
    pub(crate) store: Store,
    /// What a result must have been made with to be current.
    pub(crate) versions: Versions,
}

/// A question.
#[derive(Debug, PartialEq)]
enum Question {
    Evaluation(EvaluationId),
    History(DrNumber, history::Page),
    /// No earlier answer is to be used any more: about this DR, or about any.
    EmptyCache(Option<DrNumber>),
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
pub(crate) async fn handle(desk: &Desk, event: Value) -> Result<Value, Error> {
    let response = match answer(desk, &event).await {
        Ok(response) => response,
        Err(Refusal::Problem(problem)) => problem.response(),
        Err(Refusal::Store(error)) => {
            tracing::error!(error = ?error, "the request failed");
            if error.is_busy() {
                Problem::busy().response()
            } else {
                Problem::internal().response()
            }
        }
    };
    Ok(serde_json::to_value(response)?)
}

async fn answer(desk: &Desk, event: &Value) -> Result<ApiGatewayV2httpResponse, Refusal> {
    match question(event)? {
        Question::Evaluation(id) => evaluation(desk, &id).await,
        Question::EmptyCache(dr) => empty_cache(&desk.store, dr.as_ref()).await,
        Question::History(dr, page) => {
            let found = desk
                .store
                .history(&dr, page.limit, page.cursor.as_ref())
                .await?;
            Ok(http::json(200, &history::view(&dr, &found)))
        }
    }
}

async fn evaluation(desk: &Desk, id: &EvaluationId) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let store = &desk.store;
    let (evaluation, photos) = tokio::try_join!(store.evaluation(id), store.photos(id))?;
    let Some(evaluation) = evaluation else {
        return Err(Problem::not_found(format!("There is no evaluation {id}. Ask for one with POST /evaluations, or see a DR's evaluations under /drs/{{dr_number}}/evaluations.")).into());
    };
    let changes = changes(
        &evaluation,
        store.standing(&evaluation.dr_number).await?,
        &desk.versions,
    );
    let response = http::json(200, &view::view(&evaluation, &photos, &changes));
    let done = evaluation.completed_at.is_some();
    Ok(if done {
        response
    } else {
        http::with_header(response, "retry-after", RETRY_AFTER_SECONDS)
    })
}

async fn empty_cache(
    store: &Store,
    dr: Option<&DrNumber>,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let valid_from = Timestamp::now();
    store.write(&writes::invalidated(dr, valid_from)).await?;
    tracing::info!(dr.number = dr.map(DrNumber::as_str), cache.valid_from = %valid_from, "the cache was emptied by hand");
    Ok(http::json(
        200,
        &json!({"dr_number": dr, "valid_from": valid_from.to_string()}),
    ))
}

/// Reads the question off the path itself: path parameters are missing where no gateway fills them in.
fn question(event: &Value) -> Result<Question, Problem> {
    let path = event
        .get("rawPath")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let stage = event
        .pointer("/requestContext/stage")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = path
        .strip_prefix(&format!("/{stage}"))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let dr_number =
        |dr: &str| DrNumber::parse(dr).map_err(|invalid| Problem::bad_dr_number(invalid.0));
    let method = event
        .pointer("/requestContext/http/method")
        .and_then(Value::as_str)
        .unwrap_or("GET");
    match (method, parts.as_slice()) {
        ("DELETE", ["cache"]) => Ok(Question::EmptyCache(None)),
        ("DELETE", ["drs", dr, "cache"]) => Ok(Question::EmptyCache(Some(dr_number(dr)?))),
        ("GET", ["evaluations", id]) => EvaluationId::parse(id)
            .map(Question::Evaluation)
            .map_err(|invalid| Problem::not_found(invalid.0)),
        ("GET", ["drs", dr, "evaluations"]) => {
            Ok(Question::History(dr_number(dr)?, history::Page::of(event)?))
        }
        _ => Err(Problem::not_found(
            "There is GET /evaluations/{evaluation_id}, GET /drs/{dr_number}/evaluations, DELETE /drs/{dr_number}/cache and DELETE /cache.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str) -> Result<Question, Problem> {
        sent("GET", path)
    }

    fn sent(method: &str, path: &str) -> Result<Question, Problem> {
        question(
            &json!({"rawPath": path, "requestContext": {"stage": "$default", "http": {"method": method}}}),
        )
    }

    #[test]
    fn the_cache_is_emptied_by_delete_alone() {
        let dr = DrNumber::parse("DR1").unwrap();
        assert_eq!(
            sent("DELETE", "/drs/dr1/cache").unwrap(),
            Question::EmptyCache(Some(dr))
        );
        assert_eq!(
            sent("DELETE", "/cache").unwrap(),
            Question::EmptyCache(None)
        );
        assert_eq!(sent("DELETE", "/drs/D-1/cache").unwrap_err().status, 400);
        for (method, path) in [
            ("GET", "/cache"),
            ("GET", "/drs/DR1/cache"),
            ("DELETE", "/drs/DR1/evaluations"),
        ] {
            assert_eq!(
                sent(method, path).unwrap_err().status,
                404,
                "{method} {path}"
            );
        }
    }

    #[test]
    fn the_two_questions_are_told_apart() {
        let id = EvaluationId::generate();
        assert_eq!(
            asked(&format!("/evaluations/{id}")).unwrap(),
            Question::Evaluation(id.clone())
        );
        assert_eq!(
            asked(&format!("/$default/evaluations/{id}")).unwrap(),
            Question::Evaluation(id)
        );
        assert!(matches!(
            asked("/drs/dr1730550/evaluations"),
            Ok(Question::History(..))
        ));
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
