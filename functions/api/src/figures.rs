//! How the system does, for operators: what was evaluated on each day, and the course of its metrics, `GET /figures`.
//!
//! # Invariants
//! - Counts are the table's own, exact; metrics are CloudWatch's, and say nothing where it has nothing.
//! - One question to CloudWatch, of a bounded number of metrics and periods, whatever is asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::clock;
use aws::http::problem::Problem;
use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric as CloudWatchMetric, MetricDataQuery, MetricDataResult, MetricStat,
};
use evaluation::decide::card::{Counts, years};
use evaluation::domain::time::{Moment, Timestamp};
use evaluation::figures::{Metric, Unit};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::metrics::{ConsoleLinks, NAMESPACE};
use crate::tally::Tally;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTES: Duration = Duration::from_secs(300);
/// CloudWatch keeps minutes so long: behind that it knows whole hours only.
const MINUTES_KEPT: Duration = Duration::from_secs(63 * 24 * 3600);
/// Shown by minutes up to so much: what it is now.
const LATELY: Duration = Duration::from_secs(3600);
/// Shown by the hour up to so much.
const BY_THE_HOUR: Duration = Duration::from_secs(2 * 24 * 3600);
/// The longest span.
const LONGEST: Duration = Duration::from_secs(92 * 24 * 3600);
/// The span, unless asked otherwise.
const USUAL: Duration = Duration::from_secs(14 * 24 * 3600);

/// The shortest span: what ends at midnight has no part of the day that begins then.
const INSTANT: Duration = Duration::from_millis(1);

/// How the metrics are put together over a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FigureKind {
    /// How long something took: percentiles.
    Span,
    /// How many of all: the mean of zeros and ones.
    Share,
    /// How many together.
    Sum,
    /// How many there are at a time: the most.
    Level,
}

impl FigureKind {
    fn statistics(self) -> &'static [&'static str] {
        match self {
            Self::Span => &["SampleCount", "p50", "p95", "p99"],
            Self::Share => &["SampleCount", "Average"],
            Self::Sum => &["Sum"],
            Self::Level => &["Maximum"],
        }
    }
}

/// What is shown, in this order.
const SHOWN: [(Metric, FigureKind); 22] = [
    (Metric::EvaluationTime, FigureKind::Span),
    (Metric::BulkEvaluationTime, FigureKind::Span),
    (Metric::WaitedEvaluationTime, FigureKind::Span),
    (Metric::QueueWait, FigureKind::Span),
    (Metric::VlmTime, FigureKind::Span),
    (Metric::ApiTime, FigureKind::Span),
    (Metric::PhotoFailed, FigureKind::Share),
    (Metric::EvaluationIncomplete, FigureKind::Share),
    (Metric::EvaluationFlagged, FigureKind::Share),
    (Metric::VlmFailed, FigureKind::Share),
    (Metric::ApiFailed, FigureKind::Share),
    (Metric::CacheHit, FigureKind::Share),
    (Metric::BreakerOpen, FigureKind::Share),
    (Metric::PhotoDeferred, FigureKind::Sum),
    (Metric::PhotosResent, FigureKind::Sum),
    (Metric::PhotosReused, FigureKind::Sum),
    (Metric::PromptTokens, FigureKind::Sum),
    (Metric::CompletionTokens, FigureKind::Sum),
    (Metric::TokensSaved, FigureKind::Sum),
    (Metric::PhotosPending, FigureKind::Level),
    (Metric::UnfinishedEvaluations, FigureKind::Level),
    (Metric::OldestUnfinished, FigureKind::Level),
];

/// How the system did in a span of time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Figures {
    /// From then on; whole periods.
    from: Moment,
    /// Until then.
    to: Moment,
    /// Seconds of a period: five minutes for up to an hour, an hour for up to two days, else a day.
    period_seconds: u64,
    /// What was asked for on each day of the span, in UTC, the first one first; days without any are left out.
    days: Vec<DayOfEvaluations>,
    /// Metrics, each with its course.
    figures: Vec<FigureCourse>,
    /// Where more is to be had.
    links: ConsoleLinks,
}

