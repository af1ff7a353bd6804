//! The list across DRs, `GET /evaluations`: of what is asked for, page by page, with counts.
//!
//! # Invariants
//! - A page costs at most a query for each state, one for the claims and one for each year that is counted, or, of
//!   claimed DRs, one for each, and one item where certainty is to order it; none reads further than so many cards, whatever there is.

use std::time::Duration;

use aws::clock;
use aws::http::{self, problem::Problem};
use aws::table::{Table, TableError};
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use evaluation::decide::accuracy::kept::{Kept, may_order};
use evaluation::decide::card::{Card, Counts, State, day, years};
use evaluation::decide::claim::Claim;
use evaluation::decide::list::{Ended, Filter, Order, Part, Place, claimed, page};
use evaluation::decide::update::Key;
use evaluation::domain::certainty::Certainty;
use evaluation::domain::ids::{DrNumber, EvaluationId};
use evaluation::domain::judge::Verdict;
use evaluation::domain::plan::Mode;
use evaluation::domain::time::{Moment, Timestamp};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Api, Refusal};
use crate::claims::Held;
use crate::history;
use crate::tally::Tally;

/// DRs whose cards are read at once.
const AT_ONCE: usize = 16;
/// The shortest span: what ends at midnight does not begin the next day.
const INSTANT: Duration = Duration::from_millis(1);

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    filter: Filter,
    order: Order,
    after: Option<Place>,
    limit: usize,
}

/// A page of the list across DRs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationList)]
pub(crate) struct List {
    /// The order that they are in: that asked for, or, where certainty does not tell errors from the rest, by flags and
    /// chance instead of by certainty.
    ordered_by: OrderedBy,
    /// Why certainty orders them, or does not; on the first page of that order only.
    ordered_because: Option<String>,
    /// Evaluations, in this order. A page may have fewer than `limit`: go on while there is a `next`.
    evaluations: Vec<Listed>,
    /// How many there are; on the first page only.
    counts: Option<Counted>,
    /// The `cursor` of the next page; null on the last one.
    next: Option<String>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderedBy {
    /// The newest first.
    Newest,
    /// The least certain first.
    LeastCertain,
    /// Those with flags first, then those that chance drew (`sampled`), then the others, each the newest first.
    FlagsAndChance,
}

impl From<Order> for OrderedBy {
    fn from(order: Order) -> Self {
        match order {
            Order::Newest => Self::Newest,
            Order::LeastCertain => Self::LeastCertain,
            Order::FlagsAndChance => Self::FlagsAndChance,
        }
    }
}

/// An evaluation as it is listed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedEvaluation)]
pub(crate) struct Listed {
    /// Its identity.
    evaluation_id: EvaluationId,
    /// Its DR.
    dr_number: DrNumber,
    /// As asked.
    mode: Mode,
    /// The model's verdict; null while there is none.
    verdict: Option<Verdict>,
    /// How many verdicts it has had.
    revision: u32,
    /// The mean of the asked steps' best scores.
    #[schema(minimum = 0, maximum = 10)]
    average_score: Option<f64>,
    /// How sure the model was of the step that it was least sure of.
    certainty: Option<Certainty>,
    /// How many flags its verdict has; those that came since are not counted.
    flags: usize,
    /// The number of its photos.
    photos_total: usize,
    /// The evaluation that took its place.
    superseded_by: Option<EvaluationId>,
    /// How many notes technicians said of its DR's steps: it is contested if there are any.
    notes: u32,
    /// Whether people decided something of it.
    reviewed: bool,
    /// The verdict with what people decided.
    reviewed_verdict: Option<Verdict>,
    /// When it was asked for.
    created_at: Moment,
    /// When it was finalised last.
    completed_at: Option<Moment>,
    /// Whether chance drew it for review, though nothing speaks against its pass.
    sampled: bool,
    /// Who looks at its DR, if somebody does.
    claim: Option<Held>,
    /// Where more is to be had.
    links: ListedLinks,
}

/// Where more of a listed evaluation is to be had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedLinks {
    /// The evaluation.
    #[serde(rename = "self")]
    #[schema(example = "/evaluations/01890a5d-ac96-774b-bcce-b302099a8057")]
    itself: String,
    /// Its DR.
    #[schema(example = "/drs/DR1730550")]
    dr: String,
    /// Where the DR is claimed.
    #[schema(example = "/drs/DR1730550/claim")]
    claim: String,
}

