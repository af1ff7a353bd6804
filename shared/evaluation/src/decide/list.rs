//! A page of the list across DRs, put together of what is read of each state.
//!
//! # Invariants
//! - What a page costs is bounded by the number of states and its length, whatever there is and whatever is asked for: a
//!   part is read once, and no further than so many cards.
//! - Pages leave nothing out and repeat nothing: a page ends where one of its parts was not read on.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

use super::card::{Card, State};
use super::claim::Claim;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::invalid::Invalid;
use crate::domain::judge::Verdict;
use crate::domain::time::Timestamp;

/// Cards of a state that are looked through where the index can't find those of a time, since it is in another order.
const LOOKED_THROUGH: usize = 200;
/// Behind every place in the order by certainty.
const LAST: &str = "~";
/// Before every place.
const FIRST: &str = "0";
/// An id is made a moment before or after its evaluation says that it was asked for.
const MOMENT: Duration = Duration::from_secs(1);
/// Digits of a certainty in a place.
const CERTAINTY_DIGITS: usize = 4;

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By when they were asked for, the newest first.
    #[default]
    Newest,
    /// By certainty, the least first; those with a verdict only.
    LeastCertain,
    /// Those with flags first, then those that chance drew, then the others, each the newest first; those with a verdict
    /// only.
    FlagsAndChance,
}

/// Which verdict: the model's, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is none yet.
    Unfinished,
    /// This one.
    With(Verdict),
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// With one of these verdicts; any if there is none.
    pub verdicts: Vec<Ended>,
    /// With flags, or without.
    pub flagged: Option<bool>,
    /// On which people decided, or not.
    pub reviewed: Option<bool>,
    /// That chance drew for review, or not.
    pub sampled: Option<bool>,
    /// Of DRs that are claimed, or not.
    pub claimed: Option<bool>,
    /// That technicians contest, or not.
    pub contested: Option<bool>,
    /// Asked for from then on.
    pub from: Option<Timestamp>,
    /// Asked for before then.
    pub to: Option<Timestamp>,
}

/// A place in an order, behind which a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(String);

/// What was read of one part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// Cards, in the order asked for.
    pub cards: Vec<Card>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Cards.
    pub cards: Vec<Card>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// What is to be read of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The part of the index.
    pub list: String,
    /// From this place in the index.
    pub low: String,
    /// To this one, both included.
    pub high: String,
    /// Whether from its end.
    pub backward: bool,
    /// How many cards at most.
    pub most: usize,
}

impl Order {
    /// A card's place.
    pub fn place(self, card: &Card) -> Place {
        Place(match self {
            Self::Newest => card.by_time(),
            Self::LeastCertain => card.by_certainty(),
            Self::FlagsAndChance => format!("{}#{}", rank(card.state()), card.by_time()),
        })
    }

    /// Which place comes first.
    fn compare(self, one: &Place, other: &Place) -> Ordering {
        match self {
            Self::Newest => other.0.cmp(&one.0),
            Self::LeastCertain => one.0.cmp(&other.0),
            Self::FlagsAndChance => {
                let ((rank, one), (of_other, other)) = (one.ranked(), other.ranked());
                rank.cmp(of_other).then_with(|| other.cmp(one))
            }
        }
    }

    /// Reads a place of this order.
    ///
    /// ```
    /// use evaluation::decide::list::Order;
    ///
    /// let id = "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d";
    /// assert!(Order::Newest.parse(id).is_ok() && Order::LeastCertain.parse(id).is_err());
    /// assert!(Order::LeastCertain.parse(&format!("0512.{id}")).is_ok());
    /// ```
    pub fn parse(self, cursor: &str) -> Result<Place, Invalid> {
        let refused = || Invalid("a cursor of another list, or none".into());
        let id = |text: &str| EvaluationId::parse(text).map_err(|_| refused());
        match self {
            Self::Newest => Ok(Place(id(cursor)?.to_string())),
            Self::LeastCertain => {
                let (certainty, of) = cursor.split_once('.').ok_or_else(refused)?;
                let digits = certainty.bytes().all(|digit| digit.is_ascii_digit());
                if certainty.len() != CERTAINTY_DIGITS || !digits {
                    return Err(refused());
                }
                Ok(Place(format!("{certainty}#{}", id(of)?)))
            }
            Self::FlagsAndChance => {
                let (rank, of) = cursor.split_once('.').ok_or_else(refused)?;
                let is_one = RANKS.iter().any(|one| one.to_string() == rank);
                let place = Place(format!("{rank}#{}", id(of)?));
                is_one.then_some(place).ok_or_else(refused)
            }
        }
    }
}

/// The ranks that there are.
const RANKS: [u8; 3] = [0, 1, 2];

