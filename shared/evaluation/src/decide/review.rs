//! People's decisions: what is kept of a DR's, what somebody wishes to add, and the record that it becomes.
//!
//! # Invariants
//! - A record is made of all that stand before it, and is written only if it is the next one: so what it says to have
//!   stood before did, and the verdict that it leads to follows from all of them.
//! - What was said stands once, however often it is sent: under a key for good, without one as long as nothing else was
//!   said of the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::evaluation::Evaluation;
use super::note::one_line;
use super::once::RequestKey;
use super::photo_record::PhotoRecord;
use crate::domain::bounds::cut;
use crate::domain::catalogue::Catalogue;
use crate::domain::ids::StepKey;
use crate::domain::invalid::Invalid;
use crate::domain::judge::{Judgement, Verdict};
use crate::domain::review::{Before, Decided, Decision, Link, MOST_REVIEWS, ReviewRecord, Said};
use crate::domain::review_chain::{Chain, link_to, number_of, verify};
use crate::domain::reviewed::{Standing, State, Subject, reviewed_verdict, standing};
use crate::domain::time::Timestamp;

/// Bytes of a caller's name that are kept: an ARN of a role's session has at most about 200.
const LONGEST_CALLER: usize = 256;
/// Characters of the last record's hash that an ETag has.
const SHOWN_OF_HASH: usize = 16;
/// Bytes of what small print says: a serial, a power or a DR number has some 30.
pub const LONGEST_READING: usize = 100;

/// All records of a DR, in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviews {
    items: Vec<Value>,
    records: Vec<ReviewRecord>,
    chain: Chain,
}

impl Reviews {
    /// Those that these items hold now.
    pub fn of_items(mut items: Vec<Value>, now: Timestamp) -> Self {
        items.sort_by_key(number_of);
        let records = items.iter().filter_map(ReviewRecord::of_item).collect();
        let chain = verify(&items, now);
        Self {
            items,
            records,
            chain,
        }
    }

    /// The records that this release can read.
    pub fn records(&self) -> &[ReviewRecord] {
        &self.records
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether they are all there, as they were written.
    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The number of the last one; 0 if there is none.
    pub fn last(&self) -> u32 {
        self.items.last().and_then(number_of).unwrap_or(0)
    }

    /// When the last one was said, if this release can read it.
    pub fn last_at(&self) -> Option<Timestamp> {
        let last = self.records.last()?;
        (last.number == self.last()).then_some(last.at)
    }

    /// The hash of the record of this number.
    pub fn hash(&self, number: u32) -> Option<String> {
        let is_it = |item: &&Value| number_of(item) == Some(number);
        let item = self.items.iter().find(is_it)?;
        Some(link_to(item).hash)
    }

    fn link(&self) -> Option<Link> {
        self.items.last().map(link_to)
    }

    /// The record of this number.
    pub fn record(&self, number: u32) -> Option<&ReviewRecord> {
        self.records.iter().find(|record| record.number == number)
    }

    /// The record that was sent under this key.
    fn sent_under(&self, key: Option<&RequestKey>) -> Option<&ReviewRecord> {
        let key = key?;
        let is_of = |record: &&ReviewRecord| record.request.as_deref() == Some(key.as_str());
        self.records.iter().find(is_of)
    }

    /// The state that an ETag names: the verdict's revision, and the last record by number and hash.
    pub fn tag(&self, revision: u32) -> String {
        let hash = self.link().map(|link| link.hash).unwrap_or_default();
        let hash = hash.get(..SHOWN_OF_HASH).unwrap_or(&hash);
        let broken = match self.chain {
            Chain::Intact => String::new(),
            Chain::Broken { at } => format!("-broken-at-{at}"),
        };
        format!("\"{revision}-{}-{hash}{broken}\"", self.last())
    }
}

/// The number of the last record that whoever has this ETag had seen.
pub fn seen_until(tag: &str) -> Option<u32> {
    let tag = tag.trim().trim_start_matches("W/");
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    let mut parts = tag.split('-');
    let _revision: u32 = parts.next()?.parse().ok()?;
    parts.next()?.parse().ok()
}

/// What somebody wishes to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What.
    pub what: Wished,
    /// Why, as one line of text.
    pub reason: Option<String>,
    /// Who.
    pub by: Option<String>,
    /// Under which key, if it may be sent again.
    pub key: Option<RequestKey>,
}

