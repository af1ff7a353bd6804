//! A card: what the list of evaluations across DRs shows of one of them, and where it stands in that list.
//!
//! Cards are made of what the table's stream says of evaluations, and counted by day and state.
//!
//! # Invariants
//! - A card follows from what it is made of alone: an earlier state of the evaluation, come late or again, changes
//!   nothing.
//! - A pass that nothing speaks against is drawn for review when it first is one, and never again: what people chose to
//!   look at meanwhile, or a share that was changed since, draws none.
//! - What technicians said stays said: of a card's notes there are never fewer.
//! - The counts of a day are those of its cards: both change in one transaction, on condition that the card is as it was
//!   read.

mod counts;
mod state;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::update::Condition::{Absent, Is};
use super::update::UpdateAction::{Add, Set};
use super::update::{Guard, GuardName, Key, Part, Put, Update};
use crate::domain::agreement::is_drawn;
use crate::domain::certainty::Certainty;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::invalid::Invalid;
use crate::domain::judge::Verdict;
use crate::domain::plan::Mode;
use crate::domain::time::Timestamp;

pub use self::counts::{Counts, day, years};
pub use self::state::State;

/// What sorts behind every certainty: that nothing is known of it.
const UNKNOWN_CERTAINTY: u16 = 9999;
/// The share with which an operator draws: it stands for no other.
const BY_NO_CHANCE: u8 = 0;
/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What the list shows of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// As asked.
    pub mode: Mode,
    /// The number of photos asked. Called otherwise than in an evaluation, which is known by that attribute.
    #[serde(rename = "photos")]
    pub photos_total: usize,
    /// The model's verdict, once there is one.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// How often it was finalised.
    #[serde(default)]
    pub revision: u32,
    /// The mean of the best scores.
    #[serde(default)]
    pub average_score: Option<f64>,
    /// How many flags the verdict has for people.
    #[serde(default)]
    pub flags: usize,
    /// How sure the model was of the row that it was least sure of.
    #[serde(default)]
    pub certainty: Option<Certainty>,
    /// The evaluation that took its place.
    #[serde(default)]
    pub superseded_by: Option<EvaluationId>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was finalised last.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// Whether people decided something of it that stands.
    #[serde(default)]
    pub reviewed: bool,
    /// The number of its DR's last review that is in it.
    #[serde(default)]
    pub reviews: u32,
    /// When that was said. Once no review of the DR is kept any more, the numbers begin anew.
    #[serde(default)]
    pub reviews_at: Option<Timestamp>,
    /// The verdict with what people decided, if they did.
    #[serde(default)]
    pub reviewed_verdict: Option<Verdict>,
    /// How many notes technicians said of its DR's steps.
    #[serde(default)]
    pub notes: u32,
    /// Of how many in a hundred passes without flags chance drew it for review; none if it did not.
    #[serde(default)]
    pub sampled: Option<u8>,
    /// The state of the evaluation that it was made of: a later one has a higher number.
    pub made_from: u64,
    /// How often the card was written.
    pub version: u64,
    /// Seconds since 1970 after which it may be deleted: with the evaluation.
    #[serde(default)]
    pub ttl: i64,
}

/// What people decided and said of a DR, as it stands for one of its evaluations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByPeople {
    /// The number of the DR's last review; 0 if there is none.
    pub last: u32,
    /// When that was said.
    pub last_at: Option<Timestamp>,
    /// The verdict with what people decided; none if nothing of it stands for this evaluation.
    pub verdict: Option<Verdict>,
    /// How many notes the DR has.
    pub notes: u32,
}

/// Of an evaluation's item, only what a card is made of: a release before or after this one may have written the rest.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Image {
    evaluation_id: EvaluationId,
    dr_number: DrNumber,
    mode: Mode,
    photos_total: usize,
    created_at: Timestamp,
    #[serde(default)]
    revision: u32,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    average_score: Option<f64>,
    #[serde(default)]
    completed_at: Option<Timestamp>,
    #[serde(default)]
    superseded_by: Option<EvaluationId>,
    #[serde(default)]
    judgement: Option<Judged>,
    #[serde(default)]
    ttl: i64,
    /// When an operator had all cards made that were not there.
    #[serde(default)]
    listed_anew: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Judged {
    #[serde(default)]
    flags: Vec<Anything>,
    #[serde(default)]
    flags_left_out: usize,
    #[serde(default)]
    steps: Vec<Row>,
}