/// Where evaluations of a state come if flags and chance order them.
fn rank(state: State) -> u8 {
    match (state.flagged, state.sampled) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

impl Place {
    /// Rank and id, where it has a rank.
    fn ranked(&self) -> (&str, &str) {
        self.0.split_once('#').unwrap_or(("", &self.0))
    }

    /// As a caller gets it, and brings it back.
    pub fn cursor(&self) -> String {
        // Needs no escaping in an address.
        self.0.replace('#', ".")
    }
}

impl Filter {
    /// The states that are asked for.
    pub fn states(&self, order: Order) -> Vec<State> {
        let is_wanted = |state: &State| {
            let ended = state.verdict.map_or(Ended::Unfinished, Ended::With);
            (self.verdicts.is_empty() || self.verdicts.contains(&ended))
                && self.flagged.is_none_or(|flagged| flagged == state.flagged)
                && self
                    .reviewed
                    .is_none_or(|reviewed| reviewed == state.reviewed)
                && self.sampled.is_none_or(|sampled| sampled == state.sampled)
                && (order == Order::Newest || state.verdict.is_some())
        };
        State::ALL.into_iter().filter(is_wanted).collect()
    }

    /// What is to be read for a page, one for each state.
    pub fn readings(&self, order: Order, after: Option<&Place>, limit: usize) -> Vec<Reading> {
        // The place behind which it begins is read again, and one more tells whether there is another page.
        let enough = limit.saturating_add(2);
        let states = self.states(order).into_iter();
        let has_range = self.from.is_some() || self.to.is_some();
        let reading = |state: State| {
            let (low, high) = self.range(order, state, after)?;
            let by_certainty = order == Order::LeastCertain;
            let contested = self.contested == Some(true);
            let reading = Reading {
                list: match by_certainty {
                    true => state.unsure(contested),
                    false => state.listed(contested),
                },
                low,
                high,
                backward: !by_certainty,
                most: match by_certainty && has_range {
                    true => enough.max(LOOKED_THROUGH),
                    false => enough,
                },
            };
            // Else nothing lies there, and DynamoDB refuses to look.
            (reading.low <= reading.high).then_some(reading)
        };
        states.filter_map(reading).collect()
    }

    /// From where to where the index is read of a state, if anything is left of it. Ids sort by time.
    fn range(&self, order: Order, state: State, after: Option<&Place>) -> Option<(String, String)> {
        let after = match order {
            Order::FlagsAndChance => self.left_of_rank(state, after)?,
            Order::Newest | Order::LeastCertain => after.map(|place| place.0.clone()),
        };
        let id = |at: Timestamp| EvaluationId::from_parts(at, [0; 10]).to_string();
        Some(match order {
            Order::Newest | Order::FlagsAndChance => {
                let from = self.from.map(|from| id(from.before(MOMENT)));
                let to = self.to.map(|to| id(to.after(MOMENT)));
                let low = from.unwrap_or_else(|| FIRST.into());
                let high = [after, to].into_iter().flatten().min();
                (low, high.unwrap_or_else(|| LAST.into()))
            }
            Order::LeastCertain => (after.unwrap_or_else(|| FIRST.into()), LAST.into()),
        })
    }

    /// Behind which id a state is to be read on, if flags and chance order it: none is if its rank was read.
    fn left_of_rank(&self, state: State, after: Option<&Place>) -> Option<Option<String>> {
        let Some((of, id)) = after.map(Place::ranked) else {
            return Some(None);
        };
        let rank = rank(state).to_string();
        match rank.as_str().cmp(of) {
            Ordering::Less => None,
            Ordering::Equal => Some(Some(id.to_owned())),
            Ordering::Greater => Some(None),
        }
    }

    /// Whether a card is asked for, these claims holding.
    pub fn takes(&self, card: &Card, order: Order, claims: &[Claim]) -> bool {
        let is_claimed = || claimed(&card.dr_number, claims).is_some();
        self.from.is_none_or(|from| card.created_at >= from)
            && self.to.is_none_or(|to| card.created_at < to)
            && self.claimed.is_none_or(|wanted| wanted == is_claimed())
            && self
                .contested
                .is_none_or(|wanted| wanted == card.is_contested())
            && self.states(order).contains(&card.state())
    }
}

/// A DR's claim.
pub fn claimed<'a>(dr: &DrNumber, claims: &'a [Claim]) -> Option<&'a Claim> {
    claims.iter().find(|claim| claim.dr_number == *dr)
}

/// The page behind `after` of what was read of each state. It has fewer cards than `limit` where it ends so that no part
/// need be read on.
pub fn page(
    parts: Vec<Part>,
    order: Order,
    after: Option<&Place>,
    limit: usize,
    takes: impl Fn(&Card) -> bool,
) -> Page {
    let compare = |one: &Place, other: &Place| order.compare(one, other);
    // Behind the first place at which a part was not read on, nobody knows what comes.
    let ends = parts.iter().filter(|part| part.more);
    let ends = ends.filter_map(|part| part.cards.last());
    let end = ends.map(|card| order.place(card)).min_by(compare);
    let behind = |place: &Place, of: &Place| compare(place, of) == Ordering::Greater;
    let is_known = |place: &Place| end.as_ref().is_none_or(|end| !behind(place, end));
    let is_new = |place: &Place| after.is_none_or(|after| behind(place, after));
    let placed = parts.into_iter().flat_map(|part| part.cards);
    let placed = placed.map(|card| (order.place(&card), card));
    let mut cards: Vec<(Place, Card)> = placed
        .filter(|(place, card)| is_known(place) && is_new(place) && takes(card))
        .collect();
    let newer =
        |(_, one): &(Place, Card), (_, other): &(Place, Card)| other.version.cmp(&one.version);
    cards.sort_by(|one, other| compare(&one.0, &other.0).then_with(|| newer(one, other)));
    // One that changes its state while the states are read may be found in both.
    let mut seen = BTreeSet::new();
    cards.retain(|(_, card)| seen.insert(card.evaluation_id.clone()));
    let is_full = cards.len() > limit;
    cards.truncate(limit);
    let last = cards.last().map(|(place, _)| place.clone());
    Page {
        next: if is_full { last } else { end },
        cards: cards.into_iter().map(|(_, card)| card).collect(),
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
