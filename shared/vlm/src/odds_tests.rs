use proptest::prelude::*;
use serde_json::json;

use super::*;

fn entry(token: &str, share: f64) -> Value {
    json!({"token": token, "logprob": share.ln(), "bytes": token.as_bytes()})
}

fn number(token: &str, choices: &[(&str, f64)]) -> Value {
    let own = choices.iter().find(|(choice, _)| *choice == token);
    let mut number = entry(token, own.map_or(1e-6, |(_, share)| *share));
    let choices = choices.iter().map(|(choice, share)| entry(choice, *share));
    number["top_logprobs"] = choices.collect::<Vec<_>>().into();
    number
}

fn tokens(content: &[Value]) -> Tokens {
    let mut tokens = Tokens::default();
    // Streamed, a few at a time.
    for some in content.chunks(2) {
        tokens.take(Some(&json!({"content": some})));
    }
    tokens
}

fn score(value: u8) -> Score {
    Score::try_from(value).unwrap()
}

/// How probable it is that the score is where it is, with the mark at 7.
fn same_side(odds: &ScoreOdds, value: u8) -> f64 {
    odds.same_side(score(value), score(7))
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn a_score_of_two_tokens_is_one_score() {
    let first = [("1", 0.6), ("9", 0.3), ("2", 0.1)];
    let second = [("0", 0.9), (",", 0.1)];
    for (text, at, written) in [("{\"score\":10}", 9, "10"), ("{\"score\":1,}", 9, "1")] {
        let rest = &text[at + 1..];
        let parts = [
            entry("{\"score\":", 1.0),
            number("1", &first),
            number(&rest[..1], &second),
            entry(&rest[1..], 1.0),
        ];
        let odds = tokens(&parts).score_odds(text, at, written);
        let odds = odds.unwrap();
        assert!(near(odds.at(10), 0.6 * 0.9), "{odds:?}");
        assert!(near(odds.at(1), 0.6 * 0.1), "{odds:?}");
        assert!(near(odds.at(9), 0.3) && near(odds.at(2), 0.1));
    }
}

#[test]
fn a_one_that_was_not_written_is_shared_as_its_neighbours_are() {
    let odds = |choices: &[(&str, f64)]| {
        let parts = [entry(":", 1.0), number("9", choices), entry("}", 1.0)];
        tokens(&parts).score_odds(":9}", 1, "9").unwrap()
    };
    let high = odds(&[("9", 0.6), ("1", 0.4)]);
    assert!(near(same_side(&high, 9), 1.0), "{high:?}");
    let both = odds(&[("9", 0.3), ("2", 0.3), ("1", 0.4)]);
    assert!(near(same_side(&both, 9), 0.5), "{both:?}");
    let neither = odds(&[("8", 0.5), ("1", 0.5), ("9", 0.0)]);
    assert!(near(same_side(&neither, 8), 0.75), "{neither:?}");
}

#[test]
fn vocabularies_that_write_numbers_in_other_ways_mean_the_same() {
    for (text, at, written, parts) in [
        // Blank and digit in one token, and ten in one.
        (
            "{\"score\": 8}",
            10,
            "8",
            vec![
                entry("{\"score\":", 1.0),
                number(" 8", &[(" 8", 0.5), (" 3", 0.25), (" 10", 0.25)]),
                entry("}", 1.0),
            ],
        ),
        // What comes before and behind in the same token.
        (
            "{\"score\":8}",
            9,
            "8",
            vec![
                entry("{\"score\"", 1.0),
                number(":8}", &[(":8}", 0.5), (":3}", 0.25), (":10}", 0.25)]),
            ],
        ),
    ] {
        let odds = tokens(&parts).score_odds(text, at, written).unwrap();
        assert!(near(same_side(&odds, 8), 0.75), "{text} {odds:?}");
    }
}

#[test]
fn a_character_in_two_tokens_shifts_nothing() {
    let half = |bytes: &[u8]| json!({"token": "\u{fffd}", "logprob": 0.0, "bytes": bytes});
    let umlaut = "ü".as_bytes();
    let parts = [
        half(&umlaut[..1]),
        half(&umlaut[1..]),
        number("8", &[("8", 0.75), ("2", 0.25)]),
    ];
    let odds = tokens(&parts).score_odds("ü8", 2, "8").unwrap();
    assert!(near(same_side(&odds, 8), 0.75));
}

#[test]
fn what_does_not_add_up_or_is_no_score_says_nothing() {
    let eight = number("8", &[("8", 1.0)]);
    assert_eq!(tokens(&[]).score_odds(":8", 1, "8"), None);
    assert_eq!(
        tokens(&[entry(" ", 1.0), eight.clone()]).score_odds(":8", 1, "8"),
        None
    );
    let improbable = number("8", &[("-", 0.7), ("8", 0.2), ("3", 0.1)]);
    assert_eq!(
        tokens(&[entry(":", 1.0), improbable]).score_odds(":8", 1, "8"),
        None
    );
    // A token behind the end (a control token) harms nothing.
    let with_end = tokens(&[entry(":", 1.0), eight, entry("<|im_end|>", 1.0)]);
    assert!(with_end.score_odds(":8", 1, "8").is_some());
    let mut odd = Tokens::default();
    for logprobs in [
        json!(null),
        json!([]),
        json!({"content": [{"token": 8}, {}]}),
    ] {
        odd.take(Some(&logprobs));
    }
    assert_eq!(odd, Tokens::default());
    let broken =
        json!({"token": "8", "logprob": "x", "top_logprobs": [{"token": "3", "logprob": 5.0}]});
    assert_eq!(tokens(&[broken]).score_odds("8", 0, "8"), None);
}

proptest! {
    /// For every score and mark: both sides add up, and the mass is what an independent sum over the digits says.
    #[test]
    fn the_mass_adds_up_and_lies_where_it_belongs(
        weights in prop::collection::vec(0.001..1.0_f64, 11), written in 0u8..=10, mark in 1u8..=10,
    ) {
        let whole: f64 = weights.iter().sum();
        let share: Vec<f64> = weights.iter().map(|weight| weight / whole).collect();
        // A model that means each score with its share: the first digit, then what follows a one.
        let digits: Vec<String> = (0..10).map(|digit| digit.to_string()).collect();
        let mut first: Vec<(&str, f64)> = digits.iter().map(String::as_str).zip(share[..10].iter().copied()).collect();
        first[1].1 += share[10];
        let of_ten = share[10] / (share[1] + share[10]);
        let text = format!("{{\"score\":{written}}}");
        let behind = [("0", of_ten), ("}", 1.0 - of_ten)];
        let parts = if written == 10 {
            vec![entry("{\"score\":", 1.0), number("1", &first), number("0", &behind), entry("}", 1.0)]
        } else if written == 1 {
            vec![entry("{\"score\":", 1.0), number("1", &first), number("}", &behind)]
        } else {
            vec![entry("{\"score\":", 1.0), number(&written.to_string(), &first), entry("}", 1.0)]
        };
        let odds = tokens(&parts).score_odds(&text, 9, &written.to_string()).unwrap();
        let total: f64 = odds.0.iter().sum();
        prop_assert!((total - 1.0).abs() < 1e-9);
        for digit in [0, 2, 3, 4, 5, 6, 7, 8, 9] {
            prop_assert!((odds.at(digit) - share[digit]).abs() < 1e-9);
        }
        prop_assert!((odds.at(1) + odds.at(10) - share[1] - share[10]).abs() < 1e-9);
        if [1, 10].contains(&written) {
            prop_assert!((odds.at(10) - share[10]).abs() < 1e-9);
        }
        let (low, high) = (mark - 1, mark);
        let both = odds.same_side(score(low), score(mark)) + odds.same_side(score(high), score(mark));
        prop_assert!((both - 1.0).abs() < 1e-9);
    }
}
