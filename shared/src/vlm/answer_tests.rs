//! Each rule of reading answers.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::catalogue::Catalogue;

const GOOD: &str = r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "front in view", "reading": null}]}"#;

fn asked() -> Vec<StepKey> {
    Catalogue::shipped("v1").unwrap().steps.into_iter().map(|step| step.key).collect()
}

fn read(content: &str) -> Result<Answer, AnswerError> {
    read_answer(content, &asked())
}

fn scores(content: &str) -> Vec<(String, u8)> {
    read(content).unwrap().findings.into_iter().map(|f| (f.step.into(), f.score.value())).collect()
}

fn house(score: u8) -> Vec<(String, u8)> {
    vec![("house_photo".into(), score)]
}

#[test]
fn a_strict_answer_reads_whole() {
    let answer = read(GOOD).unwrap();
    assert_eq!(answer.findings[0].comment, "front in view");
    assert_eq!((answer.findings[0].reading.clone(), answer.partial, answer.left_out.len()), (None, false, 0));
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
    for score in [r#""7""#, r#"" 7 ""#, "7.0", "7"] {
        assert_eq!(scores(&GOOD.replace("8", score)), house(7), "{score}");
    }
}

#[test]
fn scores_that_are_none_are_not_guessed_at() {
    for score in ["11", "-1", "7.5", "\"seven\"", "\"7/10\"", "null", "true", "[7]", "1e400"] {
        assert!(read(&GOOD.replace("8", score)).is_err(), "{score}");
    }
}

#[test]
fn never_again_a_cut_off_answer_loses_what_was_complete() {
    let cut = r#"{"steps": [{"step": "house_photo", "score": 8, "comment": "a", "reading": null}, {"step": "power_me"#;
    let answer = read(cut).unwrap();
    assert!(answer.partial);
    assert_eq!(scores(cut), house(8));
    assert!(read(r#"{"steps": [{"step": "house_ph"#).is_err(), "nothing complete is no answer, not 'shows no step'");
    assert!(read(r#"{"steps": ["#).is_err());
}

#[test]
fn raw_control_characters_within_strings_are_mended() {
    assert_eq!(scores(&GOOD.replace("front in", "front\tin\u{1}")), house(8));
}

#[test]
fn an_object_keyed_by_step_and_a_bare_list_are_read() {
    assert_eq!(scores(r#"{"steps": {"house_photo": {"score": 8, "comment": "a"}}}"#), house(8));
    assert_eq!(scores(r#"[{"step": "house_photo", "score": 8}]"#), house(8));
}

#[test]
fn steps_not_asked_are_left_out_and_reported() {
    let answer = read_answer(GOOD, &[StepKey::parse("power_meter").unwrap()]).unwrap();
    assert_eq!((answer.findings.len(), answer.left_out.len(), answer.partial), (0, 1, false));
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
        scores(r#"{"steps": [{"step": "house_photo", "score": 3}, {"step": "house_photo", "score": 9}]}"#),
        house(9)
    );
}

#[test]
fn a_verdict_of_the_model_is_ignored() {
    assert_eq!(scores(r#"{"passed": true, "steps": [{"step": "house_photo", "score": 2, "passed": true}]}"#), house(2));
}

#[test]
fn no_json_is_no_answer() {
    for content in
        ["", "  ", "I can't see a photo.", "{}", "7", "null", "<think>still thinking", r#"{"steps": 7}"#, "{\"step\""]
    {
        assert!(read(content).is_err(), "{content}");
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