/// A flag, whatever it says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Anything {}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    #[serde(default)]
    certainty: Option<Certainty>,
}

impl Image {
    /// What a change of an item says that a card is to be made of; none if it is no evaluation, or no news.
    pub fn of(old: Option<&Value>, new: Option<&Value>) -> Result<Option<Self>, Invalid> {
        let is_evaluation = |item: &&Value| item.get("photos_total").is_some();
        let Some(new) = new.filter(is_evaluation) else {
            return Ok(None);
        };
        let read = |item: &Value| {
            Self::deserialize(item)
                .map_err(|cause| Invalid(format!("an evaluation's item can't be read: {cause}")))
        };
        let (old, new) = (old.map(read).transpose()?, read(new)?);
        let is_news = old.is_none_or(|old| {
            old.made_from() != new.made_from() || old.listed_anew != new.listed_anew
        });
        Ok(is_news.then_some(new))
    }

    /// Which state of the evaluation this is. It is superseded only before it ends, and then for ever, and each verdict
    /// has a higher revision: so a later state never has a lower number.
    fn made_from(&self) -> u64 {
        u64::from(self.revision) * 2 + u64::from(self.superseded_by.is_some())
    }

    /// Whether there is something to review.
    pub fn has_verdict(&self) -> bool {
        self.verdict.is_some()
    }

    /// The evaluation.
    pub fn evaluation_id(&self) -> &EvaluationId {
        &self.evaluation_id
    }

    /// Its DR.
    pub fn dr_number(&self) -> &DrNumber {
        &self.dr_number
    }

    /// Where its card is.
    pub fn key(&self) -> Key {
        Key::Card(self.dr_number.clone(), self.evaluation_id.clone())
    }
}

impl Card {
    /// The card that this state of the evaluation, and of its reviews and notes, makes of the one that is there; none if
    /// that says no less. The reviews and notes are those read after that card was.
    ///
    /// Of a hundred passes without flags so many are drawn for review as `sample` says.
    pub fn made(
        before: Option<&Self>,
        image: &Image,
        by_people: ByPeople,
        sample: u8,
    ) -> Option<Self> {
        let made_from = image.made_from();
        let says_no_less = |card: &Self| {
            card.made_from > made_from
                || (card.made_from == made_from
                    && card.reviews >= by_people.last
                    && card.reviews_at >= by_people.last_at
                    && card.notes >= by_people.notes)
        };
        if before.is_some_and(says_no_less) {
            return None;
        }
        let judged = image.judgement.as_ref();
        let flags = judged.map_or(0, |judged| judged.flags.len() + judged.flags_left_out);
        let rows = judged.map(|judged| judged.steps.iter());
        let certainties = rows.into_iter().flatten().filter_map(|row| row.certainty);
        let sampled = match before.filter(|card| card.is_plain_pass()) {
            Some(card) => card.sampled,
            None => is_drawn(&image.evaluation_id, sample).then_some(sample),
        };
        let card = Self {
            evaluation_id: image.evaluation_id.clone(),
            dr_number: image.dr_number.clone(),
            mode: image.mode,
            photos_total: image.photos_total,
            verdict: image.verdict,
            revision: image.revision,
            average_score: image.average_score,
            flags,
            certainty: certainties.min(),
            superseded_by: image.superseded_by.clone(),
            created_at: image.created_at,
            completed_at: image.completed_at,
            reviewed: by_people.verdict.is_some(),
            reviews: by_people.last,
            reviews_at: by_people.last_at,
            reviewed_verdict: by_people.verdict,
            notes: by_people.notes.max(before.map_or(0, |card| card.notes)),
            sampled,
            made_from,
            version: before.map_or(1, |card| card.version.saturating_add(1)),
            ttl: image.ttl,
        };
        let sampled = card.sampled.filter(|_| card.is_plain_pass());
        Some(Self { sampled, ..card })
    }

    /// The card of a known case, as if chance had drawn it; none if that one is listed for people already.
    pub fn offered(&self) -> Option<Self> {
        let is_hidden = self.is_plain_pass() && self.sampled.is_none();
        is_hidden.then(|| Self {
            sampled: Some(BY_NO_CHANCE),
            version: self.version.saturating_add(1),
            ..self.clone()
        })
    }

    /// Whether it passes and nothing speaks against it.
    fn is_plain_pass(&self) -> bool {
        self.verdict == Some(Verdict::Pass) && self.flags == 0
    }

