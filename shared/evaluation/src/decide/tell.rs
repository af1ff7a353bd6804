//! What is told of a completion: an event in the form of CloudEvents 1.0, made of one change of an evaluation's item.
//!
//! # Invariants
//! - An event is a function of the change alone: told again, by whichever process, it has the same id and the same bytes.
//! - A change that brings no verdict, or none that is newer, tells nothing.
//! - Nothing of people or homes is in it: no position, serial, comment or name of a photo.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::record::Carried;
use crate::domain::ids::{DrNumber, EvaluationId, StepKey};
use crate::domain::invalid::Invalid;
use crate::domain::judge::Verdict;
use crate::domain::plan::Mode;
use crate::domain::review::Decision;
use crate::domain::time::Timestamp;

/// The schema of what subscribers get to know: `functions/notifier/completion.schema.json`.
pub const SCHEMA: &str = "urn:fibre-evaluation:schema:completion:1#/$defs/data";

/// The same of a review: `functions/notifier/review.schema.json`.
pub const REVIEW_SCHEMA: &str = "urn:fibre-evaluation:schema:review:1#/$defs/data";

/// What happened to an evaluation; later releases know more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// It has its first verdict.
    #[serde(rename = "fibre-evaluation.evaluation.completed.v1")]
    Completed,
    /// Its verdict was replaced.
    #[serde(rename = "fibre-evaluation.evaluation.changed.v1")]
    Changed,
    /// A person decided something of it, or withdrew that.
    #[serde(rename = "fibre-evaluation.evaluation.reviewed.v1")]
    Reviewed,
}

impl Kind {
    /// The last part of an event's id, and what subscribers filter by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Changed => "changed",
            Self::Reviewed => "reviewed",
        }
    }
}

/// Why a verdict was replaced; later releases know more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Late answers upgraded it.
    Upgraded,
}

/// Where more is to be had, relative to the event's `source`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Links {
    /// The evaluation.
    #[serde(rename = "self")]
    itself: String,
    /// The DR's evaluations.
    history: String,
}

/// What subscribers get to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Data {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The DR.
    pub dr_number: DrNumber,
    /// As asked.
    pub mode: Mode,
    /// The verdict that stands now.
    pub verdict: Verdict,
    /// The same with what people decided before, if any of that holds for it. Of a review see there.
    #[serde(rename = "reviewed_verdict", skip_serializing_if = "Option::is_none")]
    pub carried: Option<Verdict>,
    /// How many verdicts the evaluation has had. Of two events of an evaluation, the higher one counts.
    pub revision: u32,
    /// How many flags the verdict has for people; a review says nothing of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<usize>,
    /// Of a verdict that was replaced: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Of a verdict that was replaced: the one that stood before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_verdict: Option<Verdict>,
    /// The evaluation that took its place: only one that has not ended is superseded, so its completion says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<EvaluationId>,
    /// What a person decided.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewTold>,
    pub(super) links: Links,
}

/// What subscribers get to know of a review: neither who decided nor why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewTold {
    /// Which one of the DR's records.
    pub review: u32,
    /// The record's hash, by which anybody can prove later that it stood.
    pub review_hash: String,
    /// The step; none if it is of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepKey>,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The record that holds no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdraws: Option<u32>,
    /// The verdict with people's decisions; none if nobody's stands any more.
    pub reviewed_verdict: Option<Verdict>,
    /// The same, before.
    pub previous_reviewed_verdict: Option<Verdict>,
}

impl Links {
    pub(super) fn of(id: &EvaluationId, dr: &DrNumber) -> Self {
        Self {
            itself: format!("/evaluations/{id}"),
            history: format!("/drs/{dr}/evaluations"),
        }
    }
}

/// An event, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    specversion: &'static str,
    /// With `source` it is the event's identity.
    pub id: String,
    source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Kind,
    subject: String,
    /// When the verdict was given.
    #[serde(serialize_with = "in_words")]
    pub time: Timestamp,
    datacontenttype: &'static str,
    dataschema: &'static str,
    /// What subscribers get to know.
    pub data: Data,
}

