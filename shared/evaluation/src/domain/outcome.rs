//! What became of one photo: findings, or the reason why there are none.
//!
//! # Invariants
//! - A score exists only inside `PhotoOutcome::Evaluated`, so an error can't carry one.

use photos::metadata::Metadata;
use photos::quality::Quality;
pub use photos::{ColourProfile, ImageFigures};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::certainty::Certainty;
use super::ids::{Score, StepKey};
pub use super::reason::{Reason, ReasonCode};

/// One step that a photo shows, as the model judged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The step.
    pub step: StepKey,
    /// How well the photo shows it.
    pub score: Score,
    /// A short remark of the model.
    pub comment: String,
    /// The small print read, e.g. a serial or `-18.4 dBm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// The code of the reason for a low score, one of the catalogue's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_code: Option<String>,
    /// How sure the model was of the score's side of the pass mark; absent where the server gives no probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certainty: Option<Certainty>,
    /// The serial that a bar code on the photo says, where the step wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What became of one photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum PhotoOutcome {
    /// The model looked; no findings means that the photo shows no step.
    Evaluated {
        /// A finding per step shown.
        findings: Vec<Finding>,
    },
    /// The model's judgement could not be had.
    NotEvaluated {
        /// Why.
        reason: Reason,
    },
}

impl PhotoOutcome {
    /// An outcome without a judgement.
    pub fn not_evaluated(code: ReasonCode, message: impl Into<String>) -> Self {
        Self::NotEvaluated {
            reason: Reason::new(code, message),
        }
    }

    /// Whether the photo might have shown what is not known: it was wanted, and could not be looked at.
    pub fn is_gap(&self) -> bool {
        matches!(self, Self::NotEvaluated { .. })
            && !self.is_not_needed()
            && !self.is_copy()
            && !self.is_no_photo()
    }

    /// Whether the file is no photo: it shows no step, and nobody has to look.
    pub fn is_no_photo(&self) -> bool {
        matches!(self, Self::NotEvaluated { reason } if reason.code == ReasonCode::NotAPhoto)
    }

    /// Whether nobody was asked, because the verdict stood.
    pub fn is_not_needed(&self) -> bool {
        matches!(self, Self::NotEvaluated { reason } if reason.code == ReasonCode::NotNeeded)
    }

    /// Whether another photo of the DR is the same file: what this one shows, that one does.
    pub fn is_copy(&self) -> bool {
        matches!(self, Self::NotEvaluated { reason } if reason.code == ReasonCode::SamePhoto)
    }

    /// Whether a later answer of the model may still take this outcome's place.
    pub fn is_provisional(&self) -> bool {
        matches!(self, Self::NotEvaluated { reason } if matches!(reason.code, ReasonCode::Deadline | ReasonCode::DeadLettered))
    }
}

/// What a photo itself tells, whatever the model says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// How sharp and bright it is, and a hash of how it looks.
    pub quality: Quality,
    /// When, where and with what it was taken.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// What became of its colour profile, where that is worth telling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour_profile: Option<ColourProfile>,
}

/// How long each part of a photo's way took, in milliseconds; a closer look included, if there was one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PhotoTimings {
    /// From sending the batch message to its arrival in the function.
    pub queue_ms: u64,
    /// Reading the photo from S3.
    pub fetch_ms: u64,
    /// Decoding, turning, scaling, encoding; waiting for a free core included.
    pub compress_ms: u64,
    /// VlmAccess the VLM, a repair included.
    pub vlm_ms: u64,
    /// From sending the question to the answer's first token; absent where the server does not stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// From the first token to the last, a repair included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_ms: Option<u64>,
}

/// Tokens as the VLM server counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Tokens read, the image included.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

impl Usage {
    /// Tokens of this and another request.
    pub fn plus(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self
                .completion_tokens
                .saturating_add(other.completion_tokens),
        }
    }

    /// Tokens written a second, one decimal, given how long the writing took.
    pub fn tokens_per_second(self, generation_ms: u64) -> Option<f64> {
        (generation_ms > 0).then(|| {
            (self.completion_tokens as f64 * 10_000.0 / generation_ms as f64).round() / 10.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_photo_leaves_no_gap_and_what_could_not_be_seen_does() {
        let gap = |code| PhotoOutcome::not_evaluated(code, "why").is_gap();
        for code in [
            ReasonCode::NotAPhoto,
            ReasonCode::SamePhoto,
            ReasonCode::NotNeeded,
        ] {
            assert!(!gap(code), "{code:?}");
        }
        for code in [
            ReasonCode::NotAnImage,
            ReasonCode::Archived,
            ReasonCode::NoAccess,
            ReasonCode::NameRefused,
            ReasonCode::Unknown,
        ] {
            assert!(gap(code), "{code:?}");
        }
    }
}
