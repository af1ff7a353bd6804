//! A photo's report: its outcome and how it came about.

use photos::metadata::Metadata;
use serde::{Deserialize, Serialize};

use super::ids::{DrNumber, EvaluationId};
use super::outcome::{Facts, ImageFigures, PhotoOutcome, PhotoTimings, Usage};
use super::time::Timestamp;

/// A photo's outcome and how it came about, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Findings, or why there are none.
    #[serde(flatten)]
    pub outcome: PhotoOutcome,
    /// Whether the model's answer was broken, and more may have been seen than its findings say. Releases before know
    /// no such answers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// When the outcome was known.
    pub at: Timestamp,
    /// How often the photo was put off before.
    pub attempt: u32,
    /// How long each part took; absent where nothing was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<PhotoTimings>,
    /// What was sent to the VLM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFigures>,
    /// What the photo itself tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// What the camera wrote, where nothing else of the photo itself is known: an earlier answer about the same bytes
    /// is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<Metadata>>,
    /// Tokens the server counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The photo's content, where its ETag is another one than the bytes have: a hash of them, written as an ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The evaluation for which the answer was given, if nobody was asked for this one: the same bytes had been asked
    /// about under another ETag. `at` is then when that answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_for: Option<EvaluationId>,
    /// The DR of that evaluation, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_in: Option<DrNumber>,
    /// Whether that was no evaluation but a look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_look: bool,
}

impl Report {
    /// A report of something that no time was spent on.
    pub fn bare(outcome: PhotoOutcome, at: Timestamp) -> Self {
        Self {
            outcome,
            partial: false,
            at,
            attempt: 0,
            timings: None,
            image: None,
            facts: None,
            metadata: None,
            usage: None,
            content: None,
            answered_for: None,
            answered_in: None,
            by_look: false,
        }
    }

    /// What the camera wrote, as far as it is known.
    pub fn metadata(&self) -> Option<&Metadata> {
        let of_photo = self.facts.as_ref().map(|facts| &facts.metadata);
        of_photo.or(self.metadata.as_deref())
    }
}
