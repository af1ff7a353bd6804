use serde_json::json;

use super::*;
use crate::domain::review_chain::{Chain, hash_of, link_to, verify};

fn record(number: u32, previous: Option<Link>, said: Said) -> ReviewRecord {
    ReviewRecord {
        number,
        previous,
        dr_number: DrNumber::parse("DR1").unwrap(),
        evaluation_id: EvaluationId::from_parts(Timestamp::from_millis(0), [1; 10]),
        revision: 1,
        mode: Mode::Full,
        said,
        reason: Some("The seal is „broken“.".into()),
        by: Some("u-7".into()),
        at: Timestamp::from_millis(i64::from(number)),
        before: Before {
            verdict: Verdict::Pass,
            outcome: Some(StepOutcome::Pass),
            score: Some(Score::try_from(9).unwrap()),
            reading: None,
            reviewed_verdict: None,
            review: None,
        },
        reviewed_verdict: Some(Verdict::Fail),
        kept_until: 1_000 + i64::from(number),
        trace_id: None,
        request: None,
    }
}

fn decision() -> Said {
    Said::Decision(Decided {
        step: Some(StepKey::parse("house_photo").unwrap()),
        decision: Decision::Fail,
        photo: Some(DecidingPhoto {
            name: "a.jpg".into(),
            content: "\"1\"".into(),
        }),
        reading: None,
        seen: "s".into(),
    })
}

fn item(record: &ReviewRecord) -> Value {
    let mut item = json!(record);
    item["pk"] = json!("REVIEWS#DR1");
    item["sk"] = json!(sort_key(record.number));
    item["ttl"] = json!(record.kept_until);
    item
}

/// So many records, each with the hash of the one before.
fn chain(records: u32) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for number in 1..=records {
        let said = if number == 3 {
            Said::Withdrawal { withdraws: 1 }
        } else {
            decision()
        };
        items.push(item(&record(number, items.last().map(link_to), said)));
    }
    items
}

const EARLY: Timestamp = Timestamp::MIN;

#[test]
fn a_record_is_read_as_it_was_written_and_a_later_release_s_does_no_harm() {
    for said in [decision(), Said::Withdrawal { withdraws: 7 }] {
        let record = record(8, None, said);
        assert_eq!(ReviewRecord::of_item(&item(&record)), Some(record));
    }
    let mut later = item(&record(1, None, decision()));
    later["said"] = json!({"kind": "second_opinion", "of": 7});
    later["more"] = json!(1);
    assert_eq!(ReviewRecord::of_item(&later).unwrap().said, Said::Unknown);
    later["said"] = json!({"kind": "decision", "decision": "unsure", "seen": "s"});
    let read = ReviewRecord::of_item(&later).unwrap();
    assert_eq!(read.decided().unwrap().decision, Decision::Unknown);
    assert_eq!(ReviewRecord::of_item(&json!({"sk": "REVIEW#1"})), None);
    assert_eq!(ReviewRecord::of_item(&json!({"number": 1})), None);
}

#[test]
fn numbers_sort_as_they_count() {
    assert!(sort_key(9) < sort_key(10) && sort_key(99) < sort_key(MOST_REVIEWS));
}

#[test]
fn what_is_hashed_is_all_that_was_written_in_whatever_order_it_is_read() {
    let one: Value =
        serde_json::from_str(r#"{"a": 1, "b": {"c": [1, "x"], "d": 2}, "ttl": 1}"#).unwrap();
    let other: Value =
        serde_json::from_str(r#"{"pk": "p", "b": {"d": 2, "c": [1, "x"]}, "a": 1}"#).unwrap();
    assert_eq!(hash_of(&one), hash_of(&other));
    for changed in [
        json!({"a": 2, "b": {"c": [1, "x"], "d": 2}}),
        json!({"a": 1, "b": {"c": ["x", 1], "d": 2}}),
        json!({"a": 1, "b": {"c": [1, "x"], "d": 2}, "later": true}),
        json!({"a": 1, "b": {"c": [1, "x"], "d": 2, "ttl": 1}}),
        json!({"a": 1, "b": {"c": [1, "x\",\"y"], "d": 2}}),
    ] {
        assert_ne!(hash_of(&one), hash_of(&changed), "{changed}");
    }
}

#[test]
fn a_chain_that_is_whole_is_intact() {
    for records in 0..5 {
        assert_eq!(verify(&chain(records), EARLY), Chain::Intact, "{records}");
    }
}

#[test]
fn any_change_of_any_attribute_of_any_record_breaks_the_chain_but_at_the_end() {
    let whole = chain(4);
    for at in 0..3 {
        let names: Vec<String> = whole[at].as_object().unwrap().keys().cloned().collect();
        let changes = names
            .iter()
            .filter(|name| !["pk", "ttl"].contains(&name.as_str()));
        for name in changes {
            let mut changed = whole.clone();
            changed[at][name] = json!("other");
            let found = verify(&changed, EARLY);
            assert_ne!(found, Chain::Intact, "{at} {name}");
        }
    }
}

/// As after the retention was made shorter, or where the time to live deletes the second before the first.
#[test]
fn a_gap_of_what_was_to_be_kept_no_longer_is_none() {
    let whole = chain(5);
    for (from, to) in [(1, 2), (2, 3), (1, 3), (0, 2)] {
        let left = [&whole[..from], &whole[to..]].concat();
        let (number, kept_until) = (to as i64 + 1, 1_000 + to as i64);
        let at = |seconds: i64| verify(&left, Timestamp::from_millis(seconds * 1000));
        let broken = Chain::Broken { at: number as u32 };
        assert_eq!(at(kept_until - 1), broken, "{from}..{to}");
        assert_eq!(at(kept_until), Chain::Intact, "{from}..{to}");
    }
    // What is left is as it was written all the same.
    let mut changed = [&whole[..1], &whole[2..]].concat();
    changed[1]["reason"] = json!("other");
    let late = Timestamp::from_millis(9_000_000);
    assert_eq!(verify(&changed, late), Chain::Broken { at: 4 });
}

#[test]
fn a_gap_a_swap_and_a_beginning_that_is_gone_too_early_break_the_chain() {
    let whole = chain(4);
    let without = |at: usize| {
        let mut items = whole.clone();
        items.remove(at);
        items
    };
    assert_eq!(verify(&without(1), EARLY), Chain::Broken { at: 3 });
    assert_eq!(verify(&without(2), EARLY), Chain::Broken { at: 4 });
    assert_eq!(verify(&without(0), EARLY), Chain::Broken { at: 2 });
    // The first was kept until second 1001.
    let (before, after) = (1_000_999, 1_001_000);
    let at = |millis| verify(&without(0), Timestamp::from_millis(millis));
    assert_eq!(at(before), Chain::Broken { at: 2 });
    assert_eq!(at(after), Chain::Intact);
    assert_eq!(
        verify(&without(2), Timestamp::from_millis(1_002_999)),
        Chain::Broken { at: 4 }
    );
    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    assert_ne!(verify(&swapped, EARLY), Chain::Intact);
    let mut doubled = whole.clone();
    doubled.insert(1, whole[1].clone());
    assert_ne!(verify(&doubled, EARLY), Chain::Intact);
}
