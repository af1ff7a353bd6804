//! Why a question could not be answered from before, and what was saved where it could.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::cache::Reused;
use super::photo_record::PhotoRecord;
use crate::domain::ids::EvaluationId;
use crate::domain::key::{KeyPart, KeyParts};
use crate::domain::plan::{Photo, Plan};
use crate::domain::versions::{VersionPart, Versions};
use crate::show::words::words;

/// Why an evaluation was started although earlier ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Miss {
    /// The DR was never evaluated in this mode, or so long ago that nothing is known of it.
    First,
    /// The caller would have no earlier answer.
    Forced,
    /// A photo was added, replaced, renamed or deleted.
    Photos,
    /// The answer is older than 24 hours, or rests on one that is.
    Expired,
    /// The cache was emptied by hand.
    Emptied,
    /// The evaluation of this question has a gap, or another one took its place.
    Incomplete,
    /// Another version of this is in use.
    #[serde(untagged)]
    Version(VersionPart),
}

impl PartialSchema for Miss {
    fn schema() -> RefOr<Schema> {
        let own = [
            Self::First,
            Self::Forced,
            Self::Photos,
            Self::Expired,
            Self::Emptied,
            Self::Incomplete,
        ];
        let description = "Why an evaluation was started although earlier ones are kept.";
        words::<VersionPart>(description, &own)
    }
}

impl ToSchema for Miss {}

/// Its name in metrics.
impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(part) => write!(f, "{part:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// The question that was asked of a DR last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAsked {
    /// The evaluation that answered it.
    pub last_evaluation_id: EvaluationId,
    /// The question.
    pub question: QuestionDigest,
}

/// A question, as far as it can be compared with another one in the same mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionDigest {
    /// A hash of the photos' names and contents.
    pub photos: String,
    /// What the answer depends on beside the photos.
    pub versions: Versions,
}

/// What the cache did for an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CacheFigures {
    /// Why it was started.
    pub missed_because: Vec<Miss>,
    /// Photos of which all was known.
    pub photos_reused: usize,
    /// Answers of the model that were used again.
    pub answers_reused: usize,
    /// Tokens that they had cost.
    pub tokens_saved: u64,
    /// How long the model had taken for them, in milliseconds.
    pub vlm_ms_saved: u64,
}

impl QuestionDigest {
    /// The question of this plan.
    pub fn of(plan: &Plan, versions: &Versions) -> Self {
        let mut photos: Vec<&Photo> = plan.photos().collect();
        photos.sort_by(|a, b| a.name.cmp(&b.name));
        let parts = photos.iter().flat_map(|p| {
            [
                (KeyPart::Name, p.name.as_str()),
                (KeyPart::Content, p.etag.as_str()),
            ]
        });
        let photos = KeyParts::new(parts).hash();
        Self {
            photos,
            versions: versions.clone(),
        }
    }

    /// In what this question differs from the other.
    pub(super) fn differences(&self, other: &Self) -> Vec<Miss> {
        let photos = (self.photos != other.photos).then_some(Miss::Photos);
        let versions = self.versions.differences(&other.versions);
        photos
            .into_iter()
            .chain(versions.into_iter().map(Miss::Version))
            .collect()
    }
}

impl CacheFigures {
    /// What is used again by these photos.
    pub fn of(photos: &[PhotoRecord], missed_because: Vec<Miss>) -> Self {
        let answers: Vec<&Reused> = photos.iter().flat_map(|photo| &photo.reused).collect();
        let tokens = |reused: &&Reused| {
            reused.answer.usage.prompt_tokens + reused.answer.usage.completion_tokens
        };
        Self {
            missed_because,
            photos_reused: photos.iter().filter(|photo| photo.is_reused()).count(),
            answers_reused: answers.len(),
            tokens_saved: answers.iter().map(tokens).sum(),
            vlm_ms_saved: answers.iter().map(|reused| reused.answer.vlm_ms).sum(),
        }
    }
}