/// What somebody wishes to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wished {
    /// A decision of a step, or of the whole; a photo by its name or id.
    Decision {
        /// The step.
        step: Option<StepKey>,
        /// What it is.
        decision: Decision,
        /// What it rests on.
        photo: Option<String>,
        /// What the small print says.
        reading: Option<String>,
    },
    /// The record of this number holds no more.
    Withdrawal(u32),
}

impl Wish {
    /// A wish with this reason, which is one line of text; a decision has one.
    pub fn new(what: Wished, reason: Option<&str>, by: Option<&str>) -> Result<Self, Invalid> {
        let reason = match (&what, reason) {
            (Wished::Withdrawal(_), None) => None,
            (_, reason) => Some(one_line(reason.unwrap_or_default())?),
        };
        Ok(Self {
            what,
            reason,
            by: by.map(|by| cut(by, LONGEST_CALLER)),
            key: None,
        })
    }

    /// The same, sent under a key.
    pub fn under(self, key: Option<RequestKey>) -> Self {
        Self { key, ..self }
    }

    /// Whether a record says what is wished.
    fn is_said_by(&self, record: &ReviewRecord) -> bool {
        let is_same = match (&self.what, &record.said) {
            (
                Wished::Decision {
                    step,
                    decision,
                    reading,
                    ..
                },
                Said::Decision(said),
            ) => {
                let reading = reading
                    .as_deref()
                    .and_then(|reading| one_line(reading).ok());
                (step, decision, reading) == (&said.step, &said.decision, said.reading.clone())
            }
            (Wished::Withdrawal(number), Said::Withdrawal { withdraws }) => number == withdraws,
            _ => false,
        };
        is_same && self.reason == record.reason
    }
}

/// An evaluation that has a verdict, with what is needed to review it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The evaluation.
    pub evaluation: Evaluation,
    /// What its photos' bytes are, by their names.
    pub contents: BTreeMap<String, String>,
    /// The names of its photos, by their ids.
    names: BTreeMap<String, String>,
    /// What its catalogue wants of steps, if that is known.
    pub pass_percent: Option<u8>,
    /// The steps of which small print is to be read.
    read: BTreeSet<StepKey>,
}

impl Reviewed {
    /// This evaluation with its photos, and its catalogue, if that is known.
    pub fn of(
        evaluation: Evaluation,
        photos: &[PhotoRecord],
        catalogue: Option<&Catalogue>,
    ) -> Self {
        let name = |record: &PhotoRecord| {
            let photo = &record.photo;
            (photo.photo_id.to_string(), photo.name.clone())
        };
        Self {
            contents: contents(photos),
            names: photos.iter().map(name).collect(),
            evaluation,
            pass_percent: catalogue.map(|catalogue| catalogue.pass_percent),
            read: catalogue.map(read).unwrap_or_default(),
        }
    }

