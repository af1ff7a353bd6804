//! What people decide of an evaluation: `GET` and `POST /evaluations/{id}/reviews`, `DELETE …/reviews/{number}`.
//!
//! # Invariants
//! - Who decides is what the gateway found out, never what a request claims; it is in no log.
//! - Nothing is ever changed: a withdrawal is a record, too. Whoever decided without knowing what another one had
//!   decided meanwhile is told: both stand.

use aws::http::{self, caller::Caller, idempotency, problem::Problem};
use aws::telemetry;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::review::{Refused, Reviewed, Reviews, Wish, Wished, seen_until};
use evaluation::domain::bounds::cut;
use evaluation::domain::ids::{EvaluationId, StepKey};
use evaluation::domain::invalid::Invalid;
use evaluation::domain::review::{Decision, MOST_REVIEWS};
use evaluation::domain::review_chain::Chain;
use evaluation::figures::{Figure, Metric};
use evaluation::run::review::{ReviewResult, review, reviewed, reviews};
use evaluation::show::review::{page, written};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};

const EXPECTED: &str = "Send {\"step\": \"power_meter\", \"decision\": \"fail\", \"reason\": \"…\", \"photo\": \"a.jpg\"}; \
                        decision is \"pass\", \"fail\" or, of a step, \"missing\"; without a step it is of the whole; \
                        photo may be left out, and \"reading\" added.";
const EXPECTED_OF_WITHDRAWAL: &str = "Send no body, or {\"reason\": \"…\"}.";
/// Bytes of what is wrong with a request that are repeated.
const LONGEST_REFUSAL: usize = 300;
/// Records of a page, unless asked otherwise, and at most.
const USUAL: usize = 100;

/// What a person decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"step": "power_meter", "decision": "fail", "reason": "The meter is off."}))]
pub(crate) struct ReviewRequest {
    /// The step, one that the evaluation asked; without it the decision is of the whole.
    #[serde(default)]
    step: Option<String>,
    /// `pass`, `fail` or, of a step, `missing`.
    #[schema(value_type = Decision)]
    decision: String,
    /// Why, in one line of at most 500 bytes: own words, or a fail code of the catalogue.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// The name or id of the photo that it rests on, if it is another one than the model decided by.
    #[serde(default)]
    photo: Option<String>,
    /// What the small print says, of a step of which it is read: where the model read otherwise, this corrects it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    reading: Option<String>,
}

/// Why a decision is withdrawn.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalRequest {
    /// Why, in one line of at most 500 bytes.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// Which records.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    limit: usize,
    after: u32,
}

impl Page {
    /// Reads `limit` and `cursor` off a request.
    pub(crate) fn of(request: &ApiGatewayV2httpRequest) -> Result<Self, Problem> {
        let parameter = |name: &str| request.query_string_parameters.first(name);
        let limit = match parameter("limit").map(str::parse::<usize>) {
            None => USUAL,
            Some(Ok(limit)) if (1..=USUAL).contains(&limit) => limit,
            Some(_) => {
                let why = format!("limit is a number from 1 to {USUAL}.");
                return Err(Problem::bad_request(why));
            }
        };
        let after = parameter("cursor").map(str::parse).transpose();
        let after = after.map_err(|_| {
            Problem::bad_request("cursor is the value of \"next\" of the page before; leave it out for the first page.")
        })?;
        Ok(Self {
            limit,
            after: after.unwrap_or(0),
        })
    }
}

/// The number in a path.
pub(crate) fn number(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| {
        Problem::not_found("A review is named by its number, as GET /evaluations/{evaluation_id}/reviews shows it.")
    })
}

/// Lists what people decided of an evaluation's DR.
pub(crate) async fn list(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
    wanted: Page,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let of = of(api, id).await?;
    let reviews = reviews(&api.ports, &of.evaluation.dr_number).await?;
    check(&of, &reviews);
    let body = page(&of, &reviews, wanted.after, wanted.limit);
    let tag = reviews.tag(of.evaluation.revision);
    let known = header(request, "if-none-match");
    Ok(http::unless_tagged(http::json(200, &body), &tag, known))
}

/// Writes down a decision.
pub(crate) async fn decide(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let wish = decision(request)?.under(idempotency::key(request)?);
    say(api, request, id, wish, 201).await
}

/// Writes down that a decision holds no more.
pub(crate) async fn withdraw(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
    number: u32,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let wish = withdrawal(request, number)?.under(idempotency::key(request)?);
    say(api, request, id, wish, 200).await
}

