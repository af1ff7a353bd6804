//! A model's errors as chance: the labelled truth goes in, what a model might have answered comes out, as text.
//!
//! # Invariants
//! - The same photo, question and size get the same answer, and chance is drawn per photo and step: what two ways
//!   have in common they answer alike, so comparisons are paired.

use std::collections::BTreeMap;

use anyhow::Context;
use evaluation::domain::certainty::Certainty;
use evaluation::domain::ids::{Score, StepKey};
use samples::truth::Shown;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const FILE: &str = include_str!("noise.json");
/// The long edge, in pixels, that the file's rates are for.
const RATED_EDGE: f64 = 1280.0;
/// The score of a photo whose print can't be read, at most.
const UNREAD: u8 = 4;

/// How often a model errs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noise {
    score_off: BTreeMap<String, f64>,
    asked_otherwise: f64,
    step_missed: f64,
    print_unread: f64,
    step_invented: f64,
    too_sure: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    models: BTreeMap<String, Noise>,
}

/// A photo as it is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    /// Where chance starts.
    pub(crate) seed: u64,
    /// The photo's identity.
    pub(crate) photo: &'a str,
    /// What it looks like.
    pub(crate) looks_like: &'a [Shown],
    /// The steps asked.
    pub(crate) asked: &'a [StepKey],
    /// The long edge, in pixels, that was sent.
    pub(crate) long_edge: u32,
}

impl Noise {
    /// The noise model of this name.
    pub(crate) fn shipped(name: &str) -> anyhow::Result<Self> {
        let mut file: File = serde_json::from_str(FILE).context("Failed to read noise.json")?;
        let names = file.models.keys().cloned().collect::<Vec<_>>().join(", ");
        file.models.remove(name).with_context(|| {
            format!(
                "There is no noise model {name}; there are {names}. A real model needs --vlm-url."
            )
        })
    }

    /// What the model writes.
    pub(crate) fn answer(&self, look: &Look<'_>) -> String {
        let mut steps: Vec<Value> = look
            .looks_like
            .iter()
            .filter_map(|shown| self.entry(look, shown))
            .collect();
        steps.extend(self.invented(look));
        json!({"steps": steps}).to_string()
    }

    fn entry(&self, look: &Look<'_>, shown: &Shown) -> Option<Value> {
        let (step, smaller) = (
            shown.step.as_str(),
            RATED_EDGE / f64::from(look.long_edge.max(1)),
        );
        let asked = look.asked.iter().any(|asked| asked.as_str() == step);
        if !asked || look.chance(&[step, "missed"]) < self.step_missed * smaller {
            return None;
        }
        let unread = shown.reading.is_some()
            && look.chance(&[step, "print"]) < self.print_unread * smaller * smaller;
        let score = self.score(look, step, shown.score);
        let score = if unread { score.min(UNREAD) } else { score };
        let comment = if score >= 7 {
            "clearly shown, as the step asks"
        } else {
            "not shown well enough for the step"
        };
        let reading = shown.reading.as_ref().filter(|_| !unread);
        Some(json!({"step": step, "score": score, "comment": comment, "reading": reading}))
    }

    fn score(&self, look: &Look<'_>, step: &str, truth: u8) -> u8 {
        let mut left = look.chance(&[step, "score"]);
        let off = self.score_off.iter().find_map(|(off, share)| {
            left -= share;
            (left < 0.0).then(|| off.parse::<i16>().unwrap_or(0))
        });
        // The list of steps is part of this draw and of no other.
        let question = look
            .asked
            .iter()
            .map(StepKey::as_str)
            .collect::<Vec<_>>()
            .join(",");
        let other = look.chance(&[step, "question", &question]);
        let sway = match other / self.asked_otherwise.max(f64::MIN_POSITIVE) {
            share if share < 0.5 => -1,
            share if share < 1.0 => 1,
            _ => 0,
        };
        (i16::from(truth) + off.unwrap_or(0) + sway).clamp(0, Score::MAX.into()) as u8
    }

    /// How probable the model takes each score to be that it gave this one: as its errors are spread around it, but
    /// surer of itself than it should be. Of what it does not see, it knows nothing.
    fn odds(&self, score: u8) -> Vec<(u8, f64)> {
        let said = 1.0 - self.score_off.values().sum::<f64>() / self.too_sure.max(1.0);
        let off = |off: &str| off.parse::<i16>().unwrap_or(0);
        let others = self
            .score_off
            .iter()
            .map(|(by, share)| (off(by), share / self.too_sure.max(1.0)));
        others
            .chain([(0, said)])
            .map(|(off, share)| {
                (
                    (i16::from(score) + off).clamp(0, Score::MAX.into()) as u8,
                    share,
                )
            })
            .collect()
    }

