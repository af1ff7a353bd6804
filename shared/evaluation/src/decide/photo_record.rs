//! A photo of an evaluation as it is kept.

use photos::metadata::Metadata;
use serde::{Deserialize, Serialize};

use super::cache::{self, CACHED_FOR, CachedAnswer, Known, Reused};
use super::sighting::Elsewhere;
use crate::domain::bounds::LONGEST_NAME;
use crate::domain::ids::StepKey;
use crate::domain::judge::PhotoResult;
use crate::domain::outcome::{PhotoOutcome, ReasonCode};
use crate::domain::plan::{Copied, Misnamed, Photo, WrongName};
use crate::domain::report::Report;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// One photo of one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// The photo.
    #[serde(flatten)]
    pub photo: Photo,
    /// How often it was put off.
    #[serde(default)]
    pub attempt: u32,
    /// Until when it is put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_until: Option<Timestamp>,
    /// When the sweeper sent it again last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resent_at: Option<Timestamp>,
    /// Earlier answers about it that are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reused: Vec<Reused>,
    /// Another DR in which it was used before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also_in: Option<Elsewhere>,
    /// Its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl PhotoRecord {
    /// A photo nothing is known of yet.
    pub fn new(photo: Photo) -> Self {
        Self {
            photo,
            attempt: 0,
            deferred_until: None,
            resent_at: None,
            reused: Vec::new(),
            also_in: None,
            report: None,
        }
    }

    /// A photo that is the same file as another one of its DR, which is asked about instead.
    pub fn copy(copy: Copied, now: Timestamp) -> Self {
        let message = format!(
            "The same photo as {}, which was asked about instead.",
            copy.of
        );
        let outcome = PhotoOutcome::not_evaluated(ReasonCode::SamePhoto, message);
        Self {
            report: Some(Report::bare(outcome, now)),
            ..Self::new(copy.photo)
        }
    }

    /// A photo whose name is not taken: nobody is asked about it, and everything else is as usual.
    pub fn misnamed(misnamed: Misnamed, now: Timestamp) -> Self {
        let (code, what) = match misnamed.why {
            WrongName::TooLong(bytes) => (
                ReasonCode::NameTooLong,
                format!("has {bytes} bytes, and at most {LONGEST_NAME} are taken"),
            ),
            WrongName::Refused(why) => (ReasonCode::NameRefused, why.to_owned()),
        };
        let again = match code {
            ReasonCode::NameTooLong => "a shorter name",
            _ => "a plain name",
        };
        let message = format!("The photo's name {what}. Upload it again under {again}.");
        let outcome = PhotoOutcome::not_evaluated(code, message);
        Self {
            report: Some(Report::bare(outcome, now)),
            ..Self::new(misnamed.photo)
        }
    }

    /// A photo of which this much is known: if that is all that is asked, it has its outcome.
    pub fn begin(photo: Photo, known: Known, asked: &[StepKey], now: Timestamp) -> Self {
        let Known { reused, open } = known;
        let findings = || cache::merged(asked, &[], &reused);
        let report = open.is_none().then(|| {
            let findings = findings();
            let answers = reused.iter().map(|reused| &reused.answer);
            Report {
                facts: answers.rev().find_map(CachedAnswer::facts),
                ..Report::bare(PhotoOutcome::Evaluated { findings }, now)
            }
        });
        Self {
            report,
            reused,
            ..Self::new(Photo {
                scope: open.unwrap_or(photo.scope),
                ..photo
            })
        }
    }

    /// What its bytes are, as far as that is known: of two photos with the same, one is the other.
    pub fn content(&self) -> &str {
        let earlier = self
            .reused
            .first()
            .and_then(|reused| reused.answer.content.as_deref());
        let own = self
            .report
            .as_ref()
            .and_then(|report| report.content.as_deref());
        own.or(earlier).unwrap_or(&self.photo.etag)
    }

    /// What its camera wrote, by this evaluation or by an earlier one whose answer is used.
    pub fn metadata(&self) -> Option<&Metadata> {
        let own = self.report.as_ref().and_then(Report::metadata);
        own.or(self.reused.first().map(|reused| &reused.answer.metadata))
    }

    /// Whether an answer of the model stands.
    pub fn is_answered(&self) -> bool {
        matches!(
            self.report.as_ref().map(|report| &report.outcome),
            Some(PhotoOutcome::Evaluated { .. })
        )
    }

    /// Whether earlier answers were enough, so that nobody was asked.
    pub fn is_reused(&self) -> bool {
        let has = |scope: &Scope| self.reused.iter().any(|reused| reused.scope == *scope);
        self.photo
            .scope
            .answered_by()
            .iter()
            .any(|scopes| scopes.iter().all(has))
    }

    /// When each answer that its outcome rests on is too old to be used: the earlier ones, and its own. (Where earlier
    /// ones were enough, the report says when they were taken, which is later than they were given.)
    pub fn answers_expire_at(&self) -> impl Iterator<Item = Timestamp> {
        let own = self.report.iter().filter(|_| self.is_answered());
        let earlier = self.reused.iter().map(|reused| reused.answer.expires_at);
        own.map(|report| report.at.after(CACHED_FOR)).chain(earlier)
    }

    /// What is judged of it; of a broken answer also that the photo may show more than was found.
    pub fn results(&self) -> Vec<PhotoResult> {
        let Some(report) = &self.report else {
            return Vec::new();
        };
        let of = |outcome| PhotoResult {
            name: self.photo.name.clone(),
            outcome,
        };
        let more = report.partial.then(|| {
            let message = "A part of the model's answer about this photo could not be read.";
            of(PhotoOutcome::not_evaluated(
                ReasonCode::InvalidAnswer,
                message,
            ))
        });
        [of(report.outcome.clone())]
            .into_iter()
            .chain(more)
            .collect()
    }

    /// The report, with what earlier answers say of the steps that were not asked about now.
    pub fn completed(&self, report: &Report, asked: &[StepKey]) -> Report {
        match &report.outcome {
            PhotoOutcome::Evaluated { findings } if !self.reused.is_empty() => {
                let findings = cache::merged(asked, findings, &self.reused);
                Report {
                    outcome: PhotoOutcome::Evaluated { findings },
                    ..report.clone()
                }
            }
            _ => report.clone(),
        }
    }
}
