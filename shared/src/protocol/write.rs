//! Writes to the table as values: what is changed, and on which conditions. The table carries them out; so does the
//! model that checks the protocol, and the conditions are the same ones.

use serde_json::Value;

use crate::domain::ids::{DrNumber, EvaluationId, PhotoId};

/// Which item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An evaluation.
    Evaluation(EvaluationId),
    /// One of its photos.
    Photo(EvaluationId, PhotoId),
    /// The evaluation that answers the question of this fingerprint.
    Fingerprint(String),
    /// When a DR's photos were uploaded last.
    Uploads(DrNumber),
    /// What is known of the VLM.
    Breaker,
}

impl Key {
    /// The partition and sort key.
    pub fn parts(&self) -> (String, String) {
        match self {
            Self::Evaluation(id) => (format!("EVALUATION#{id}"), "META".into()),
            Self::Photo(id, photo) => (format!("EVALUATION#{id}"), format!("PHOTO#{photo}")),
            Self::Fingerprint(fingerprint) => (format!("FINGERPRINT#{fingerprint}"), "CURRENT".into()),
            Self::Uploads(dr) => (format!("DR#{dr}"), "UPLOADS".into()),
            Self::Breaker => ("VLM".into(), "BREAKER".into()),
        }
    }
}

/// A condition on one attribute; dots lead into maps.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// It is there.
    Exists(&'static str),
    /// It is not there.
    Absent(&'static str),
    /// It has this value.
    Is(&'static str, Value),
    /// It is a number below this.
    Below(&'static str, i64),
    /// It is a number up to this.
    AtMost(&'static str, i64),
}

/// What protects an item: the write is refused unless one of the conditions holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Its name, for the list of guards and the check that each is needed.
    pub name: &'static str,
    /// At least one must hold.
    pub any_of: Vec<Condition>,
}

impl Guard {
    /// A guard with one condition.
    pub fn one(name: &'static str, condition: Condition) -> Self {
        Self { name, any_of: vec![condition] }
    }

    /// A guard with two, of which one must hold.
    pub fn either(name: &'static str, first: Condition, second: Condition) -> Self {
        Self { name, any_of: vec![first, second] }
    }
}

/// A change of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It gets this value.
    Set(&'static str, Value),
    /// It gets this value unless it has one.
    SetOnce(&'static str, Value),
    /// It goes.
    Remove(&'static str),
    /// This member leaves the set; an empty set goes.
    TakeOut(&'static str, String),
    /// It is a number and grows by one; an absent one becomes 1.
    Count(&'static str),
}

/// A change of one item. An item that is not there comes into being, unless a guard is against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The item.
    pub key: Key,
    /// All must let it pass.
    pub guards: Vec<Guard>,
    /// What changes.
    pub changes: Vec<Change>,
}

/// A whole item to put in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// The item.
    pub key: Key,
    /// All must let it pass.
    pub guards: Vec<Guard>,
    /// Its attributes, as a JSON object.
    pub item: Value,
}

/// A part of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Puts an item.
    Put(Put),
    /// Changes one.
    Write(Write),
}