    /// What is reviewed; none if there is no verdict yet.
    pub fn subject(&self) -> Option<Subject<'_>> {
        Some(Subject {
            evaluation_id: Some(&self.evaluation.evaluation_id),
            mode: self.evaluation.mode,
            judgement: self.evaluation.judgement.as_ref()?,
            contents: &self.contents,
        })
    }

    /// What somebody says that a step's small print says.
    fn reading(&self, step: Option<&StepKey>, said: &str) -> Result<String, Invalid> {
        let is_read = step.is_some_and(|step| self.read.contains(step));
        let said = one_line(said).map_err(|_| Invalid("the reading is one line of text".into()))?;
        if !is_read || said.len() > LONGEST_READING {
            let steps: Vec<&str> = self.read.iter().map(StepKey::as_str).collect();
            return Err(Invalid(format!(
                "a reading has at most {LONGEST_READING} bytes, and is given with \"pass\" or \"fail\" of a step of \
                 which small print is read: {}",
                steps.join(", ")
            )));
        }
        Ok(said)
    }

    /// Which records stand for it, and the verdict that they lead to.
    pub fn standing<'a>(&self, records: &'a [ReviewRecord]) -> (Standing<'a>, Option<Verdict>) {
        let Some(subject) = self.subject() else {
            return (Standing::default(), None);
        };
        let standing = standing(records, &subject);
        let verdict = reviewed_verdict(subject.judgement, self.pass_percent, &standing);
        (standing, verdict)
    }
}

/// The steps of which small print is to be read.
fn read(catalogue: &Catalogue) -> BTreeSet<StepKey> {
    let steps = catalogue.steps.iter();
    let steps = steps.filter(|step| step.reads.is_some() || step.small_print.is_some());
    steps.map(|step| step.key.clone()).collect()
}

/// What photos' bytes are, by their names.
pub fn contents(photos: &[PhotoRecord]) -> BTreeMap<String, String> {
    let content = |record: &PhotoRecord| (record.photo.name.clone(), record.content().to_owned());
    photos.iter().map(content).collect()
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// There is no verdict yet that could be reviewed.
    NotJudged,
    /// What is said can't be said of this evaluation.
    Invalid(Invalid),
    /// The DR has no decision of this number.
    NoSuchReview(u32),
    /// Something else was said under the same key.
    KeyUsed,
    /// The DR has as many records as it may have.
    Full,
}

/// What is to be done about a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// This record is to be written.
    Write(Box<ReviewRecord>),
    /// The same was said before, in the record of this number.
    Stands(u32),
    /// Nothing.
    Refuse(Refused),
}

/// What is to be done about a wish, where these records stand.
pub fn next(
    reviews: &Reviews,
    of: &Reviewed,
    wish: &Wish,
    at: Timestamp,
    kept_for: Duration,
) -> Next {
    made(reviews, of, wish, at, kept_for).unwrap_or_else(Next::Refuse)
}

fn made(
    reviews: &Reviews,
    of: &Reviewed,
    wish: &Wish,
    at: Timestamp,
    kept_for: Duration,
) -> Result<Next, Refused> {
    let subject = of.subject().ok_or(Refused::NotJudged)?;
    if let Some(before) = reviews.sent_under(wish.key.as_ref()) {
        let is_same = before.evaluation_id == of.evaluation.evaluation_id;
        return match is_same && wish.is_said_by(before) {
            true => Ok(Next::Stands(before.number)),
            false => Err(Refused::KeyUsed),
        };
    }
    let said = match &wish.what {
        Wished::Decision {
            step,
            decision,
            photo,
            reading,
        } => {
            let said = (*decision, photo.as_deref(), reading.as_deref());
            let decided = decided(of, &subject, step.as_ref(), said);
            Said::Decision(decided.map_err(Refused::Invalid)?)
        }
        Wished::Withdrawal(number) => match withdrawn(reviews, of, *number)? {
            Some(by) => return Ok(Next::Stands(by)),
            None => Said::Withdrawal { withdraws: *number },
        },
    };
    let record = record(reviews, of, &subject, (said, wish), at, kept_for);
    if let Some(before) = record
        .before
        .review
        .and_then(|number| reviews.record(number))
        && record.repeats(before)
    {
        return Ok(Next::Stands(before.number));
    }
    if reviews.last() >= MOST_REVIEWS {
        return Err(Refused::Full);
    }
    Ok(Next::Write(Box::new(record)))
}

/// The record that withdrew this one, if one did.
fn withdrawn(reviews: &Reviews, of: &Reviewed, number: u32) -> Result<Option<u32>, Refused> {
    let (standing, _) = of.standing(reviews.records());
    match standing.states.get(&number) {
        None | Some(State::Withdraws) => Err(Refused::NoSuchReview(number)),
        Some(State::Withdrawn { by }) => Ok(Some(*by)),
        Some(_) => Ok(None),
    }
}