/// How many evaluations there are that were asked for on these days, of what the request asks for otherwise, but for
/// claims. Evaluations that were deleted since are still counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvaluationCounts)]
pub(crate) struct Counted {
    /// The first day, in UTC, counted as a whole.
    #[schema(format = Date)]
    first_day: String,
    /// The last day, the same.
    #[schema(format = Date)]
    last_day: String,
    /// How many.
    #[serde(flatten)]
    tally: Tally,
}

/// Reads a page.
pub(crate) async fn read(
    api: &Api,
    request: &ApiGatewayV2httpRequest,
) -> Result<ApiGatewayV2httpResponse, Refusal> {
    let mut asked = Asked::of(request)?;
    let ordered_because = ordered(api, &mut asked).await?;
    let now = clock::now();
    let claims = async { Ok(api.table.claims(now).await?) };
    let (claims, parts, counts) =
        tokio::try_join!(claims, parts(&api.table, &asked), counts(api, &asked, now))?;
    let parts = match asked.filter.claimed {
        Some(true) => of_claimed(&api.table, &claims).await?,
        _ => parts,
    };
    let takes = |card: &Card| asked.filter.takes(card, asked.order, &claims);
    let page = page(parts, asked.order, asked.after.as_ref(), asked.limit, takes);
    let list = List {
        ordered_by: asked.order.into(),
        ordered_because,
        evaluations: page
            .cards
            .into_iter()
            .map(|card| listed(card, &claims))
            .collect(),
        counts,
        next: page.next.map(|place| place.cursor()),
    };
    Ok(http::json(200, &list))
}

/// Has flags and chance order the list where certainty may not; says why. Where a list goes on, its cursor says how.
async fn ordered(api: &Api, asked: &mut Asked) -> Result<Option<String>, Refusal> {
    if asked.order != Order::LeastCertain || asked.after.is_some() {
        return Ok(None);
    }
    let kept: Option<Kept> = api.table.get(&Key::Accuracy).await?;
    let (may, why) = may_order(kept.as_ref());
    if !may {
        asked.order = Order::FlagsAndChance;
    }
    Ok(Some(why))
}

/// A part of each state that is asked for; none where the claims say where to look.
async fn parts(table: &Table, asked: &Asked) -> Result<Vec<Part>, Refusal> {
    if asked.filter.claimed == Some(true) {
        return Ok(Vec::new());
    }
    let after = asked.after.as_ref();
    let readings = asked.filter.readings(asked.order, after, asked.limit);
    Ok(try_join_all(readings.iter().map(|reading| table.cards(reading))).await?)
}

/// The last cards of each DR that is claimed: there are few.
async fn of_claimed(table: &Table, claims: &[Claim]) -> Result<Vec<Part>, TableError> {
    let parts = stream::iter(claims).map(async |claim| {
        let cards = table.cards_of(&claim.dr_number).await?;
        Ok(Part { cards, more: false })
    });
    parts.buffer_unordered(AT_ONCE).try_collect().await
}

