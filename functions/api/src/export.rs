//! What was evaluated in a span of time, `GET /export?from=&to=`, as CSV (RFC 4180): a line for each evaluation and step.
//!
//! # Invariants
//! - A page costs what a page of the list across DRs costs, one read for its evaluations, and, of those that people
//!   decided on, one of the photos and one of the reviews.
//! - No cell is taken for a formula by a program for tables: what could be is led by an apostrophe. What the program
//!   itself reckoned, a number, is not.

use std::collections::BTreeMap;

use aws::http::{self, problem::Problem};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::card::Card;
use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::list::{Filter, Order, Place, page};
use evaluation::decide::review::Reviewed;
use evaluation::decide::update::Key;
use evaluation::domain::ids::{EvaluationId, StepKey};
use evaluation::domain::judge::{StepVerdict, Verdict};
use evaluation::domain::reading::Extracted;
use evaluation::domain::review::{Decision, ReviewRecord};
use evaluation::domain::time::Timestamp;
use evaluation::run::error::RunError;
use evaluation::run::ports::Ports;
use evaluation::run::review::{reviewed, reviews};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;

use crate::api::{Api, Refusal};

/// Evaluations of a page at most, and as without `limit`: with 24 steps each, and names as long as they get, they fit
/// into what a function may answer.
const MOST: usize = 50;
/// Evaluations whose reviews are read at once.
const AT_ONCE: usize = 8;
/// What programs for tables take for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    from: Timestamp,
    to: Timestamp,
    limit: usize,
    after: Option<Place>,
}

/// An evaluation's step: a line. The columns are called as the fields.
#[derive(Debug, Default, Serialize)]
struct Line {
    evaluation_id: String,
    dr_number: String,
    mode: &'static str,
    created_at: String,
    completed_at: String,
    revision: u32,
    verdict: &'static str,
    reviewed_verdict: &'static str,
    average_score: Option<f64>,
    certainty: Option<f64>,
    photos: usize,
    flags: usize,
    superseded_by: String,
    catalogue_version: String,
    model: String,
    prompt_version: String,
    size_policy_version: String,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    step: String,
    step_number: Option<u8>,
    step_label: String,
    step_critical: Option<bool>,
    step_outcome: String,
    step_reviewed_outcome: String,
    step_score: Option<u8>,
    step_certainty: Option<f64>,
    step_reading: String,
    step_power_dbm: Option<f64>,
    step_photo: String,
    step_remedy: String,
    step_reason: String,
    step_decided_by: String,
    step_decided_at: String,
    step_decided_reason: String,
}

/// What people decided of an evaluation, as it stands.
#[derive(Debug, Default)]
struct Decided {
    verdict: Option<Verdict>,
    whole: Option<ReviewRecord>,
    steps: BTreeMap<StepKey, ReviewRecord>,
}

/// Reads a page.
pub(crate) async fn read(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let asked = Asked::of(request)?;
    let filter = asked.filter();
    let readings = filter.readings(Order::Newest, asked.after.as_ref(), asked.limit);
    let parts = try_join_all(readings.iter().map(|reading| api.table.cards(reading))).await?;
    let takes = |card: &Card| filter.takes(card, Order::Newest, &[]);
    let after = asked.after.as_ref();
    let page = page(parts, Order::Newest, after, asked.limit, takes);
    let keys = page
        .cards
        .iter()
        .map(|card| Key::Evaluation(card.evaluation_id.clone()));
    let evaluations: Vec<Option<Evaluation>> = api.ports.get_all(keys.collect()).await?;
    let decided = decided(api, &page.cards).await?;
    let csv = write(&page.cards, &evaluations, &decided, after.is_none());
    let csv = csv.map_err(|cause| RunError::bug("a line can't be written", cause))?;
    let header = match after {
        None => "text/csv; charset=utf-8; header=present",
        Some(_) => "text/csv; charset=utf-8; header=absent",
    };
    let response = http::text(200, header, csv);
    let name = format!("attachment; filename=\"{}\"", asked.file_name());
    let response = http::with_header(response, "content-disposition", &name);
    Ok(match page.next {
        Some(next) => http::with_header(response, "link", &asked.link(&next)),
        None => response,
    })
}

