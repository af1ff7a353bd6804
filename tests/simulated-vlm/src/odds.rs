//! Log-probabilities of an answer's tokens: of each score, that the neighbours were possible, too.
//!
//! Digits are tokens of their own, as in Qwen's vocabulary, so a ten has two. A score `d` away from the one written
//! has `exp(-sharpness * d)` times its probability.

use serde_json::{Map, Value, json};

use crate::tokens::CHARACTERS_PER_TOKEN;

/// How sure the model is of its scores unless it is told otherwise: a neighbour has 5 % of a score's own probability.
pub(crate) const USUAL_SHARPNESS: f64 = 3.0;
/// Behind this stands a score.
const BEFORE_A_SCORE: &str = "\"score\":";
/// The scores that there are.
const SCORES: std::ops::RangeInclusive<u32> = 0..=10;

/// The text's tokens: a few characters each, a digit alone.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut whole = true;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        let full = |token: &String| token.chars().count() >= CHARACTERS_PER_TOKEN;
        match tokens.last_mut() {
            Some(token) if !whole && !digit && !full(token) => token.push(c),
            _ => tokens.push(c.into()),
        }
        whole = digit;
    }
    tokens
}

/// What a server says of the token that stands between these, with so many other choices.
pub(crate) fn of_token(
    before: &str,
    token: &str,
    after: &str,
    sharpness: f64,
    most: usize,
) -> Value {
    let shares = shares(before, token, after, sharpness);
    let shares = shares.unwrap_or_else(|| vec![(token.to_owned(), 1.0)]);
    let entry = |token: &str, share: f64| {
        // vLLM's number for what a grammar forbids.
        let logprob = if share > 0.0 { share.ln() } else { -9999.0 };
        json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()})
    };
    let own = shares.iter().find(|(other, _)| other == token);
    let said = entry(token, own.map_or(0.0, |(_, share)| *share));
    let mut others = shares;
    others.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let others = others.iter().take(most);
    let others: Vec<Value> = others.map(|(token, share)| entry(token, *share)).collect();
    let mut fields = Map::from_iter([("top_logprobs".to_owned(), json!(others))]);
    fields.extend(said.as_object().cloned().unwrap_or_default());
    Value::Object(fields)
}

/// What might have stood in a score's digit; none of any other token.
fn shares(before: &str, token: &str, after: &str, sharpness: f64) -> Option<Vec<(String, f64)>> {
    let first = before.ends_with(BEFORE_A_SCORE);
    let second = before
        .strip_suffix('1')
        .is_some_and(|before| before.ends_with(BEFORE_A_SCORE));
    let score = match (first, second) {
        (true, _) if token == "1" && after.starts_with('0') => 10,
        (true, _) => token.parse().ok()?,
        (_, true) if token == "0" => 10,
        (_, true) => 1,
        _ => return None,
    };
    let weight = |other: u32| (-sharpness * f64::from(other.abs_diff(score))).exp();
    let whole: f64 = SCORES.map(weight).sum();
    let share = |other: u32| weight(other) / whole;
    if first {
        let begins = |digit: u32| share(digit) + if digit == 1 { share(10) } else { 0.0 };
        return Some(
            (0..10)
                .map(|digit| (digit.to_string(), begins(digit)))
                .collect(),
        );
    }
    let ten = share(10) / (share(1) + share(10));
    let other = if token == "0" { "," } else { token };
    Some(vec![("0".into(), ten), (other.to_owned(), 1.0 - ten)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_tokens_and_nothing_is_lost() {
        let text = r#"{"steps":[{"step":"power_meter","score":10,"reading":"-18.4 dBm"}]}"#;
        let tokens = tokens(text);
        assert_eq!(tokens.concat(), text);
        assert!(
            tokens
                .iter()
                .all(|token| token.len() == 1 || !token.contains(|c: char| c.is_ascii_digit()))
        );
    }

    #[test]
    fn a_score_has_neighbours_and_other_numbers_have_none() {
        let of = |before: &str, token: &str, after: &str| {
            let said = of_token(before, token, after, 1.0, 20);
            let others = said["top_logprobs"].as_array().unwrap().clone();
            others
                .iter()
                .map(|other| {
                    (
                        other["token"].as_str().unwrap().to_owned(),
                        other["logprob"].as_f64().unwrap().exp(),
                    )
                })
                .collect::<Vec<_>>()
        };
        let eight = of("{\"score\":", "8", ",");
        assert_eq!((eight.len(), eight[0].0.as_str()), (10, "8"));
        assert!((eight.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!((eight[1].1 / eight[0].1 - (-1.0_f64).exp()).abs() < 1e-9);
        let ten = of("{\"score\":1", "0", ",");
        assert!(ten[0].0 == "0" && ten[0].1 > 0.99);
        assert_eq!(of("\"reading\":\"-1", "8", "."), [("8".to_owned(), 1.0)]);
    }
}
