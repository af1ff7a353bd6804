//! Reading a model's answer.
//!
//! # Invariants
//! - A finding has a step that was asked and a score from 0 to 10 that the model wrote; nothing is made up.
//! - "Shows no step" is one whole object with an empty list and nothing around or beside it; an answer that can't be
//!   read never becomes one.
//! - Of an answer about several photos, an entry belongs to the photo whose number it names, and to no other; numbers
//!   of photos that there aren't make all of it doubtful.
//! - Of an answer and its repair nothing is lost that either holds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mend::{Found, find_json};
use super::prompt::Question;
use super::refusal::harmless;
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
    read_completion(content, false, question)
}

/// The same of an answer of which it is known whether the server cut it off.
pub(super) fn read_completion(
    content: &str,
    was_cut: bool,
    question: &Question,
) -> Result<Answer, AnswerError> {
    if content.trim().is_empty() {
        return Err(AnswerError::Empty);
    }
    let unreadable = || AnswerError::Unreadable(content.chars().take(MOST_CHARACTERS).collect());
    let (items, is_whole) = match find_json(content, "steps").ok_or_else(unreadable)? {
        Found::Items(items) => (items, false),
        Found::Whole { value, alone } => {
            let value = about_one(value).ok_or_else(unreadable)?;
            let nothing_else = alone && !was_cut && is_bare(&value);
            let items = list("steps", "step", value).ok_or_else(unreadable)?;
            if items.is_empty() && !nothing_else {
                return Err(unreadable());
            }
            (items, !was_cut)
        }
    };
    let answer = collect(&items, question, !is_whole);
    if answer.partial && answer.findings.is_empty() {
        Err(unreadable())
    } else {
        Ok(answer)
    }
}

/// What an object says about the one photo that there is, also where it says so as of one of several.
fn about_one(mut value: Value) -> Option<Value> {
    let is_first = |entry: &Value| {
        let number = field(entry, "photo");
        number.is_none_or(|number| whole(number) == Some(1))
    };
    if field(&value, "steps").is_none()
        && let Some(Value::Array(photos)) = field_mut(&mut value, "photos")
    {
        let one = photos.pop();
        return one.filter(|one| photos.is_empty() && is_first(one));
    }
    Some(value).filter(is_first)
}

/// Whether an object says nothing beside its list: an excuse would make an empty one doubtful.
fn is_bare(value: &Value) -> bool {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let fields = value.as_object();
    fields.is_some_and(|fields| !fields.values().any(text))
}

