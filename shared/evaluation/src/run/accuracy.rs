//! Finding what people decided in a span of time, and working out from it how right verdicts are.
//!
//! # Invariants
//! - What it reads is bounded: where more was reviewed, the span begins later.
//! - The span is of whole days, as evaluations are counted, so that what is weighed is what was counted.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value};

use super::error::RunError;
use super::ports::Ports;
use super::review::reviews;
use crate::decide::accuracy::kept::{DAYS, Kept};
use crate::decide::accuracy::{Case, KnownFound, cases, passes_for_people, verdicts};
use crate::decide::card::{Card, Counts, State, day, years};
use crate::decide::evaluation::Evaluation;
use crate::decide::known::Known;
use crate::decide::list::{Filter, Order, Part, Reading, page};
use crate::decide::update::Key;
use crate::decide::updates;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::time::Timestamp;
use crate::figures;

/// Reviewed evaluations that are read at most: each costs two reads, and somebody waits for them.
pub const MOST: usize = 1000;
/// Cards of a page, and evaluations that are held at once.
const PAGE: usize = 100;
/// DRs whose reviews are read at once.
const AT_ONCE: usize = 16;
/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// The shortest span: what ends at midnight does not begin the next day.
const INSTANT: Duration = Duration::from_millis(1);

/// Where the list across DRs is read from.
#[allow(
    async_fn_in_trait,
    reason = "the steps are run where they are made; nothing is spawned"
)]
pub trait Lists {
    /// The cards of one part of the list.
    async fn cards(&self, reading: &Reading) -> Result<Part, RunError>;
    /// What was counted on the days from one to another of the same year, both included.
    async fn counts(&self, from: &str, to: &str) -> Result<Vec<Map<String, Value>>, RunError>;
    /// Known cases between these two places, both included; the last `MOST_KNOWN` of them at most.
    async fn known(&self, low: &str, high: &str) -> Result<Vec<Known>, RunError>;
}

/// Whole days, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// Where the first begins.
    pub from: Timestamp,
    /// Where the last ends.
    pub to: Timestamp,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// When: where there was too much, later than asked.
    pub days: Days,
    /// Whether all that was asked for is in it.
    pub complete: bool,
    /// On how many evaluations people decided something, but for known cases.
    pub reviewed: usize,
    /// What, but for known cases.
    pub cases: Vec<Case>,
    /// What people made of known cases.
    pub known: KnownFound,
    /// All evaluations of these days, but for known cases.
    pub counts: Counts,
}

impl Days {
    /// The days in which these moments lie; the second one is the first that does not belong to it any more.
    ///
    /// ```
    /// use evaluation::domain::time::Timestamp;
    /// use evaluation::run::accuracy::Days;
    ///
    /// let at = |text| Timestamp::parse(text).unwrap();
    /// let days = Days::of(at("2026-11-24T10:00:00Z"), at("2026-11-26T00:00:00Z"));
    /// assert_eq!(days.names(), ("2026-11-24".into(), "2026-11-25".into()));
    /// ```
    pub fn of(from: Timestamp, to: Timestamp) -> Self {
        let last = to.before(INSTANT).max(from);
        Self {
            from: midnight(from),
            to: next_midnight(last),
        }
    }

    /// How many they are.
    pub fn count(&self) -> u16 {
        let seconds = self.to.as_seconds().saturating_sub(self.from.as_seconds());
        u16::try_from(seconds / DAY).unwrap_or(u16::MAX)
    }

    /// The first and the last day, as 2026-11-26.
    pub fn names(&self) -> (String, String) {
        (day(self.from), day(self.to.before(INSTANT)))
    }
}

fn midnight(at: Timestamp) -> Timestamp {
    let seconds = at.as_seconds().div_euclid(DAY).saturating_mul(DAY);
    Timestamp::from_millis(seconds.saturating_mul(1000))
}

fn next_midnight(at: Timestamp) -> Timestamp {
    midnight(at).after(Duration::from_secs(DAY.unsigned_abs()))
}

/// What was decided on evaluations that were asked for on these days, on the last so many of them at most.
pub async fn find(
    ports: &impl Ports,
    lists: &impl Lists,
    asked: Days,
    most: usize,
) -> Result<Found, RunError> {
    let (cards, days) = reviewed(lists, asked, most).await?;
    let place = |at| EvaluationId::from_parts(at, [0; 10]).to_string();
    let known = lists.known(&place(days.from), &place(days.to)).await?;
    let mut all = Decided::default();
    for some in cards.chunks(PAGE) {
        all.add(decided(ports, some, &known).await?);
    }
    let is_known = |card: &&Card| {
        known
            .iter()
            .any(|case| case.evaluation_id == card.evaluation_id)
    };
    Ok(Found {
        complete: days == asked,
        days,
        reviewed: cards.len() - cards.iter().filter(is_known).count(),
        cases: all.cases,
        counts: counted(lists, days)
            .await?
            .without(states(ports, &known).await?),
        known: KnownFound::of(&known, &all.known),
    })
}

