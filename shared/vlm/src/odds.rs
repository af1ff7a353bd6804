//! What else a model might have written where it wrote a number: the log-probabilities that a server sends along.
//!
//! # Invariants
//! - Tokens that do not add up to the text (a server that leaves some out, or writes them in another way) are worth
//!   nothing: a number's place among them would be a guess.
//! - Only what is a score counts. Where most of the probability lies elsewhere, nothing is said.

use serde_json::Value;

use evaluation::domain::ids::Score;

/// A score has a place in the list for each value from 0 to 10.
const SCORES: usize = Score::MAX as usize + 1;
/// So much of the probability, at least, must lie on scores.
const LEAST_ON_SCORES: f64 = 0.5;
/// How a tokenizer shows a token that is a part of a character.
const HALF_A_CHARACTER: char = '\u{fffd}';

/// The tokens of an answer's text, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tokens {
    bytes: Vec<u8>,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    /// Where it begins, in bytes.
    from: usize,
    /// What might have stood there, itself included, each with its probability. Empty where no number stands or ends.
    choices: Vec<(String, f64)>,
}

impl Tokens {
    /// Takes in a choice's `logprobs`; what can't be read is passed over, and then nothing adds up.
    pub(super) fn take(&mut self, logprobs: Option<&Value>) {
        let content = logprobs.and_then(|logprobs| logprobs.get("content"));
        let content = content.and_then(Value::as_array);
        for token in content.into_iter().flatten() {
            self.push(token);
        }
    }

    fn push(&mut self, entry: &Value) {
        let Some(text) = entry.get("token").and_then(Value::as_str) else {
            return;
        };
        let from = self.bytes.len();
        match entry.get("bytes").and_then(bytes) {
            Some(bytes) if text.contains(HALF_A_CHARACTER) => self.bytes.extend(bytes),
            _ => self.bytes.extend(text.as_bytes()),
        }
        // Behind a one it matters whether a nought might have followed.
        let behind_a_one = self
            .bytes
            .get(..from)
            .is_some_and(|all| all.ends_with(b"1"));
        let is_number = text.contains(|c: char| c.is_ascii_digit());
        let choices = if is_number || behind_a_one {
            choices(entry)
        } else {
            Vec::new()
        };
        self.tokens.push(Token { from, choices });
    }

    /// How probable each score is, where the answer's `text` has the number `written` at this byte.
    pub(super) fn score_odds(&self, text: &str, at: usize, written: &str) -> Option<ScoreOdds> {
        if !self.bytes.starts_with(text.as_bytes()) {
            return None;
        }
        let mut odds = ScoreOdds::default();
        let (token, begun) = self.token_at(at)?;
        let before = self.bytes.get(token.from..at)?;
        let mut begins_with_one = 0.0;
        for (choice, share) in &token.choices {
            // What begins otherwise is no number at this place.
            let Some(rest) = choice.as_bytes().strip_prefix(before) else {
                continue;
            };
            match number(rest) {
                Number::Score(score) => odds.add(score, *share),
                Number::One => begins_with_one += share,
                Number::None => (),
            }
        }
        let goes_on = written.starts_with('1') && at + 1 == self.end_of(begun);
        let ten = goes_on.then(|| self.share_of_ten(begun + 1)).flatten();
        odds.share_out(begins_with_one, ten);
        let whole: f64 = odds.0.iter().sum();
        (whole >= LEAST_ON_SCORES).then(|| odds.scaled(1.0 / whole))
    }

    /// The token that holds this byte, and its place.
    fn token_at(&self, at: usize) -> Option<(&Token, usize)> {
        let place = self.tokens.partition_point(|token| token.from <= at);
        let place = place.checked_sub(1)?;
        Some((self.tokens.get(place)?, place))
    }

    fn end_of(&self, place: usize) -> usize {
        let next = self.tokens.get(place + 1);
        next.map_or(self.bytes.len(), |next| next.from)
    }

    /// Behind a one: how probable it is that a nought makes it a ten. Nothing is known of it where no choices are.
    fn share_of_ten(&self, place: usize) -> Option<f64> {
        let choices = &self.tokens.get(place)?.choices;
        let whole: f64 = choices.iter().map(|(_, share)| share).sum();
        let ten = choices
            .iter()
            .filter(|(choice, _)| choice.starts_with('0'))
            .map(|(_, share)| share)
            .sum::<f64>();
        (whole > 0.0).then(|| ten / whole)
    }
}

/// How probable each score is; together 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ScoreOdds([f64; SCORES]);

impl ScoreOdds {
    /// How probable it is that a score lies on the same side of the mark as this one.
    pub(super) fn same_side(&self, score: Score, pass_score: Score) -> f64 {
        let passes = |score: usize| score >= usize::from(pass_score.value());
        let side = passes(usize::from(score.value()));
        let of_side = |(score, _): &(usize, &f64)| passes(*score) == side;
        let shares = self.0.iter().enumerate().filter(of_side);
        shares.map(|(_, share)| share).sum()
    }

    fn at(&self, score: usize) -> f64 {
        self.0.get(score).copied().unwrap_or_default()
    }

    fn add(&mut self, score: usize, share: f64) {
        if let Some(sum) = self.0.get_mut(score) {
            *sum += share;
        }
    }

    fn scaled(self, by: f64) -> Self {
        Self(self.0.map(|share| share * by))
    }

    /// A one is the beginning of 1 and of 10. What comes behind it is known where the model wrote it; elsewhere it is
    /// shared as the neighbours of each, 9 against 0 and 2, share what they have.
    fn share_out(&mut self, begins_with_one: f64, ten: Option<f64>) {
        let neighbours = || {
            let (high, low) = (self.at(9), self.at(0) + self.at(2));
            let both = high + low;
            if both > 0.0 { high / both } else { 0.5 }
        };
        let ten = ten.unwrap_or_else(neighbours);
        self.add(10, begins_with_one * ten);
        self.add(1, begins_with_one * (1.0 - ten));
    }
}

enum Number {
    /// A whole score, or a digit behind which none comes.
    Score(usize),
    /// A one, behind which a nought may come.
    One,
    None,
}

/// What number a token begins with, which may have blanks before it and JSON behind it.
fn number(token: &[u8]) -> Number {
    let token = token.trim_ascii_start();
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit());
    let (digits, rest) = token.split_at(digits.count());
    match (digits, rest) {
        (b"10", _) => Number::Score(10),
        (b"1", []) => Number::One,
        ([digit], _) => Number::Score(usize::from(digit - b'0')),
        _ => Number::None,
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
    value.as_array()?.iter().map(byte).collect()
}

/// What might have stood in a token's place, with the token that does.
fn choices(entry: &Value) -> Vec<(String, f64)> {
    let read = |entry: &Value| {
        let share = entry.get("logprob")?.as_f64()?.exp();
        let token = entry.get("token")?.as_str()?;
        (0.0..=1.0 + 1e-6)
            .contains(&share)
            .then(|| (token.to_owned(), share))
    };
    let others = entry.get("top_logprobs").and_then(Value::as_array);
    let mut choices: Vec<_> = others.into_iter().flatten().filter_map(read).collect();
    if let Some(own) = read(entry)
        && !choices.iter().any(|(token, _)| *token == own.0)
    {
        choices.push(own);
    }
    choices
}

#[cfg(test)]
#[path = "odds_tests.rs"]
mod tests;
