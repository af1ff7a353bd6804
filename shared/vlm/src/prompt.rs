//! What the VLM is asked. The wording is data (`prompts/`), the steps come from the catalogue.
//!
//! # Invariants
//! - Everything before the photo is byte-identical for all photos of an evaluation (and of all evaluations of the same
//!   catalogue and steps, whatever the number of photos in a request), so that the server's prefix cache holds it.
//! - Nothing that a stranger wrote gets into the prompt: of a photo's name only the step that it hints at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::schema;
use evaluation::domain::catalogue::{Catalogue, Step};
use evaluation::domain::ids::{Score, StepKey};
use evaluation::domain::reading::Reads;

/// The version of the wording, of the schema and of what is read from an answer; part of every fingerprint. A released
/// version's texts never change: a new wording is a new folder. p3 has the wording of p2, and reads answers as `answer`
/// says: p2 took broken ones for "shows no step".
pub const PROMPT_VERSION: &str = "p3";

const SYSTEM: &str = include_str!("prompts/p2/system.txt");
const FAIL_RULE: &str = include_str!("prompts/p2/fail_rule.txt");
const HINT: &str = include_str!("prompts/p2/hint.txt");
const NO_HINT: &str = include_str!("prompts/p2/no_hint.txt");
const NUMBERED: &str = include_str!("prompts/p2/numbered.txt");
pub(super) const REPAIR: &str = include_str!("prompts/p2/repair.txt");

/// Tokens of an answer without any step: 5 with Qwen's tokenizer, and room for white space.
const FRAME_TOKENS: u32 = 24;
/// Tokens of one step's entry with Qwen's tokenizer: the longest key 9, a comment of 8 words 10, a fail code 4, a
/// serial of 12 characters 12, field names and punctuation 22; rounded up.
const STEP_TOKENS: u32 = 64;
/// Tokens of a photo's frame in an answer about several: 10, rounded up.
const PHOTO_TOKENS: u32 = 16;
/// Steps that a photo among several is given room for; a photo whose entries are cut off is asked about alone.
const MOST_STEPS_AMONG_SEVERAL: u32 = 4;

/// A question about any photo: made once, asked of many.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The steps asked, and the fail codes that each may have.
    pub(super) asked: BTreeMap<StepKey, BTreeSet<String>>,
    /// Each step of the catalogue by its key and its label, without case and punctuation.
    names: BTreeMap<String, StepKey>,
    pub(super) system: String,
    /// What the list of entries about a photo must look like.
    entries: String,
    pub(super) max_tokens: u32,
    /// From which score on a step passes; of no account to what is asked.
    pub(super) pass_score: Score,
}

impl Question {
    /// Asks which of these steps a photo shows, and how well.
    pub fn new(catalogue: &Catalogue, asked: &[StepKey]) -> Self {
        let steps: Vec<&Step> = catalogue
            .steps
            .iter()
            .filter(|step| asked.contains(&step.key))
            .collect();
        let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let codes = |step: &&Step| {
            let codes = step
                .fail_reasons
                .keys()
                .chain(catalogue.fail_reasons.keys())
                .cloned()
                .collect();
            (step.key.clone(), codes)
        };
        let asked: BTreeMap<StepKey, BTreeSet<String>> = steps.iter().map(codes).collect();
        Self {
            names: names(catalogue),
            system: system(catalogue, &steps),
            entries: schema::entries(
                &steps.iter().map(|step| &step.key).collect::<Vec<_>>(),
                &all_codes(&asked),
            ),
            max_tokens: FRAME_TOKENS.saturating_add(STEP_TOKENS.saturating_mul(count)),
            asked,
            pass_score: catalogue.pass_score,
        }
    }

    /// The step of the catalogue that is called so, by its key or its label.
    pub(super) fn step_called(&self, name: &str) -> Option<&StepKey> {
        self.names.get(&plain(name))
    }

    /// What an answer about so many photos must look like.
    pub(super) fn schema_of(&self, photos: usize) -> String {
        if photos == 1 {
            schema::one(&self.entries)
        } else {
            schema::several(&self.entries, photos)
        }
    }