/// What people decided of those evaluations on which they did.
async fn decided(api: &Api, cards: &[Card]) -> Result<BTreeMap<EvaluationId, Decided>, RunError> {
    let reviewed = cards.iter().filter(|card| card.reviewed);
    let read = stream::iter(reviewed).map(async |card| {
        let id = card.evaluation_id.clone();
        let of = self::reviewed(&api.ports, &id);
        let all = reviews(&api.ports, &card.dr_number);
        let (of, all) = tokio::try_join!(of, all)?;
        let decided = of.map(|of| Decided::of(&of, all.records()));
        Ok::<_, RunError>((id, decided.unwrap_or_default()))
    });
    read.buffer_unordered(AT_ONCE).try_collect().await
}

impl Decided {
    fn of(of: &Reviewed, records: &[ReviewRecord]) -> Self {
        let (standing, verdict) = of.standing(records);
        let steps = standing.steps.iter();
        Self {
            verdict,
            whole: standing.whole.cloned(),
            steps: steps
                .map(|(step, record)| (step.clone(), (*record).clone()))
                .collect(),
        }
    }
}

fn write(
    cards: &[Card],
    evaluations: &[Option<Evaluation>],
    decided: &BTreeMap<EvaluationId, Decided>,
    with_header: bool,
) -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .has_headers(with_header)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let nobody = Decided::default();
    let mut is_empty = true;
    for (card, evaluation) in cards.iter().zip(evaluations) {
        // Deleted since, its time being over.
        let Some(evaluation) = evaluation else {
            continue;
        };
        let decided = decided.get(&card.evaluation_id).unwrap_or(&nobody);
        for line in lines(evaluation, decided) {
            writer.serialize(line)?;
            is_empty = false;
        }
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| std::io::Error::other("a line that is no text"))?;
    // The names of the columns are written with the first line: where there is none, they are still said.
    match is_empty && with_header {
        true => header(),
        false => Ok(text),
    }
}

/// The names of the columns.
fn header() -> Result<String, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.serialize(Line::default())?;
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    let text = String::from_utf8_lossy(&bytes);
    let end = text.find("\r\n").map_or(text.len(), |end| end + 2);
    Ok(text.chars().take(end).collect())
}

/// The lines of an evaluation: one for each step, or a single one while there is no verdict.
fn lines(evaluation: &Evaluation, decided: &Decided) -> Vec<Line> {
    let rows = evaluation
        .judgement
        .iter()
        .flat_map(|judgement| &judgement.steps);
    let lines: Vec<Line> = rows
        .map(|row| line(evaluation, decided, Some(row)))
        .collect();
    match lines.is_empty() {
        true => vec![line(evaluation, decided, None)],
        false => lines,
    }
}

fn line(evaluation: &Evaluation, decided: &Decided, row: Option<&StepVerdict>) -> Line {
    let judgement = evaluation.judgement.as_ref();
    let record = row.and_then(|row| decided.steps.get(&row.step));
    let by = record.or(decided.whole.as_ref());
    let flags = judgement.map_or(0, |it| it.flags.len() + it.flags_left_out);
    let certainty = judgement.and_then(|judgement| judgement.certainty());
    let superseded_by = evaluation.superseded_by.as_ref().map(ToString::to_string);
    Line {
        evaluation_id: evaluation.evaluation_id.to_string(),
        dr_number: evaluation.dr_number.to_string(),
        mode: evaluation.mode.as_str(),
        created_at: evaluation.created_at.to_string(),
        completed_at: time(evaluation.completed_at),
        revision: evaluation.revision,
        verdict: judgement.map_or("", |judgement| judgement.verdict.as_str()),
        reviewed_verdict: decided.verdict.map_or("", Verdict::as_str),
        average_score: judgement.and_then(|judgement| judgement.average_score),
        certainty: certainty.map(|certainty| certainty.share()),
        photos: evaluation.photos_total,
        flags,
        superseded_by: superseded_by.unwrap_or_default(),
        catalogue_version: harmless(&evaluation.versions.catalogue),
        model: harmless(&evaluation.versions.model),
        prompt_version: harmless(&evaluation.versions.prompt),
        size_policy_version: harmless(&evaluation.versions.size_policy),
        prompt_tokens: evaluation.usage.map(|usage| usage.prompt_tokens),
        completion_tokens: evaluation.usage.map(|usage| usage.completion_tokens),
        step_reviewed_outcome: reviewed_outcome(record),
        step_decided_by: optional(by.and_then(|record| record.by.as_deref())),
        step_decided_at: time(by.map(|record| record.at)),
        step_decided_reason: optional(by.and_then(|record| record.reason.as_deref())),
        ..row.map(of_step).unwrap_or_default()
    }
}