/// Evaluations that were asked for on a day.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DayOfEvaluations {
    /// The day, in UTC.
    #[schema(format = Date)]
    day: String,
    /// How many.
    #[serde(flatten)]
    tally: Tally,
}

/// A metric over the span.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct FigureCourse {
    /// Its name in CloudWatch.
    metric: &'static str,
    /// What it says.
    says: &'static str,
    /// How it is put together.
    kind: FigureKind,
    /// `ms`, `s`, `%`; null for numbers of things and shares.
    unit: Option<&'static str>,
    /// Its periods, the first one first; those in which nothing was measured are left out.
    course: Vec<FigurePoint>,
}

/// A metric over a period.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct FigurePoint {
    /// When the period begins.
    at: Moment,
    /// How many cases there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<f64>,
    /// A share of them from 0 to 1, a sum, or the most at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Half of them took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50: Option<f64>,
    /// 95 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p95: Option<f64>,
    /// 99 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    p99: Option<f64>,
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    from: Timestamp,
    to: Timestamp,
    period: Duration,
}

/// Reads them.
pub(crate) async fn read(api: &Api, request: &ApiGatewayV2httpRequest) -> Result<Figures, Refusal> {
    let asked = Asked::of(request, clock::now())?;
    let (days, figures) = tokio::try_join!(days(api, &asked), courses(api, &asked))?;
    Ok(Figures {
        from: asked.from.into(),
        to: asked.to.into(),
        period_seconds: asked.period.as_secs(),
        days,
        figures,
        links: api.metrics.links(),
    })
}

async fn days(api: &Api, asked: &Asked) -> Result<Vec<DayOfEvaluations>, Refusal> {
    let years = asked.years();
    let read = years.iter().map(|(from, to)| api.table.counts(from, to));
    let days = try_join_all(read).await?.concat();
    Ok(days.into_iter().filter_map(day_of).collect())
}

fn day_of(item: Map<String, Value>) -> Option<DayOfEvaluations> {
    let day = item.get("sk")?.as_str()?.to_owned();
    let counts = Counts::of(&[item]);
    Some(DayOfEvaluations {
        day,
        tally: Tally::of(&counts, |_| true),
    })
}

async fn courses(api: &Api, asked: &Asked) -> Result<Vec<FigureCourse>, Refusal> {
    let queries = queries(&api.metrics.stack, asked.period);
    let results = api.metrics.read(queries, asked.from, asked.to).await?;
    Ok(folded(&results))
}

/// A query for each statistic of each metric. Its id says which: `m3_1` is the second statistic of the fourth metric.
fn queries(stack: &str, period: Duration) -> Vec<MetricDataQuery> {
    let dimension = Dimension::builder().name("Stack").value(stack).build();
    let seconds = i32::try_from(period.as_secs()).unwrap_or(i32::MAX);
    let of = |(at, (metric, kind)): (usize, (Metric, FigureKind))| {
        let metric = CloudWatchMetric::builder()
            .namespace(NAMESPACE)
            .metric_name(metric.name())
            .dimensions(dimension.clone())
            .build();
        let query = move |(which, statistic): (usize, &&str)| {
            let stat = MetricStat::builder()
                .metric(metric.clone())
                .period(seconds)
                .stat(*statistic);
            MetricDataQuery::builder()
                .id(id(at, which))
                .metric_stat(stat.build())
                .build()
        };
        kind.statistics().iter().enumerate().map(query)
    };
    SHOWN.into_iter().enumerate().flat_map(of).collect()
}

fn id(metric: usize, statistic: usize) -> String {
    format!("m{metric}_{statistic}")
}