/// Reads an answer about several photos: one result each, in the order in which they were sent.
pub fn read_answers(
    content: &str,
    question: &Question,
    photos: usize,
) -> Vec<Result<Answer, AnswerError>> {
    let (items, is_whole) = match find_json(content, "photos") {
        Some(Found::Items(items)) => (items, false),
        Some(Found::Whole { value, alone }) => {
            (list("photos", "photo", value).unwrap_or_default(), alone)
        }
        None => (Vec::new(), false),
    };
    let known = |item: &Value| {
        let number = field(item, "photo").and_then(whole);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let doubtful = items
        .iter()
        .any(|item| known(item).is_none_or(|number| !(1..=photos).contains(&number)));
    (1..=photos)
        .map(|number| {
            let mut entries = items.iter().filter(|item| known(item) == Some(number));
            match (entries.next(), entries.next()) {
                (Some(entry), None) if !doubtful => about(entry, question, is_whole),
                // One that is named twice was confused with another: its answer is none.
                _ => Err(AnswerError::LeftOut),
            }
        })
        .collect()
}

/// What was said of one of several photos.
fn about(entry: &Value, question: &Question, is_whole: bool) -> Result<Answer, AnswerError> {
    let steps = field(entry, "steps")
        .cloned()
        .and_then(|steps| listed("step", steps))
        .filter(|steps| is_whole || !steps.is_empty())
        .ok_or(AnswerError::LeftOut)?;
    let answer = collect(&steps, question, false);
    if answer.partial && answer.findings.is_empty() {
        Err(AnswerError::Unreadable(short(&entry.to_string())))
    } else {
        Ok(answer)
    }
}

/// An answer and its repair together: nothing is lost that either holds. Of a step that both found, the better one
/// counts, as within one answer.
pub(super) fn together(
    first: Result<Answer, AnswerError>,
    repair: Result<Answer, AnswerError>,
) -> Result<Answer, AnswerError> {
    let (first, repair) = match (first, repair) {
        (Ok(first), Ok(repair)) => (first, repair),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => return Ok(one),
        (Err(_), Err(error)) => return Err(error),
    };
    Ok(Answer {
        findings: best(repair.findings.into_iter().chain(first.findings)),
        left_out: repair.left_out,
        partial: repair.partial,
    })
}

/// The best finding of each step; of equal ones the first.
pub(super) fn best(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut best: BTreeMap<StepKey, Finding> = BTreeMap::new();
    for finding in findings {
        let other = best.get(&finding.step);
        let better = other.is_none_or(|other| {
            let rank = |finding: &Finding| (finding.score, finding.reading.is_some());
            rank(&finding) > rank(other)
        });
        if better {
            best.insert(finding.step.clone(), finding);
        }
    }
    best.into_values().collect()
}

/// A field by its name, also in another case.
fn field<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = object.as_object()?;
    let other = || {
        fields
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    fields.get(name).or_else(|| other().map(|(_, value)| value))
}

fn field_mut<'v>(object: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    let fields = object.as_object_mut()?;
    let mut fields = fields.iter_mut();
    fields
        .find(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// The list `name`; also where the model gave the bare list, or an object keyed by `key`. A bare empty list says
/// nothing.
fn list(name: &str, key: &str, value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Object(_) => listed(key, field(&value, name)?.clone()),
        other => listed(key, other).filter(|items| !items.is_empty()),
    }
}

fn listed(key: &str, value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        // An empty object is no list.
        Value::Object(by_key) if !by_key.is_empty() => Some(
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

fn collect(items: &[Value], question: &Question, cut: bool) -> Answer {
    let (mut found, mut left_out, mut partial) = (Vec::new(), Vec::new(), cut);
    for item in items {
        match finding(item, question, &mut left_out) {
            Read::Finding(finding) => found.push(finding),
            Read::NotAsked(step) => left_out.push(format!("the step {step:?} was not asked")),
            Read::Damaged(problem) => {
                partial = true;
                left_out.push(problem);
            }
        }
    }
    Answer {
        findings: best(found.into_iter()),
        left_out,
        partial,
    }
}

enum Read {
    Finding(Finding),
    NotAsked(String),
    Damaged(String),
}

fn finding(item: &Value, question: &Question, left_out: &mut Vec<String>) -> Read {
    let Some(name) = field(item, "step").and_then(Value::as_str) else {
        return Read::Damaged(format!(
            "an entry names no step: {}",
            short(&item.to_string())
        ));
    };
    let Some(key) = question.step_called(name) else {
        return Read::Damaged(format!("there is no step {:?}", short(name)));
    };
    let Some((step, codes)) = question.asked.get_key_value(key) else {
        return Read::NotAsked(short(name));
    };
    let Some(score) = field(item, "score").and_then(score) else {
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
        certainty: None,
        code: None,
    })
}

/// A field's text, of at most so many bytes; a number is taken as it is written. None where the model says that there
/// is nothing.
fn text(item: &Value, name: &str, bytes: usize) -> Option<String> {
    let text = match field(item, name)? {
        Value::String(text) => cut(&printable(text.trim().chars()), bytes),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let nothing = NOTHING
        .iter()
        .any(|nothing| text.eq_ignore_ascii_case(nothing));
    (!nothing).then_some(text)
}

/// `7`, `7.0`, `"7"` and `"7/10"` are sevens; anything else is not taken for a score.
fn score(value: &Value) -> Option<Score> {
    let of_ten = value
        .as_str()
        .and_then(|text| text.trim().strip_suffix("/10"));
    let of_ten = of_ten.map(|score| Value::String(score.into()));
    whole(of_ten.as_ref().unwrap_or(value))
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
    harmless(text.trim())
        .chars()
        .take(MOST_CHARACTERS)
        .collect()
}

fn printable(text: impl Iterator<Item = char>) -> String {
    text.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