fn of_step(row: &StepVerdict) -> Line {
    let power = match row.extracted {
        Some(Extracted::PowerDbm(power)) => Some(power),
        _ => None,
    };
    Line {
        step: harmless(row.step.as_str()),
        step_number: Some(row.number),
        step_label: harmless(&row.label),
        step_critical: Some(row.critical),
        step_outcome: word(&row.outcome),
        step_score: row.score.map(|score| score.value()),
        step_certainty: row.certainty.map(|certainty| certainty.share()),
        step_reading: optional(row.reading.as_deref()),
        step_power_dbm: power,
        step_photo: optional(row.photo.as_deref()),
        step_remedy: row.remedy.as_ref().map(word).unwrap_or_default(),
        step_reason: optional(row.reason.as_deref()),
        ..Line::default()
    }
}

/// What people decided of the step; of the whole, nothing.
fn reviewed_outcome(record: Option<&ReviewRecord>) -> String {
    let decided = record.and_then(ReviewRecord::decided);
    decided
        .map(|decided| word::<Decision>(&decided.decision))
        .unwrap_or_default()
}

/// A word of the API.
fn word<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn time(at: Option<Timestamp>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

fn optional(text: Option<&str>) -> String {
    text.map(harmless).unwrap_or_default()
}

/// A text that no program for tables takes for a formula.
fn harmless(text: &str) -> String {
    match text.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

impl Asked {
    fn of(request: &ApiGatewayV2httpRequest) -> Result<Self, Problem> {
        let parameter = |name: &str| request.query_string_parameters.first(name);
        let time = |name: &str| {
            let text = parameter(name).map(Timestamp::parse);
            let text = text.and_then(Result::ok);
            text.ok_or_else(|| {
                Problem::bad_request(format!(
                    "{name} is a time such as 2026-11-24T00:00:00Z; both from and to are wanted."
                ))
            })
        };
        let limit = match parameter("limit").map(str::parse::<usize>) {
            None => MOST,
            Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
            Some(_) => {
                let why = format!("limit is a number from 1 to {MOST}.");
                return Err(Problem::bad_request(why));
            }
        };
        let after = parameter("cursor").map(|cursor| Order::Newest.parse(cursor));
        let after = after.transpose().map_err(|_| {
            Problem::bad_request("cursor is that of the header \"link\" of the page before; leave it out for the first page.")
        })?;
        Ok(Self {
            from: time("from")?,
            to: time("to")?,
            limit,
            after,
        })
    }

    fn filter(&self) -> Filter {
        Filter {
            from: Some(self.from),
            to: Some(self.to),
            ..Filter::default()
        }
    }

    /// The address of the next page, as RFC 8288 has it.
    fn link(&self, next: &Place) -> String {
        let Self {
            from, to, limit, ..
        } = self;
        let cursor = next.cursor();
        format!("</export?from={from}&to={to}&limit={limit}&cursor={cursor}>; rel=\"next\"")
    }

    fn file_name(&self) -> String {
        let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
        format!("evaluations-{}-{}.csv", day(self.from), day(self.to))
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