/// What was found, put together by metric and period.
fn folded(results: &[MetricDataResult]) -> Vec<FigureCourse> {
    let mut courses: Vec<BTreeMap<i64, FigurePoint>> =
        SHOWN.iter().map(|_| BTreeMap::new()).collect();
    for (at, (course, (_, kind))) in courses.iter_mut().zip(SHOWN).enumerate() {
        for (which, statistic) in kind.statistics().iter().enumerate() {
            let id = id(at, which);
            let of_it = results.iter().filter(|one| one.id.as_deref() == Some(&id));
            for (time, value) in of_it.flat_map(|one| one.timestamps().iter().zip(one.values())) {
                let millis = time.to_millis().unwrap_or_default();
                let point = course.entry(millis).or_insert_with(|| FigurePoint {
                    at: Timestamp::from_millis(millis).into(),
                    cases: None,
                    value: None,
                    p50: None,
                    p95: None,
                    p99: None,
                });
                point.set(statistic, *value);
            }
        }
    }
    let shown = SHOWN.into_iter().zip(courses);
    let course = |((metric, kind), course): ((Metric, FigureKind), BTreeMap<i64, FigurePoint>)| {
        FigureCourse {
            metric: metric.name(),
            says: metric.says(),
            kind,
            unit: match metric.unit() {
                Unit::Count => None,
                Unit::Milliseconds => Some("ms"),
                Unit::Seconds => Some("s"),
                Unit::Percent => Some("%"),
            },
            course: course.into_values().collect(),
        }
    };
    shown.map(course).collect()
}

impl FigurePoint {
    fn set(&mut self, statistic: &str, value: f64) {
        let field = match statistic {
            "SampleCount" => &mut self.cases,
            "p50" => &mut self.p50,
            "p95" => &mut self.p95,
            "p99" => &mut self.p99,
            _ => &mut self.value,
        };
        *field = Some(value);
    }
}

impl Asked {
    fn of(request: &ApiGatewayV2httpRequest, now: Timestamp) -> Result<Self, Problem> {
        let time = |name: &str| {
            let word = request.query_string_parameters.first(name);
            word.map(Timestamp::parse).transpose().map_err(|_| {
                Problem::bad_request(format!("{name} is a time such as 2026-11-24T00:00:00Z."))
            })
        };
        let to = time("to")?.unwrap_or(now).min(now);
        let from = time("from")?.unwrap_or_else(|| to.before(USUAL));
        if from >= to {
            return Err(Problem::bad_request(
                "from is before to, and not in the future.",
            ));
        }
        let span = to.since(from);
        if span > LONGEST {
            return Err(Problem::bad_request(
                "A span has at most 92 days. Ask for a shorter one (from, to).",
            ));
        }
        let period = match span {
            span if span <= LATELY && now.since(from) < MINUTES_KEPT => MINUTES,
            span if span <= BY_THE_HOUR => HOUR,
            _ => DAY,
        };
        // Whole periods, so that counts and metrics are of the same.
        let millis = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
        let begin = from.as_millis() - from.as_millis().rem_euclid(millis);
        Ok(Self {
            from: Timestamp::from_millis(begin),
            to,
            period,
        })
    }