async fn say(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
    id: &EvaluationId,
    wish: Wish,
    status: i64,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let seen = seen(request)?;
    let of = of(api, id).await?;
    let result = review(&api.ports, &of, &wish, api.reviews_kept_for).await?;
    let (status, number, reviews) = match result {
        ReviewResult::Written(number, reviews) => (status, number, reviews),
        ReviewResult::Stands(number, reviews) => (200, number, reviews),
        ReviewResult::Refused(why) => return Err(problem(why, &of).into()),
    };
    check(&of, &reviews);
    tracing::info!(dr.number = %of.evaluation.dr_number, evaluation.id = %id, review.number = number, "a review stands");
    let body = written(&of, &reviews, number, seen);
    let response = http::json(status, &body);
    let tag = reviews.tag(of.evaluation.revision);
    Ok(http::with_header(response, "etag", &tag))
}

async fn of(api: &Api, id: &EvaluationId) -> Result<Reviewed, Refusal> {
    let found = reviewed(&api.ports, id).await?;
    let unknown = || {
        Problem::not_found(format!(
            "There is no evaluation {id}. A DR's evaluations stand under /drs/{{dr_number}}/evaluations."
        ))
    };
    Ok(found.ok_or_else(unknown)?)
}

/// Raises an alarm if what was decided does not fit together any more.
fn check(of: &Reviewed, reviews: &Reviews) {
    if let Chain::Broken { at } = reviews.chain() {
        telemetry::emit(&[Figure::of(Metric::ReviewChanged, 1)]);
        tracing::error!(dr.number = %of.evaluation.dr_number, review.number = at, "the chain of reviews is broken");
    }
}

/// Until which record whoever asks had seen, if an ETag says so.
fn seen(request: &ApiGatewayV2httpRequest) -> Result<Option<u32>, Problem> {
    let Some(tag) = header(request, "if-match").filter(|tag| *tag != "*") else {
        return Ok(None);
    };
    seen_until(tag).map(Some).ok_or_else(|| {
        Problem::bad_request(
            "If-Match is the ETag of GET /evaluations/{evaluation_id}/reviews, or left out.",
        )
    })
}

fn header<'a>(request: &'a ApiGatewayV2httpRequest, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

fn problem(why: Refused, of: &Reviewed) -> Problem {
    let dr = &of.evaluation.dr_number;
    match why {
        Refused::NotJudged => {
            Problem::not_judged("This evaluation has no verdict yet. Decide once it is completed.")
        }
        Refused::Invalid(why) => wrong(why, EXPECTED),
        Refused::NoSuchReview(number) => Problem::not_found(format!(
            "{dr} has no decision {number}. GET /evaluations/{{evaluation_id}}/reviews lists them."
        )),
        Refused::KeyUsed => Problem::key_used(
            "Another decision was sent with this Idempotency-Key. Make up a new one for each.",
        ),
        Refused::Full => Problem::too_many_reviews(format!(
            "{dr} has {MOST_REVIEWS} reviews, and may have no more. Nothing was written; tell your operator."
        )),
    }
}

fn wrong(why: Invalid, expected: &str) -> Problem {
    Problem::bad_request(format!("{}. {expected}", cut(&why.0, LONGEST_REFUSAL)))
}

fn decision(request: &ApiGatewayV2httpRequest) -> Result<Wish, Problem> {
    let body: ReviewRequest = http::read(request, EXPECTED)?;
    let step = body.step.as_deref().map(StepKey::parse).transpose();
    let what = Wished::Decision {
        step: step.map_err(|why| wrong(why, EXPECTED))?,
        decision: Decision::parse(&body.decision).map_err(|why| wrong(why, EXPECTED))?,
        photo: body.photo,
        reading: body.reading,
    };
    let by = Caller::of(request).name();
    let wish = Wish::new(what, Some(&body.reason), by);
    wish.map_err(|why| wrong(why, EXPECTED))
}

