//! The unfinished evaluations, as the sweeper finds them: in parts, so that no key of the index takes all writes, and in
//! each part those first that wait longest.

use serde::{Deserialize, Serialize};

use crate::domain::hash::number_of;
use crate::domain::ids::EvaluationId;
use crate::domain::time::Timestamp;

/// The parts. One key of an index takes some 1,000 writes a second; eight take more evaluations than any VLM.
pub const PARTS: u8 = 8;

/// An unfinished evaluation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unfinished {
    /// Its deadline.
    pub due_at: Timestamp,
    /// The evaluation.
    pub evaluation_id: EvaluationId,
}

/// Some unfinished evaluations of a part, the earliest deadline first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The evaluations.
    pub entries: Vec<Unfinished>,
    /// Whether more may follow.
    pub more: bool,
}

/// Where the sweeper goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct SweptTo {
    #[serde(default)]
    due_at: Option<Timestamp>,
    #[serde(default)]
    evaluation_id: Option<EvaluationId>,
}

impl SweptTo {
    /// Behind this evaluation; at the beginning if there is none.
    pub fn evaluation(self) -> Option<Unfinished> {
        let (due_at, evaluation_id) = (self.due_at?, self.evaluation_id?);
        Some(Unfinished {
            due_at,
            evaluation_id,
        })
    }
}

/// The part that an evaluation is in.
pub fn part_of(id: &EvaluationId) -> u8 {
    u8::try_from(number_of(&[id.as_str()]) % u64::from(PARTS)).unwrap_or_default()
}

/// The key of a part in the index.
pub fn key_of(part: u8) -> String {
    format!("active#{part}")
}