    /// The first and the last of its days in each year.
    fn years(&self) -> Vec<(String, String)> {
        years(self.from, self.to.before(INSTANT))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::primitives::DateTime;

    use super::*;
    use crate::samples::asking;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn asked(parameters: Value) -> Result<Asked, Problem> {
        Asked::of(&asking(parameters), at("2026-11-26T12:00:00Z"))
    }

    #[test]
    fn a_span_is_of_whole_days_hours_or_minutes() {
        let usual = asked(serde_json::json!({})).unwrap();
        assert_eq!(
            (usual.from, usual.period),
            (at("2026-11-12T00:00:00Z"), DAY)
        );
        let today = asked(serde_json::json!({"from": "2026-11-26T03:30:00Z"})).unwrap();
        assert_eq!(
            (today.from, today.period),
            (at("2026-11-26T03:00:00Z"), HOUR)
        );
        assert_eq!(today.to, at("2026-11-26T12:00:00Z"));
        let now = asked(serde_json::json!({"from": "2026-11-26T11:47:00Z"})).unwrap();
        assert_eq!(
            (now.from, now.period),
            (at("2026-11-26T11:45:00Z"), MINUTES)
        );
        let long_ago =
            serde_json::json!({"from": "2026-09-01T00:20:00Z", "to": "2026-09-01T01:10:00Z"});
        let long_ago = asked(long_ago).unwrap();
        let begins = at("2026-09-01T00:00:00Z");
        assert_eq!(
            (long_ago.from, long_ago.period),
            (begins, HOUR),
            "CloudWatch has no minutes"
        );
    }

    #[test]
    fn what_ends_at_midnight_counts_no_further_day() {
        for (to, last) in [
            ("2026-11-26T00:00:00Z", "2026-11-25"),
            ("2026-11-26T00:00:00.001Z", "2026-11-26"),
        ] {
            let asked = asked(serde_json::json!({"from": "2026-11-24T00:00:00Z", "to": to}));
            let expected = ("2026-11-24".to_owned(), last.to_owned());
            assert_eq!(asked.unwrap().years(), [expected], "{to}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for (parameters, words) in [
            (serde_json::json!({"from": "yesterday"}), "2026-11-24"),
            (serde_json::json!({"to": "1"}), "2026-11-24"),
            (
                serde_json::json!({"from": "2026-11-27T00:00:00Z"}),
                "future",
            ),
            (
                serde_json::json!({"from": "2026-01-01T00:00:00Z"}),
                "92 days",
            ),
        ] {
            let problem = asked(parameters).unwrap_err();
            assert_eq!(problem.status, 400);
            assert!(problem.detail.contains(words), "{}", problem.detail);
        }
    }

    #[test]
    fn cloudwatch_takes_as_many_queries_and_each_is_read_as_what_it_asked_for() {
        let queries = queries("prod", DAY);
        assert!(queries.len() <= 500, "in one question");
        let ids: std::collections::BTreeSet<_> = queries.iter().map(|one| one.id.clone()).collect();
        assert_eq!(ids.len(), queries.len());
        let result = |query: &MetricDataQuery, value: f64| {
            MetricDataResult::builder()
                .set_id(query.id.clone())
                .timestamps(DateTime::from_secs(1_764_115_200))
                .values(value)
                .build()
        };
        let results: Vec<_> = (0..)
            .map(f64::from)
            .zip(&queries)
            .map(|(value, query)| result(query, value))
            .collect();
        let courses = folded(&results);
        assert_eq!(courses.len(), SHOWN.len());
        let [first, ..] = courses.as_slice() else {
            panic!("none");
        };
        assert_eq!((first.metric, first.unit), ("EvaluationTime", Some("ms")));
        let [point] = first.course.as_slice() else {
            panic!("one period");
        };
        assert_eq!(
            (point.cases, point.p50, point.p95, point.p99),
            (Some(0.), Some(1.), Some(2.), Some(3.))
        );
        assert_eq!(
            serde_json::to_value(point.at).unwrap(),
            "2025-11-26T00:00:00.000Z"
        );
        let tokens = courses
            .iter()
            .find(|one| one.metric == "PromptTokens")
            .unwrap();
        assert!(
            tokens
                .course
                .iter()
                .all(|point| point.value.is_some() && point.cases.is_none())
        );
        assert!(
            folded(&[]).iter().all(|one| one.course.is_empty()),
            "nothing was measured"
        );
    }

    #[test]
    fn a_days_counts_are_its_states_together() {
        let item = serde_json::json!({"pk": "COUNTS#2026", "sk": "2026-11-26", "other": 3});
        let Value::Object(item) = item else {
            panic!("an item")
        };
        let day = day_of(item).unwrap();
        assert_eq!((day.day.as_str(), day.tally.evaluations), ("2026-11-26", 0));
        assert_eq!(day_of(Map::new()), None);
    }
}