/// In which states known cases are counted.
async fn states(ports: &impl Ports, known: &[Known]) -> Result<Vec<State>, RunError> {
    let key = |case: &Known| Key::Card(case.dr_number.clone(), case.evaluation_id.clone());
    let cards = ports
        .get_all::<Card>(known.iter().map(key).collect())
        .await?;
    Ok(cards.iter().flatten().map(Card::state).collect())
}

/// All evaluations of these days.
pub async fn counted(lists: &impl Lists, days: Days) -> Result<Counts, RunError> {
    let mut counted = Vec::new();
    for (from, to) in years(days.from, days.to.before(INSTANT)) {
        counted.extend(lists.counts(&from, &to).await?);
    }
    Ok(Counts::of(&counted))
}

/// The cards of evaluations on which people decided something, and the days that they are all of.
async fn reviewed(
    lists: &impl Lists,
    days: Days,
    most: usize,
) -> Result<(Vec<Card>, Days), RunError> {
    let filter = Filter {
        reviewed: Some(true),
        from: Some(days.from),
        to: Some(days.to),
        ..Filter::default()
    };
    let takes = |card: &Card| filter.takes(card, Order::Newest, &[]);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let mut parts = Vec::new();
        for reading in filter.readings(Order::Newest, after.as_ref(), PAGE) {
            parts.push(lists.cards(&reading).await?);
        }
        let found = page(parts, Order::Newest, after.as_ref(), PAGE, takes);
        all.extend(found.cards);
        after = found.next;
        if after.is_none() {
            return Ok((all, days));
        }
        if all.len() > most {
            return Ok(shortened(all, days));
        }
    }
}

/// The last whole days of what was read, the newest first; the last day as far as it was read if there is but that one.
fn shortened(mut cards: Vec<Card>, days: Days) -> (Vec<Card>, Days) {
    let Some(oldest) = cards.last().map(|card| card.created_at) else {
        return (cards, days);
    };
    let newest = cards.first().map_or(oldest, |card| card.created_at);
    let from = next_midnight(oldest).min(midnight(newest));
    cards.retain(|card| card.created_at >= from);
    (cards, Days { from, ..days })
}

/// What people decided on these evaluations.
async fn decided(ports: &impl Ports, cards: &[Card], known: &[Known]) -> Result<Decided, RunError> {
    let key = |card: &Card| Key::Evaluation(card.evaluation_id.clone());
    let found = ports
        .get_all::<Evaluation>(cards.iter().map(key).collect())
        .await?;
    let mut of_drs: BTreeMap<&DrNumber, Vec<(&Card, Evaluation)>> = BTreeMap::new();
    for (card, evaluation) in cards.iter().zip(found) {
        // It may be gone before its card is.
        if let Some(evaluation) = evaluation {
            let of_dr = of_drs.entry(&card.dr_number).or_default();
            of_dr.push((card, evaluation));
        }
    }
    let read =
        stream::iter(of_drs).map(async |(dr, of_dr)| of_one_dr(ports, dr, &of_dr, known).await);
    let read: Vec<Decided> = read.buffered(AT_ONCE).try_collect().await?;
    let mut all = Decided::default();
    read.into_iter().for_each(|decided| all.add(decided));
    Ok(all)
}

/// What people decided: of known cases, only whether these pass.
#[derive(Debug, Default)]
struct Decided {
    cases: Vec<Case>,
    known: BTreeMap<EvaluationId, bool>,
}

impl Decided {
    fn add(&mut self, other: Self) {
        self.cases.extend(other.cases);
        self.known.extend(other.known);
    }
}

async fn of_one_dr(
    ports: &impl Ports,
    dr: &DrNumber,
    of_dr: &[(&Card, Evaluation)],
    known: &[Known],
) -> Result<Decided, RunError> {
    let reviews = reviews(ports, dr).await?;
    let records = reviews.records();
    let mut all = Decided::default();
    for (card, evaluation) in of_dr {
        let catalogue = ports.catalogue(&evaluation.versions.catalogue).await?;
        let id = &evaluation.evaluation_id;
        if known.iter().any(|case| case.evaluation_id == *id) {
            let passes = passes_for_people(evaluation, records, catalogue);
            all.known.extend(passes.map(|passes| (id.clone(), passes)));
        } else {
            all.cases
                .extend(cases(evaluation, card, records, catalogue));
        }
    }
    Ok(all)
}

/// Works out once a day whether certainty may order what people look at, and notes how right verdicts are; says whether
/// it was due.
pub async fn keep_up(ports: &(impl Ports + Lists)) -> Result<bool, RunError> {
    let now = ports.now();
    let kept: Option<Kept> = ports.get(Key::Accuracy).await?;
    if kept.is_some_and(|kept| !kept.is_old(now)) {
        return Ok(false);
    }
    let before = Duration::from_secs(u64::from(DAYS.saturating_sub(1)) * DAY.unsigned_abs());
    let found = find(ports, ports, Days::of(now.before(before), now), MOST).await?;
    ports.note(figures::of_accuracy(&verdicts(&found.cases, &found.counts)));
    let kept = Kept::of(&found.cases, found.days.count(), now);
    ports.update(updates::accuracy_kept(&kept)).await?;
    Ok(true)
}
