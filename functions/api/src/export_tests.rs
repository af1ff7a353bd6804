use evaluation::domain::ids::DrNumber;
use serde_json::{Value, json};

use super::*;
use crate::samples::asking;
use crate::shown_tests::{LARGEST_ANSWER, largest};

fn asked(parameters: Value) -> Result<Asked, Problem> {
    Asked::of(&asking(parameters))
}

fn card(evaluation: &Evaluation) -> Card {
    let of = json!({
        "evaluation_id": evaluation.evaluation_id, "dr_number": evaluation.dr_number, "mode": "full", "photos": 1,
        "created_at": 0, "made_from": 2, "version": 1,
    });
    serde_json::from_value(of).unwrap()
}

fn read(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn each_step_is_a_line_and_an_evaluation_without_a_verdict_is_one() {
    let judged = largest("a\"b, c\n").shown.evaluation;
    let unfinished = Evaluation {
        judgement: None,
        ..judged.clone()
    };
    let cards = [card(&judged), card(&unfinished)];
    let all = [Some(judged.clone()), Some(unfinished)];
    let text = write(&cards, &all, &BTreeMap::new(), true).unwrap();
    let lines = read(&text);
    let rows = &judged.judgement.as_ref().unwrap().steps;
    assert_eq!(lines.len(), rows.len() + 1);
    for (line, row) in lines.iter().zip(rows) {
        assert_eq!(line["step"], row.step.as_str());
        assert_eq!(line["step_reading"], row.reading.clone().unwrap());
        assert_eq!(line["step_photo"], row.photo.clone().unwrap());
        assert_eq!(
            line["verdict"],
            judged.judgement.as_ref().unwrap().verdict.as_str()
        );
    }
    let last = lines.last().unwrap();
    assert_eq!((last["verdict"].as_str(), last["step"].as_str()), ("", ""));
    assert_eq!(last["created_at"], "1970-01-01T00:00:00.000Z");
    let nothing = write(&[], &[], &BTreeMap::new(), true).unwrap();
    assert_eq!(Some(nothing.trim_end()), text.lines().next());
    assert_eq!(write(&[], &[], &BTreeMap::new(), false).unwrap(), "");
}

#[test]
fn no_cell_is_a_formula() {
    for begins in FORMULA {
        let text = format!("{begins}1+1");
        assert_eq!(harmless(&text), format!("'{text}"));
    }
    assert_eq!(harmless("18.4 = a"), "18.4 = a");
    let mut evil = largest("=").shown.evaluation;
    evil.versions.model = "@SUM(1)".into();
    evil.dr_number = DrNumber::parse("DR1").unwrap();
    let cards = [card(&evil)];
    let text = write(&cards, &[Some(evil)], &BTreeMap::new(), true).unwrap();
    for line in read(&text) {
        assert!(
            line.values().all(|cell| !cell.starts_with(FORMULA)),
            "{line:?}"
        );
    }
}

#[test]
fn the_largest_page_is_within_what_a_function_may_answer() {
    for text in ["a", "\"", "\\", "ä"] {
        let evaluation = largest(text).shown.evaluation;
        let cards = vec![card(&evaluation); MOST];
        let all = vec![Some(evaluation); MOST];
        let csv = write(&cards, &all, &BTreeMap::new(), true).unwrap();
        let answer = serde_json::to_vec(&http::text(200, "text/csv", csv)).unwrap();
        assert!(answer.len() < LARGEST_ANSWER, "{text:?}: {}", answer.len());
    }
}

#[test]
fn a_span_of_time_is_wanted_and_the_next_page_is_named() {
    let month = json!({"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00+00:00"});
    let asked_for = asked(month).unwrap();
    assert_eq!((asked_for.limit, &asked_for.after), (MOST, &None));
    assert_eq!(
        asked_for.file_name(),
        "evaluations-2026-11-01-2026-12-01.csv"
    );
    let id = "01933a5c-7d2e-7c4a-9b1f-3e5d6a7b8c9d";
    let next = Order::Newest.parse(id).unwrap();
    assert_eq!(
        asked_for.link(&next),
        format!(
            "</export?from=2026-11-01T00:00:00.000Z&to=2026-12-01T00:00:00.000Z&limit=50&cursor={id}>; rel=\"next\""
        )
    );
    for wrong in [
        json!({}),
        json!({"from": "2026-11-01T00:00:00Z"}),
        json!({"from": "yesterday", "to": "2026-11-01T00:00:00Z"}),
        json!({"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z", "limit": "51"}),
        json!({"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z", "cursor": "x"}),
    ] {
        assert_eq!(asked(wrong.clone()).unwrap_err().status, 400, "{wrong}");
    }
}
