//! How sure a model was of each score of an answer.
//!
//! # Invariants
//! - It is said of a finding only where the answer, as it stands, is the JSON asked for and the finding's own entry has
//!   the score: never of what was mended, and never of another photo's entry.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::completion::Completion;
use super::prompt::Question;
use evaluation::domain::certainty::Certainty;
use evaluation::domain::ids::Score;
use evaluation::domain::outcome::Finding;

/// An answer as far as it matters here: where its scores stand.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default)]
    steps: Vec<Entry<'a>>,
    #[serde(borrow, default)]
    photos: Vec<AboutPhoto<'a>>,
}

#[derive(Deserialize)]
struct AboutPhoto<'a> {
    photo: usize,
    #[serde(borrow)]
    steps: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    step: Cow<'a, str>,
    #[serde(borrow)]
    score: &'a RawValue,
}

/// The answer with how sure the model was of each score, where the server says so; `photo` is its number among several,
/// from 1.
pub(super) fn with_certainty(
    mut answer: Answer,
    completion: &Completion,
    question: &Question,
    photo: Option<usize>,
) -> Answer {
    if let Some(entries) = entries(&completion.text, photo) {
        for finding in &mut answer.findings {
            finding.certainty = entries
                .iter()
                .find(|entry| entry.is_of(finding, question))
                .and_then(|entry| entry.certainty(finding.score, completion, question));
        }
    }
    answer
}

fn entries(text: &str, photo: Option<usize>) -> Option<Vec<Entry<'_>>> {
    let json = text.get(text.find('{')?..=text.rfind('}')?)?;
    let written: Written = serde_json::from_str(json).ok()?;
    let Some(photo) = photo else {
        return Some(written.steps);
    };
    let mut photos = written.photos.into_iter();
    Some(photos.find(|about| about.photo == photo)?.steps)
}

impl Entry<'_> {
    fn is_of(&self, finding: &Finding, question: &Question) -> bool {
        let step = question.step_called(&self.step);
        step == Some(&finding.step) && self.score.get() == finding.score.value().to_string()
    }

    fn certainty(
        &self,
        score: Score,
        completion: &Completion,
        question: &Question,
    ) -> Option<Certainty> {
        let (text, number) = (completion.text.as_str(), self.score.get());
        // The number is a part of the text.
        let at = (number.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
        let odds = completion.tokens.score_odds(text, at, number)?;
        Certainty::of(odds.same_side(score, question.pass_score))
    }
}

#[cfg(test)]
mod tests {
    use evaluation::domain::catalogue::Catalogue;
    use evaluation::domain::scope::Scope;
    use serde_json::{Value, json};

    use super::*;
    use crate::answer::{read_answer, read_answers};
    use crate::odds::Tokens;

    fn question() -> Question {
        let catalogue = Catalogue::shipped("v3").unwrap();
        Question::new(catalogue, &Scope::All.steps(catalogue))
    }

    /// A completion of these tokens; a digit may be any of these instead.
    fn completion(text: &str, odds: &[(&str, f64)]) -> Completion {
        let entry = |token: &str, share: f64| json!({"token": token, "logprob": share.ln()});
        let token = |c: char| {
            let mut token = entry(&c.to_string(), 1.0);
            if c.is_ascii_digit() {
                // The higher digits are surer, so that another entry's would be noticed.
                let sure = |share: f64| if c < '5' { 1.0 - share } else { share };
                let choices = odds.iter().map(|(token, share)| entry(token, sure(*share)));
                token = entry(&c.to_string(), 0.5);
                token["top_logprobs"] = choices.collect::<Vec<_>>().into();
            }
            token
        };
        let content: Vec<Value> = text.chars().map(token).collect();
        let mut tokens = Tokens::default();
        tokens.take(Some(&json!({"content": content})));
        Completion {
            text: text.into(),
            tokens,
            ..Completion::default()
        }
    }

    fn of_one(text: &str) -> Vec<Option<f64>> {
        let written = completion(text, &[("8", 0.7), ("3", 0.3)]);
        let answer = read_answer(text, &question()).unwrap();
        let answer = with_certainty(answer, &written, &question(), None);
        let shares = answer.findings.iter();
        shares
            .map(|finding| finding.certainty.map(Certainty::share))
            .collect()
    }

