//! What is known of a photo from earlier evaluations: the model's answers, kept by all that an answer depends on.
//!
//! # Invariants
//! - The key holds nothing of the DR: what depends on the DR is worked out from the answer, never kept with it. The
//!   hint that the model was given is part of the key. Which DR asked is kept for one thing only: whom its evaluation
//!   may be named to.
//! - Only an answer of the model is kept, for 24 hours from when it was given, and handing it on does not make it
//!   younger.

use std::time::Duration;

use photos::metadata::Metadata;
use photos::quality::Quality;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{DrNumber, EvaluationId, StepKey};
use crate::domain::key::{KeyPart, KeyParts, version_parts};
use crate::domain::outcome::{Facts, Finding, PhotoOutcome, Usage};
use crate::domain::plan::Photo;
use crate::domain::report::Report;
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::domain::versions::Versions;

/// An answer is used again for this long.
pub const CACHED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer of the model about a photo, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedAnswer {
    /// The evaluation that asked; a look's own id, if one did.
    pub evaluation_id: EvaluationId,
    /// The DR of that evaluation; none where a look asked, or a release that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<DrNumber>,
    /// When that evaluation began.
    pub asked_at: Timestamp,
    /// When the answer came.
    pub answered_at: Timestamp,
    /// From when on it is not used any more.
    pub expires_at: Timestamp,
    /// What the photo shows.
    pub findings: Vec<Finding>,
    /// Tokens that the answer cost.
    #[serde(default)]
    pub usage: Usage,
    /// How long the answer took, in milliseconds.
    #[serde(default)]
    pub vlm_ms: u64,
    /// The photo's content, where its ETag is another one than the bytes have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// What the camera wrote into the photo.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// How sharp and bright the photo is, and how it looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Whether a look asked, and no evaluation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_look: bool,
}

/// An earlier answer that an evaluation uses, and to which question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reused {
    /// The question.
    pub scope: Scope,
    /// The answer.
    #[serde(flatten)]
    pub answer: CachedAnswer,
}

/// What is known of a photo when an evaluation begins, and what is left to be asked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The answers to be used.
    pub reused: Vec<Reused>,
    /// What they leave open.
    pub open: Option<Scope>,
}

impl CachedAnswer {
    /// The answer to keep, if this report is one, and a whole one: the evaluation of this id, which began at `asked_at`, asked for it.
    /// In which DR, says who knows.
    pub fn of(id: &EvaluationId, asked_at: Timestamp, report: &Report) -> Option<Self> {
        let PhotoOutcome::Evaluated { findings } = &report.outcome else {
            return None;
        };
        if report.partial {
            return None;
        }
        Some(Self {
            evaluation_id: id.clone(),
            asked_in: None,
            asked_at,
            answered_at: report.at,
            expires_at: report.at.after(CACHED_FOR),
            findings: findings.clone(),
            usage: report.usage.unwrap_or_default(),
            vlm_ms: report.timings.map_or(0, |timings| timings.vlm_ms),
            content: report.content.clone(),
            metadata: report.metadata().cloned().unwrap_or_default(),
            quality: report.facts.as_ref().map(|facts| facts.quality),
            by_look: report.by_look,
        })
    }

    /// What the photo itself tells, as far as it is kept.
    pub fn facts(&self) -> Option<Facts> {
        self.quality.map(|quality| Facts {
            quality,
            metadata: self.metadata.clone(),
            colour_profile: None,
        })
    }

    /// Whether it may be used now; what was asked before `valid_from` was invalidated by hand.
    pub fn is_valid(&self, valid_from: Timestamp, now: Timestamp) -> bool {
        now < self.expires_at && self.asked_at > valid_from
    }
}

/// The key under which the answer to this question about this photo is kept.
pub fn key(photo: &Photo, scope: Scope, versions: &Versions) -> KeyParts {
    let hint = photo.step_hint.as_ref().map_or("", |step| step.as_str());
    let of_photo = [
        (KeyPart::Content, photo.etag.as_str()),
        (KeyPart::Hint, hint),
        (KeyPart::Scope, scope.as_str()),
    ];
    KeyParts::new(of_photo.into_iter().chain(version_parts(versions)))
}

/// The keys under which an answer is kept that was given now: the photo's ETag, by which it is found at once, and what
/// its bytes are, by which it is found under every other ETag.
pub fn keys(photo: &Photo, content: Option<&str>, versions: &Versions) -> Vec<KeyParts> {
    let of = |photo: &Photo| key(photo, photo.scope, versions);
    let by_content = content.map(|content| of(&photo.known_by(Some(content))));
    [of(photo)].into_iter().chain(by_content).collect()
}

/// The questions whose answers help with this one.
pub fn questions(wanted: Scope) -> Vec<Scope> {
    let mut all: Vec<Scope> = wanted.answered_by().concat();
    all.sort();
    all.dedup();
    all
}

/// Chooses among the answers that there are: such as leave nothing open, or else as little as possible.
pub fn choose(wanted: Scope, found: &[Reused]) -> Known {
    let of = |scope: &Scope| found.iter().find(|reused| reused.scope == *scope).cloned();
    let known = |scopes: &[Scope]| Known {
        reused: scopes.iter().filter_map(of).collect(),
        open: None,
    };
    let whole = wanted
        .answered_by()
        .iter()
        .find(|scopes| scopes.iter().all(|scope| of(scope).is_some()));
    if let Some(scopes) = whole {
        return known(scopes);
    }
    let rest = |answered| {
        if answered == Scope::Critical {
            Scope::Others
        } else {
            Scope::Critical
        }
    };
    let half = [Scope::Critical, Scope::Others]
        .into_iter()
        .find(|scope| wanted.is_all() && of(scope).is_some());
    match half {
        Some(answered) => Known {
            open: Some(rest(answered)),
            ..known(&[answered])
        },
        None => Known {
            reused: Vec::new(),
            open: Some(wanted),
        },
    }
}

