//! What a person decides of an evaluation: a record that is written once, and never changed.
//!
//! For whoever keeps what is shown of evaluations elsewhere:
//! - [`ReviewRecord::of_item`] reads a record off an item of the table, as its stream hands it over. The record says
//!   which reviewed verdict it leads to ([`ReviewRecord::reviewed_verdict`]).
//! - [`reviewed::standing`](super::reviewed::standing) says which records of a DR hold for an evaluation.
//! - [`reviewed::reviewed_verdict`](super::reviewed::reviewed_verdict) is the verdict that they lead to.
//!
//! # Invariants
//! - A record names the one before it by number and hash (`review_chain`), so that a gap or a change shows.
//! - Who decided is what the gateway found out. A reason is one line of bounded text.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ids::{DrNumber, EvaluationId, Score, StepKey};
use super::invalid::Invalid;
use super::judge::{StepOutcome, Verdict};
use super::plan::Mode;
use super::time::{self, Timestamp};
use super::trace::TraceId;

/// Records that a DR may have. Each has some 1,500 bytes at most, and each answer about an evaluation reads them all.
pub const MOST_REVIEWS: u32 = 500;
/// How the sort key of a record begins.
pub const PREFIX: &str = "REVIEW#";

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is done well, and shown.
    Pass,
    /// It is not done well, or not shown well enough.
    Fail,
    /// No photo shows it. Of a step only.
    Missing,
    /// What a later release takes.
    #[serde(other)]
    Unknown,
}

impl Decision {
    /// The decision of this name, of those that may be made.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        match name {
            "pass" => Ok(Self::Pass),
            "fail" => Ok(Self::Fail),
            "missing" => Ok(Self::Missing),
            _ => Err(Invalid(
                "the decision is \"pass\", \"fail\" or \"missing\"".into(),
            )),
        }
    }

    /// What a step's row says by it.
    pub fn outcome(self) -> Option<StepOutcome> {
        match self {
            Self::Pass => Some(StepOutcome::Pass),
            Self::Fail => Some(StepOutcome::Fail),
            Self::Missing => Some(StepOutcome::Missing),
            Self::Unknown => None,
        }
    }
}

/// The photo that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecidingPhoto {
    /// Its name.
    pub name: String,
    /// What its bytes are, as a hash.
    pub content: String,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Said {
    /// A decision.
    Decision(Decided),
    /// An earlier record of the same DR holds no more.
    Withdrawal {
        /// Its number.
        withdraws: u32,
    },
    /// What a later release says.
    #[serde(other)]
    Unknown,
}

/// A decision of one step, or of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The step; none if it is of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepKey>,
    /// What was decided.
    pub decision: Decision,
    /// The photo that it rests on: the one that was named, else the one by which the model had decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<DecidingPhoto>,
    /// What the small print says, where the person read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// All that there was to see, as a hash (`reviewed::Subject::seen`).
    pub seen: String,
}

/// What stood when it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ReviewBefore)]
pub struct Before {
    /// The model's verdict.
    pub verdict: Verdict,
    /// What the model's row of the step said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<StepOutcome>,
    /// Its score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// What it said was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// The verdict with people's decisions until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_verdict: Option<Verdict>,
    /// The record that held for the same step, or for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<u32>,
}

/// The record before another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its hash.
    pub hash: String,
    /// Until when it is kept, in seconds: then it may be gone.
    pub kept_until: i64,
}

/// What a person decided, or withdrew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRecord {
    /// Which one of its DR's records, from 1 on.
    pub number: u32,
    /// The record before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Link>,
    /// The DR.
    pub dr_number: DrNumber,
    /// The evaluation that was looked at.
    pub evaluation_id: EvaluationId,
    /// How many verdicts that had had.
    pub revision: u32,
    /// The mode in which it had been asked.
    pub mode: Mode,
    /// What is said.
    pub said: Said,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who says it: the subject of a JWT, or an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(with = "time::text")]
    pub at: Timestamp,
    /// What stood before.
    pub before: Before,
    /// The verdict with people's decisions, this one among them; none if none holds any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_verdict: Option<Verdict>,
    /// Until when it is kept, in seconds.
    pub kept_until: i64,
    /// The trace of the request that it came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The request that it came of, as the hash of its `Idempotency-Key`, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

impl ReviewRecord {
    /// The record that an item holds; none if the item is no record, or one that only a later release can read.
    pub fn of_item(item: &Value) -> Option<Self> {
        item.get("sk")?.as_str()?.strip_prefix(PREFIX)?;
        Self::deserialize(item).ok()
    }

    /// What was decided, if it is a decision.
    pub fn decided(&self) -> Option<&Decided> {
        match &self.said {
            Said::Decision(decided) => Some(decided),
            Said::Withdrawal { .. } | Said::Unknown => None,
        }
    }

    /// Whether it says the same as another of the same evaluation: a request that was sent again.
    pub fn repeats(&self, other: &Self) -> bool {
        let of = |record: &Self| (record.evaluation_id.clone(), record.said.clone());
        of(self) == of(other) && self.reason == other.reason && self.by == other.by
    }
}

/// The sort key of the record of this number: they sort as they count.
pub fn sort_key(number: u32) -> String {
    format!("{PREFIX}{number:08}")
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
