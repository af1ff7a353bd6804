//! Why a question could not be answered from before, and what was saved where it could.

use serde::{Deserialize, Serialize};

use super::evaluation::{Evaluation, PhotoRecord};
use super::start::Reuse;
use super::verdict::Reused;
use crate::domain::ids::EvaluationId;
use crate::domain::key::{KeyPart, KeyParts};
use crate::domain::plan::{Photo, Plan, Versions};
use crate::domain::time::Timestamp;

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
    /// Another catalogue of steps is in use.
    Catalogue,
    /// Another model is in use.
    Model,
    /// The model is asked in other words.
    Prompt,
    /// Photos are sent in other sizes.
    SizePolicy,
    /// The answer is older than 24 hours, or rests on one that is.
    Expired,
    /// The cache was emptied by hand.
    Emptied,
    /// The evaluation of this question has a gap, or another one took its place.
    Incomplete,
}

/// The question that was asked of a DR last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAsked {
    /// The evaluation that answered it.
    pub last_evaluation_id: EvaluationId,
    /// A hash of the photos' names and contents.
    pub photos: String,
    /// Catalogue, model, prompt and size policy.
    #[serde(flatten)]
    pub versions: Versions,
}

/// What the cache did for an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

impl LastAsked {
    /// The question of this plan.
    pub fn of(evaluation_id: &EvaluationId, plan: &Plan, versions: &Versions) -> Self {
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
            last_evaluation_id: evaluation_id.clone(),
            photos,
            versions: versions.clone(),
        }
    }

    /// In what this question differs from the other.
    fn differences(&self, other: &Self) -> Vec<Miss> {
        let (a, b) = (&self.versions, &other.versions);
        let all = [
            (Miss::Photos, self.photos != other.photos),
            (Miss::Catalogue, a.catalogue != b.catalogue),
            (Miss::Model, a.model != b.model),
            (Miss::Prompt, a.prompt != b.prompt),
            (Miss::SizePolicy, a.size_policy != b.size_policy),
        ];
        all.into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(miss, _)| miss)
            .collect()
    }
}

/// Why the question is asked anew, given the evaluation that answered the same one and the question asked last.
pub fn why(
    current: Option<&Evaluation>,
    asked: &LastAsked,
    last: Option<&LastAsked>,
    reuse: Reuse,
    valid_from: Timestamp,
) -> Vec<Miss> {
    if reuse == Reuse::Nothing {
        return vec![Miss::Forced];
    }
    if let Some(current) = current {
        return vec![match () {
            () if current.created_at <= valid_from => Miss::Emptied,
            () if current.is_settled() => Miss::Expired,
            () => Miss::Incomplete,
        }];
    }
    let differences = last.map(|last| asked.differences(last)).unwrap_or_default();
    if differences.is_empty() {
        vec![Miss::First]
    } else {
        differences
    }
}

impl CacheFigures {
    /// What is used again by these photos.
    pub fn of(photos: &[PhotoRecord], missed_because: Vec<Miss>) -> Self {
        let answers: Vec<&Reused> = photos.iter().flat_map(|photo| &photo.reused).collect();
        let tokens = |reused: &&Reused| {
            reused.verdict.usage.prompt_tokens + reused.verdict.usage.completion_tokens
        };
        Self {
            missed_because,
            photos_reused: photos.iter().filter(|photo| photo.is_reused()).count(),
            answers_reused: answers.len(),
            tokens_saved: answers.iter().map(tokens).sum(),
            vlm_ms_saved: answers.iter().map(|reused| reused.verdict.vlm_ms).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalogue::Catalogue;
    use crate::domain::judge::{Judgement, Verdict};
    use crate::domain::plan::{Mode, plan};
    use crate::protocol::record::tests::{evaluation_of, photo};

    fn asked(names: &[&str], versions: &Versions) -> LastAsked {
        let photos = names.iter().map(|name| photo(name)).collect();
        let plan = plan(
            photos,
            Mode::Full,
            &Catalogue::shipped("v1").unwrap(),
            versions,
        );
        LastAsked::of(&EvaluationId::generate(), &plan, versions)
    }

    #[test]
    fn what_changed_since_the_last_question_is_named() {
        let versions = evaluation_of(&["a.jpg"]).versions();
        let one = asked(&["a.jpg"], &versions);
        let why = |last: Option<&LastAsked>| why(None, &one, last, Reuse::Settled, Timestamp::MIN);
        assert_eq!(why(None), [Miss::First]);
        assert_eq!(
            why(Some(&asked(&["a.jpg", "b.jpg"], &versions))),
            [Miss::Photos]
        );
        for (part, miss) in [Miss::Catalogue, Miss::Model, Miss::Prompt, Miss::SizePolicy]
            .into_iter()
            .enumerate()
        {
            let mut before = versions.clone();
            let Versions {
                catalogue,
                model,
                prompt,
                size_policy,
            } = &mut before;
            [catalogue, model, prompt, size_policy]
                .into_iter()
                .nth(part)
                .unwrap()
                .push('x');
            let last = LastAsked {
                versions: before,
                ..one.clone()
            };
            assert_eq!(why(Some(&last)), [miss]);
        }
    }

    #[test]
    fn an_answer_that_is_there_and_not_used_says_why() {
        let evaluation = evaluation_of(&["a.jpg"]);
        let one = asked(&["a.jpg"], &evaluation.versions());
        let verdict = |verdict| Evaluation {
            judgement: Some(Judgement {
                verdict,
                average_score: None,
                steps: vec![],
                flags: vec![],
            }),
            ..evaluation.clone()
        };
        let of = |current: &Evaluation, reuse, valid_from| {
            why(Some(current), &one, None, reuse, valid_from)
        };
        assert_eq!(
            of(&verdict(Verdict::Pass), Reuse::Nothing, Timestamp::MIN),
            [Miss::Forced]
        );
        assert_eq!(
            of(&verdict(Verdict::Pass), Reuse::Settled, Timestamp::MIN),
            [Miss::Expired]
        );
        assert_eq!(
            of(
                &verdict(Verdict::Pass),
                Reuse::Settled,
                evaluation.created_at
            ),
            [Miss::Emptied]
        );
        assert_eq!(
            of(
                &verdict(Verdict::Incomplete),
                Reuse::Settled,
                Timestamp::MIN
            ),
            [Miss::Incomplete]
        );
    }
}