fn withdrawal(request: &ApiGatewayV2httpRequest, number: u32) -> Result<Wish, Problem> {
    let expected = EXPECTED_OF_WITHDRAWAL;
    let is_empty = request.body.as_deref().unwrap_or_default().is_empty();
    let body: WithdrawalRequest = match is_empty {
        true => WithdrawalRequest::default(),
        false => http::read(request, expected)?,
    };
    let by = Caller::of(request).name();
    let wish = Wish::new(Wished::Withdrawal(number), body.reason.as_deref(), by);
    wish.map_err(|why| wrong(why, expected))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::samples::asking;

    fn with(body: &str) -> ApiGatewayV2httpRequest {
        let mut request = ApiGatewayV2httpRequest::default();
        request.body = Some(body.into());
        request
    }

    fn body(field: &str, value: Value) -> String {
        let mut body =
            json!({"step": "power_meter", "decision": "fail", "reason": "why", "photo": "a.jpg"});
        body[field] = value;
        body.to_string()
    }

    #[test]
    fn a_decision_says_what_of_what_and_why() {
        let wish = decision(&with(&body("reason", " why ".into()))).unwrap();
        let Wished::Decision {
            step,
            decision: said,
            photo,
            reading: None,
        } = wish.what
        else {
            panic!()
        };
        assert_eq!(step.unwrap().as_str(), "power_meter");
        assert_eq!((said, photo.as_deref()), (Decision::Fail, Some("a.jpg")));
        assert_eq!(wish.reason.as_deref(), Some("why"));
        let whole = decision(&with(r#"{"decision": "pass", "reason": "r"}"#)).unwrap();
        assert!(matches!(whole.what, Wished::Decision { step: None, .. }));
        let mut encoded = with(&BASE64_STANDARD.encode(body("reason", "r".into())));
        encoded.is_base64_encoded = true;
        assert!(decision(&encoded).is_ok());
    }

    #[test]
    fn each_kind_of_bad_input_says_what_to_send_and_repeats_little_of_it() {
        for (body, words) in [
            (String::new(), "not JSON"),
            ("{".into(), "not JSON"),
            ("{}".into(), "decision"),
            (body("step", 7.into()), "string"),
            (body("step", "No Such!".into()), "step"),
            (body("decision", "unknown".into()), "\"missing\""),
            (body("reason", "".into()), "empty"),
            (body("reason", "a\u{7}b".into()), "control"),
            (body("reason", "x".repeat(501).into()), "501"),
            (body(&"x".repeat(100_000), "y".into()), "unknown field"),
        ] {
            let problem = decision(&with(&body)).unwrap_err();
            assert_eq!(problem.status, 400, "{words}");
            assert!(
                problem.detail.contains(words),
                "{words}: {}",
                problem.detail
            );
            assert!(problem.detail.contains("\"reason\": \"…\""), "{words}");
            assert!(problem.detail.len() < 700, "{words}");
        }
    }

    #[test]
    fn a_withdrawal_may_say_why() {
        let reason = |body: &str| withdrawal(&with(body), 7).map(|wish| wish.reason);
        assert_eq!(reason(""), Ok(None));
        assert_eq!(reason("{}"), Ok(None));
        assert_eq!(reason(r#"{"reason": "r"}"#), Ok(Some("r".into())));
        for body in ["{", "[]7", r#"{"reason": ""}"#, r#"{"reasons": "r"}"#] {
            assert_eq!(reason(body).unwrap_err().status, 400, "{body}");
        }
    }

    #[test]
    fn an_etag_that_is_none_of_ours_is_refused() {
        let of = |tag: &'static str| {
            let mut request = ApiGatewayV2httpRequest::default();
            let value = aws_lambda_events::http::HeaderValue::from_static(tag);
            request.headers.insert("if-match", value);
            seen(&request)
        };
        assert_eq!(of("\"1-7-ab\""), Ok(Some(7)));
        assert_eq!(of("*"), Ok(None));
        assert_eq!(seen(&ApiGatewayV2httpRequest::default()), Ok(None));
        assert_eq!(of("\"abc\"").unwrap_err().status, 400);
    }

    #[test]
    fn a_page_is_bounded() {
        let page = |parameters: Value| Page::of(&asking(parameters));
        let first = Page {
            limit: USUAL,
            after: 0,
        };
        assert_eq!(page(json!({})), Ok(first));
        let second = Page { limit: 1, after: 7 };
        assert_eq!(page(json!({"limit": "1", "cursor": "7"})), Ok(second));
        for (limit, cursor) in [("0", "7"), ("101", "7"), ("x", "7"), ("1", "x"), ("1", "")] {
            let refused = page(json!({"limit": limit, "cursor": cursor}));
            assert_eq!(refused.unwrap_err().status, 400, "{limit} {cursor}");
        }
    }
}
