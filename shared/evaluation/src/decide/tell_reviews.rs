//! What is told of people's decisions, made of the item of a record as the table's stream hands it over; and that an item
//! was changed that must never be.
//!
//! # Invariants
//! - An event is a function of the item alone, which is written once: told again it has the same id and the same bytes.
//! - Neither who decided nor why is in it, nor the name of a photo.

use serde_json::Value;

use super::tell::{Data, Event, Kind, Links, ReviewTold};
use crate::domain::invalid::Invalid;
use crate::domain::review::{PREFIX, ReviewRecord, Said};
use crate::domain::review_chain::hash_of;

/// What a change of an item tells, if it is a record that was written.
pub fn reviewed(
    source: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Result<Option<Event>, Invalid> {
    let Some(item) = new.filter(|item| old.is_none() && is_review(item)) else {
        return Ok(None);
    };
    let unreadable = || Invalid("a review's item can't be read".into());
    let record = ReviewRecord::of_item(item).ok_or_else(unreadable)?;
    Ok(Some(told(source, record, hash_of(item))))
}

fn told(source: &str, record: ReviewRecord, hash: String) -> Event {
    let withdraws = match record.said {
        Said::Withdrawal { withdraws } => Some(withdraws),
        Said::Decision(_) | Said::Unknown => None,
    };
    let decided = record.decided();
    let review = ReviewTold {
        review: record.number,
        review_hash: hash,
        step: decided.and_then(|decided| decided.step.clone()),
        decision: decided.map(|decided| decided.decision),
        withdraws,
        reviewed_verdict: record.reviewed_verdict,
        previous_reviewed_verdict: record.before.reviewed_verdict,
    };
    let data = Data {
        links: Links::of(&record.evaluation_id, &record.dr_number),
        mode: record.mode,
        verdict: record.before.verdict,
        carried: None,
        revision: record.revision,
        flags: None,
        change: None,
        previous_verdict: None,
        superseded_by: None,
        review: Some(review),
        evaluation_id: record.evaluation_id,
        dr_number: record.dr_number,
    };
    Event::new(source, Kind::Reviewed, record.number, record.at, data)
}

/// The record that was changed, or deleted before its time, by its partition and sort key: none may be.
pub fn tampered(old: Option<&Value>, new: Option<&Value>, by_ttl: bool) -> Option<String> {
    let old = old.filter(|item| is_review(item))?;
    let is_expiry = by_ttl && new.is_none();
    if is_expiry || new == Some(old) {
        return None;
    }
    let key = |name: &str| old.get(name).and_then(Value::as_str).unwrap_or_default();
    Some(format!("{} {}", key("pk"), key("sk")))
}

fn is_review(item: &Value) -> bool {
    let key = item.get("sk").and_then(Value::as_str);
    key.is_some_and(|key| key.starts_with(PREFIX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decide::fixtures::id;

    const SOURCE: &str = "https://api.example";

    fn item(said: Value) -> Value {
        json!({
            "pk": "REVIEWS#DR1", "sk": "REVIEW#00000007", "ttl": 9, "number": 7, "dr_number": "DR1",
            "evaluation_id": id(1), "revision": 2, "mode": "full", "said": said, "reason": "secret reason",
            "by": "secret person", "at": "2026-11-26T10:00:00.000Z", "reviewed_verdict": "fail", "kept_until": 9,
            "before": {"verdict": "pass", "outcome": "pass", "score": 9},
        })
    }

    fn decision() -> Value {
        let photo = json!({"name": "secret.jpg", "content": "secret content"});
        item(
            json!({"kind": "decision", "step": "house_photo", "decision": "fail", "photo": photo, "seen": "s"}),
        )
    }

    #[test]
    fn a_record_is_told_when_it_is_written_with_both_verdicts_and_without_people_or_homes() {
        let item = decision();
        let event = reviewed(SOURCE, None, Some(&item)).unwrap().unwrap();
        assert_eq!(event.id, format!("{}/7/reviewed", id(1)));
        let body: Value = serde_json::from_str(&event.to_body()).unwrap();
        assert_eq!(body["type"], "fibre-evaluation.evaluation.reviewed.v1");
        assert_eq!(
            body["dataschema"],
            "urn:fibre-evaluation:schema:review:1#/$defs/data"
        );
        assert_eq!(body["time"], "2026-11-26T10:00:00.000Z");
        let data = &body["data"];
        let expected = json!({
            "evaluation_id": id(1), "dr_number": "DR1", "mode": "full", "verdict": "pass", "revision": 2,
            "review": 7, "review_hash": hash_of(&item), "step": "house_photo", "decision": "fail",
            "reviewed_verdict": "fail", "previous_reviewed_verdict": null, "links": data["links"],
        });
        assert_eq!(data, &expected);
        assert!(!event.to_body().contains("secret"));
        let withdrawal = self::item(json!({"kind": "withdrawal", "withdraws": 3}));
        let event = reviewed(SOURCE, None, Some(&withdrawal)).unwrap().unwrap();
        assert_eq!(event.data.review.unwrap().withdraws, Some(3));
    }

    #[test]
    fn nothing_else_is_told_and_what_can_t_be_read_is_said_to_be() {
        let item = decision();
        let evaluation = json!({"pk": "EVALUATION#1", "sk": "META"});
        assert_eq!(reviewed(SOURCE, Some(&item), Some(&item)), Ok(None));
        assert_eq!(reviewed(SOURCE, Some(&item), None), Ok(None));
        assert_eq!(reviewed(SOURCE, None, Some(&evaluation)), Ok(None));
        let odd = json!({"pk": "REVIEWS#DR1", "sk": "REVIEW#00000001"});
        assert!(reviewed(SOURCE, None, Some(&odd)).is_err());
    }

    #[test]
    fn a_record_that_is_changed_or_deleted_is_noticed_but_for_its_time_to_live() {
        let item = decision();
        let mut other = item.clone();
        other["said"]["decision"] = json!("pass");
        let (old, new) = (Some(&item), Some(&other));
        let key = Some("REVIEWS#DR1 REVIEW#00000007".to_owned());
        assert_eq!(tampered(old, new, false), key);
        assert_eq!(tampered(old, new, true), key, "time to live only deletes");
        assert_eq!(tampered(old, None, false), key);
        assert_eq!(tampered(old, None, true), None);
        assert_eq!(tampered(None, new, false), None);
        assert_eq!(tampered(old, old, false), None);
        let evaluation = json!({"pk": "EVALUATION#1", "sk": "META"});
        assert_eq!(tampered(Some(&evaluation), None, false), None);
    }
}
