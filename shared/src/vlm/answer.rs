//! Reading a model's answer.
//!
//! # Invariants
//! - A finding has a step that was asked and a score from 0 to 10 that the model wrote; nothing is made up.
//! - An empty list is an answer ("shows no step"); an answer that can't be read never becomes one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mend::{Found, find_json};
use crate::domain::ids::{Score, StepKey};
use crate::domain::outcome::Finding;

/// Characters of a comment or reading that are kept.
const MOST_CHARACTERS: usize = 300;

/// An answer that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// One finding per step shown, in the order of the steps' keys.
    pub findings: Vec<Finding>,
    /// Entries that were left out, in words, for operators.
    pub left_out: Vec<String>,
    /// Whether something about an asked step may be lost: the answer breaks off, or an entry can't be read. Such an
    /// answer is worth a repair, and without any finding it is no answer.
    pub partial: bool,
}

/// Why an answer can't be read; for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// There is no text.
    #[error("the answer is empty")]
    Empty,
    /// There is no JSON in it, or none of the shape asked for.
    #[error("the answer is not the JSON asked for: {0}")]
    Unreadable(String),
}

/// Reads an answer about the steps `asked`.
pub fn read_answer(content: &str, asked: &[StepKey]) -> Result<Answer, AnswerError> {
    if content.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let unreadable = || AnswerError::Unreadable(content.chars().take(MOST_CHARACTERS).collect());
    let (items, cut) = match find_json(content).ok_or_else(unreadable)? {
        Found::Items(items) => (items, true),
        Found::Whole(value) => (entries(value).ok_or_else(unreadable)?, false),
    };
    let answer = collect(&items, asked, cut);
    if answer.partial && answer.findings.is_empty() { Err(unreadable()) } else { Ok(answer) }
}

/// The list of entries; also where the model gave the bare list, or an object keyed by step.
fn entries(value: Value) -> Option<Vec<Value>> {
    let steps = match value {
        Value::Object(mut object) => object.remove("steps")?,
        other => other,
    };
    match steps {
        Value::Array(items) => Some(items),
        Value::Object(by_step) => Some(by_step.into_iter().map(|(step, entry)| keyed(step, entry)).collect()),
        _ => None,
    }
}

fn keyed(step: String, mut entry: Value) -> Value {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("step".into(), Value::String(step));
    }
    entry
}

fn collect(items: &[Value], asked: &[StepKey], cut: bool) -> Answer {
    let mut best: BTreeMap<StepKey, Finding> = BTreeMap::new();
    let mut answer = Answer { partial: cut, ..Answer::default() };
    for item in items {
        match finding(item, asked) {
            Read::Finding(finding) => {
                let better = best.get(&finding.step).is_none_or(|other| finding.score > other.score);
                if better {
                    best.insert(finding.step.clone(), finding);
                }
            }
            Read::NotAsked(step) => answer.left_out.push(format!("the step {step:?} was not asked")),
            Read::Damaged(problem) => {
                answer.partial = true;
                answer.left_out.push(problem);
            }
        }
    }
    answer.findings = best.into_values().collect();
    answer
}

enum Read {
    Finding(Finding),
    NotAsked(String),
    Damaged(String),
}

fn finding(item: &Value, asked: &[StepKey]) -> Read {
    let Some(key) = item.get("step").and_then(Value::as_str) else {
        return Read::Damaged(format!("an entry names no step: {}", short(&item.to_string())));
    };
    let Some(step) = asked.iter().find(|step| step.as_str() == key.trim()) else {
        return Read::NotAsked(short(key));
    };
    let Some(score) = item.get("score").and_then(score) else {
        return Read::Damaged(format!("the score of {step} can't be read: {}", short(&item.to_string())));
    };
    let text = |field: &str| item.get(field).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
    Read::Finding(Finding {
        step: step.clone(),
        score,
        comment: text("comment").unwrap_or_default(),
        reading: text("reading"),
    })
}

/// `7`, `7.0` and `"7"` are sevens; anything else is not taken for a score.
fn score(value: &Value) -> Option<Score> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    let whole = number.fract() == 0.0 && (0.0..=f64::from(Score::MAX)).contains(&number);
    whole.then(|| Score::try_from(number as u8).ok()).flatten()
}

fn short(text: &str) -> String {
    text.trim().chars().take(MOST_CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
