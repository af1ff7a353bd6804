//! The table's stream in a small world, in those that look at it: which verdicts stand, how far the notifier is, and
//! what was told.

use std::collections::BTreeSet;
use std::sync::Arc;

use evaluation::run::tell::Change;
use serde_json::{Value, json};

use crate::invariants::Violation;
use crate::telling::verdict_of;

/// The stream.
#[derive(Debug, Clone, Default, Hash)]
pub struct Stream {
    /// Changes that brought a verdict, as JSON, in their order.
    changes: Vec<Arc<str>>,
    /// Those up to here are done.
    done: usize,
    /// Events that were told, whole.
    told: BTreeSet<Arc<str>>,
}

impl Stream {
    /// An item was written; changes without a verdict are no matter of the notifier's.
    pub fn written(&mut self, old: Option<&Value>, new: Option<&Value>) {
        if new.is_some_and(|new| new.get("verdict").is_some()) {
            let change = json!({"old": old, "new": new});
            self.changes.push(change.to_string().into());
        }
    }

    /// All that is to be handed over next: none if everything is done.
    pub fn batch(&self) -> Option<Arc<str>> {
        let left = self.changes.get(self.done..).unwrap_or_default();
        (!left.is_empty()).then(|| format!("[{}]", left.join(",")).into())
    }

    /// The notifier is through with a batch.
    pub fn is_through(&mut self, batch: &str) {
        self.done = (self.done + changes(batch).len()).min(self.changes.len());
    }

    /// The last change that is done, to be handed over once more.
    pub fn again(&mut self) -> bool {
        let was_told = self.done > 0;
        self.done = self.done.saturating_sub(1);
        was_told
    }

    /// Whether something was done that could come again.
    pub fn may_come_again(&self) -> bool {
        self.done > 0
    }

    /// The topic takes an event; says what is wrong with it.
    pub fn published(&mut self, body: &str) -> Option<Violation> {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        let data = event.get("data").unwrap_or(&Value::Null);
        let says = |new: &Value| {
            verdict_of(new) == verdict_of(data) && new.get("verdict") == data.get("verdict")
        };
        if !self.verdicts().iter().any(says) {
            return Some(Violation(
                "11: a completion is told that does not stand".into(),
            ));
        }
        let same_id = |told: &Arc<str>| id_of(told) == id_of(body) && **told != *body;
        let other = self.told.iter().any(same_id);
        self.told.insert(body.into());
        other.then(|| Violation("11: a completion is told twice with another content".into()))
    }

    /// Whether each verdict that stood was told.
    pub fn all_told(&self) -> bool {
        let told: Vec<Value> = self
            .told
            .iter()
            .filter_map(|body| serde_json::from_str(body).ok())
            .collect();
        let told: Vec<_> = told
            .iter()
            .filter_map(|event| verdict_of(event.get("data")?))
            .collect();
        let verdicts = self.verdicts();
        verdicts
            .iter()
            .filter_map(verdict_of)
            .all(|verdict| told.contains(&verdict))
    }

    fn verdicts(&self) -> Vec<Value> {
        let all = self
            .changes
            .iter()
            .flat_map(|change| changes(&format!("[{change}]")));
        all.filter_map(|change| change.new).collect()
    }
}

/// The changes of a batch.
pub fn changes(batch: &str) -> Vec<Change> {
    let all: Vec<Value> = serde_json::from_str(batch).unwrap_or_default();
    let part =
        |change: &Value, name: &str| change.get(name).filter(|item| !item.is_null()).cloned();
    let change = |change: &Value| Change {
        old: part(change, "old"),
        new: part(change, "new"),
        by_ttl: false,
    };
    all.iter().map(change).collect()
}

fn id_of(body: &str) -> Option<String> {
    let event: Value = serde_json::from_str(body).ok()?;
    Some(event.get("id")?.as_str()?.to_owned())
}
