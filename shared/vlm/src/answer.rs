//! Reading a model's answer.
//!
//! # Invariants
//! - A finding has a step that was asked and a score from 0 to 10 that the model wrote; nothing is made up.
//! - An empty list is an answer ("shows no step"); an answer that can't be read never becomes one.
//! - Of an answer about several photos, an entry belongs to the photo whose number it names, and to no other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::mend::{Found, find_json};
use super::prompt::Question;
use evaluation::domain::bounds::{LONGEST_COMMENT, LONGEST_READING, cut};
use evaluation::domain::ids::{Score, StepKey};
use evaluation::domain::outcome::Finding;

/// Characters of an answer that are shown to operators.
const MOST_CHARACTERS: usize = 300;
/// How models write that there is nothing.
const NOTHING: [&str; 6] = ["", "null", "none", "n/a", "-", "not readable"];

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
    /// An answer about several photos says nothing about this one.
    #[error("the answer leaves this photo out")]
    LeftOut,
}

/// Whether this is the JSON that was asked for, without anything to mend.
pub fn is_strict(content: &str) -> bool {
    serde_json::from_str::<Value>(content).is_ok_and(|value| value.is_object())
}

/// Reads an answer about one photo.
///
/// ```
/// use evaluation::domain::catalogue::Catalogue;
/// use evaluation::domain::scope::Scope;
/// use vlm::answer::read_answer;
/// use vlm::prompt::Question;
///
/// let catalogue = Catalogue::shipped("v3").unwrap();
/// let question = Question::new(catalogue, &Scope::All.steps(catalogue));
/// let content = r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "front", "reading": null}]}"#;
/// assert_eq!(read_answer(content, &question).unwrap().findings.len(), 1);
/// assert!(read_answer("I see a house.", &question).is_err());
/// ```
pub fn read_answer(content: &str, question: &Question) -> Result<Answer, AnswerError> {
    if content.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let unreadable = || AnswerError::Unreadable(content.chars().take(MOST_CHARACTERS).collect());
    let (items, cut) = match find_json(content, "steps").ok_or_else(unreadable)? {
        Found::Items(items) => (items, true),
        Found::Whole(value) => (list("steps", "step", value).ok_or_else(unreadable)?, false),
    };
    let answer = collect(&items, &question.asked, cut);
    if answer.partial && answer.findings.is_empty() {
        Err(unreadable())
    } else {
        Ok(answer)
    }
}

/// Reads an answer about several photos: one result each, in the order in which they were sent.
pub fn read_answers(
    content: &str,
    question: &Question,
    photos: usize,
) -> Vec<Result<Answer, AnswerError>> {
    let items = match find_json(content, "photos") {
        Some(Found::Items(items)) => items,
        Some(Found::Whole(value)) => list("photos", "photo", value).unwrap_or_default(),
        None => Vec::new(),
    };
    (1..=photos)
        .map(|number| about(number, &items, question))
        .collect()
}

/// What was said of the photo of this number. One that is named twice was confused with another: its answer is none.
fn about(number: usize, items: &[Value], question: &Question) -> Result<Answer, AnswerError> {
    let mut entries = items
        .iter()
        .filter(|item| item.get("photo").and_then(whole) == u64::try_from(number).ok());
    let (Some(entry), None) = (entries.next(), entries.next()) else {
        return Err(AnswerError::LeftOut);
    };
    let steps = entry
        .get("steps")
        .cloned()
        .and_then(|steps| listed("step", steps))
        .ok_or(AnswerError::LeftOut)?;
    let answer = collect(&steps, &question.asked, false);
    if answer.partial {
        Err(AnswerError::Unreadable(short(&entry.to_string())))
    } else {
        Ok(answer)
    }
}

/// The list `name`; also where the model gave the bare list, or an object keyed by `key`.
fn list(name: &str, key: &str, value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Object(mut object) => listed(key, object.remove(name)?),
        other => listed(key, other),
    }
}

fn listed(key: &str, value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        Value::Object(by_key) => Some(
            by_key
                .into_iter()
                .map(|(value, entry)| keyed(key, value, entry))
                .collect(),
        ),
        _ => None,
    }
}

fn keyed(key: &str, value: String, mut entry: Value) -> Value {
    if let Some(fields) = entry.as_object_mut() {
        fields.insert(key.into(), Value::String(value));
    }
    entry
}

type Steps = BTreeMap<StepKey, BTreeSet<String>>;

fn collect(items: &[Value], asked: &Steps, cut: bool) -> Answer {
    let mut best: BTreeMap<StepKey, Finding> = BTreeMap::new();
    let mut answer = Answer {
        partial: cut,
        ..Answer::default()
    };
    for item in items {
        match finding(item, asked, &mut answer.left_out) {
            Read::Finding(finding) => {
                let better = best
                    .get(&finding.step)
                    .is_none_or(|other| finding.score > other.score);
                if better {
                    best.insert(finding.step.clone(), finding);
                }
            }
            Read::NotAsked(step) => answer
                .left_out
                .push(format!("the step {step:?} was not asked")),
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

fn finding(item: &Value, asked: &Steps, left_out: &mut Vec<String>) -> Read {
    let Some(key) = item.get("step").and_then(Value::as_str) else {
        return Read::Damaged(format!(
            "an entry names no step: {}",
            short(&item.to_string())
        ));
    };
    let plain = key.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let Some((step, codes)) = asked.iter().find(|(step, _)| step.as_str() == plain) else {
        return Read::NotAsked(short(key));
    };
    let Some(score) = item.get("score").and_then(score) else {
        return Read::Damaged(format!(
            "the score of {step} can't be read: {}",
            short(&item.to_string())
        ));
    };
    let fail = text(item, "fail", LONGEST_READING).map(|code| code.to_ascii_lowercase());
    let (fail_code, unknown): (Option<_>, Option<_>) = match fail {
        Some(code) if codes.contains(&code) => (Some(code), None),
        other => (None, other),
    };
    left_out.extend(unknown.map(|code| format!("{step} has no fail code {code:?}")));
    let comment = text(item, "comment", LONGEST_COMMENT).unwrap_or_default();
    Read::Finding(Finding {
        step: step.clone(),
        score,
        comment,
        reading: text(item, "reading", LONGEST_READING),
        fail_code,
    })
}

/// A field's text, of at most so many bytes; a number is taken as it is written. None where the model says that there is nothing.
fn text(item: &Value, field: &str, bytes: usize) -> Option<String> {
    let text = match item.get(field)? {
        Value::String(text) => cut(&printable(text.trim().chars()), bytes),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let nothing = NOTHING
        .iter()
        .any(|nothing| text.eq_ignore_ascii_case(nothing));
    (!nothing).then_some(text)
}

/// `7`, `7.0` and `"7"` are sevens; anything else is not taken for a score.
fn score(value: &Value) -> Option<Score> {
    whole(value)
        .and_then(|number| u8::try_from(number).ok())
        .and_then(|number| Score::try_from(number).ok())
}

fn whole(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    let whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    whole.then_some(number as u64)
}

fn short(text: &str) -> String {
    printable(text.trim().chars().take(MOST_CHARACTERS))
}

fn printable(text: impl Iterator<Item = char>) -> String {
    text.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
