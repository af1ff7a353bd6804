//! How right verdicts are, `GET /accuracy`: what people decided in a span of time, and what follows for all of it.
//!
//! # Invariants
//! - It reads a bounded number of evaluations: where more were reviewed, its span begins later, and it says so.
//! - Its span is no longer than evaluations are kept, and ends now at the latest: each year is a query.

use std::time::Duration;

use aws::clock;
use aws::http::problem::Problem;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use evaluation::decide::accuracy::{By, Group, KnownFound, discrimination, groups};
use evaluation::domain::discrimination::Discrimination;
use evaluation::domain::time::Timestamp;
use evaluation::run::accuracy::{Days, Found, MOST, find};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::list;

/// The span, unless asked otherwise.
const USUAL: Duration = Duration::from_secs(29 * 24 * 3600);
/// How estimates come about.
const ESTIMATED: &str = "People look at what fails, is flagged or is doubtful, so those on which they decided are not \
    like the rest. Evaluations fall into strata by verdict and flags; within one, those on which people decided stand for \
    it, and it weighs as much as it has evaluations, whatever was decided of it. Of passes without flags only those count \
    that chance had drawn for review (sampled), each for as many as the share says with which it was drawn. Intervals are \
    Wilson's, put together by MOVER; decisions of one evaluation count as one in them. For a step, a model, a catalogue or \
    a prompt strata weigh as they do in all evaluations. Only what people decided counts: a whole that was decided, whose \
    steps were all decided, or whose verdict became another one by steps.";

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    days: Days,
    by: By,
}

/// How right verdicts are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accuracy {
    /// The first day, in UTC, as a whole: evaluations that were asked for then.
    #[schema(format = Date)]
    first_day: String,
    /// The last day, the same.
    #[schema(format = Date)]
    last_day: String,
    /// Whether these are all days that were asked for. Where more than 1,000 evaluations were reviewed, they are the last
    /// ones.
    complete: bool,
    /// Evaluations of these days that have a verdict.
    evaluations: u64,
    /// Those on which people decided something.
    reviewed: usize,
    /// How review was sampled.
    sampling: Sampling,
    /// How right the model was.
    groups: Vec<Group>,
    /// Whether the model's certainty tells its errors from the rest.
    certainty: CertaintyWorth,
    /// What people made of known cases (`PUT /evaluations/{evaluation_id}/known`), which count for nothing else here.
    known: KnownFound,
    /// Where the evaluations behind these numbers are listed.
    links: AccuracyLinks,
}

/// How passes without flags are drawn for review, and how estimates come about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sampling {
    /// Of a hundred passes without flags so many are drawn now (`ReviewSample`). Each keeps the share with which it was.
    #[schema(minimum = 0, maximum = 100)]
    percent: u8,
    /// Those of these days that were drawn.
    sampled: u64,
    /// Those of them on which people decided something.
    reviewed: u64,
    /// How estimates come about, in words.
    estimated: &'static str,
}

/// What certainty is worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertaintyWorth {
    /// By the steps on which people decided.
    #[serde(flatten)]
    discrimination: Discrimination,
    /// Whether it may order what people look at: better than chance, on at least ten errors.
    may_order: bool,
}

/// Where the evaluations behind the numbers are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccuracyLinks {
    /// Those on which people decided something.
    #[schema(
        example = "/evaluations?reviewed=true&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    )]
    reviewed: String,
    /// Those that chance drew, and nobody looked at yet.
    #[schema(
        example = "/evaluations?sampled=true&reviewed=false&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    )]
    sampled: String,
}

/// Works it out.
pub(crate) async fn read(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
) -> Result<Accuracy, Refusal> {
    let asked = Asked::of(request, clock::now(), api.kept_for)?;
    let found = find(&api.ports, &api.ports, asked.days, MOST).await?;
    Ok(Accuracy::of(&found, asked.by, api.review_sample))
}

impl Accuracy {
    fn of(found: &Found, by: By, percent: u8) -> Self {
        let (first_day, last_day) = found.days.names();
        let certainty = discrimination(&found.cases);
        let counts = &found.counts;
        let span = format!("from={}&to={}", found.days.from, found.days.to);
        Self {
            first_day,
            last_day,
            complete: found.complete,
            evaluations: counts.among(|state| state.verdict.is_some()),
            reviewed: found.reviewed,
            sampling: Sampling {
                percent,
                sampled: counts.among(|state| state.sampled),
                reviewed: counts.among(|state| state.sampled && state.reviewed),
                estimated: ESTIMATED,
            },
            groups: groups(&found.cases, by, counts),
            certainty: CertaintyWorth {
                may_order: certainty.may_order(),
                discrimination: certainty,
            },
            known: found.known.clone(),
            links: AccuracyLinks {
                reviewed: format!("/evaluations?reviewed=true&{span}"),
                sampled: format!("/evaluations?sampled=true&reviewed=false&{span}"),
            },
        }
    }
}

impl Asked {
    /// Reads the question off a request; evaluations are kept for so long.
    fn of(
        request: &ApiGatewayV2httpRequest,
        now: Timestamp,
        kept_for: Duration,
    ) -> Result<Self, Problem> {
        let parameter = |name: &str| request.query_string_parameters.first(name);
        let unknown = || Problem::bad_request("by is step, catalogue, model or prompt.");
        let by = parameter("by").map_or(Some(By::Step), By::parse);
        let to = list::time("to", parameter("to"))?.unwrap_or(now);
        let from = list::time("from", parameter("from"))?.unwrap_or_else(|| to.before(USUAL));
        if from > to {
            return Err(Problem::bad_request("from is a time before to."));
        }
        let to = to.min(now).max(from);
        Ok(Self {
            days: Days::of(from.max(to.before(kept_for)), to),
            by: by.ok_or_else(unknown)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::samples::asking;

    fn asked(parameters: Value) -> Result<Asked, Problem> {
        let now = Timestamp::parse("2026-11-26T12:00:00Z").unwrap();
        Asked::of(
            &asking(parameters),
            now,
            Duration::from_secs(92 * 24 * 3600),
        )
    }

    #[test]
    fn a_span_is_no_longer_than_evaluations_are_kept() {
        for (from, to, first, last) in [
            (None, None, "2026-10-28", "2026-11-26"),
            (
                Some("2026-11-01T00:00:00Z"),
                Some("2026-11-08T00:00:00Z"),
                "2026-11-01",
                "2026-11-07",
            ),
            (
                Some("0001-01-01T00:00:00Z"),
                Some("9999-12-01T00:00:00Z"),
                "2026-08-26",
                "2026-11-26",
            ),
            // Of these nothing is kept, and nothing is found.
            (
                Some("2001-01-01T00:00:00Z"),
                Some("2001-01-31T12:00:00Z"),
                "2001-01-01",
                "2001-01-31",
            ),
            (
                Some("2030-01-01T00:00:00Z"),
                Some("9999-12-01T00:00:00Z"),
                "2030-01-01",
                "2030-01-01",
            ),
        ] {
            let mut parameters = json!({});
            for (name, time) in [("from", from), ("to", to)] {
                if let Some(time) = time {
                    parameters[name] = json!(time);
                }
            }
            let days = asked(parameters).unwrap().days.names();
            assert_eq!(days, (first.to_owned(), last.to_owned()), "{from:?} {to:?}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        let turned = json!({"from": "2026-11-08T00:00:00Z", "to": "2026-11-01T00:00:00Z"});
        for parameters in [turned, json!({"by": "day"}), json!({"from": "yesterday"})] {
            assert_eq!(asked(parameters).unwrap_err().status, 400);
        }
    }
}