/// All that is known of a photo: what was found now, and what the answers that are used say of the other steps asked.
pub fn merged(asked: &[StepKey], now: &[Finding], reused: &[Reused]) -> Vec<Finding> {
    let earlier = reused.iter().flat_map(|reused| &reused.answer.findings);
    let new = |finding: &&Finding| !now.iter().any(|other| other.step == finding.step);
    let mut findings: Vec<Finding> = now.iter().chain(earlier.filter(new)).cloned().collect();
    findings.retain(|finding| asked.contains(&finding.step));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::fixtures::id;
    use crate::domain::ids::Score;

    const ALL: [Scope; 3] = [Scope::All, Scope::Critical, Scope::Others];

    fn finding(step: &str, score: u8) -> Finding {
        let (step, score) = (
            StepKey::parse(step).unwrap(),
            Score::try_from(score).unwrap(),
        );
        Finding {
            step,
            score,
            comment: String::new(),
            reading: None,
            fail_code: None,
            certainty: None,
            code: None,
        }
    }

    fn reused(scope: Scope, findings: Vec<Finding>) -> Reused {
        let report = Report::bare(
            PhotoOutcome::Evaluated { findings },
            Timestamp::from_millis(7),
        );
        Reused {
            scope,
            answer: CachedAnswer::of(&id(1), Timestamp::default(), &report).unwrap(),
        }
    }

    #[test]
    fn what_is_used_and_what_is_asked_together_answer_the_question() {
        for wanted in ALL {
            for found in 0..8 {
                let found: Vec<_> = (0..3)
                    .filter(|bit| found & (1 << bit) != 0)
                    .map(|at| reused(ALL[at], vec![]))
                    .collect();
                let known = choose(wanted, &found);
                let scopes: Vec<_> = known
                    .reused
                    .iter()
                    .map(|reused| reused.scope)
                    .chain(known.open)
                    .collect();
                assert!(
                    wanted
                        .answered_by()
                        .iter()
                        .any(|set| set.iter().all(|scope| scopes.contains(scope))),
                    "{wanted:?} by {scopes:?}"
                );
                assert!(
                    known
                        .open
                        .is_none_or(|open| !found.iter().any(|reused| reused.scope == open)),
                    "asked again"
                );
            }
        }
    }

    #[test]
    fn full_after_quick_asks_only_what_quick_did_not_ask() {
        let known = choose(
            Scope::All,
            &[reused(Scope::Critical, vec![finding("power_meter", 8)])],
        );
        assert_eq!(known.open, Some(Scope::Others));
        let steps = ["power_meter", "ups_serial"].map(|step| StepKey::parse(step).unwrap());
        let findings = merged(&steps, &[finding("ups_serial", 7)], &known.reused);
        assert_eq!(
            findings,
            [finding("ups_serial", 7), finding("power_meter", 8)]
        );
    }

    #[test]
    fn quick_after_full_asks_nothing_and_sees_no_other_step() {
        let known = choose(
            Scope::Critical,
            &[reused(
                Scope::All,
                vec![finding("power_meter", 8), finding("ups_serial", 7)],
            )],
        );
        assert_eq!(known.open, None);
        let asked = [StepKey::parse("power_meter").unwrap()];
        assert_eq!(
            merged(&asked, &[], &known.reused),
            [finding("power_meter", 8)]
        );
    }

    #[test]
    fn an_answer_is_used_for_24_hours_and_not_if_it_was_asked_for_before_the_cache_was_emptied() {
        let Reused { answer, .. } = reused(Scope::All, vec![]);
        let answer = CachedAnswer {
            asked_at: Timestamp::from_millis(5),
            ..answer
        };
        let (never, end) = (Timestamp::from_millis(i64::MIN), answer.expires_at);
        assert_eq!(end, Timestamp::from_millis(7).after(CACHED_FOR));
        assert!(
            answer.is_valid(never, Timestamp::from_millis(end.as_millis() - 1))
                && !answer.is_valid(never, end)
        );
        let now = Timestamp::from_millis(8);
        assert!(
            answer.is_valid(Timestamp::from_millis(4), now)
                && !answer.is_valid(Timestamp::from_millis(5), now)
        );
    }

    #[test]
    fn an_answer_is_kept_by_the_etag_and_by_the_bytes_where_they_differ() {
        let photo = crate::decide::fixtures::photo("a.jpg");
        let versions = Versions::from_fn(|part| format!("{part:?}-1"));
        let by_etag = key(&photo, photo.scope, &versions);
        assert_eq!(
            keys(&photo, None, &versions).as_slice(),
            std::slice::from_ref(&by_etag)
        );
        let other = Photo {
            etag: "\"md5\"".into(),
            ..photo.clone()
        };
        let by_bytes = key(&other, other.scope, &versions);
        assert_eq!(
            keys(&photo, Some("\"md5\""), &versions),
            [by_etag, by_bytes]
        );
    }

    #[test]
    fn an_error_is_never_kept() {
        let outcome =
            PhotoOutcome::not_evaluated(crate::domain::outcome::ReasonCode::Refused, "no");
        assert_eq!(
            CachedAnswer::of(
                &id(1),
                Timestamp::default(),
                &Report::bare(outcome, Timestamp::default())
            ),
            None
        );
    }
}