fn decided(
    of: &Reviewed,
    subject: &Subject<'_>,
    step: Option<&StepKey>,
    (decision, photo, reading): (Decision, Option<&str>, Option<&str>),
) -> Result<Decided, Invalid> {
    if let Some(step) = step {
        asked(subject.judgement, step)?;
    }
    let wrong = match (step, decision, photo) {
        (_, Decision::Unknown, _) => "the decision is \"pass\", \"fail\" or \"missing\"",
        (None, Decision::Missing, _) => "\"missing\" is said of a step: name it",
        (None, _, Some(_)) => "a photo is named for a step: name it, or leave the photo out",
        (Some(_), Decision::Missing, Some(_)) => "no photo shows a step that is missing",
        _ => "",
    };
    if !wrong.is_empty() {
        return Err(Invalid(wrong.into()));
    }
    let named = photo.map(|photo| {
        let name = of.names.get(photo).map_or(photo, String::as_str);
        let unknown =
            || Invalid("the photo is none of this evaluation's: give its name or photo_id".into());
        subject.photo(name).ok_or_else(unknown)
    });
    let named = named.transpose()?;
    let rests = step.filter(|_| decision != Decision::Missing);
    let reading = reading.map(|reading| of.reading(rests, reading));
    Ok(Decided {
        step: step.cloned(),
        decision,
        reading: reading.transpose()?,
        photo: named.or_else(|| subject.deciding(rests?)),
        seen: subject.seen(step.is_none()),
    })
}

fn asked(judgement: &Judgement, step: &StepKey) -> Result<(), Invalid> {
    let steps: Vec<&str> = judgement
        .steps
        .iter()
        .map(|row| row.step.as_str())
        .collect();
    if steps.contains(&step.as_str()) {
        return Ok(());
    }
    let known = steps.join(", ");
    Err(Invalid(format!("the step is one of {known}")))
}

fn record(
    reviews: &Reviews,
    of: &Reviewed,
    subject: &Subject<'_>,
    (said, wish): (Said, &Wish),
    at: Timestamp,
    kept_for: Duration,
) -> ReviewRecord {
    let (standing, before) = of.standing(reviews.records());
    let step = step_of(&said, reviews);
    let row = subject.judgement.steps.iter();
    let row = row.clone().find(|row| Some(&row.step) == step.as_ref());
    let mut record = ReviewRecord {
        number: reviews.last().saturating_add(1),
        previous: reviews.link(),
        dr_number: of.evaluation.dr_number.clone(),
        evaluation_id: of.evaluation.evaluation_id.clone(),
        revision: of.evaluation.revision,
        mode: of.evaluation.mode,
        reason: wish.reason.clone(),
        by: wish.by.clone(),
        at,
        before: Before {
            verdict: subject.judgement.verdict,
            outcome: row.map(|row| row.outcome),
            score: row.and_then(|row| row.score),
            reading: row.and_then(|row| row.reading.clone()),
            reviewed_verdict: before,
            review: standing.of(step.as_ref()).map(|record| record.number),
        },
        said,
        reviewed_verdict: None,
        kept_until: at.after(kept_for).as_seconds(),
        trace_id: None,
        request: wish.key.as_ref().map(|key| key.as_str().into()),
    };
    let with_it = [reviews.records(), &[record.clone()]].concat();
    record.reviewed_verdict = of.standing(&with_it).1;
    record
}

/// The step that is spoken of; of a withdrawal, that of what it withdraws.
fn step_of(said: &Said, reviews: &Reviews) -> Option<StepKey> {
    match said {
        Said::Decision(decided) => decided.step.clone(),
        Said::Withdrawal { withdraws } => {
            let record = reviews.record(*withdraws)?;
            record.decided()?.step.clone()
        }
        Said::Unknown => None,
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
