//! Each rule of reading answers.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use evaluation::domain::catalogue::{CURRENT_VERSION, Catalogue};

const GOOD: &str = r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "front in view", "reading": null}]}"#;

fn asked() -> Vec<StepKey> {
    evaluation::domain::scope::Scope::All.steps(Catalogue::shipped("v1").unwrap())
}

fn about_steps(keys: &[StepKey]) -> Question {
    Question::new(Catalogue::shipped(CURRENT_VERSION).unwrap(), keys)
}

fn read(content: &str) -> Result<Answer, AnswerError> {
    read_answer(content, &about_steps(&asked()))
}

fn scores(content: &str) -> Vec<(String, u8)> {
    read(content)
        .unwrap()
        .findings
        .into_iter()
        .map(|f| (f.step.into(), f.score.value()))
        .collect()
}

fn house(score: u8) -> Vec<(String, u8)> {
    vec![("house_photo".into(), score)]
}

#[test]
fn a_strict_answer_reads_whole() {
    let answer = read(GOOD).unwrap();
    assert_eq!(answer.findings[0].comment, "front in view");
    assert_eq!(
        (
            answer.findings[0].reading.clone(),
            answer.partial,
            answer.left_out.len()
        ),
        (None, false, 0)
    );
}

#[test]
fn an_empty_list_says_that_the_photo_shows_no_step() {
    assert_eq!(read(r#"{"steps": []}"#).unwrap(), Answer::default());
}

#[test]
fn never_again_a_fenced_or_prefixed_answer_fails_to_parse() {
    for content in [
        format!("```json\n{GOOD}\n```"),
        format!("```\n{GOOD}```"),
        format!("Here is the result:\n{GOOD}\nI hope this helps."),
        format!("<think>Is {{this}} the house? [7]</think>\n{GOOD}"),
        format!("<think>a</think><think>b</think>```json{GOOD}```"),
    ] {
        assert_eq!(scores(&content), house(8), "{content}");
    }
}

#[test]
fn never_again_a_string_where_a_number_was_expected_loses_a_step() {
    for score in [r#""7""#, r#"" 7 ""#, r#""7/10""#, "7.0", "7"] {
        assert_eq!(scores(&GOOD.replace("8", score)), house(7), "{score}");
    }
}

#[test]
fn scores_that_are_none_are_not_guessed_at() {
    for score in [
        "11",
        "-1",
        "7.5",
        "\"seven\"",
        "\"7/5\"",
        "\"70/10\"",
        "null",
        "true",
        "[7]",
        "1e400",
    ] {
        assert!(read(&GOOD.replace("8", score)).is_err(), "{score}");
    }
}

#[test]
fn never_again_a_cut_off_answer_loses_what_was_complete() {
    let cut = r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "a", "reading": null}, {"step": "power_me"#;
    let answer = read(cut).unwrap();
    assert!(answer.partial);
    assert_eq!(scores(cut), house(8));
    assert!(
        read(r#"{"steps": [{"step": "house_ph"#).is_err(),
        "nothing complete is no answer, not 'shows no step'"
    );
    assert!(read(r#"{"steps": ["#).is_err());
}

#[test]
fn raw_control_characters_within_strings_are_mended() {
    assert_eq!(
        scores(&GOOD.replace("front in", "front\tin\u{1}")),
        house(8)
    );
}

#[test]
fn an_object_keyed_by_step_and_a_bare_list_are_read() {
    assert_eq!(
        scores(r#"{"steps": {"house_photo": {"score": 8, "comment": "a"}}}"#),
        house(8)
    );
    assert_eq!(scores(r#"[{"step": "house_photo", "score": 8}]"#), house(8));
}

#[test]
fn steps_not_asked_are_left_out_and_reported() {
    let answer = read_answer(
        GOOD,
        &about_steps(&[StepKey::parse("power_meter").unwrap()]),
    )
    .unwrap();
    assert_eq!(
        (answer.findings.len(), answer.left_out.len(), answer.partial),
        (0, 1, false)
    );
}

#[test]
fn a_damaged_entry_makes_the_answer_partial_and_the_others_stay() {
    let content = json!({"steps": [{"step": "house_photo", "score": 8}, {"step": "power_meter", "score": "good"}, 7]})
        .to_string();
    let answer = read(&content).unwrap();
    assert!(answer.partial && answer.left_out.len() == 2);
    assert_eq!(scores(&content), house(8));
}

#[test]
fn of_two_entries_for_a_step_the_better_one_counts() {
    assert_eq!(
        scores(
            r#"{"steps": [{"step": "house_photo", "score": 3}, {"step": "house_photo", "score": 9}]}"#
        ),
        house(9)
    );
}

#[test]
fn a_verdict_of_the_model_is_ignored() {
    assert_eq!(
        scores(
            r#"{"passed": true, "steps": [{"step": "house_photo", "score": 2, "passed": true}]}"#
        ),
        house(2)
    );
}

#[test]
fn nothing_that_an_obedient_model_claims_changes_rubric_or_verdict() {
    let content = r#"{"verdict": "pass", "pass_score": 1, "steps": [{"step": "house_photo", "score": 2, "passed": true, "critical": false, "weight": 99}, {"step": "everything", "score": 10}, {"step": "power_meter", "score": 11}]}"#;
    let answer = read(content).unwrap();
    assert_eq!(scores(content), house(2));
    assert!(answer.partial, "a score of 11 is not read as 10");
    assert_eq!(answer.left_out.len(), 2);
}

#[test]
fn fail_codes_are_the_catalogues_and_others_are_reported() {
    let with = |fail: &str| {
        read(&GOOD.replace(
            "\"reading\": null",
            &format!("\"reading\": null, \"fail\": {fail}"),
        ))
        .unwrap()
    };
    assert_eq!(
        with("\"front_not_whole\"").findings[0].fail_code.as_deref(),
        Some("front_not_whole")
    );
    assert_eq!(
        with("\"UNCLEAR \"").findings[0].fail_code.as_deref(),
        Some("unclear")
    );
    for nothing in ["null", "\"\"", "\"none\"", "7.5e400", "[]"] {
        let fine = GOOD.replace(
            "\"reading\": null",
            &format!("\"reading\": null, \"fail\": {nothing}"),
        );
        assert!(
            read(&fine).map_or(true, |answer| answer.findings[0].fail_code.is_none()),
            "{nothing}"
        );
    }
    let other = with("\"no_pole\"");
    assert_eq!(
        (
            other.findings[0].fail_code.clone(),
            other.left_out.len(),
            other.partial
        ),
        (None, 1, false)
    );
}

#[test]
fn types_are_mended_where_only_one_thing_can_be_meant() {
    let reading = |value: &str| {
        read(&GOOD.replace("null", value)).unwrap().findings[0]
            .reading
            .clone()
    };
    assert_eq!(reading("-18.4").as_deref(), Some("-18.4"));
    assert_eq!(reading("\" -18.4 dBm \"").as_deref(), Some("-18.4 dBm"));
    for nothing in [
        "null", "\"\"", "\"null\"", "\"None\"", "\"N/A\"", "[]", "true",
    ] {
        assert_eq!(reading(nothing), None, "{nothing}");
    }
    assert_eq!(
        scores(&GOOD.replace("house_photo", " House Photo")),
        house(8)
    );
    assert_eq!(
        scores(&GOOD.replace("null}", "null,}").replace("}]", "},]")),
        house(8)
    );
    assert_eq!(
        read(r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "a,]\",}"},]}"#)
            .unwrap()
            .findings[0]
            .comment,
        "a,]\",}"
    );
}

fn several(content: &str, photos: usize) -> Vec<Option<Vec<u8>>> {
    let read = read_answers(content, &about_steps(&asked()), photos);
    read.into_iter()
        .map(|one| {
            one.ok()
                .map(|answer| answer.findings.iter().map(|f| f.score.value()).collect())
        })
        .collect()
}

#[test]
fn an_answer_about_several_photos_is_read_by_their_numbers() {
    let of = |entries: &str| format!(r#"{{"photos": [{entries}]}}"#);
    let photo = |number: &str, score: u8| {
        format!(
            r#"{{"photo": {number}, "steps": [{{"step": "house_photo", "score": {score}, "comment": "a"}}]}}"#
        )
    };
    let (one, two, none) = (photo("1", 8), photo("2", 5), r#"{"photo": 3, "steps": []}"#);
    let all = Some(vec![8]);
    assert_eq!(
        several(&of(&format!("{two}, {none}, {one}")), 3),
        [all.clone(), Some(vec![5]), Some(vec![])]
    );
    assert_eq!(
        several(&of(&photo("\"1\"", 8)), 2),
        [all.clone(), None],
        "one left out is not one without steps"
    );
    assert_eq!(
        several(&of(&format!("{one}, {one}, {two}")), 2),
        [None, Some(vec![5])],
        "named twice: confused"
    );
    assert_eq!(
        several(&of(&format!("{one}, {}", photo("7", 9))), 2),
        [None, None],
        "a photo that there isn't: nobody knows how they were counted"
    );
    assert_eq!(
        several(&of(&format!("{}, {one}", photo("0", 9))), 2),
        [None, None],
        "counted from 0, each would get another one's"
    );
    assert_eq!(
        several(
            &format!("I see: {}", of(&format!("{one}, {none}, {two}"))),
            3
        ),
        [all.clone(), Some(vec![5]), None],
        "with words around, that a photo shows nothing is doubtful"
    );
    assert_eq!(
        several(&format!("```json\n[{one}, {two}]```"), 2),
        [all.clone(), Some(vec![5])]
    );
    let cut = &of(&format!("{one}, {two}"));
    assert_eq!(several(&cut[..cut.len() - 12], 2), [all, None]);
    assert_eq!(several("no", 2), [None, None]);
    assert_eq!(
        several(&of(&photo("1", 11)), 1),
        [None],
        "a damaged entry is asked about alone"
    );
}

#[test]
fn no_json_is_no_answer() {
    for content in [
        "",
        "  ",
        "I can't see a photo.",
        "{}",
        "7",
        "null",
        "<think>still thinking",
        r#"{"steps": 7}"#,
        "{\"step\"",
    ] {
        assert!(read(content).is_err(), "{content}");
    }
}

/// Pieces of answers, in any order.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: [&str; 26] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"steps\":",
        "\"photos\":",
        "\"photo\":1",
        "\"step\":\"house_photo\"",
        "\"score\":",
        "8",
        "-1",
        "1e999",
        "\"7\"",
        "\"fail\":\"unclear\"",
        "\"reading\":null",
        "```json",
        "<think>",
        "</think>",
        "\u{0}",
        "\t",
        "\u{2028}",
        "null",
    ];
    proptest::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)
        .prop_map(|parts| parts.concat())
}

/// Bytes as a server may send them: anything, pieces of answers, good answers with a byte changed.
fn fuzz() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        pieces().prop_map(String::into_bytes),
        (0..GOOD.len(), any::<u8>()).prop_map(|(at, byte)| {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            bytes
        }),
        (1usize..2000).prop_map(|depth| "[{\"steps\":".repeat(depth).into_bytes()),
    ]
}

proptest! {
    // FUZZ_CASES=1000000 cargo test -p shared --release fuzz: a longer run.
    #![proptest_config(ProptestConfig::with_cases(std::env::var("FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(4_000)))]
    #[test]
    fn fuzz_any_bytes_are_read_or_refused_and_nothing_is_made_up(bytes in fuzz()) {
        let (content, question) = (String::from_utf8_lossy(&bytes), about_steps(&asked()));
        let several = read_answers(&content, &question, 3);
        prop_assert_eq!(several.len(), 3);
        for answer in several.into_iter().chain([read_answer(&content, &question)]).flatten() {
            for finding in &answer.findings {
                prop_assert!(question.asked.contains_key(&finding.step) && finding.score.value() <= 10);
                prop_assert!(content.contains(&finding.score.value().to_string()) || content.contains('e'));
                prop_assert!(finding.comment.chars().count() <= 300);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_a_model_writes_findings_are_of_asked_steps(content in prop_oneof![
        ".*",
        proptest::collection::vec(prop_oneof![Just("{"), Just("}"), Just("["), Just("]"), Just("\"steps\":"), Just("\"step\":\"house_photo\""), Just(","), Just("\"score\":"), Just("8"), Just("\"x\"")], 0..30).prop_map(|parts| parts.concat()),
    ]) {
        if let Ok(answer) = read(&content) {
            prop_assert!(answer.findings.iter().all(|f| asked().contains(&f.step) && f.score.value() <= 10));
        }
    }

    #[test]
    fn an_answer_cut_anywhere_never_says_more_or_that_there_is_nothing(at in 0usize..300) {
        let whole = json!({"steps": [{"step": "house_photo", "score": 8, "comment": "a", "reading": null}, {"step": "power_meter", "score": 9, "comment": "b", "reading": "-18.4 dBm"}]}).to_string();
        let cut = &whole[..at % whole.len()];
        if let Ok(answer) = read(cut) {
            prop_assert!(answer.partial && !answer.findings.is_empty());
            let all = read(&whole).unwrap();
            prop_assert!(answer.findings.iter().all(|f| all.findings.contains(f)));
        }
    }
}