/// What is counted; on the first page only, for it would be the same on the others.
async fn counts(api: &Api, asked: &Asked, now: Timestamp) -> Result<Option<Counted>, Refusal> {
    if asked.after.is_some() {
        return Ok(None);
    }
    let filter = &asked.filter;
    let oldest = now.before(api.kept_for);
    let from = filter.from.map_or(oldest, |from| from.max(oldest));
    let to = filter.to.map_or(now, |to| to.before(INSTANT).min(now));
    // A range that lies elsewhere has nothing in it.
    let years = if from <= to {
        years(from, to)
    } else {
        Vec::new()
    };
    let read = years.iter().map(|(from, to)| api.table.counts(from, to));
    let days = try_join_all(read).await?.concat();
    let states = filter.states(asked.order);
    let counts = Counts::of(&days);
    let counts = match filter.contested {
        Some(contested) => counts.only(contested),
        None => counts,
    };
    Ok(Some(Counted::of(
        &counts,
        &states,
        (day(from), day(to.max(from))),
    )))
}

impl Counted {
    fn of(counts: &Counts, states: &[State], (first_day, last_day): (String, String)) -> Self {
        Self {
            first_day,
            last_day,
            tally: Tally::of(counts, |state| states.contains(&state)),
        }
    }
}

fn listed(card: Card, claims: &[Claim]) -> Listed {
    let (id, dr) = (&card.evaluation_id, &card.dr_number);
    Listed {
        sampled: card.state().sampled,
        claim: claimed(dr, claims).map(Held::of),
        links: ListedLinks {
            itself: format!("/evaluations/{id}"),
            dr: format!("/drs/{dr}"),
            claim: format!("/drs/{dr}/claim"),
        },
        created_at: card.created_at.into(),
        completed_at: card.completed_at.map(Moment),
        evaluation_id: card.evaluation_id,
        dr_number: card.dr_number,
        mode: card.mode,
        verdict: card.verdict,
        revision: card.revision,
        average_score: card.average_score,
        certainty: card.certainty,
        flags: card.flags,
        photos_total: card.photos_total,
        superseded_by: card.superseded_by,
        notes: card.notes,
        reviewed: card.reviewed,
        reviewed_verdict: card.reviewed_verdict,
    }
}

impl Asked {
    /// Reads the question off a request.
    fn of(request: &ApiGatewayV2httpRequest) -> Result<Self, Problem> {
        let parameter = |name: &str| request.query_string_parameters.first(name);
        let order = match parameter("sort") {
            None | Some("newest") => Order::Newest,
            Some("least_certain") => Order::LeastCertain,
            Some(_) => return Err(refused("sort is newest or least_certain")),
        };
        // What commas part comes as several values, and so does what is said several times.
        let verdicts = request.query_string_parameters.all("verdict");
        let verdicts = verdicts.map(|words| verdicts_of(&words)).transpose()?;
        let filter = Filter {
            verdicts: verdicts.unwrap_or_default(),
            flagged: truth("flagged", parameter("flagged"))?,
            reviewed: truth("reviewed", parameter("reviewed"))?,
            sampled: truth("sampled", parameter("sampled"))?,
            claimed: truth("claimed", parameter("claimed"))?,
            contested: truth("contested", parameter("contested"))?,
            from: time("from", parameter("from"))?,
            to: time("to", parameter("to"))?,
        };
        let cursor = parameter("cursor").map(|cursor| behind(order, cursor));
        let (order, after) = match cursor.transpose()? {
            Some((order, after)) => (order, Some(after)),
            None => (order, None),
        };
        Ok(Self {
            filter,
            order,
            after,
            limit: history::limit(request)?,
        })
    }
}

/// Where a list goes on: one that was to be ordered by certainty may have been by flags and chance.
fn behind(order: Order, cursor: &str) -> Result<(Order, Place), Problem> {
    let instead = (order == Order::LeastCertain).then_some(Order::FlagsAndChance);
    let orders = [Some(order), instead].into_iter().flatten();
    let mut places = orders.filter_map(|order| Some((order, order.parse(cursor).ok()?)));
    places.next().ok_or_else(|| {
        refused("cursor is the value of \"next\" of the page before, with the same sort; leave it out for the first page")
    })
}

fn refused(what: &str) -> Problem {
    Problem::bad_request(format!("{what}."))
}