    /// The most tokens of an answer about so many photos.
    pub(super) fn max_tokens_of(&self, photos: usize) -> u32 {
        if photos == 1 {
            return self.max_tokens;
        }
        let steps = u32::try_from(self.asked.len())
            .unwrap_or(u32::MAX)
            .min(MOST_STEPS_AMONG_SEVERAL);
        let photo = PHOTO_TOKENS.saturating_add(STEP_TOKENS.saturating_mul(steps));
        FRAME_TOKENS.saturating_add(photo.saturating_mul(u32::try_from(photos).unwrap_or(u32::MAX)))
    }

    /// Characters of the text before the photo.
    pub fn characters(&self) -> usize {
        self.system.len()
    }
}

/// Labels first, so that a key is never taken for another step's label.
fn names(catalogue: &Catalogue) -> BTreeMap<String, StepKey> {
    let steps = catalogue.steps.iter();
    let labels = steps
        .clone()
        .map(|step| (plain(&step.label), step.key.clone()));
    let keys = steps.map(|step| (plain(step.key.as_str()), step.key.clone()));
    labels.chain(keys).collect()
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn all_codes(asked: &BTreeMap<StepKey, BTreeSet<String>>) -> BTreeSet<&str> {
    asked.values().flatten().map(String::as_str).collect()
}

fn system(catalogue: &Catalogue, steps: &[&Step]) -> String {
    let lines: String = steps.iter().map(|step| line(step)).collect();
    let coded = !catalogue.fail_reasons.is_empty()
        || steps.iter().any(|step| !step.fail_reasons.is_empty());
    let (rule, fields) = if coded {
        (
            FAIL_RULE,
            r#""step", "score", "comment", "fail", "reading""#,
        )
    } else {
        ("", r#""step", "score", "comment", "reading""#)
    };
    SYSTEM
        .trim_end()
        .replace("{steps}", &lines)
        .replace(
            "{fail_rule}",
            &rule.replace("{shared_fails}", &list(catalogue.fail_reasons.keys())),
        )
        .replace("{fields}", fields)
}

fn line(step: &Step) -> String {
    let mut text = format!(
        "- {}: {}. Must show {}.",
        step.key, step.label, step.passes_when
    );
    let print = step.small_print.clone().or_else(|| match &step.reads {
        Some(Reads::HousingType { types }) => {
            Some(format!("the kind of house, one of {}", list(types.iter())))
        }
        _ => None,
    });
    if let Some(print) = print {
        let _ = write!(text, " reading: {print}.");
    }
    if !step.fail_reasons.is_empty() {
        let _ = write!(text, " fail: {}.", list(step.fail_reasons.keys()));
    }
    text.push('\n');
    text
}

fn list<'a>(words: impl Iterator<Item = &'a String>) -> String {
    words.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The text behind a photo.
pub(super) fn user_text(hint: Option<&Step>) -> String {
    hint.map_or_else(
        || NO_HINT.trim_end().into(),
        |step| HINT.trim_end().replace("{label}", &step.label),
    )
}

/// The text before a photo that is one of several.
pub(super) fn number_text(number: usize) -> String {
    NUMBERED.trim_end().replace("{number}", &number.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use evaluation::domain::catalogue::CURRENT_VERSION;

    fn all(version: &str) -> Question {
        let catalogue = Catalogue::shipped(version).unwrap();
        let keys: Vec<_> = catalogue
            .steps
            .iter()
            .map(|step| step.key.clone())
            .collect();
        Question::new(catalogue, &keys)
    }

    fn fields(question: &Question) -> Value {
        let schema: Value = serde_json::from_str(&question.schema_of(1)).unwrap();
        schema["properties"]["steps"]["items"]["properties"].clone()
    }

    /// Tokens of the smallest context that a server was run with (8k to 32k).
    const SMALLEST_CONTEXT: usize = 8192;
    /// English text and JSON, roughly: Qwen's tokenizer takes more characters a token.
    const CHARACTERS_PER_TOKEN: usize = 3;
    /// A photo of 1280 × 1280 pixels, larger than any that is sent: 40 × 40 + 2.
    const LARGEST_PHOTO_TOKENS: usize = 1602;
    /// Tokens that the predecessor allowed each answer.
    const PREDECESSORS_TOKENS: u32 = 2_000;

    /// The current catalogue and four steps more: lists of 14 have been in use.
    fn of_fourteen_steps() -> Catalogue {
        let mut catalogue = Catalogue::current().unwrap().clone();
        let more = catalogue.steps.clone().into_iter().cycle().take(14);
        catalogue.steps = more.collect();
        for (index, step) in catalogue.steps.iter_mut().enumerate().skip(10) {
            step.key = StepKey::parse(&format!("{}_{index}", step.key)).unwrap();
        }
        catalogue
    }

    #[test]
    fn a_question_about_fourteen_steps_and_a_photo_fits_the_smallest_context() {
        let catalogue = of_fourteen_steps();
        let keys: Vec<_> = catalogue
            .steps
            .iter()
            .map(|step| step.key.clone())
            .collect();
        assert_eq!(keys.len(), 14);
        for question in [Question::new(&catalogue, &keys), all(CURRENT_VERSION)] {
            let text = question.system.len() + question.schema_of(1).len();
            let answer = question.max_tokens as usize;
            let tokens = text / CHARACTERS_PER_TOKEN + LARGEST_PHOTO_TOKENS + answer;
            assert!(tokens < SMALLEST_CONTEXT, "{tokens}");
        }
    }

    #[test]
    fn never_again_thousands_of_output_tokens_set_the_time() {
        let fourteen = of_fourteen_steps();
        let keys: Vec<_> = fourteen.steps.iter().map(|step| step.key.clone()).collect();
        for question in [all(CURRENT_VERSION), Question::new(&fourteen, &keys)] {
            assert!(question.max_tokens < PREDECESSORS_TOKENS);
            assert!(
                question.max_tokens_of(5) < PREDECESSORS_TOKENS,
                "for five photos together"
            );
            assert!(question.system.contains("at most 8 words"));
        }
    }

    #[test]
    fn the_prompt_names_the_asked_steps_and_no_others() {
        let catalogue = Catalogue::shipped(CURRENT_VERSION).unwrap();
        let asked = [
            StepKey::parse("power_meter").unwrap(),
            StepKey::parse("house_photo").unwrap(),
        ];
        let question = Question::new(catalogue, &asked);
        assert!(question.system.contains("power_meter") && question.system.contains("house_photo"));
        assert!(!question.system.contains("ups_serial"));
        let item = fields(&question);
        assert_eq!(item["step"]["enum"], json!(["house_photo", "power_meter"]));
        assert_eq!(
            item["fail"]["anyOf"][0]["enum"].as_array().unwrap().len(),
            5
        );
        assert_eq!(question.max_tokens, 152);
        let turned: Vec<_> = asked.into_iter().rev().collect();
        assert_eq!(
            question,
            Question::new(catalogue, &turned),
            "the order asked must not break the prefix cache"
        );
    }

    #[test]
    fn an_older_catalogue_is_asked_without_codes() {
        let question = all("v1");
        assert!(!question.system.contains("fail"), "{}", question.system);
        assert!(fields(&question).get("fail").is_none());
    }

    #[test]
    fn no_placeholder_and_no_control_token_is_left_in_the_prompt() {
        for version in ["v1", CURRENT_VERSION] {
            let question = all(version);
            for mark in [
                "<|", "{steps}", "{fail", "{fields}", "{shared", "</", "<think",
            ] {
                assert!(!question.system.contains(mark), "{mark}");
            }
        }
        let step = Catalogue::shipped("v1").unwrap().steps[0].clone();
        assert_eq!(
            user_text(Some(&step)),
            "The technician filed this photo under \"House photo\", which may be wrong."
        );
        assert_eq!(number_text(3), "Photo 3:");
    }
}
