//! Counting tokens, roughly: vLLM counts for real.

use samples::truth::Truth;

use crate::look::{Seen, answer};

/// Characters of a token of English or JSON, roughly.
pub const CHARACTERS_PER_TOKEN: usize = 4;
/// The technician's hint, and what frames a message.
pub const TOKENS_BEHIND_THE_PHOTO: u32 = 30;

/// Tokens of a text.
pub fn count(text: &str) -> u32 {
    of_characters(text.len())
}

/// Tokens of a text of so many characters.
pub fn of_characters(characters: usize) -> u32 {
    u32::try_from(characters / CHARACTERS_PER_TOKEN + 1).unwrap_or(u32::MAX)
}

/// Tokens of the answer about a photo that is legible, if these steps are asked.
pub fn of_answer(truth: &Truth, asked: &[String]) -> u32 {
    let seen = Seen {
        truth: Some(truth.clone()),
        unreadable: None,
        width: 0,
        height: 0,
        metadata: false,
        image_tokens: 0,
        others: Vec::new(),
    };
    count(&answer(&seen, Some(asked), None))
}
