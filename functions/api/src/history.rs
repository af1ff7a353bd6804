//! A DR's history, page by page.

use aws::http::{self, problem::Problem};
use aws::table::{Cursor, HistoryPage, Table};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::card::Card;
use evaluation::decide::evaluation::Status;
use evaluation::decide::history::HistoryEntry;
use evaluation::domain::ids::DrNumber;
use evaluation::domain::ids::EvaluationId;
use evaluation::domain::judge::Verdict;
use evaluation::domain::plan::Mode;
use evaluation::domain::time::Moment;
use evaluation::show::path_of;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Refusal;

/// Evaluations of one page, unless asked otherwise.
const USUAL: u8 = 20;
/// Evaluations of one page at most.
const MOST: u8 = 100;

/// Which page.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) limit: i32,
    pub(crate) cursor: Option<Cursor>,
}

impl Page {
    /// Reads `limit` and `cursor` off a request.
    pub(crate) fn of(request: &ApiGatewayV2httpRequest) -> Result<Self, Problem> {
        let limit: i32 = limit(request)?;
        let cursor = request.query_string_parameters.first("cursor");
        let cursor = cursor.map(Cursor::parse).transpose();
        let cursor = cursor.map_err(|_| {
            Problem::bad_request("cursor is the value of \"next\" of the page before; leave it out for the first page.")
        })?;
        Ok(Self { limit, cursor })
    }
}

/// How many evaluations a page is to have.
pub(crate) fn limit<T: From<u8>>(request: &ApiGatewayV2httpRequest) -> Result<T, Problem> {
    let limit = request.query_string_parameters.first("limit");
    match limit.map(str::parse::<u8>) {
        None => Ok(USUAL.into()),
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => Ok(limit.into()),
        Some(_) => Err(Problem::bad_request(format!(
            "limit is a number from 1 to {MOST}."
        ))),
    }
}

/// A page of a DR's history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    /// The DR.
    dr_number: DrNumber,
    /// Its evaluations, newest first.
    evaluations: Vec<Remembered>,
    /// The next page's `cursor`; null on the last one.
    #[schema(value_type = Option<String>)]
    next: Option<Cursor>,
}

/// An evaluation of a history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationOfHistory)]
struct Remembered {
    #[serde(flatten)]
    in_short: HistoryItem,
    /// Whether people decided something of it that stands; told moments later.
    reviewed: bool,
    /// The verdict with what people decided; null if nothing of it stands.
    reviewed_verdict: Option<Verdict>,
}

/// An evaluation in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationInShort)]
pub(crate) struct HistoryItem {
    /// Its identity.
    evaluation_id: EvaluationId,
    /// As asked.
    mode: Mode,
    /// Where it stands.
    status: Status,
    /// The verdict, once there is one.
    verdict: Option<Verdict>,
    /// The mean of the asked steps' best scores.
    #[schema(minimum = 0, maximum = 10)]
    average_score: Option<f64>,
    /// The number of its photos.
    photos_total: usize,
    /// The evaluation that took its place.
    superseded_by: Option<EvaluationId>,
    /// When it was asked for.
    created_at: Moment,
    /// When it was finalised last.
    completed_at: Option<Moment>,
    /// Where it is shown.
    links: HistoryItemLinks,
}

/// Where an evaluation is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationLinks)]
pub(crate) struct HistoryItemLinks {
    /// The evaluation.
    #[serde(rename = "self")]
    itself: String,
}

/// Reads a page. What people decided is read off the evaluations' cards, in one query.
pub(crate) async fn read(
    table: &Table,
    dr: &DrNumber,
    asked: &Page,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let page = table
        .history(dr, asked.limit, asked.cursor.as_ref())
        .await?;
    let ends = page.evaluations.last().zip(page.evaluations.first());
    let cards = match ends {
        Some((oldest, newest)) => {
            let (oldest, newest) = (&oldest.evaluation_id, &newest.evaluation_id);
            table.cards_between(dr, oldest, newest).await?
        }
        None => Vec::new(),
    };
    Ok(http::json(200, &view(dr, &page, &cards)))
}

/// The page as it is shown.
fn view(dr: &DrNumber, page: &HistoryPage, cards: &[Card]) -> History {
    let item = |found: &HistoryEntry| {
        let is_it = |card: &&Card| card.evaluation_id == found.evaluation_id;
        let card = cards.iter().find(is_it);
        Remembered {
            in_short: entry(found),
            reviewed: card.is_some_and(|card| card.reviewed),
            reviewed_verdict: card.and_then(|card| card.reviewed_verdict),
        }
    };
    History {
        dr_number: dr.clone(),
        evaluations: page.evaluations.iter().map(item).collect(),
        next: page.next.clone(),
    }
}

/// One evaluation of a history.
pub(crate) fn entry(evaluation: &HistoryEntry) -> HistoryItem {
    HistoryItem {
        evaluation_id: evaluation.evaluation_id.clone(),
        mode: evaluation.mode,
        status: evaluation.status(),
        verdict: evaluation.verdict,
        average_score: evaluation.average_score,
        photos_total: evaluation.photos_total,
        superseded_by: evaluation.superseded_by.clone(),
        created_at: evaluation.created_at.into(),
        completed_at: evaluation.completed_at.map(Moment),
        links: HistoryItemLinks {
            itself: path_of(&evaluation.evaluation_id),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::samples::asking;

    fn asked(parameters: Value) -> Result<Page, Problem> {
        Page::of(&asking(parameters))
    }

    fn page(limit: &str, cursor: &str) -> Result<Page, Problem> {
        asked(json!({"limit": limit, "cursor": cursor}))
    }

    #[test]
    fn limit_and_cursor_are_checked() {
        let id = aws::clock::new_evaluation_id(aws::clock::now());
        assert_eq!(
            asked(json!({})).unwrap(),
            Page {
                limit: USUAL.into(),
                cursor: None
            }
        );
        assert_eq!(
            page("100", id.as_str()).unwrap(),
            Page {
                limit: 100,
                cursor: Some(id.clone())
            }
        );
        for (limit, cursor) in [
            ("0", id.as_str()),
            ("101", id.as_str()),
            ("x", id.as_str()),
            ("1", "x"),
            ("1", ""),
        ] {
            assert_eq!(
                page(limit, cursor).unwrap_err().status,
                400,
                "{limit} {cursor}"
            );
        }
    }
}