    /// Where it is counted and listed.
    pub fn state(&self) -> State {
        match self.verdict {
            None => State::UNFINISHED,
            Some(_) => State {
                verdict: self.verdict,
                flagged: self.flags > 0,
                reviewed: self.reviewed,
                sampled: self.sampled.is_some() && self.is_plain_pass(),
            },
        }
    }

    /// Whether technicians said something of its DR's steps.
    pub fn is_contested(&self) -> bool {
        self.notes > 0
    }

    /// Its place among those of its state: by when it was asked for.
    pub fn by_time(&self) -> String {
        self.evaluation_id.to_string()
    }

    /// Its place among those of its state: the least certain first, of the same certainty the oldest, and what nothing is
    /// known of at the end.
    pub fn by_certainty(&self) -> String {
        let thousandths = self.certainty.map_or(UNKNOWN_CERTAINTY, |certainty| {
            (certainty.share() * 1000.0).round() as u16
        });
        format!("{thousandths:04}#{}", self.evaluation_id)
    }

    /// The day on which it is counted, in UTC.
    pub fn day(&self) -> String {
        day(self.created_at)
    }

    /// Puts the card in place of the one that was there, and has it counted, on condition that that one still is.
    pub fn parts(&self, before: Option<&Self>) -> Vec<Part> {
        let as_seen = match before {
            None => Absent("pk"),
            Some(card) => Is("version", json!(card.version)),
        };
        let card = Put {
            guards: vec![Guard::one(GuardName::CardAsSeen, as_seen)],
            ..self.listed(false)
        };
        let more = [
            self.verdict.map(|_| self.listed_by_certainty(false)),
            self.is_contested().then(|| self.listed(true)),
            self.verdict
                .filter(|_| self.is_contested())
                .map(|_| self.listed_by_certainty(true)),
        ];
        let puts = [card].into_iter().chain(more.into_iter().flatten());
        let counted = self.counted(before).map(Part::Update);
        puts.map(Part::Put).chain(counted).collect()
    }

    // The index has one order, and an item is in one list: so a card with a verdict is there twice, and one that is
    // contested, which few are, twice as often.

    fn listed(&self, contested: bool) -> Put {
        let (dr, id) = (self.dr_number.clone(), self.evaluation_id.clone());
        Put {
            key: match contested {
                false => Key::Card(dr, id),
                true => Key::CardContested(dr, id),
            },
            guards: Vec::new(),
            item: self.item(self.state().listed(contested), self.by_time()),
        }
    }

    fn listed_by_certainty(&self, contested: bool) -> Put {
        let (dr, id) = (self.dr_number.clone(), self.evaluation_id.clone());
        Put {
            key: match contested {
                false => Key::CardByCertainty(dr, id),
                true => Key::CardContestedByCertainty(dr, id),
            },
            guards: Vec::new(),
            item: self.item(self.state().unsure(contested), self.by_certainty()),
        }
    }

    fn item(&self, list: String, at: String) -> Value {
        let mut item = json!(self);
        if let Some(fields) = item.as_object_mut() {
            // Absent is less than null.
            fields.retain(|_, value| !value.is_null());
            fields.insert("gsi_list".into(), list.into());
            fields.insert("gsi_at".into(), at.into());
        }
        item
    }

    /// Counts it in its state and no more in the one before; nothing if that is the same.
    fn counted(&self, before: Option<&Self>) -> Option<Update> {
        let counted = |card: &Self| (card.state(), card.is_contested());
        let (was, is) = (before.map(counted), counted(self));
        if was == Some(is) {
            return None;
        }
        // Of one counter no more than one action: what stays counted in it has none.
        let names = |(state, contested): (State, bool)| {
            [
                Some(state.name()),
                contested.then(|| state.contested_name()),
            ]
            .into_iter()
            .flatten()
        };
        let left = was.into_iter().flat_map(names);
        let left = left.filter(|name| names(is).all(|other| other != *name));
        let had = |name: &&str| was.is_some_and(|was| names(was).any(|other| other == *name));
        let entered = names(is).filter(|name| !had(name));
        let moved = left
            .map(|name| Add(name, -1))
            .chain(entered.map(|name| Add(name, 1)));
        let kept_for = self.ttl.saturating_sub(self.created_at.as_seconds());
        let next_day = (self.created_at.as_seconds().div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS;
        let ends = Set("ttl", json!(next_day.saturating_add(kept_for)));
        Some(Update {
            key: Key::Counts(self.day()),
            guards: Vec::new(),
            actions: moved.chain([ends]).collect(),
        })
    }
}