fn verdicts_of(words: &[&str]) -> Result<Vec<Ended>, Problem> {
    let verdict = |word: &str| match word {
        "unfinished" => Ok(Ended::Unfinished),
        "pass" => Ok(Ended::With(Verdict::Pass)),
        "fail" => Ok(Ended::With(Verdict::Fail)),
        "incomplete" => Ok(Ended::With(Verdict::Incomplete)),
        _ => Err(refused(
            "verdict is pass, fail, incomplete or unfinished, or several of them with commas between",
        )),
    };
    words.iter().copied().map(verdict).collect()
}

fn truth(name: &str, word: Option<&str>) -> Result<Option<bool>, Problem> {
    match word {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(refused(&format!("{name} is true or false"))),
    }
}

pub(crate) fn time(name: &str, word: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let read = |word| {
        Timestamp::parse(word)
            .map_err(|_| refused(&format!("{name} is a time such as 2026-11-24T00:00:00Z")))
    };
    word.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::samples::asking;

    fn asked(parameters: Value) -> Result<Asked, Problem> {
        Asked::of(&asking(parameters))
    }

    #[test]
    fn what_is_asked_for_is_read_off_the_address() {
        let all = asked(json!({})).unwrap();
        assert_eq!(
            (all.filter, all.order, all.limit),
            (Filter::default(), Order::Newest, 20)
        );
        let id = clock::new_evaluation_id(clock::now());
        let some = asked(json!({
            "verdict": "fail,incomplete", "flagged": "true", "reviewed": "false", "claimed": "false",
            "sampled": "true", "contested": "true",
            "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T02:00:00+02:00", "sort": "least_certain",
            "cursor": format!("0512.{id}"), "limit": "100",
        }));
        let some = some.unwrap();
        let wanted = [Verdict::Fail, Verdict::Incomplete].map(Ended::With);
        assert_eq!(some.filter.verdicts, wanted);
        assert_eq!(
            (
                some.filter.claimed,
                some.filter.sampled,
                some.filter.contested
            ),
            (Some(false), Some(true), Some(true))
        );
        let day = some.filter.to.unwrap().since(some.filter.from.unwrap());
        assert_eq!(day.as_secs(), 24 * 3600);
        assert_eq!(some.after.unwrap().cursor(), format!("0512.{id}"));
    }

    #[test]
    fn what_can_t_be_asked_for_is_refused_with_what_can() {
        for (name, value, words) in [
            ("verdict", "passed", "unfinished"),
            ("verdict", "", "unfinished"),
            ("flagged", "yes", "true or false"),
            ("reviewed", "1", "true or false"),
            ("claimed", "", "true or false"),
            ("sampled", "2", "true or false"),
            ("contested", "no", "true or false"),
            ("from", "yesterday", "2026-11-24T00:00:00Z"),
            ("to", "2026-11-24", "2026-11-24T00:00:00Z"),
            ("sort", "oldest", "least_certain"),
            ("limit", "0", "1 to 100"),
            ("cursor", "x", "next"),
            ("cursor", "0512.x", "next"),
            ("cursor", "", "next"),
        ] {
            let problem = asked(json!({name: value})).unwrap_err();
            assert_eq!(problem.status, 400, "{name} {value}");
            assert!(problem.detail.contains(words), "{name}: {}", problem.detail);
        }
        let id = clock::new_evaluation_id(clock::now());
        let instead = json!({"sort": "least_certain", "cursor": format!("1.{id}")});
        let instead = asked(instead).unwrap();
        assert_eq!(instead.order, Order::FlagsAndChance);
        assert_eq!(instead.after.unwrap().cursor(), format!("1.{id}"));
        assert_eq!(
            asked(json!({"cursor": format!("1.{id}")}))
                .unwrap_err()
                .status,
            400
        );
        let of_another_order = json!({"sort": "least_certain", "cursor": id});
        assert_eq!(asked(of_another_order).unwrap_err().status, 400);
        let signed = json!({"sort": "least_certain", "cursor": format!("-512.{id}")});
        assert_eq!(asked(signed).unwrap_err().status, 400);
    }
}
