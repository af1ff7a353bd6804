//! What is shown of things, as JSON: the same to who asks and to who watches, whoever that is; but for the evidence, which is
//! for reviewers. And what may be asked for.

pub mod catalogue;
pub mod evaluation;
pub mod evidence;
pub mod live;
pub mod photo;
pub mod report;
pub mod review;
pub mod start;
pub(crate) mod words;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{DrNumber, EvaluationId};

/// Where more is to be had: paths below the API's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Links {
    /// The thing itself.
    #[serde(rename = "self")]
    #[schema(example = "/evaluations/01890a5d-ac96-774b-bcce-b302099a8057")]
    pub itself: String,
    /// All evaluations of its DR.
    #[schema(example = "/drs/DR1730550/evaluations")]
    pub history: String,
}

impl Links {
    /// Of an evaluation.
    pub fn of_evaluation(id: &EvaluationId, dr: &DrNumber) -> Self {
        Self {
            itself: path_of(id),
            history: history_of(dr),
        }
    }

    /// Of a DR.
    pub fn of_dr(dr: &DrNumber) -> Self {
        Self {
            itself: format!("/drs/{dr}"),
            history: history_of(dr),
        }
    }
}

/// Where an evaluation is shown.
pub fn path_of(id: &EvaluationId) -> String {
    format!("/evaluations/{id}")
}

fn history_of(dr: &DrNumber) -> String {
    format!("/drs/{dr}/evaluations")
}