    /// How sure the model takes itself to be that a score lies on its side of the mark.
    pub(crate) fn certainty(&self, score: Score, pass_score: Score) -> Option<Certainty> {
        let passes = |score: u8| score >= pass_score.value();
        let same = |(other, _): &(u8, f64)| passes(*other) == passes(score.value());
        let odds = self.odds(score.value());
        Certainty::of(
            odds.iter()
                .filter(|odds| same(odds))
                .map(|(_, share)| share)
                .sum(),
        )
    }

    /// A step that the photo does not show.
    fn invented(&self, look: &Look<'_>) -> Option<Value> {
        if look.chance(&["invented"]) >= self.step_invented {
            return None;
        }
        let others: Vec<&StepKey> = look.asked.iter().filter(|step| !look.shows(step)).collect();
        let step = others.get((look.chance(&["which"]) * others.len() as f64) as usize)?;
        let score = 4 + (look.chance(&["how well"]) * 5.0) as u8;
        Some(
            json!({"step": step, "score": score, "comment": "seems to be in view", "reading": null}),
        )
    }
}

impl Look<'_> {
    fn shows(&self, step: &StepKey) -> bool {
        self.looks_like
            .iter()
            .any(|shown| shown.step == step.as_str())
    }

    /// A number from 0 up to 1, always the same for the same photo and words.
    fn chance(&self, words: &[&str]) -> f64 {
        let mut hasher = Sha256::new();
        hasher.update(self.seed.to_be_bytes());
        for word in [self.photo].iter().chain(words) {
            hasher.update((word.len() as u64).to_be_bytes());
            hasher.update(word.as_bytes());
        }
        let bits = hasher
            .finalize()
            .iter()
            .take(8)
            .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use evaluation::domain::catalogue::Catalogue;
    use vlm::answer::read_answer;
    use vlm::prompt::Question;

    use super::*;

    fn keys(steps: &[&str]) -> Vec<StepKey> {
        steps
            .iter()
            .map(|step| StepKey::parse(step).unwrap())
            .collect()
    }

    /// The scores of so many power meters at this size, with this noise.
    fn scores(noise: &Noise, asked: &[StepKey], long_edge: u32) -> Vec<Option<u8>> {
        let looks_like = [Shown {
            step: "power_meter".into(),
            score: 8,
            reading: Some("-18".into()),
            code: None,
            fail: None,
        }];
        let question = Question::new(Catalogue::shipped("v1").unwrap(), asked);
        let of = |photo: usize| {
            let photo = photo.to_string();
            let look = Look {
                seed: 1,
                photo: &photo,
                looks_like: &looks_like,
                asked,
                long_edge,
            };
            let answer = read_answer(&noise.answer(&look), &question).unwrap();
            answer
                .findings
                .iter()
                .find(|f| f.step.as_str() == "power_meter")
                .map(|f| f.score.value())
        };
        (0..2000).map(of).collect()
    }

    #[test]
    fn without_noise_the_truth_comes_out_and_only_what_was_asked() {
        let noise = Noise::shipped("none").unwrap();
        assert!(
            scores(&noise, &keys(&["power_meter"]), 640)
                .iter()
                .all(|score| *score == Some(8))
        );
        assert!(
            scores(&noise, &keys(&["house_photo"]), 640)
                .iter()
                .all(Option::is_none)
        );
        assert!(
            Noise::shipped("qwen")
                .unwrap_err()
                .to_string()
                .contains("--vlm-url")
        );
    }

    #[test]
    fn errors_come_at_the_stated_rates_and_more_often_in_smaller_photos() {
        let noise = Noise::shipped("assumed").unwrap();
        let asked = keys(&["power_meter", "house_photo"]);
        let share = |edge: u32, what: fn(&Option<u8>) -> bool| {
            scores(&noise, &asked, edge)
                .iter()
                .filter(|score| what(score))
                .count() as f64
                / 2000.0
        };
        assert!((share(1280, Option::is_none) - 0.01).abs() < 0.008);
        assert!((share(1280, |score| matches!(score, Some(..=4))) - 0.02).abs() < 0.01);
        assert!((share(640, |score| matches!(score, Some(..=4))) - 0.08).abs() < 0.02);
        assert!((share(1280, |score| *score == Some(8)) - 0.67).abs() < 0.04);
    }

    #[test]
    fn another_question_about_the_same_photo_sways_few_scores() {
        let noise = Noise::shipped("assumed").unwrap();
        let (one, other) = (
            keys(&["power_meter"]),
            keys(&["power_meter", "house_photo"]),
        );
        let pairs = scores(&noise, &one, 1280)
            .into_iter()
            .zip(scores(&noise, &other, 1280));
        let differing = pairs.filter(|(one, other)| one != other).count() as f64 / 2000.0;
        assert!(
            (0.06..0.13).contains(&differing),
            "two draws of 5 %: {differing}"
        );
    }
}
