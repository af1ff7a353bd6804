//! Known cases: evaluations whose truth an operator knows and reviewers are not told, to see whether they still look.
//!
//! # Invariants
//! - Nothing that reviewers see says that a case is known: it is listed as if chance had drawn it.
//! - A known case says nothing of how right the model is: it was chosen.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::update::UpdateAction::{Remove, Set};
use super::update::{Key, Update};
use crate::domain::ids::{DrNumber, EvaluationId};
use crate::domain::time::Timestamp;

/// The part of the index `listed` that known cases are in, by the evaluation.
pub const LISTED: &str = "KNOWN";
/// Known cases of a span that are read at most.
pub const MOST_KNOWN: usize = 500;

/// A known case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Its DR.
    pub dr_number: DrNumber,
    /// Whether it truly passes.
    pub truly_passes: bool,
    /// Who says so.
    #[serde(default)]
    pub known_by: Option<String>,
    /// When.
    pub known_at: Timestamp,
}

impl Known {
    /// The known case that an item is, if it is one.
    pub fn of_item(item: &Value) -> Option<Self> {
        item.get("truly_passes")?;
        Self::deserialize(item).ok()
    }

    /// Keeps it, in place of what was known before.
    pub fn kept(&self, kept_for: Duration) -> Update {
        let deleted_after = self.known_at.after(kept_for);
        Update {
            key: Key::Known(self.evaluation_id.clone()),
            guards: Vec::new(),
            actions: vec![
                Set("evaluation_id", json!(self.evaluation_id)),
                Set("dr_number", json!(self.dr_number)),
                Set("truly_passes", json!(self.truly_passes)),
                Set("known_by", json!(self.known_by)),
                Set("known_at", json!(self.known_at)),
                Set("ttl", json!(deleted_after.as_seconds())),
                Set("gsi_list", json!(LISTED)),
                Set("gsi_at", json!(self.evaluation_id)),
            ],
        }
    }
}

/// Nobody says any more what an evaluation truly is. It stays listed as it was: that it is not any more would tell.
pub fn forgotten(id: &EvaluationId, now: Timestamp) -> Update {
    let fields = ["truly_passes", "known_by", "known_at", "gsi_list", "gsi_at"];
    let forgets = fields.map(Remove).into_iter();
    Update {
        key: Key::Known(id.clone()),
        guards: Vec::new(),
        actions: forgets
            .chain([Set("ttl", json!(now.as_seconds()))])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::id;
    use super::*;

    #[test]
    fn a_known_case_is_read_as_it_was_kept_and_nothing_else_is_one() {
        let known = Known {
            evaluation_id: id(1),
            dr_number: DrNumber::parse("DR1").unwrap(),
            truly_passes: false,
            known_by: Some("u-7".into()),
            known_at: Timestamp::from_millis(5_000),
        };
        let mut item = json!({});
        for action in known.kept(Duration::from_secs(9)).actions {
            let Set(name, value) = action else { panic!() };
            item[name] = value;
        }
        assert_eq!(Known::of_item(&item), Some(known));
        assert_eq!(
            (&item["ttl"], &item["gsi_list"]),
            (&json!(14), &json!("KNOWN"))
        );
        assert_eq!(Known::of_item(&json!({"evaluation_id": id(1)})), None);
        for action in forgotten(&id(1), Timestamp::from_millis(7_000)).actions {
            match action {
                Remove(name) => drop(item.as_object_mut().unwrap().remove(name)),
                Set(name, value) => item[name] = value,
                _ => panic!(),
            }
        }
        assert_eq!(Known::of_item(&item), None);
        let left = json!({"evaluation_id": id(1), "dr_number": "DR1", "ttl": 7});
        assert_eq!(item, left, "the index lists it no more");
    }
}