impl Event {
    /// What happened to an evaluation at this time; `number` tells it from others of its kind.
    pub(super) fn new(source: &str, kind: Kind, number: u32, time: Timestamp, data: Data) -> Self {
        let id = &data.evaluation_id;
        Self {
            specversion: "1.0",
            id: format!("{id}/{number}/{}", kind.word()),
            source: source.to_owned(),
            kind,
            subject: format!("evaluations/{id}"),
            time,
            datacontenttype: "application/json",
            dataschema: match kind {
                Kind::Completed | Kind::Changed => SCHEMA,
                Kind::Reviewed => REVIEW_SCHEMA,
            },
            data,
        }
    }

    /// The event as JSON, in CloudEvents' structured mode.
    pub fn to_body(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

fn in_words<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Of an evaluation's item, only what is told: a release before or after this one may have written the rest.
#[derive(Deserialize)]
struct Image {
    evaluation_id: EvaluationId,
    dr_number: DrNumber,
    mode: Mode,
    #[serde(default)]
    revision: u32,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    completed_at: Option<Timestamp>,
    #[serde(default)]
    superseded_by: Option<EvaluationId>,
    #[serde(default)]
    judgement: Option<Flagged>,
    #[serde(default)]
    carried: Option<Carried>,
}

#[derive(Deserialize)]
struct Flagged {
    #[serde(default)]
    flags: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    flags_left_out: usize,
}

/// Of the item as it was, only what is compared.
#[derive(Default, Deserialize)]
struct Before {
    #[serde(default)]
    revision: u32,
    #[serde(default)]
    verdict: Option<Verdict>,
}

/// What a change of an item tells, if anything; `source` is the API that the evaluation belongs to.
///
/// ```
/// use evaluation::decide::tell::{Kind, event};
/// use serde_json::json;
///
/// let running = json!({"evaluation_id": "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d", "dr_number": "DR1730550",
///     "mode": "full", "revision": 0, "photos_total": 1});
/// let mut ended = running.clone();
/// ended["verdict"] = json!("pass");
/// ended["revision"] = json!(1);
/// ended["completed_at"] = json!(1_795_516_494_000_i64);
/// let told = event("https://api.example", Some(&running), Some(&ended)).unwrap().unwrap();
/// assert_eq!(told.kind, Kind::Completed);
/// assert_eq!(told.id, "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d/1/completed");
/// assert_eq!(event("https://api.example", Some(&ended), Some(&ended)), Ok(None));
/// ```
pub fn event(
    source: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Result<Option<Event>, Invalid> {
    let Some(new) = new.filter(|item| item.get("photos_total").is_some()) else {
        return Ok(None);
    };
    let new = Image::deserialize(new).map_err(unreadable)?;
    let before = old.map(Before::deserialize).transpose();
    let before = before.map_err(unreadable)?.unwrap_or_default();
    let is_newer = new.revision > before.revision;
    let (Some(verdict), true) = (new.verdict, is_newer) else {
        return Ok(None);
    };
    Ok(Some(told(source, new, verdict, &before)))
}

fn told(source: &str, new: Image, verdict: Verdict, before: &Before) -> Event {
    let kind = match new.revision {
        0 | 1 => Kind::Completed,
        _ => Kind::Changed,
    };
    let changed = kind == Kind::Changed;
    let flags = new.judgement.map_or(0, |judgement| {
        judgement.flags.len() + judgement.flags_left_out
    });
    let carried = new.carried.filter(|then| then.revision == new.revision);
    let data = Data {
        links: Links::of(&new.evaluation_id, &new.dr_number),
        mode: new.mode,
        verdict,
        carried: carried.map(|then| then.verdict),
        revision: new.revision,
        flags: Some(flags),
        change: changed.then_some(Change::Upgraded),
        previous_verdict: before.verdict.filter(|_| changed),
        superseded_by: new.superseded_by,
        review: None,
        evaluation_id: new.evaluation_id,
        dr_number: new.dr_number,
    };
    let time = new.completed_at.unwrap_or_default();
    Event::new(source, kind, new.revision, time, data)
}

fn unreadable(cause: serde_json::Error) -> Invalid {
    Invalid(format!("an evaluation's item can't be read: {cause}"))
}

#[cfg(test)]
#[path = "tell_tests.rs"]
mod tests;