    #[test]
    fn each_finding_has_the_certainty_of_its_own_score() {
        let entry = |step: &str, score: &str| {
            format!(
                r#"{{"step": "{step}", "score": {score}, "comment": "step 3 of 8", "reading": null}}"#
            )
        };
        let both = format!(
            r#"{{"steps": [{}, {}]}}"#,
            entry("house_photo", "8"),
            entry("power_meter", "3")
        );
        assert_eq!(of_one(&both), [Some(0.7), Some(0.7)]);
        let fenced = format!("Here it is: ```json\n{both}\n```");
        assert_eq!(of_one(&fenced), [Some(0.7), Some(0.7)]);
    }

    #[test]
    fn of_what_had_to_be_mended_nothing_is_said() {
        let text = |score: &str| {
            format!(
                r#"{{"steps": [{{"step": "house_photo", "score": {score}, "comment": "c", "reading": null}}]}}"#
            )
        };
        for score in ["\"8\"", "8.0", "\"8/10\""] {
            assert_eq!(of_one(&text(score)), [None], "{score}");
        }
        assert_eq!(of_one(&text("8").replace("null}", "null,}")), [None]);
        assert_eq!(of_one(&text("8")), [Some(0.7)]);
    }

    #[test]
    fn among_several_photos_each_has_its_own() {
        let text = r#"{"photos": [{"photo": 2, "steps": [{"step": "house_photo", "score": 8, "comment": "", "reading": null}]},
            {"photo": 1, "steps": [{"step": "house_photo", "score": 3, "comment": "", "reading": null}]}]}"#;
        let written = completion(text, &[("8", 0.9), ("3", 0.1)]);
        let answers = read_answers(text, &question(), 2).into_iter().enumerate();
        let shares = answers.map(|(at, answer)| {
            let answer = with_certainty(answer.unwrap(), &written, &question(), Some(at + 1));
            answer.findings[0].certainty.unwrap().share()
        });
        assert_eq!(shares.collect::<Vec<_>>(), [0.9, 0.9]);
    }

    /// What a real server said, and how often it then wrote each score where chance chose.
    #[derive(Deserialize)]
    struct Recorded {
        answers: Vec<RecordedAnswer>,
    }

    #[derive(Deserialize)]
    struct RecordedAnswer {
        written: u8,
        scores: Vec<u8>,
        sampled: Option<std::collections::BTreeMap<u8, u32>>,
        chunks: Vec<Value>,
    }

    #[test]
    fn a_real_servers_numbers_are_read_for_every_score_and_are_what_comes_of_chance() {
        let recorded = include_str!("recorded/vllm-0.32-logprobs.json");
        let recorded: Recorded = serde_json::from_str(recorded).unwrap();
        let mut written = std::collections::BTreeSet::new();
        for answer in &recorded.answers {
            let mut draft = crate::pieces::Draft::default();
            for chunk in &answer.chunks {
                draft.take(&chunk.to_string()).unwrap();
            }
            let draft = draft.done().unwrap();
            let completion = Completion {
                text: draft.text,
                tokens: draft.tokens,
                ..Completion::default()
            };
            let read = read_answer(&completion.text, &question()).unwrap();
            let read = with_certainty(read, &completion, &question(), None);
            let [finding] = &read.findings[..] else {
                panic!("{read:?}")
            };
            assert_eq!(finding.score.value(), answer.written);
            let sure = finding.certainty.unwrap().share();
            let side = |score: &u8| (*score >= 7) == (answer.written >= 7);
            if answer.scores.iter().all(side) {
                assert!(sure > 0.999, "{sure} of {:?}", answer.scores);
            }
            if let Some(sampled) = &answer.sampled {
                let all: u32 = sampled.values().sum();
                let same: u32 = sampled
                    .iter()
                    .filter(|(score, _)| side(score))
                    .map(|(_, times)| times)
                    .sum();
                let share = f64::from(same) / f64::from(all);
                let deviation = (share * (1.0 - share) / f64::from(all)).sqrt();
                assert!(
                    (sure - share).abs() < 3.0 * deviation,
                    "said {sure}, seen {share}"
                );
            }
            written.insert(answer.written);
        }
        assert_eq!(written, (0..=10).collect());
        assert!(
            recorded
                .answers
                .iter()
                .any(|answer| answer.sampled.is_some())
        );
    }
}
