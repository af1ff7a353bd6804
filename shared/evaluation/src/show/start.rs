//! Asking for an evaluation, and the answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Links;
use crate::decide::evaluation::Status;
use crate::decide::miss::Miss;
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::plan::Mode;
use crate::domain::trace::TraceId;
use crate::run::start::StartResult;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dr_number": "DR1730550", "mode": "full", "force": false}))]
pub struct EvaluationRequest {
    /// The DR: 3 to 20 letters and digits.
    #[schema(pattern = "^\\s*[A-Za-z0-9]{3,20}\\s*$", example = "DR1730550")]
    pub dr_number: String,
    /// How much of it is evaluated.
    #[serde(default)]
    pub mode: Mode,
    /// Whether nothing from before is to be used; only an operator may ask so.
    #[serde(default)]
    #[schema(default = false)]
    pub force: bool,
    /// The version of a list of steps; by the stack's rules without one.
    #[serde(default)]
    pub catalogue: Option<String>,
}

/// The evaluation that answers a request: a new one, one that runs, or one from before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EvaluationStarted {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// As asked.
    pub mode: Mode,
    /// Why quick mode looks at everything, if it does.
    pub mode_note: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// The number of its photos.
    pub photos_total: usize,
    /// Whether it ran already.
    pub joined: bool,
    /// Whether it was finished already.
    pub cached: bool,
    /// The thread through all that came of the request that started it.
    pub trace_id: Option<TraceId>,
    /// Why nothing from before would do, if it is a new one.
    pub missed_because: Vec<Miss>,
    /// Where it is shown.
    pub links: Links,
}

impl From<&StartResult> for EvaluationStarted {
    fn from(answer: &StartResult) -> Self {
        let evaluation = answer.evaluation();
        let is_new = matches!(answer, StartResult::Started(_));
        let missed_because = evaluation.cache.missed_because.iter().copied();
        Self {
            evaluation_id: evaluation.evaluation_id.clone(),
            dr_number: evaluation.dr_number.clone(),
            mode: evaluation.mode,
            mode_note: evaluation.mode_note.clone(),
            status: evaluation.status(),
            photos_total: evaluation.photos_total,
            joined: matches!(answer, StartResult::Joined(_)),
            cached: matches!(answer, StartResult::Cached(_)),
            trace_id: evaluation.trace_id.clone(),
            missed_because: missed_because.filter(|_| is_new).collect(),
            links: Links::of_evaluation(&evaluation.evaluation_id, &evaluation.dr_number),
        }
    }
}
